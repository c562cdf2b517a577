"""Units of work: cached computations, where they run, and the published record of what they gave."""

from invariance.units.kinds import FineTuning, Pretraining, Probes, Sensitivity, untrained
from invariance.units.run import Outcome, Status, planned, run, status, stoppable
from invariance.units.unit import Data, Unit

__all__ = [
    "Data",
    "FineTuning",
    "Outcome",
    "Pretraining",
    "Probes",
    "Sensitivity",
    "Status",
    "Unit",
    "planned",
    "run",
    "status",
    "stoppable",
    "untrained",
]
