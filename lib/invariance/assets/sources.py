"""Where pictures come from, behind two functions: `foregrounds` and `backgrounds`.

Sources: `glyphs` and `scenes` (embedded, offline), `folder:PATH` (your own images), `random`
(uniform noise) and, for backgrounds, `black`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from invariance import sampling
from invariance.assets import glyphs, scenes
from invariance.errors import InputError, check_known

FOREGROUNDS = ("glyphs", "random", "folder:PATH")
BACKGROUNDS = ("scenes", "random", "black", "folder:PATH")
RANDOM_CLASSES = 61
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


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
    by_class = _load_foregrounds(source, size, prototypes)
    if classes is not None:
        if not classes:
            raise InputError("The list of classes is empty: name at least one class.")
        for name in classes:
            check_known("class", name, by_class)
        by_class = {name: by_class[name] for name in classes}
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
    return tuple(folder.name for folder in _class_folders(_folder_of(source)))


def backgrounds(source: str, size: int) -> Tensor | None:
    """Pictures uint8 (N, 3, size, size); None for `random`, which has fresh ones for every image."""
    check_source(source, BACKGROUNDS)
    if source == "random":
        return None
    if source == "black":
        return torch.zeros(1, 3, size, size, dtype=torch.uint8)
    if source == "scenes":
        pictures = scenes.backgrounds(size=size)
    else:
        folder = _folder_of(source)
        files = _image_files(folder)
        if not files:
            raise InputError(f"No images in {folder}: put .png or .jpg files there.")
        pictures = np.stack([_top_left_square(file, size) for file in files])
    return torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2).contiguous()


def check_source(source: str, known: Sequence[str]) -> None:
    """Raise `InputError` for a source that is not among `known`."""
    if source.startswith("folder:") and len(source) > len("folder:"):
        return
    check_known("asset source", source, known)


def _load_foregrounds(source: str, size: int, prototypes: int) -> dict[str, np.ndarray]:
    names = class_names(source)
    if source == "glyphs":
        return dict(zip(names, glyphs.render(size)[:, :prototypes], strict=True))
    if source == "random":
        return {name: _random_object(name, size)[None] for name in names}
    folder = _folder_of(source)
    return {name: _read_class(folder / name, size, prototypes) for name in names}


def _random_object(name: str, size: int) -> np.ndarray:
    # One fixed, opaque block of uniform pixels a class: (size, size, 4).
    key = torch.tensor([sampling.stream(0, "random object", name)])
    pixels = (sampling.uniform(key, size, size, 4)[0] * 256).byte().numpy()
    pixels[..., 3] = 255
    return pixels


def _folder_of(source: str) -> Path:
    folder = Path(source.removeprefix("folder:")).expanduser()
    if not folder.is_dir():
        raise InputError(f"No folder {folder}: give an existing one as folder:PATH.")
    return folder


def _class_folders(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise InputError(f"No classes in {folder}: it needs one folder a class, <class>/<file>.png.")
    return found


def _image_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _read_class(folder: Path, size: int, prototypes: int) -> np.ndarray:
    files = _image_files(folder)[:prototypes]
    if not files:
        raise InputError(f"Class {folder.name!r} has no prototype: put a .png into {folder}.")
    return np.stack([_read_object(file, size) for file in files])


def _open(file: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file)
            image.load()
    except (
        OSError,
        SyntaxError,
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise InputError(f"Cannot read the image {file}: {error}. Replace or remove the file.") from None
    if image.mode.startswith("I;16"):  # 16-bit grey; Pillow's own conversion would clip it to white
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image


def _read_object(file: Path, size: int) -> np.ndarray:
    image = _open(file)
    if "A" not in image.getbands() and "transparency" not in image.info:
        warnings.warn(f"{file} has no alpha channel: used as an opaque square.", stacklevel=2)
    return np.asarray(image.convert("RGBA").resize((size, size), Image.Resampling.BILINEAR))


def _top_left_square(file: Path, size: int) -> np.ndarray:
    image = _open(file).convert("RGB")
    side = min(image.size)
    return np.asarray(image.crop((0, 0, side, side)).resize((size, size), Image.Resampling.BILINEAR))
