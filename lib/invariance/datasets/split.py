"""Splits and the data module: indices in, images out, on the device that trains."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

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


class Indices(Dataset):
    """The numbers 0 .. count-1; asked with a tensor of positions, it gives that tensor back."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, positions: Tensor) -> Tensor:
        return positions


class BatchSampler(Sampler[Tensor]):
    """Batches of indices as tensors; shuffled differently every epoch, from `seed` alone."""

    def __init__(self, count: int, batch_size: int, seed: int | None = None) -> None:
        self.count, self.batch_size, self.seed, self.epoch = count, batch_size, seed, 0

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        order = torch.arange(self.count)
        if self.seed is not None:
            order = sampling.permutation(sampling.stream(self.seed, "shuffle", self.epoch), self.count)
            self.epoch += 1
        yield from order.split(self.batch_size)


class ImageData(LightningDataModule):
    """Loads only indices; images are made after the batch has reached the device."""

    def __init__(
        self, train: Split, validation: Split, batch_size: int, seed: int, eval_batch_size: int = 1000
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise InputError(f"Batch size {batch_size}: it must be at least 1.")
        self.train, self.validation = train, validation
        self.batch_size, self.eval_batch_size, self.seed = batch_size, eval_batch_size, seed

    def train_dataloader(self) -> DataLoader:
        return _loader(self.train, self.batch_size, self.seed)

    def val_dataloader(self) -> DataLoader:
        return _loader(self.validation, self.eval_batch_size)

    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> tuple[Tensor, Tensor]:
        split = self.train if self.trainer.training else self.validation
        images, labels = split.batch(batch)
        return normalise(images), labels


def _loader(split: Split, batch_size: int, seed: int | None = None) -> DataLoader:
    sampler = BatchSampler(split.count, batch_size, seed)
    return DataLoader(Indices(split.count), sampler=sampler, batch_size=None)
