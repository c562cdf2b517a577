"""Fine-tuning: all weights, from a linear probe's head (section 4 of the paper)."""

from typing import Any

import torch
from torch import nn

from invariance.datasets.split import Split
from invariance.models import Classifier


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
    schedule: str = "linear",
    **options: Any,
) -> Classifier:
    """A copy of `model` with `head`, all of it trained further with `fit`, which takes `schedule` and the `options`.

    Raises `InputError` for a head of another width or for too few classes, and what `fit` raises.
    """
    from invariance.datasets.module import ImageData  # Lightning takes seconds to load
    from invariance.training.fit import fit

    tuned = model.with_head(head)
    data = ImageData(train, validation, batch_size, seed)
    fit(tuned, data, epochs, learning_rate, device, schedule=schedule, **options)
    return tuned
