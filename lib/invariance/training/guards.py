"""What stands around a run of Lightning's trainer: the checks before it, the state it needs, and how far it is."""

import logging
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from invariance import progress, sampling
from invariance.datasets.devices import autocast
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.models import Classifier
from invariance.models.classifier import check_classifier


def check_types(model: object, data: object, loss: object, logger: object, checkpoint: object) -> None:
    """Raise `InputError` for other than a `Classifier`, `ImageData`, a function, a logger of Lightning and a path."""
    check_classifier(model)
    if not callable(loss):
        raise InputError(f"The loss is a function of logits and labels, not a {type(loss).__name__}.")
    if isinstance(logger, str):
        raise InputError(f"logger {logger!r}: give a logger of Lightning, such as pl.loggers.CSVLogger(folder).")
    if not isinstance(checkpoint, (str, Path, type(None))):
        raise InputError(f"checkpoint {checkpoint!r}: give the path of a file.")
    if not isinstance(data, ImageData):
        raise InputError(f"fit takes ImageData(train, validation, batch_size, seed), not a {type(data).__name__}.")


def check(model: Classifier, data: ImageData, device: torch.device) -> None:
    """Raise `InputError` for what would fail later: frozen weights, another device, too few classes, other shapes."""
    if not any(p.requires_grad for p in model.parameters()):
        raise InputError("All weights of the model are frozen: call model.requires_grad_(True), or on a part of it.")
    for split in (data.train, data.validation):
        if split.renderer.device != device:
            raise InputError(
                f"The {split.name} split is made on {split.renderer.device} and training runs on {device}: "
                "use one device."
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
    training, images = model.training, model.to(device).prepared(images, data.train.renderer.normalise)
    about = f"The model {{}} on training images of {images.shape[2]} x {images.shape[3]}: {{}}".format
    try:
        with sampling.torch_seed(0, device), autocast(device):
            shape = tuple(model.eval()(images).shape)
    except Exception as error:  # whatever a network raises on images that it cannot take
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(about("fails", f"{reason}. Build both for one size.")) from error
    finally:
        model.train(training)
    wanted = (len(images), model.head.out_features)
    if shape != wanted:
        raise InputError(about("gives", f"{shape} instead of {wanted}. Its backbone must give features (B, D)."))


def checked(callbacks: Sequence[pl.Callback] | pl.Callback | None) -> Sequence[pl.Callback]:
    """Callbacks of Lightning, perhaps none; raises `InputError` for anything else."""
    given = [callbacks] if isinstance(callbacks, pl.Callback) else callbacks or ()
    for one in given:
        if not isinstance(one, pl.Callback):
            raise InputError(f"A {type(one).__name__} is no callback: derive it from pytorch_lightning.Callback.")
    return given


def training_mode(model: nn.Module) -> None:
    """Training mode for all but frozen batch norms, which keep their statistics."""
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._NormBase) and layer.affine and not layer.weight.requires_grad:
            layer.eval()


def quieten() -> None:
    """No notes of Lightning's at the start: they do not apply, such as that what is frozen may not be meant to be."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in (".*in eval mode at the start.*", ".*isinstance.treespec, LeafSpec.*"):
        warnings.filterwarnings("ignore", message=message)


@contextmanager
def reproducible(seed: int, device: torch.device, bitwise: bool) -> Iterator[None]:
    """PyTorch's own generators by the seed, for a user's dropout draws from them; cuDNN's algorithms.

    These are deterministic ones where results are to agree bit for bit, else the fastest that cuDNN finds.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = bitwise, not bitwise
    try:
        with sampling.torch_seed(sampling.stream(seed, "training"), device):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


@contextmanager
def interruptible() -> Iterator[None]:
    """A Ctrl-C is a `KeyboardInterrupt`, where Lightning exits instead and leaves the next ones without effect."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from None


class Shown(pl.Callback):
    """Shows how far training is, and how the last epoch ended; reads nothing from the device."""

    def __init__(self, bar: progress.Progress) -> None:
        self.bar = bar

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self.bar.total -= len(module.curve) * trainer.datamodule.train.count  # what an earlier run has done

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: tuple[Tensor, Tensor], index: int
    ) -> None:
        self.bar.advance(len(batch[1]))

    def on_validation_end(self, trainer: pl.Trainer, module: Any) -> None:
        row = "epoch {epoch}: {images_per_second:,.0f} images/s, loss {loss:.3f}, accuracy {accuracy:.3f}"
        self.bar.advance(0, what=row.format(**module.curve[-1]))
