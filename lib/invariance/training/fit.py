"""Training: one Lightning module and one `fit` (section 4 and appendix of the paper).

Adam, cross-entropy, no augmentation beyond the data set's own transformations, which are drawn anew in every epoch.
Pretraining and fine-tuning both come here.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy

from invariance.datasets.devices import fast_bf16, pick_device
from invariance.datasets.module import ImageData
from invariance.errors import check_known, check_rate, check_whole
from invariance.models import Classifier
from invariance.progress import Progress
from invariance.training import checkpoints, guards
from invariance.training.schedules import SCHEDULES

KEEP = ("best", "last")
Loss = Callable[[Tensor, Tensor], Tensor]
"""What training minimises: logits (B, classes) and labels (B,) to a number."""


class Classification(pl.LightningModule):
    """Trains a classifier, notes the curve, and keeps the weights of the best validation epoch, or of the last one."""

    def __init__(
        self,
        model: Classifier,
        learning_rate: float,
        weight_decay: float,
        schedule: str,
        keep: str,
        compiled_size: int,
        loss: Loss,
    ) -> None:
        super().__init__()
        check_known("schedule", schedule, SCHEDULES)
        check_known("choice of weights to keep", keep, KEEP)
        check_rate("learning_rate", learning_rate)
        check_rate("weight_decay", weight_decay, zero=True)
        self.model, self.learning_rate, self.weight_decay = model, learning_rate, weight_decay
        self.schedule, self.keep, self.loss = SCHEDULES[schedule], keep, loss
        # For one shape alone: the last batch of an epoch is smaller, and evaluation has its own.
        self.compiled_size = compiled_size
        self.compiled = torch.compile(model.forward, dynamic=False) if compiled_size else model.forward
        self.validation = MulticlassAccuracy(model.head.out_features, average="micro", validate_args=False)
        self.curve: list[dict[str, float]] = []
        self.best, self.kept = -1.0, _copied(model)
        self.settings: dict[str, Any] = {}
        self.random: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        self.losses: list[Tensor] = []
        self.images = self.trainer.datamodule.train.count  # type: ignore[attr-defined]
        self.started = time.perf_counter()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        forward = self.compiled if len(images) == self.compiled_size else self.model.forward
        loss = self.loss(forward(images), labels)
        self.losses.append(loss.detach())
        if loss.device.type == "cpu":  # a GPU would wait for the look: there it is taken at the end of the epoch
            self._check_losses(index)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._check_losses(0)
        self.trained = time.perf_counter()

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        self.validation.update(self.model(images), labels)

    def on_validation_epoch_end(self) -> None:
        accuracy = self.validation.compute().item()
        self.validation.reset()
        weights = _copied(self.model)
        if not torch.nn.utils.get_total_norm([v for v in weights.values() if v.is_floating_point()]).isfinite():
            self._diverged("The weights became infinite")
        if self.keep == "last" or accuracy > self.best:
            self.best, self.kept = accuracy, weights
        row = {
            "epoch": self.current_epoch + 1,
            "loss": torch.stack(self.losses).mean().item(),
            "accuracy": accuracy,
            "learning_rate": float(self.trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": time.perf_counter() - self.started,
            "images_per_second": self.images / (self.trained - self.started),
        }
        self.curve.append(row)
        for name in ("loss", "accuracy", "learning_rate"):  # for callbacks and loggers
            self.log(name, row[name], sync_dist=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        own = {"curve": self.curve, "best": self.best, "kept": self.kept, "settings": self.settings}
        on_gpu = [torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else []
        checkpoint["invariance"] = own | {"random": [torch.get_rng_state(), *on_gpu]}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        own = checkpoint["invariance"]
        self.curve, self.best, self.kept, self.random = (own[name] for name in ("curve", "best", "kept", "random"))

    def on_train_start(self) -> None:
        self.trainer.train_dataloader.passes = self.current_epoch  # type: ignore[union-attr]  # where training goes on
        for kind, state in zip((torch, torch.cuda), self.random, strict=False):  # a user's dropout goes on where it was
            kind.set_rng_state(state.cpu())

    def configure_optimizers(self) -> Any:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimiser = torch.optim.Adam(trained, self.learning_rate, weight_decay=self.weight_decay, fused=True)
        if self.schedule is None:
            return optimiser
        steps = int(self.trainer.estimated_stepping_batches)
        factor = partial(self.schedule, steps=steps, epoch=steps // (self.trainer.max_epochs or 1))
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _check_losses(self, first: int) -> None:
        for step, loss in enumerate(torch.stack(self.losses[first:]).tolist(), first + 1):
            if not math.isfinite(loss):
                self._diverged(f"The training loss became {loss} in step {step}")

    def _diverged(self, what: str) -> None:
        rate = f"lower the learning rate (now {self.learning_rate:g})"
        raise FloatingPointError(f"{what} of epoch {self.current_epoch + 1}: {rate}.")


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def fit(
    model: Classifier,
    data: ImageData,
    epochs: int,
    learning_rate: float,
    device: torch.device | str,
    *,
    schedule: str = "constant",
    weight_decay: float = 0.0,
    keep: str = "best",
    progress: bool = False,
    compile: bool = False,
    bitwise: bool = True,
    loss: Loss = cross_entropy,
    devices: int = 1,
    strategy: str = "auto",
    callbacks: Sequence[pl.Callback] = (),
    logger: Any = False,
    checkpoint: str | Path | None = None,
) -> list[dict[str, float]]:
    """Train `model` in place; afterwards it holds the weights of its best validation epoch, in evaluation mode.

    `keep="last"` keeps those of the last epoch. So it is after a Ctrl-C or a loss that is not finite, too; before the
    first epoch ends, the model has its first weights again. Parameters without `requires_grad` stay as they are, and so
    do the statistics of a batch norm that has no others. `schedule` is one of `SCHEDULES`; `schedule_for` gives the
    paper's. `progress` shows a bar, or lines where there is no terminal; `compile` runs training steps through
    torch.compile, once an architecture; `bitwise=False` lets a GPU take its fastest algorithms, whose last bits change
    from run to run; `loss` makes a number of logits (B, classes) and labels (B,). For one large run on several GPUs
    `devices` and `strategy` are Lightning's: start the script with torchrun, and give each process its own `device` and
    `data`. `callbacks` and `logger` are Lightning's, too; they can read "loss", "accuracy" and "learning_rate" after
    every epoch. `checkpoint` is a file that keeps the state after every epoch; where it is there already, training goes
    on from it, and ends as if it had never stopped.

    Returns the curve: a dict an epoch with `epoch`, `loss`, `accuracy` (validation), `learning_rate`, `seconds` and
    `images_per_second`. Raises `InputError` for input that cannot work, `FloatingPointError` for an infinite loss.
    """
    device = pick_device(device)
    guards.check_types(model, data, loss, logger, checkpoint)
    compiled = data.batch_size if compile else 0
    module = Classification(model, learning_rate, weight_decay, schedule, keep, compiled, loss)
    guards.check(model, data, device)
    bar: Any = Progress("Training images", epochs * data.train.count) if progress else nullcontext()
    own = [*guards.checked(callbacks)] + ([guards.Shown(bar)] if progress else [])
    rates = {"learning_rate": learning_rate, "weight_decay": weight_decay, "schedule": schedule}
    module.settings = {"epochs": epochs, "keep": keep} | rates | (checkpoints.settings_of(data) if checkpoint else {})
    resumed = checkpoints.found(checkpoint, module.settings, model)
    trainer = _trainer(device, epochs, devices, strategy, own + checkpoints.keeping(checkpoint), logger)
    guards.training_mode(model)
    try:
        with guards.reproducible(data.seed, device, bitwise), guards.interruptible(), bar:
            trainer.fit(module, data, ckpt_path=resumed)
    finally:
        model.load_state_dict(module.kept)
        model.eval()
    return module.curve


def _trainer(
    device: torch.device, epochs: int, devices: int, strategy: str, callbacks: list[pl.Callback], logger: Any
) -> pl.Trainer:
    """Lightning's trainer for so many epochs, each followed by validation; of its own it logs and stores nothing."""
    check_whole("epochs", epochs, 1)
    guards.quieten()
    return pl.Trainer(
        accelerator=device.type,
        devices=[device.index] if device.type == "cuda" and devices == 1 else devices,
        strategy=strategy,
        precision="bf16-mixed" if fast_bf16(device) else "32-true",
        max_epochs=epochs,
        callbacks=callbacks,
        logger=logger,
        enable_checkpointing=any(isinstance(one, pl.callbacks.Checkpoint) for one in callbacks),
        enable_progress_bar=any(isinstance(one, pl.callbacks.ProgressBar) for one in callbacks),
        enable_model_summary=any(isinstance(one, pl.callbacks.ModelSummary) for one in callbacks),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
    )
