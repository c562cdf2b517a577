"""The paper's 18 transformations: each a `draw` and an `apply`, and their composition."""

from invariance.transforms.base import Parameters, Range, Transformation
from invariance.transforms.callable import RandomTransformations
from invariance.transforms.composition import (
    CATEGORIES,
    PAPER,
    PAPER_NAMES,
    TRANSFORMATIONS,
    apply,
    check_size,
    draw,
    find,
    fingerprint,
    names_of,
    own_ones,
    take,
)

__all__ = [
    "CATEGORIES",
    "PAPER",
    "PAPER_NAMES",
    "TRANSFORMATIONS",
    "Parameters",
    "RandomTransformations",
    "Range",
    "Transformation",
    "apply",
    "check_size",
    "draw",
    "find",
    "fingerprint",
    "names_of",
    "own_ones",
    "take",
]
