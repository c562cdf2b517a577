"""Labelled natural images: CIFAR-10 and CIFAR-100, and their embedded stand-ins from scenes.

Every source has 60,000 images of 32 x 32 pixels: rows 0 .. 49,999 are for training, the other
10,000 for the test, with equally many of each class in both.
"""

import numpy as np

from invariance.errors import check_known
from invariance.pictures import cifar, scenes
from invariance.pictures.cache import cached

NATURAL = ("scenes10", "scenes100", "cifar10", "cifar100")
SIZE, TRAIN, TEST = 32, 50_000, 10_000
SCENES_SEED = 1  # other scenes than the backgrounds, which have seed 0


def natural_classes(source: str) -> tuple[str, ...]:
    """Class names in the order of their labels: 10 or 100."""
    check_known("source of natural images", source, NATURAL)
    if source.startswith("scenes"):
        return scenes.TYPES if source == "scenes10" else scenes.VARIANTS
    return cifar.CLASSES[source]


def natural_labels(source: str) -> np.ndarray:
    """Labels of all rows, int64 (60,000,)."""
    check_known("source of natural images", source, NATURAL)
    if source.startswith("scenes"):
        return scenes.labels(np.arange(TRAIN + TEST), fine=source == "scenes100")
    return cifar.load(source)[1]


def natural_images(source: str, rows: np.ndarray) -> np.ndarray:
    """Images with these row numbers, int64 (N,), each at most once: uint8 (N, 32, 32, 3).

    Scenes are rendered when first asked for and kept in the disk cache. Raises `InputError` where
    CIFAR is not at hand or damaged.
    """
    check_known("source of natural images", source, NATURAL)
    if not source.startswith("scenes"):
        return cifar.load(source)[0][rows]
    name = f"varied-scenes-v{scenes.VERSION}-{scenes.VARIED_VERSION}-{SIZE}"
    return cached(name, (SIZE, SIZE, 3), rows, lambda missing: scenes.render(missing, SIZE, SCENES_SEED, varied=True))
