"""The smallest units that train and measure something, for the tests of this folder."""

from invariance.experiments import factors, profiles, units
from invariance.experiments.units import Pretraining

SMALL = {"samples": 64, "validation_samples": 32, "probe_samples": 64, "test_samples": 64}
TINY = profiles.profile("smoke", seeds=1, factors=SMALL)
PAPER = profiles.profile("paper", pictures="embedded")


def one(seed=0, **changes):
    unit = factors.trained(TINY, seed, "subset", "same", "cpu")
    return Pretraining(**{**unit.model_dump(exclude={"infra"}), **changes})


def probe_of(unit, **changes):
    fields = {"samples": (16,), "validation_samples": 16, "test_samples": 16, "device": "cpu"}
    return units.LinearProbe(**{"pretraining": unit, "target": one().data, **fields, **changes})
