"""Training: one Lightning module and one `fit` (section 4 and appendix of the paper).

Adam, cross-entropy, no augmentation beyond the data set's own transformations; the weights of the epoch with
the best validation accuracy are kept. Pretraining and fine-tuning both come here.
"""

import logging
import math
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy

from invariance import sampling
from invariance.datasets.module import ImageData
from invariance.errors import InputError, check_known, check_rate, check_whole
from invariance.files import write_aside
from invariance.models import Classifier
from invariance.training.devices import fast_bf16, pick_device
from invariance.training.progress import Progress

WARMUP_EPOCHS = 5
COSINE_END = 1e-2
"""The ViT's schedule ends at this share of its learning rate: 1e-3 falls to 1e-5."""


def _linear(step: int, steps: int, epoch: int) -> float:
    return 1 - step / steps


def _warmup_cosine(step: int, steps: int, epoch: int) -> float:
    warmup = min(WARMUP_EPOCHS * epoch, steps // 10)  # a run of a few epochs is not all warm-up
    if step < warmup:
        return (step + 1) / warmup
    return COSINE_END + (1 - COSINE_END) * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


SCHEDULES: dict[str, Callable[[int, int, int], float] | None] = {
    "constant": None,
    "linear": _linear,
    "warmup_cosine": _warmup_cosine,
}
"""Share of the learning rate at a step, from the step, the number of steps and the steps of an epoch."""


def schedule_for(model_name: str) -> dict[str, Any]:
    """The schedule and weight decay that the paper trains an architecture with, as arguments for `fit`.

    The ViT's weight decay is that of the paper's code, 5e-5; the text says 1e-5.
    """
    if model_name in ("vit", "small_vit"):
        return {"schedule": "warmup_cosine", "weight_decay": 5e-5}
    return {"schedule": "constant", "weight_decay": 0.0}


class CurveLog(pl.Callback):
    """Keeps the curve in a CSV file, with the seconds and training images a second of each epoch."""

    def __init__(self, path: Path, count: int) -> None:
        self.path, self.count, self.rows = path, count, []
        try:  # now, and not after the first epoch
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent), path.open("a") if path.exists() else nullcontext():
                pass
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"Cannot write the log {path}: {reason}. Choose a file where you may write.") from error

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = time.perf_counter()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pl_module.losses[-1].item()  # wait for the steps that a GPU still has before it
        self.rate = self.count / (time.perf_counter() - self.started)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        seconds = time.perf_counter() - self.started
        self.rows.append({**pl_module.curve[-1], "seconds": seconds, "images_per_second": self.rate})
        with write_aside(self.path) as aside:
            pd.DataFrame(self.rows).to_csv(aside, index=False)


class Classification(pl.LightningModule):
    """Trains a classifier with cross-entropy and remembers its best validation epoch."""

    def __init__(
        self,
        model: Classifier,
        learning_rate: float,
        weight_decay: float = 0.0,
        schedule: Callable[[int], float] | None = None,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.learning_rate, self.weight_decay = model, learning_rate, weight_decay
        self.schedule = schedule
        # Training batches have one shape, but for the last; evaluation would compile again for its own.
        self.train_forward = torch.compile(model.forward, dynamic=False) if compile else model.forward
        self.validation = MulticlassAccuracy(model.head.out_features, average="micro", validate_args=False)
        self.curve: list[dict[str, float]] = []
        self.best_accuracy, self.best_weights = -1.0, {}

    def on_train_epoch_start(self) -> None:
        self.losses: list[Tensor] = []

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        loss = cross_entropy(self.train_forward(images), labels)
        self.losses.append(loss.detach())
        if loss.device.type == "cpu":  # a GPU would wait for the look: there it is taken at the end of the epoch
            self._check(index)
        return loss

    def _check(self, first: int) -> None:
        for step, loss in enumerate(torch.stack(self.losses[first:]).tolist(), first + 1):
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"The training loss became {loss} in step {step} of epoch {self.current_epoch + 1}: "
                    f"lower the learning rate (now {self.learning_rate:g})."
                )

    def on_validation_epoch_start(self) -> None:
        self._check(0)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        self.validation.update(self.model(images), labels)

    def on_validation_epoch_end(self) -> None:
        accuracy = self.validation.compute().item()
        self.validation.reset()
        loss = torch.stack(self.losses).mean().item()
        rate = self.optimizers().param_groups[0]["lr"]
        self.curve.append(
            {"epoch": self.current_epoch + 1, "loss": loss, "accuracy": accuracy, "learning_rate": float(rate)}
        )
        if accuracy > self.best_accuracy:
            self.best_accuracy = accuracy
            self.best_weights = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def configure_optimizers(self) -> Any:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimiser = torch.optim.Adam(trained, lr=self.learning_rate, weight_decay=self.weight_decay, fused=True)
        if self.schedule is None:
            return optimiser
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, self.schedule)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def fit(
    model: Classifier,
    data: ImageData,
    epochs: int,
    learning_rate: float,
    device: torch.device | str,
    *,
    weight_decay: float = 0.0,
    schedule: str = "constant",
    log: Path | None = None,
    progress: bool = False,
    compile: bool = False,
    devices: int = 1,
    strategy: str = "auto",
) -> list[dict[str, float]]:
    """Train `model` in place; afterwards it holds the weights of its best validation epoch, in evaluation mode.

    Parameters without `requires_grad` stay as they are, and a batch norm without trainable parameters also keeps its
    statistics. `schedule`: "constant", "linear" (to 0 at the end) or "warmup_cosine" (5 epochs up, at most a tenth of
    the run, then down to a hundredth); `schedule_for` gives the paper's. `log` is a CSV file for the curve, rewritten
    every epoch; `compile` runs the training steps through torch.compile, which pays for long runs on a GPU.
    `devices` and `strategy` are Lightning's, for one large run on several GPUs: start the script with torchrun and give
    each process its own `device` and the data on it; `data.batch_size` is then that of one process.

    Returns the curve: a dict an epoch with `epoch`, `loss` (training mean), `accuracy` (validation, a share) and
    `learning_rate`. Raises `InputError` for input that cannot work and `FloatingPointError` when the loss stops being
    finite. The same seed of `data` gives the same weights on the same device.
    """
    device = pick_device(str(device))
    check_known("schedule", schedule, SCHEDULES)
    for name, value in (("epochs", epochs), ("batch_size", data.batch_size), ("eval_batch_size", data.eval_batch_size)):
        check_whole(name, value, 1)
    check_rate("learning_rate", learning_rate)
    check_rate("weight_decay", weight_decay, zero=True)
    _check(model, data, device)
    _quieten()
    per_epoch = -(-data.train.count // (data.batch_size * devices))
    factor = SCHEDULES[schedule] and partial(SCHEDULES[schedule], steps=epochs * per_epoch, epoch=per_epoch)
    module = Classification(model, learning_rate, weight_decay, factor, compile)
    _training_mode(model)
    callbacks = [Progress(epochs, data.train.count)] if progress else []
    callbacks += [CurveLog(Path(log), data.train.count)] if log else []
    trainer = pl.Trainer(
        accelerator=device.type,
        devices=[device.index or 0] if device.type == "cuda" and devices == 1 else devices,
        strategy=strategy,
        precision="bf16-mixed" if fast_bf16(device) else "32-true",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=callbacks,
    )
    deterministic = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    own = sampling.torch_seed(sampling.stream(data.seed, "training"), device)  # for a user's dropout; ours has none
    with deterministic, own:
        trainer.fit(module, data)
    model.load_state_dict(module.best_weights)
    model.eval()
    return module.curve


def _check(model: Classifier, data: ImageData, device: torch.device) -> None:
    if not any(p.requires_grad for p in model.parameters()):
        raise InputError("All weights of the model are frozen: call model.requires_grad_(True), or on a part of it.")
    for split in (data.train, data.validation):
        place = split.renderer.device
        if place.type != device.type or (place.index or 0) != (device.index or 0):
            raise InputError(
                f"The {split.name} split is made on {place} and training runs on {device}: use one device."
            )
        highest = int(split.renderer.labels(split.keys()).max())
        if highest >= model.head.out_features:
            raise InputError(
                f"The {split.name} split has a label {highest}, and the model only {model.head.out_features} classes: "
                f"build it with classes={highest + 1} or more."
            )
    _dry_run(model, data, device)


@torch.no_grad()
def _dry_run(model: Classifier, data: ImageData, device: torch.device) -> None:
    """Raise `InputError` unless the model takes the training images; changes nothing of it but the device."""
    images, _ = data.train.batch(torch.arange(min(3, data.train.count)))  # three: odd shapes show, as of pairs
    images, training = data.train.renderer.normalise(images), model.training
    about = f"The model {{}} on training images of {images.shape[2]} x {images.shape[3]}: {{}}".format
    arithmetic = torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bf16(device))
    try:
        with sampling.torch_seed(0, device), arithmetic:
            shape = tuple(model.to(device).eval()(images).shape)
    except Exception as error:  # whatever a network raises on images that it cannot take
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(about("fails", f"{reason}. Build both for one size.")) from error
    finally:
        model.train(training)
    wanted = (len(images), model.head.out_features)
    if shape != wanted:
        raise InputError(about("gives", f"{shape} instead of {wanted}. Its backbone must give features (B, D)."))


def _training_mode(model: nn.Module) -> None:
    model.train()
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._NormBase) and part.affine and not part.weight.requires_grad:
            part.eval()


def _quieten() -> None:
    # Lightning's start-up notes do not apply: what is frozen is meant to be.
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in (".*in eval mode at the start.*", ".*isinstance.treespec, LeafSpec.*"):
        warnings.filterwarnings("ignore", message=message)
