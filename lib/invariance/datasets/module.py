"""The data module: indices in, images out, on the device that trains.

Not imported by the package itself: Lightning takes seconds to load, and only who trains needs it.
"""

from collections.abc import Iterator

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from invariance import sampling
from invariance.datasets.split import Split, as_split
from invariance.errors import InputError


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

    def __init__(self, train: Split, validation: Split, batch_size: int, seed: int, eval_batch_size: int = 500) -> None:
        super().__init__()
        if batch_size < 1:
            raise InputError(f"Batch size {batch_size}: it must be at least 1.")
        self.train, self.validation = as_split(train), as_split(validation)
        self.batch_size, self.eval_batch_size, self.seed = batch_size, eval_batch_size, seed

    def prepare_data(self) -> None:
        for split in (self.train, self.validation):
            split.source.prepare(split.keys())

    def train_dataloader(self) -> DataLoader:
        return _loader(self.train, self.batch_size, self.seed)

    def val_dataloader(self) -> DataLoader:
        return _loader(self.validation, self.eval_batch_size)

    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> tuple[Tensor, Tensor]:
        training = self.trainer.training
        split = self.train if training else self.validation
        view = self.trainer.current_epoch if training and split.source.redraws else 0
        images, labels = split.batch(batch, view)
        return split.source.normalise(images), labels


def _loader(split: Split, batch_size: int, seed: int | None = None) -> DataLoader:
    sampler = BatchSampler(split.count, batch_size, seed)
    return DataLoader(Indices(split.count), sampler=sampler, batch_size=None)
