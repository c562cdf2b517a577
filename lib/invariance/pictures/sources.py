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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError, check_known
from invariance.pictures import glyphs, hub, scenes
from invariance.pictures.cache import cached
from invariance.pictures.natural import NATURAL, SIZE, natural_images
from invariance.pictures.reading import check_regular, read_background, read_object

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


def foregrounds(
    source: str, size: int, prototypes: int = 1, classes: Sequence[str] | None = None, from_floats: bool = False
) -> Objects:
    """Objects of a source, each filling a canvas of `size` pixels.

    `prototypes` is the largest number of pictures a class; `classes` keeps these, in this order.
    `from_floats` makes random ones by `float_bytes`.
    Raises `InputError` for an unknown source or class, an empty class or an unreadable file.
    """
    known = class_names(source)
    classes = known if classes is None else classes
    check_classes(classes, known)
    by_class = _load_foregrounds(source, size, prototypes, classes, from_floats)
    count = torch.tensor([len(images) for images in by_class])
    images = torch.from_numpy(np.concatenate(by_class)).permute(0, 3, 1, 2).contiguous()
    return Objects(images, tuple(classes), count.cumsum(0) - count, count)


def class_names(source: str) -> tuple[str, ...]:
    """The classes that a foreground source has."""
    check_source(source, FOREGROUNDS)
    if source == "glyphs":
        return glyphs.CLASSES
    if source == "random":
        return tuple(f"random_{k}" for k in range(RANDOM_CLASSES))
    if source.startswith("hub:"):
        return hub.class_names(source)
    folder = _folder_of(source)
    names = tuple(path.name for path in folders_in(folder))
    if not names:
        raise InputError(f"No classes in {folder}: it needs one folder a class, <class>/<file>.png.")
    return names


def backgrounds(source: str, size: int) -> Tensor | None:
    """Pictures uint8 (N, 3, size, size); None for `random`, which has fresh ones for every image."""
    check_source(source, BACKGROUNDS)
    if source == "random":
        return None
    if source == "black" or source.startswith("colour:"):
        colour = bytes.fromhex(source.removeprefix("colour:").replace("black", "000000"))
        return torch.tensor(list(colour), dtype=torch.uint8)[None, :, None, None].repeat(1, 1, size, size)
    return torch.from_numpy(_load_backgrounds(source, size)).permute(0, 3, 1, 2).contiguous()


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
    files = [file for place in (folder, *folders_in(folder)) for file in image_files(place)]
    try:
        stats = [(file, file.stat()) for file in sorted(files) if not os.path.isdir(file)]
        return _hash_of_files(folder, tuple((file, found.st_size, found.st_mtime_ns) for file, found in stats))
    except OSError as error:
        raise InputError(f"Cannot read the image {error.filename}: {error.strerror}. Replace or remove it.") from None


def check_source(source: str, known: Sequence[str]) -> None:
    """Raise `InputError` for a source that is not among `known`."""
    colour = "colour:RRGGBB" in known and re.fullmatch("colour:[0-9a-fA-F]{6}", source)
    if source.startswith("hub:"):
        hub.check_source(source)
    elif not colour and not re.match("folder:.", source):
        check_known("asset source", source, known)


def check_classes(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise `InputError` unless `names` are some of the classes `known`, each once, and at least one."""
    if not names:
        raise InputError("The list of classes is empty: name at least one, or leave it out for all.")
    for name in names:
        check_known("class", name, known)
    if len(set(names)) < len(names):
        raise InputError("A class is listed twice: list each once.")


def image_files(folder: Path) -> list[Path]:
    """The pictures in a folder, by name. Raises `InputError` for a folder that may not be listed."""
    return [path for path in _entries(folder) if path.suffix.lower() in SUFFIXES]


def _load_foregrounds(
    source: str, size: int, prototypes: int, classes: Sequence[str], from_floats: bool
) -> list[np.ndarray]:
    # For each class (N, size, size, 4).
    if source == "glyphs":
        return list(glyphs.render(size)[[glyphs.CLASSES.index(name) for name in classes], :prototypes])
    if source == "random":
        return [_random_object(name, size, from_floats)[None] for name in classes]
    found: dict[str, Any]
    if source.startswith("hub:"):
        found = hub.objects(source)
    else:
        found = {name: [(file, "") for file in image_files(_folder_of(source) / name)] for name in classes}
    for name in classes:
        if not found[name]:
            raise InputError(f"Class {name!r} has no prototype in {source}: add one, or leave it out of the classes.")
    return [np.stack([read_object(file, size, at) for file, at in found[name][:prototypes]]) for name in classes]


def _load_backgrounds(source: str, size: int) -> np.ndarray:
    # (N, size, size, 3). Photographs take long to decode, so what becomes of them is kept, by their fingerprint.
    if source == "scenes":
        return scenes.backgrounds(size=size)
    if source in NATURAL:
        if size != SIZE:
            raise InputError(f"{source} has images of {SIZE} pixels a side, not {size}: use scenes for other sizes.")
        return natural_images(source, np.arange(NATURAL_BACKGROUNDS))
    hosted = source.startswith("hub:")
    found = hub.pictures(source, "backgrounds") if hosted else [(file, "") for file in image_files(_folder_of(source))]
    if not found:
        raise InputError(f"No images in {_folder_of(source)}: put .png or .jpg files there.")

    def read(rows: np.ndarray) -> np.ndarray:
        return np.stack([read_background(file, size, name) for file, name in (found[row] for row in rows)])

    return cached(f"backgrounds-{fingerprint(source)}-{size}", (size, size, 3), np.arange(len(found)), read)


def float_bytes(keys: Tensor, size: int) -> Tensor:
    """Random pixels uint8 (B, 3, size, size) as the published code makes them: the bytes of float32 numbers in [0, 1).

    A picture takes the first quarter of the bytes of as many numbers as it has values.
    """
    count = 3 * size * size
    numbers = sampling.uniform(keys, -(-count // 4))
    return numbers.view(torch.uint8)[:, :count].reshape(-1, size, size, 3).permute(0, 3, 1, 2)


def _random_object(name: str, size: int, from_floats: bool) -> np.ndarray:
    # One fixed, opaque block of random pixels a class: (size, size, 4).
    key = torch.tensor([sampling.stream(0, "random object", name)])
    pixels = (sampling.uniform(key, size, size, 4)[0] * 256).byte().numpy()
    pixels[..., 3] = 255
    if from_floats:
        pixels[..., :3] = float_bytes(key, size)[0].permute(1, 2, 0)
    return pixels


def _folder_of(source: str) -> Path:
    folder = Path(os.path.expanduser(source.removeprefix("folder:")))
    if not os.path.isdir(folder):  # unlike Path's, it raises nothing where permission is missing
        raise InputError(f"No folder {folder}: give an existing one that you may read, as folder:PATH.")
    return folder


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, by name. Raises `InputError` for a folder that may not be listed."""
    return [path for path in _entries(folder) if os.path.isdir(path)]


def _entries(folder: Path) -> list[Path]:
    # Without hidden ones: macOS leaves a file ._a.png, which is no picture, beside every a.png on other systems' disks.
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"Cannot list the folder {folder}: {error.strerror}. Make it readable to you.") from None


@lru_cache(maxsize=16)
def _hash_of_files(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    # By content, so that a copy elsewhere has the same; sizes and times only say when to look again.
    digest = hashlib.blake2b(digest_size=16)
    for file, size, _ in files:
        check_regular(file)
        digest.update(f"{file.relative_to(folder).as_posix()} {size}\n".encode() + file.read_bytes())
    return digest.hexdigest()
