"""The state of a training in a file, whole after every epoch, from which the same training goes on."""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.files import check_folder


def found(path: str | Path | None, settings: dict[str, Any]) -> str | None:
    """The checkpoint to go on from, None where there is none yet.

    Raises `InputError` for a file that is no checkpoint of `fit`, or is that of a training with other settings.
    """
    if path is None:
        return None
    check_folder(Path(path).absolute().parent)
    if not Path(path).exists():
        return None
    try:
        then = torch.load(path, map_location="cpu", weights_only=True)["invariance"]["settings"]
    except Exception as error:  # whatever a file that holds something else makes torch raise
        raise InputError(f"{path} is no whole checkpoint of fit: name another file, or remove it.") from error
    more = then["schedule"] == "constant" and settings["epochs"] > then["epochs"]  # which changes nothing before
    other = [name for name in settings if settings[name] != then[name] and not (name == "epochs" and more)]
    if other:
        apart = ", ".join(f"{name} {then[name]}, not {settings[name]}" for name in other)
        raise InputError(f"{path} is of another training ({apart}): name another file, or remove it.")
    return str(path)


def settings_of(data: ImageData) -> dict[str, Any]:
    """What of the data a checkpoint belongs to."""
    return {"images": data.train.count, "batch_size": data.batch_size, "seed": data.seed}


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
