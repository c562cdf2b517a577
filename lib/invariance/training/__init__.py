"""Pretraining (`training.fit`, imported by who trains: Lightning takes seconds to load), features, linear probe."""

from invariance.training.devices import pick_device
from invariance.training.inference import accuracy, features
from invariance.training.probe import linear_probe

__all__ = ["accuracy", "features", "linear_probe", "pick_device"]
