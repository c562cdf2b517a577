"""The data module: batches of finished images, made on the device that trains.

Not imported by the package itself: Lightning takes seconds to load, and only who trains needs it.
"""

from collections.abc import Callable, Iterator

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from invariance import sampling
from invariance.datasets.chunks import batches_at_once
from invariance.datasets.devices import evaluated_at_once
from invariance.datasets.split import HasSplit, Split, as_split
from invariance.errors import check_whole

KEPT_PIXELS = 2**23
"""Of all images of an evaluation together, up to which they are kept from epoch to epoch: 100 MB."""


class Batches:
    """Normalised images and labels of a split, batch after batch, on the split's device.

    With a `seed`, for training, every pass has another order and another redraw of the transformations, the same ones
    for that seed; without, for evaluation, every pass is the same, and images that are few are made once. Several
    batches are made at once where that is quicker. Of `processes` that train together each, counted from 0, gets its
    share of the batches: equally many, the first ones twice if need be. `prepared` is that of a model with a size or
    normalisation of its own.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        seed: int | None = None,
        process: int = 0,
        processes: int = 1,
        prepared: Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor] | None = None,
    ) -> None:
        self.split, self.batch_size, self.seed = split, batch_size, seed
        self.process, self.processes = process, processes
        self.passes, self.prepared = 0, prepared
        self.made: list[tuple[Tensor, Tensor]] = []

    def __len__(self) -> int:
        return -(-self.split.count // (self.batch_size * self.processes))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.seed is not None or self.split.count * self.split.renderer.size**2 > KEPT_PIXELS:
            return self._make()
        self.made = self.made or list(self._make())
        return ((images.clone(), labels) for images, labels in self.made)  # a network may change what it is given

    def _make(self) -> Iterator[tuple[Tensor, Tensor]]:
        renderer, order, redraw = self.split.renderer, torch.arange(self.split.count), 0
        if self.seed is not None:
            redraw, self.passes = self.passes, self.passes + 1
            order = sampling.permutation(sampling.stream(self.seed, "shuffle", redraw), self.split.count)
        batches = order.to(renderer.device).split(self.batch_size)
        mine = [batches[k % len(batches)] for k in range(self.process, len(self) * self.processes, self.processes)]
        at_once = batches_at_once(self.batch_size, renderer.size, renderer.device)
        for start in range(0, len(mine), at_once):
            images, labels = self.split.batch(torch.cat(mine[start : start + at_once]), redraw)
            images = self.prepared(images, renderer.normalise) if self.prepared else renderer.normalise(images)
            yield from zip(images.split(self.batch_size), labels.split(self.batch_size), strict=True)


class ImageData(LightningDataModule):
    """Training and validation images of two splits, for `fit` or a trainer of Lightning."""

    def __init__(self, train: Split | HasSplit, validation: Split | HasSplit, batch_size: int, seed: int) -> None:
        super().__init__()
        self.train, self.validation, self.seed = as_split(train), as_split(validation), seed
        self.batch_size = check_whole("Batch size", batch_size, 1)

    def prepare_data(self) -> None:
        for split in (self.train, self.validation):
            split.renderer.prepare(split.keys())

    def train_dataloader(self) -> Batches:
        return Batches(
            self.train, self.batch_size, self.seed, *self._processes(), getattr(self._trained(), "prepared", None)
        )

    def val_dataloader(self) -> Batches:
        model = self._trained()
        size = getattr(model, "size", None) or self.validation.renderer.size
        at_once = evaluated_at_once(self.validation.renderer.device, size)
        return Batches(self.validation, at_once, None, *self._processes(), getattr(model, "prepared", None))

    def _trained(self) -> object:
        return getattr(self.trainer.lightning_module, "model", None) if self.trainer else None

    def _processes(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
