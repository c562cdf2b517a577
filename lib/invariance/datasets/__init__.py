"""Data sets that make their images on the device, and the splits and data module around them."""

from invariance.datasets.labelled import LabelledImages
from invariance.datasets.natural import NaturalImages
from invariance.datasets.objects_on_images import TASKS, ObjectsOnImages
from invariance.datasets.split import Renderer, Split, normalise
from invariance.datasets.transforms_2d import Transforms2D, paste

__all__ = [
    "TASKS",
    "LabelledImages",
    "NaturalImages",
    "ObjectsOnImages",
    "Renderer",
    "Split",
    "Transforms2D",
    "normalise",
    "paste",
]
