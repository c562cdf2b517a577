"""Pretraining, features and the linear probe."""

from invariance.training.devices import pick_device
from invariance.training.fit import fit
from invariance.training.inference import accuracy, features
from invariance.training.probe import linear_probe

__all__ = ["accuracy", "features", "fit", "linear_probe", "pick_device"]
