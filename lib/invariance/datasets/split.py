"""Splits: which images there are, and how to get a batch of them."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError

MEAN, STD = 0.5, 0.5
"""Normalisation of Transforms-2D: (x - 0.5) / 0.5 in every channel."""


class ImageSource(Protocol):
    """What a data set's generator offers: keys in, labels and images out, on `device`.

    A content key, int64, stands for one image and everything random in it. `parts` names what can be
    exchanged in an image: `images(content, transformation=other)` keeps all but the draw of the
    transformations, which comes from the keys `other` (B,) instead. `redraws` says whether training
    draws the transformations of an image anew in every epoch.
    """

    device: torch.device
    parts: tuple[str, ...]
    redraws: bool

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor: ...

    def labels(self, content: Tensor) -> Tensor: ...

    def images(self, content: Tensor, **parts: Tensor | None) -> Tensor: ...

    def normalise(self, images: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Split:
    """The images 0 .. count-1 of one split: a source, a seed and the split's name.

    `name` ("train", "validation", "test", ...) and `seed` choose the stream of keys; equal splits
    hold equal images.
    """

    source: ImageSource
    seed: int
    name: str
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"The {self.name} split has {self.count} images: it needs at least 1.")

    def keys(self, indices: Tensor | None = None) -> Tensor:
        """Content keys (B,) of the images at `indices`, by default of all."""
        device = self.source.device
        indices = torch.arange(self.count, device=device) if indices is None else indices.to(device)
        return self.source.keys(self.seed, self.name, indices)

    def batch(self, indices: Tensor | None = None, view: int = 0) -> tuple[Tensor, Tensor]:
        """Images in [0, 1], float32 (B, 3, H, W), and labels, int64 (B,).

        `view` 1, 2, ... gives the same contents under other draws of the transformations.
        """
        content = self.keys(indices)
        return self.source.images(content, transformation=view_keys(content, view)), self.source.labels(content)


def view_keys(content: Tensor, view: int) -> Tensor | None:
    """Keys (B,) for another draw of the transformations of these contents; None for the first, their own."""
    return sampling.fold(content, f"view {view}") if view else None


def normalise(images: Tensor, mean: Tensor | float = MEAN, std: Tensor | float = STD) -> Tensor:
    """(x - mean) / std, in the channels-last layout that convolutions are fastest with."""
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)
