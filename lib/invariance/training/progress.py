"""A progress bar for training: epoch, images a second, and the last epoch's loss and accuracy."""

from typing import Any

import pytorch_lightning as pl
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from torch import Tensor


class Progress(pl.Callback):
    """Shows how a `fit` of `epochs` epochs over `count` images goes on; reads nothing from the device."""

    def __init__(self, epochs: int, count: int) -> None:
        self.epochs, self.count = epochs, count

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        columns = (TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"), BarColumn(), TimeElapsedColumn())
        rate = TextColumn("{task.fields[rate]:,.0f} images/s {task.fields[last]}")
        self.bar = Bar(*columns, TimeRemainingColumn(), rate)
        self.bar.start()
        fields = {"epoch": 1, "epochs": self.epochs, "rate": 0.0, "last": ""}
        self.task = self.bar.add_task("", total=self.epochs * self.count, **fields)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: tuple[Tensor, Tensor], index: int
    ) -> None:
        rate = self.bar.tasks[self.task].speed or 0.0
        self.bar.update(self.task, advance=len(batch[1]), epoch=trainer.current_epoch + 1, rate=rate)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        last = pl_module.curve[-1]
        self.bar.update(self.task, last=f"loss {last['loss']:.3f}, accuracy {last['accuracy']:.3f}")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.bar.stop()  # or the terminal would stay without a cursor
