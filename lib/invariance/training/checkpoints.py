"""The state of a training in a file, whole after every epoch, from which the same training goes on."""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.files import check_folder

DATA = "the first images"
"""The setting that tells data sets of equal sizes apart."""


def found(path: str | Path | None, settings: dict[str, Any], model: nn.Module) -> str | None:
    """The checkpoint to go on from, None where there is none yet.

    Raises `InputError` for a file that is no checkpoint of `fit`, or is that of another model or of a training with
    other settings or data.
    """
    if path is None:
        return None
    check_folder(Path(path).absolute().parent)
    if not Path(path).exists():
        return None
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)["invariance"]
        then, weights = kept["settings"], kept["kept"]
    except Exception as error:  # whatever a file that holds something else makes torch raise
        raise InputError(f"{path} is no whole checkpoint of fit: name another file, or remove it.") from error
    if _shapes(weights) != _shapes(model.state_dict()):
        raise InputError(f"{path} is of another model: name another file, or remove it.")
    more = then["schedule"] == "constant" and settings["epochs"] > then["epochs"]  # which changes nothing before
    other = [name for name in settings if settings[name] != then.get(name) and not (name == "epochs" and more)]
    if other:
        apart = ", ".join(name if name == DATA else f"{name} {then[name]}, not {settings[name]}" for name in other)
        raise InputError(f"{path} is of another training ({apart}): name another file, or remove it.")
    return str(path)


def settings_of(data: ImageData) -> dict[str, Any]:
    """What of the data a checkpoint belongs to."""
    images, labels = data.train.batch(torch.arange(min(8, data.train.count)))
    seen = [labels.tolist(), (50 * adaptive_avg_pool2d(images, 2)).round().tolist()]  # roughly: devices differ
    return {"images": data.train.count, "batch_size": data.batch_size, "seed": data.seed, DATA: seen}


def _shapes(weights: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def keeping(path: str | Path | None) -> list[pl.Callback]:
    """The callback that writes the checkpoint, if there is to be one."""
    return [] if path is None else [_Keeping(Path(path))]


class _Keeping(pl.Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        aside = self.path.with_name(f".{self.path.name}.new")
        trainer.save_checkpoint(aside)  # every process takes part
        if trainer.is_global_zero:
            os.replace(aside, self.path)
