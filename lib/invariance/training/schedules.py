"""How the learning rate goes on over a run (section 4 and appendix of the paper)."""

import math
from collections.abc import Callable
from typing import Any

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


def _decay_in_5(step: int, steps: int, epoch: int) -> float:
    return max(0.0, 1 - step // epoch / 5)


def _slow_cosine(step: int, steps: int, epoch: int) -> float:
    done = step // epoch - WARMUP_EPOCHS
    return 1e-3 if done < 0 else COSINE_END + (1 - COSINE_END) * (1 + math.cos(math.pi * done / 200)) / 2


SCHEDULES: dict[str, Callable[..., float] | None] = {
    "constant": None,
    "linear": _linear,
    "warmup_cosine": _warmup_cosine,
    "decay_in_5": _decay_in_5,
    "slow_cosine": _slow_cosine,
}
"""Share of the learning rate at a step, from the step, the number of steps and the steps of an epoch.

The last two are the published code's: to 0 within 5 epochs in full fine-tuning, and the ViT's, whose first 5 epochs
have a thousandth and whose cosine takes 200 epochs, however long the run is.
"""


def schedule_for(model_name: str) -> dict[str, Any]:
    """The schedule and weight decay that the paper trains an architecture with, as arguments for `fit`.

    The ViT's weight decay is that of the paper's code, 5e-5; the text says 1e-5.
    """
    if model_name in ("vit", "small_vit"):
        return {"schedule": "warmup_cosine", "weight_decay": 5e-5}
    return {"schedule": "constant", "weight_decay": 0.0}
