"""Labelled natural images: CIFAR-10 and CIFAR-100, and their embedded stand-ins from scenes.

Every source has 60,000 images of 32 x 32 pixels: rows 0 .. 49,999 are for training, the other
10,000 for the test, with equally many of each class in both.

CIFAR comes from torchvision's files on this machine, in `$CIFAR_DIR` or the cache, and is downloaded only when asked
to. The files are Python pickles. torchvision compares each one's checksum with the published one before it reads any:
nothing but those files themselves is ever unpickled.
"""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from invariance.errors import InputError, check_known
from invariance.files import cache_dir, packaged
from invariance.pictures import scenes
from invariance.pictures.cache import cached

NATURAL = ("scenes10", "scenes100", "cifar10", "cifar100")
SIZE, TRAIN, TEST = 32, 50_000, 10_000
SCENES_SEED = 1  # other scenes than the backgrounds, which have seed 0
_CIFAR = packaged("pictures/cifar.yaml")
CLASSES = dict(zip(NATURAL, (scenes.TYPES, scenes.VARIANTS, *map(tuple, _CIFAR.values())), strict=True))


def natural_classes(source: str) -> tuple[str, ...]:
    """Class names in the order of their labels: 10 or 100."""
    check_known("source of natural images", source, NATURAL)
    return CLASSES[source]


def natural_labels(source: str) -> np.ndarray:
    """Labels of all rows, int64 (60,000,). Raises `InputError` where CIFAR is not at hand or damaged."""
    check_known("source of natural images", source, NATURAL)
    if source.startswith("cifar"):
        return _cifar(source, _folder())[1]
    return scenes.labels(np.arange(TRAIN + TEST), fine=source == "scenes100")


def natural_images(source: str, rows: np.ndarray) -> np.ndarray:
    """Images with these row numbers, int64 (N,), each at most once: uint8 (N, 32, 32, 3).

    Scenes are rendered when first asked for and kept in the disk cache. Raises `InputError` where
    CIFAR is not at hand or damaged.
    """
    check_known("source of natural images", source, NATURAL)
    if source.startswith("cifar"):
        return _cifar(source, _folder())[0][rows]
    name = f"varied-scenes-v{scenes.VERSION}-{scenes.VARIED_VERSION}-{SIZE}"
    return cached(name, (SIZE, SIZE, 3), rows, lambda missing: scenes.render(missing, SIZE, SCENES_SEED, varied=True))


def download(source: str) -> Path:
    """Download CIFAR-10 or CIFAR-100 (170 MB) to `$CIFAR_DIR` or the cache, unless it is there, and check it."""
    check_known("data set to download", source, NATURAL[2:])
    from torchvision import datasets  # takes seconds to load

    try:
        getattr(datasets, source.upper())(_folder(), download=True)
    except (OSError, RuntimeError) as error:
        message = str(error).splitlines()[0]
        raise InputError(f"Cannot download {source} to {_folder()}: {message}. Is there a network, and room?") from None
    _cifar.cache_clear()
    return _folder()


def _folder() -> Path:
    own = os.environ.get("CIFAR_DIR")
    return Path(own).expanduser() if own else cache_dir() / "cifar"


@lru_cache(maxsize=2)
def _cifar(source: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All images, uint8 (60,000, 32, 32, 3), training ones first, and labels, int64 (60,000,)."""
    from torchvision import datasets

    kind = getattr(datasets, source.upper())
    place = folder / kind.base_folder
    if os.environ.get("INVARIANCE_DOWNLOAD") == "1" and not place.is_dir():
        download(source)
    try:
        train, test = (kind(folder, train=part) for part in (True, False))
    except RuntimeError:
        first = f"damaged: delete {place} and" if place.is_dir() else "missing: set CIFAR_DIR to where it is, or"
        again = f"python -c \"from invariance import pictures; pictures.download('{source}')\""
        raise InputError(f"{source} in {folder} is {first} download it (170 MB): {again}") from None
    return np.concatenate([train.data, test.data]), np.array(train.targets + test.targets, np.int64)
