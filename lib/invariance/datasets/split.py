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
    """What a data set's generator offers: keys in, labels and images out."""

    device: torch.device

    def labels(self, content: Tensor) -> Tensor: ...

    def images(self, content: Tensor, transformation: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class Split:
    """The images 0 .. count-1 of one split: a specification, a seed and the split's name.

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
        return sampling.keys(sampling.stream(self.seed, self.name), indices)

    def batch(self, indices: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images in [0, 1], float32 (B, 3, H, W), and labels, int64 (B,)."""
        keys = self.keys(indices)
        return self.source.images(keys), self.source.labels(keys)


def normalise(images: Tensor) -> Tensor:
    """[0, 1] to [-1, 1], in the channels-last layout that convolutions are fastest with."""
    return ((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)
