"""A folder of your own pictures as an image source, each picture transformed as a whole.

Chapter: book/09_profile_your_model.py.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from invariance import pictures, sampling, transforms
from invariance.datasets.split import normalise
from invariance.errors import InputError
from invariance.pictures.reading import read_photo
from invariance.pictures.sources import SUFFIXES, image_files

LEAST = 4
"""Pictures, each of which makes one pair, that the measures need."""


@dataclass(frozen=True)
class Photos:
    """An image source of your own pictures, uint8 (N, 3, size, size), each transformed as a whole image.

    The content key of a picture is its number: pair i is of picture i.
    """

    pictures: Tensor
    names: tuple[str, ...] = ()
    parts = ("transformation",)

    @property
    def device(self) -> torch.device:
        return self.pictures.device

    @property
    def size(self) -> int:
        return self.pictures.shape[-1]

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        return indices if "content" in name else sampling.keys(sampling.stream(seed, name), indices)

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


def photo_files(folder: str | Path) -> list[Path]:
    """The pictures in a folder, by name. Raises `InputError` for one that is not there or holds fewer than four."""
    folder = Path(os.path.expanduser(folder))
    if not os.path.isdir(folder):
        raise InputError(
            f"No folder {folder}: give one with your images, or one of glyphs, {', '.join(pictures.NATURAL)}."
        )
    files = image_files(folder)
    if len(files) < LEAST:
        raise InputError(
            f"{folder} holds {len(files)} images ({' '.join(SUFFIXES)}): the pairs need at least {LEAST} "
            "different ones, and narrow intervals some hundreds."
        )
    return files


def read_photos(folder: str | Path, size: int, most: int, seed: int = 0) -> Tensor:
    """The central squares of a folder's pictures, uint8 (N, 3, size, size); of more than `most` a selection by seed.

    Raises `InputError` as `photo_files` does, and for a file that cannot be read.
    """
    files = photo_files(folder)
    chosen = sampling.permutation(sampling.stream(seed, "photos"), len(files))[:most].sort().values
    with ThreadPoolExecutor() as pool:  # decoding takes the time, and it leaves Python's lock
        pictures = list(pool.map(lambda i: read_photo(files[i], size), chosen.tolist()))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
