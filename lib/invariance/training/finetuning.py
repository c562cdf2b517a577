"""Fine-tuning: all weights, or low-rank updates of them, from a linear probe's head (section 4 of the paper)."""

import torch
from torch import nn

from invariance.datasets.split import Split
from invariance.errors import check_known
from invariance.models import Classifier
from invariance.training import lora

METHODS = ("full", "lora")


def finetune(
    model: Classifier,
    head: nn.Linear,
    train: Split,
    validation: Split,
    epochs: int = 50,
    learning_rate: float = 1e-3,
    batch_size: int = 512,
    *,
    device: torch.device,
    seed: int,
    method: str = "full",
    rank: int = 4,
) -> Classifier:
    """A copy of `model` with `head`, trained further with Adam decaying linearly to 0; its best validation epoch.

    `method="lora"` trains the head and updates of rank `rank` instead of all weights, and merges them in the end. Batch
    norms then keep their statistics and factors: they belong to the frozen network, and the few images that LoRA is
    meant for estimate them badly. (Fine-tuning in full trains both, as the paper does.)

    Raises `InputError` for an unknown method, a rank below 1 or a head of another width or too few classes.
    """
    from invariance.datasets.module import ImageData  # Lightning takes seconds to load
    from invariance.training.fit import fit

    check_known("fine-tuning method", method, METHODS)
    tuned = model.with_head(head)
    if method == "lora":
        lora.attach(tuned.backbone, rank, seed)
    data = ImageData(train, validation, batch_size, seed)
    fit(tuned, data, epochs, learning_rate, device, schedule="linear")
    lora.merge(tuned)
    return tuned.requires_grad_(True)
