"""CIFAR-10 and CIFAR-100, from torchvision's files on this machine; downloaded only when asked to.

The files are Python pickles. Each one's checksum is compared with the published one, which torchvision
carries, before it is read: nothing but those files themselves is ever unpickled.
"""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from invariance.errors import InputError, check_known
from invariance.files import cache_dir

# In the order of their labels, and here so that a specification can be made without the files.
_NAMES_10 = "airplane automobile bird cat deer dog frog horse ship truck"
_NAMES_100 = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can "
    "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin "
    "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard "
    "lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear "
    "pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark "
    "shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone "
    "television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
)
CLASSES = {"cifar10": tuple(_NAMES_10.split()), "cifar100": tuple(_NAMES_100.split())}


def folder() -> Path:
    """Where CIFAR is looked for: `$CIFAR_DIR` if set, else `cifar` in the cache."""
    own = os.environ.get("CIFAR_DIR")
    return Path(own).expanduser() if own else cache_dir() / "cifar"


def download(source: str) -> Path:
    """Download CIFAR-10 or CIFAR-100 (170 MB) to `folder()`, unless it is there, and check it."""
    check_known("data set to download", source, CLASSES)
    try:
        _torchvision(source)(folder(), download=True)
    except (OSError, RuntimeError) as error:
        message = str(error).splitlines()[0]
        raise InputError(f"Cannot download {source} to {folder()}: {message}. Is there a network, and room?") from None
    _load.cache_clear()
    return folder()


def load(source: str) -> tuple[np.ndarray, np.ndarray]:
    """All images, uint8 (60,000, 32, 32, 3), training ones first, and labels, int64 (60,000,).

    Raises `InputError` when the files are missing, and `$INVARIANCE_DOWNLOAD` is not 1, or damaged.
    """
    check_known("CIFAR data set", source, CLASSES)
    return _load(source, folder())


@lru_cache(maxsize=2)
def _load(source: str, place: Path) -> tuple[np.ndarray, np.ndarray]:
    kind = _torchvision(source)
    if os.environ.get("INVARIANCE_DOWNLOAD") == "1" and not (place / kind.base_folder).is_dir():
        download(source)
    try:  # torchvision compares the checksums of all files before it reads the first
        train, test = (kind(place, train=part) for part in (True, False))
    except RuntimeError:
        damaged = (place / kind.base_folder).is_dir()
        first = (
            f"damaged: delete {place / kind.base_folder} and"
            if damaged
            else "missing: set CIFAR_DIR to where it is, or"
        )
        again = f"python -c \"from invariance import pictures; pictures.download('{source}')\""
        raise InputError(f"{source} in {place} is {first} download it (170 MB): {again}") from None
    return np.concatenate([train.data, test.data]), np.array(train.targets + test.targets, np.int64)


def _torchvision(source: str) -> type:
    from torchvision import datasets  # takes seconds to load

    return getattr(datasets, source.upper())
