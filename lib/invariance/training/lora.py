"""LoRA: fine-tuning by low-rank updates of frozen weights (Hu et al., 2021).

The weight W (out, in, ...) of every linear and convolutional layer becomes W + B A with A (rank, in * ...) and
B (out, rank), seen as matrices. For a k x k convolution that is a k x k convolution to `rank` channels followed by a
1 x 1 convolution. `merge` adds the update to the weights, which gives an ordinary network again.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from invariance import sampling
from invariance.errors import check_whole


class LowRank(nn.Module):
    """A weight plus a trainable update of rank `rank`, which starts at zero."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.down = nn.Parameter(torch.empty(rank, columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))  # as nn.Linear starts

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):  # as exact as after merging
            return weight + (self.up @ self.down).view_as(weight)


def attach(model: nn.Module, rank: int, seed: int) -> None:
    """Freeze `model` and give its linear and convolutional layers trainable updates of rank `rank`, from `seed`.

    Raises `InputError` for a rank that is not a whole number of at least 1.
    """
    check_whole("rank", rank, 1)
    model.requires_grad_(False)
    with sampling.torch_seed(sampling.stream(seed, "low-rank updates")):
        for layer in list(model.modules()):
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank).to(layer.weight))


def merge(model: nn.Module) -> None:
    """Add the updates to the weights and remove them: the same function, without the extra parameters."""
    for layer in list(model.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
