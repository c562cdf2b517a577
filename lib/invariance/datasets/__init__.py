"""Data sets that make their images on the device, and the splits and data module around them."""

from invariance.datasets.split import Split, normalise
from invariance.datasets.transforms_2d import Transforms2D, paste

__all__ = ["Split", "Transforms2D", "normalise", "paste"]
