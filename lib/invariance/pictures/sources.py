"""Where pictures come from, behind two functions: `foregrounds` and `backgrounds`.

Sources: `glyphs` and `scenes` (embedded, offline), `folder:PATH` (your own images), `hub:OWNER/NAME` (a
data set on the Hugging Face Hub), `random` (uniform noise) and, for backgrounds, `black`, `colour:RRGGBB` and
the sources of natural images.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError, check_known
from invariance.pictures import glyphs, hub, scenes
from invariance.pictures.cache import cached
from invariance.pictures.natural import NATURAL, SIZE, natural_images
from invariance.pictures.reading import read_background, read_object

FOREGROUNDS = ("glyphs", "random", "folder:PATH", "hub:OWNER/NAME")
BACKGROUNDS = ("scenes", "random", "black", "colour:RRGGBB", *NATURAL, "folder:PATH", "hub:OWNER/NAME")
NATURAL_BACKGROUNDS = 5000
"""Training images of a natural-image source that serve as backgrounds."""
RANDOM_CLASSES = 61
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Objects:
    """Object pictures by class: `images` uint8 (N, 4, size, size), straight alpha.

    The pictures of class k are images[first[k] : first[k] + count[k]].
    """

    images: Tensor
    classes: tuple[str, ...]
    first: Tensor
    count: Tensor


def foregrounds(source: str, size: int, prototypes: int = 1, classes: Sequence[str] | None = None) -> Objects:
    """Objects of a source, each filling a canvas of `size` pixels.

    `prototypes` is the largest number of pictures a class; `classes` keeps these, in this order.
    Raises `InputError` for an unknown source or class, an empty class or an unreadable file.
    """
    if classes is None:
        classes = class_names(source)
    else:
        check_classes(classes, class_names(source))
    by_class = _load_foregrounds(source, size, prototypes, classes)
    count = torch.tensor([len(images) for images in by_class.values()])
    images = torch.cat([torch.from_numpy(i.copy()) for i in by_class.values()]).permute(0, 3, 1, 2)
    return Objects(images.contiguous(), tuple(by_class), count.cumsum(0) - count, count)


def class_names(source: str) -> tuple[str, ...]:
    """The classes that a foreground source has."""
    check_source(source, FOREGROUNDS)
    if source == "glyphs":
        return glyphs.CLASSES
    if source == "random":
        return tuple(f"random_{k}" for k in range(RANDOM_CLASSES))
    if source.startswith("hub:"):
        return hub.class_names(source)
    return tuple(folder.name for folder in _class_folders(_folder_of(source)))


def backgrounds(source: str, size: int) -> Tensor | None:
    """Pictures uint8 (N, 3, size, size); None for `random`, which has fresh ones for every image."""
    check_source(source, BACKGROUNDS)
    if source == "random":
        return None
    if source == "black":
        source = "colour:000000"
    if source.startswith("colour:"):
        colour = bytes.fromhex(source.removeprefix("colour:"))
        return torch.tensor(list(colour), dtype=torch.uint8)[None, :, None, None].repeat(1, 1, size, size)
    return torch.from_numpy(_load_backgrounds(source, size).copy()).permute(0, 3, 1, 2).contiguous()


def fingerprint(source: str) -> str:
    """What tells two states of a source apart: a hash of a folder's images, or the Hub's commit.

    Empty for embedded pictures, which `VERSION` covers, and for CIFAR, whose checksums are fixed. It
    belongs into the identity of whatever is computed from the source and kept. Raises `InputError` for a picture
    that cannot be read.
    """
    if source.startswith("hub:"):
        return hub.commit(source)
    if not source.startswith("folder:"):
        return ""
    folder = _folder_of(source)
    inside = [*folder.glob("*"), *(path for path in folder.glob("*/*") if not path.parent.name.startswith("."))]
    files = sorted(path for path in inside if _is_picture(path) and not os.path.isdir(path))
    try:
        stats = [(file, file.stat()) for file in files]
        return _hash_of_files(folder, tuple((file, found.st_size, found.st_mtime_ns) for file, found in stats))
    except OSError as error:
        raise InputError(f"Cannot read the image {error.filename}: {error.strerror}. Replace or remove it.") from None


def check_source(source: str, known: Sequence[str]) -> None:
    """Raise `InputError` for a source that is not among `known`."""
    if source.startswith("folder:") and len(source) > len("folder:"):
        return
    if source.startswith("hub:"):
        hub.check_source(source)
        return
    if "colour:RRGGBB" in known and re.fullmatch("colour:[0-9a-fA-F]{6}", source):
        return
    check_known("asset source", source, known)


def check_classes(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise `InputError` unless `names` are some of the classes `known`, each once, and at least one."""
    if not names:
        raise InputError("The list of classes is empty: name at least one, or leave it out for all.")
    for name in names:
        check_known("class", name, known)
    if len(set(names)) < len(names):
        raise InputError("A class is listed twice: list each once.")


def _load_foregrounds(source: str, size: int, prototypes: int, classes: Sequence[str]) -> dict[str, np.ndarray]:
    if source == "glyphs":
        pictures = glyphs.render(size)[:, :prototypes]
        return {name: pictures[glyphs.CLASSES.index(name)] for name in classes}
    if source == "random":
        return {name: _random_object(name, size)[None] for name in classes}
    if source.startswith("hub:"):
        return hub.foregrounds(source, size, prototypes, classes)
    return {name: _read_class(_folder_of(source) / name, size, prototypes) for name in classes}


def _load_backgrounds(source: str, size: int) -> np.ndarray:
    # (N, size, size, 3). Photographs take long to decode, so what becomes of them is kept, by their fingerprint.
    if source == "scenes":
        return scenes.backgrounds(size=size)
    if source in NATURAL:
        if size != SIZE:
            raise InputError(f"{source} has images of {SIZE} pixels a side, not {size}: use scenes for other sizes.")
        return natural_images(source, np.arange(NATURAL_BACKGROUNDS))
    name = f"backgrounds-{fingerprint(source)}-{size}"
    if source.startswith("hub:"):
        return cached(name, (hub.count(source), size, size, 3), lambda: hub.backgrounds(source, size))
    files = image_files(_folder_of(source))
    if not files:
        raise InputError(f"No images in {_folder_of(source)}: put .png or .jpg files there.")
    shape = (len(files), size, size, 3)
    return cached(name, shape, lambda: np.stack([read_background(file, size) for file in files]))


def _random_object(name: str, size: int) -> np.ndarray:
    # One fixed, opaque block of uniform pixels a class: (size, size, 4).
    key = torch.tensor([sampling.stream(0, "random object", name)])
    pixels = (sampling.uniform(key, size, size, 4)[0] * 256).byte().numpy()
    pixels[..., 3] = 255
    return pixels


def _folder_of(source: str) -> Path:
    folder = Path(os.path.expanduser(source.removeprefix("folder:")))
    if not os.path.isdir(folder):  # unlike Path's, it raises nothing where permission is missing
        raise InputError(f"No folder {folder}: give an existing one that you may read, as folder:PATH.")
    return folder


def _class_folders(folder: Path) -> list[Path]:
    found = [path for path in _entries(folder) if os.path.isdir(path) and not path.name.startswith(".")]
    if not found:
        raise InputError(f"No classes in {folder}: it needs one folder a class, <class>/<file>.png.")
    return found


def image_files(folder: Path) -> list[Path]:
    """The pictures in a folder, by name. Raises `InputError` for a folder that may not be listed."""
    return [path for path in _entries(folder) if _is_picture(path)]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"Cannot list the folder {folder}: {error.strerror}. Make it readable to you.") from None


def _is_picture(path: Path) -> bool:
    # By its name. Hidden files are none: macOS leaves one, ._a.png, beside every a.png on other systems' disks.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _read_class(folder: Path, size: int, prototypes: int) -> np.ndarray:
    files = image_files(folder)[:prototypes]
    if not files:
        raise InputError(f"Class {folder.name!r} has no prototype: put a .png into {folder}.")
    return np.stack([read_object(file, size) for file in files])


@lru_cache(maxsize=16)
def _hash_of_files(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    # By content, so that a copy elsewhere has the same; sizes and times only say when to look again.
    digest = hashlib.blake2b(digest_size=16)
    for file, size, _ in files:
        digest.update(f"{file.relative_to(folder).as_posix()} {size}\n".encode() + file.read_bytes())
    return digest.hexdigest()
