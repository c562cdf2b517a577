"""The images that a model is profiled on: drawn by this book, or a folder of your own pictures.

Chapter: book/09_profile_your_model.py.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from invariance import pictures, sampling, transforms
from invariance.datasets.labelled import BYTES, LARGEST
from invariance.datasets.natural import NaturalImages
from invariance.datasets.split import Renderer, normalise
from invariance.datasets.transforms_2d import Transforms2D
from invariance.errors import InputError, check_known, check_whole
from invariance.pictures.natural import SIZE
from invariance.pictures.reading import read_photo
from invariance.pictures.sources import SUFFIXES, folders_in, image_files
from invariance.protocol import CORRECTED

LEAST, MOST = 4, 100_000
"""Pairs: the measures need the least, and more than the most would take too long, and too much memory."""


@dataclass(frozen=True)
class Photos:
    """A renderer of your own pictures, uint8 (N, 3, size, size), each transformed as a whole image.

    The content key of a picture is its number: pair i is of picture i.
    """

    pictures: Tensor
    names: tuple[str, ...] = ()
    parts, protocol = ("transformation",), CORRECTED

    @property
    def device(self) -> torch.device:
        return self.pictures.device

    @property
    def size(self) -> int:
        return self.pictures.shape[-1]

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        return indices if "content" in name else sampling.keys(sampling.stream(seed, name), indices)

    def prepare(self, content: Tensor) -> None:
        """Nothing to get ready: the pictures have been read."""

    def labels(self, content: Tensor) -> Tensor:
        return torch.zeros_like(content)

    def images(self, content: Tensor, transformation: Tensor | None = None) -> Tensor:
        keys = sampling.fold(content if transformation is None else transformation, "transforms")
        parameters = transforms.draw(self.names, keys, self.size)
        return transforms.apply(self.names, self.pictures[content].float() / 255, parameters)

    def differing(self, part: str, first: Tensor, second: Tensor) -> Tensor:
        return second

    def normalise(self, images: Tensor) -> Tensor:
        return normalise(images)


def check_images(images: str, pairs: int, size: int) -> None:
    """Raise `InputError` unless `images` gives so many pairs of this size; see `renderers`."""
    natural = images in pictures.NATURAL
    check_whole("size", size, 1, LARGEST)
    check_whole("pairs", pairs, LEAST, NaturalImages(source=images).available("test") if natural else MOST)
    if natural and size != SIZE:
        raise InputError(f"{images} has images of {SIZE} x {SIZE}, not {size} x {size}: use glyphs, or a folder.")
    if images == "glyphs":
        Transforms2D(size=size)
    elif images and ({"/", "\\"} & {*images} or Path(images).expanduser().exists()):
        photo_files(images)
    else:
        check_known("images", images, ("glyphs", *pictures.NATURAL, "or a folder"))


def renderers(
    images: str, names: Sequence[str], size: int, pairs: int, seed: int, device: torch.device
) -> tuple[dict[str, Renderer], int]:
    """A renderer for each of these transformations, and how many pairs they have.

    `images` is "glyphs", one of `pictures.NATURAL`, or a folder, which has a pair for each of at most `pairs` pictures.
    """
    if images == "glyphs":
        return {name: Transforms2D(transforms=(name,), size=size).renderer(device) for name in names}, pairs
    if images in pictures.NATURAL:
        return {name: NaturalImages(source=images, transforms=(name,)).renderer(device) for name in names}, pairs
    photos = Photos(read_photos(images, size, pairs, seed).to(device))
    return {name: replace(photos, names=(name,)) for name in names}, len(photos.pictures)  # type: ignore[misc]


def photo_files(folder: str | Path) -> list[Path]:
    """The pictures in a folder and the folders in it, by name.

    Raises `InputError` for one that is not there or holds fewer than four.
    """
    folder = Path(os.path.expanduser(folder))
    if not os.path.isdir(folder):
        raise InputError(
            f"No folder {folder}: give one with your images, or one of glyphs, {', '.join(pictures.NATURAL)}."
        )
    files = _files_within(folder)
    if len(files) < LEAST:
        raise InputError(
            f"{folder} holds {len(files)} images ({' '.join(SUFFIXES)}): the pairs need at least {LEAST} "
            "different ones, and narrow intervals some hundreds."
        )
    return files


def _files_within(folder: Path) -> list[Path]:
    deeper = [place for place in folders_in(folder) if not place.is_symlink()]  # which may lead back here
    return image_files(folder) + [file for place in deeper for file in _files_within(place)]


def read_photos(folder: str | Path, size: int, most: int, seed: int = 0) -> Tensor:
    """The central squares of a folder's pictures, uint8 (N, 3, size, size); of more than `most` a selection by seed.

    Raises `InputError` as `photo_files` does, for a file that cannot be read, and for more than fit into memory.
    """
    files = photo_files(folder)
    chosen = sampling.permutation(sampling.stream(seed, "photos"), len(files))[:most].sort().values.tolist()
    if len(chosen) * 3 * size**2 > BYTES:
        raise InputError(f"{len(chosen)} pictures of {size} x {size} do not fit into memory: ask for fewer pairs.")
    found = torch.empty(len(chosen), 3, size, size, dtype=torch.uint8)

    def read(place: int) -> None:
        found[place] = torch.tensor(read_photo(files[chosen[place]], size)).permute(2, 0, 1)

    with ThreadPoolExecutor() as pool:  # decoding takes the time, and it leaves Python's lock
        list(pool.map(read, range(len(chosen))))
    return found
