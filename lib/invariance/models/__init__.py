"""Backbones for 32 x 32 images, and the classifier around them.

A backbone maps normalised images (B, 3, H, W) to a representation (B, D); a `Classifier` adds a linear head.
"""

from invariance.models.architectures import MODELS, build, with_maps
from invariance.models.classifier import Classifier
from invariance.models.outside import load_weights, read_weights, save_weights, wrap

__all__ = ["MODELS", "Classifier", "build", "load_weights", "read_weights", "save_weights", "with_maps", "wrap"]
