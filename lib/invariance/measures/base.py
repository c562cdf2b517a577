"""What every measure gives, and the checks and resampling that they share."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError

RESAMPLES = 1000
GROUPS = 2000
"""More pairs than this are resampled in so many groups, which bounds memory and changes no interval much."""
BLOCK, LEAST_BLOCKS = 10, 20
"""Pairs that are resampled together, where there are enough pairs for so many blocks."""


@dataclass(frozen=True)
class Measured:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def check_paired(x: Tensor, x_prime: Tensor, least: int = 2) -> None:
    """Raise `InputError` unless both are finite representations (N, D), (N, E) of at least `least` pairs."""
    if x.ndim != 2 or x_prime.ndim != 2 or len(x) != len(x_prime):
        raise InputError(f"Representations of shapes {tuple(x.shape)} and {tuple(x_prime.shape)}: both must be (N, D).")
    if len(x) < least:
        raise InputError(f"A measure of {len(x)} pairs: it needs at least {least}.")
    if not (torch.isfinite(x).all() and torch.isfinite(x_prime).all()):
        raise InputError("The representations are not finite: the model has diverged.")


def ratio_intervals(above: Tensor, below: Tensor) -> tuple[Tensor, Tensor]:
    """95 % percentile-bootstrap intervals of mean(above) / mean(below), for K ratios at once.

    Both are (N, K) on the CPU, in an order in which each row may depend on the next one, and the last on the first: so
    blocks of neighbours are resampled (circular block bootstrap), `RESAMPLES` times. Gives low and high, each (K,).
    """
    n, k = above.shape
    both = torch.cat((above, below), 1).float()
    groups = min(n, GROUPS)
    both = both.new_zeros(groups, 2 * k).index_add_(0, torch.arange(n) * groups // n, both)
    block = max(1, min(-(-BLOCK * groups // n), groups // LEAST_BLOCKS))
    blocks = torch.stack([both.roll(-shift, 0) for shift in range(block)]).sum(0)
    sums = _resampling_counts(groups, groups // block) @ blocks
    ratios = sums[:, :k] / sums[:, k:]
    low, high = torch.quantile(ratios.double(), torch.tensor([0.025, 0.975], dtype=torch.float64), dim=0)
    return low, high


@lru_cache(maxsize=8)
def _resampling_counts(n: int, draws: int) -> Tensor:
    # How often each of n blocks occurs in each resample: with these kept, a bootstrap is one matrix product.
    keys = sampling.keys(sampling.stream(0, "bootstrap", n), torch.arange(RESAMPLES))
    counts = torch.zeros(RESAMPLES, n)
    for rows, chunk in zip(counts.split(50), keys.split(50), strict=True):
        chosen = (sampling.uniform(chunk, draws) * n).long().clamp_(max=n - 1)
        rows.scatter_add_(1, chosen, torch.ones(chosen.shape))
    return counts
