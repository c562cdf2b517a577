"""The smallest units that train and measure something, for the tests of this folder."""

from invariance.studies import invariances_or_classes, tasks
from invariance.units import Pretraining, Probes

TINY = invariances_or_classes.STUDY.at("smoke", 1, samples=64, validation_samples=32, probe_samples=64, test_samples=64)


def one(seed=0, **changes):
    unit = tasks.pretrained(TINY, seed, "subset", "first")
    return Pretraining(**{**unit.model_dump(), **changes})


def probe_of(unit, **changes):
    fields = {"samples": (16,), "validation_samples": 16, "test_samples": 16, "probe_method": "lbfgs"}
    return Probes(**{"pretraining": unit, "targets": {"first": one().data}, **fields, **changes})
