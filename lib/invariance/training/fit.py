"""Pretraining: one Lightning module and one `fit` (section 4 and appendix of the paper).

Adam with learning rate 1e-3, cross-entropy, no augmentation beyond the data set's own
transformations; the weights of the epoch with the best validation accuracy are kept.
"""

import logging
import warnings

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy

from invariance.datasets.module import ImageData
from invariance.models import Classifier
from invariance.training.devices import fast_bf16


class Classification(pl.LightningModule):
    """Trains a classifier with cross-entropy and remembers its best validation epoch."""

    def __init__(self, model: Classifier, learning_rate: float) -> None:
        super().__init__()
        self.model, self.learning_rate = model, learning_rate
        self.validation = MulticlassAccuracy(model.head.out_features, average="micro")
        self.curve: list[dict[str, float]] = []
        self.best_accuracy, self.best_weights = -1.0, {}

    def on_train_epoch_start(self) -> None:
        self.losses: list[Tensor] = []

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        loss = cross_entropy(self.model(images), labels)
        self.losses.append(loss.detach())  # read once an epoch: a read would make a GPU wait
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        self.validation.update(self.model(images), labels)

    def on_validation_epoch_end(self) -> None:
        accuracy = self.validation.compute().item()
        self.validation.reset()
        loss = torch.stack(self.losses).mean().item()
        if not torch.isfinite(torch.tensor(loss)):
            raise FloatingPointError(
                f"The training loss became {loss} in epoch {self.current_epoch + 1}: "
                f"lower the learning rate (now {self.learning_rate:g})."
            )
        self.curve.append({"epoch": self.current_epoch + 1, "loss": loss, "accuracy": accuracy})
        if accuracy > self.best_accuracy:
            self.best_accuracy = accuracy
            self.best_weights = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), lr=self.learning_rate, fused=True)


def fit(
    model: Classifier, data: ImageData, epochs: int, learning_rate: float, device: torch.device
) -> list[dict[str, float]]:
    """Train `model` in place; afterwards it holds the weights of its best validation epoch.

    Returns the curve: a dict an epoch with `epoch`, `loss` (training mean) and `accuracy`
    (validation, a share). Raises `FloatingPointError` when the loss stops being finite.
    """
    _quieten()
    module = Classification(model, learning_rate)
    trainer = pl.Trainer(
        accelerator=device.type,
        devices=[device.index or 0] if device.type == "cuda" else 1,
        precision="bf16-mixed" if fast_bf16(device) else "32-true",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, data)
    model.load_state_dict(module.best_weights)
    model.eval()
    return module.curve


def _quieten() -> None:
    # Lightning's start-up notes, and its advice on loader workers, do not apply to loaders of indices.
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in (".*does not have many workers.*", ".*isinstance.treespec, LeafSpec.*"):
        warnings.filterwarnings("ignore", message=message)
