"""What every measure gives, and the checks and resampling that they share."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError

RESAMPLES = 1000
GROUPS = 2000
"""More pairs than this are resampled in so many groups, which bounds memory and changes no interval much."""
BLOCK, LEAST_BLOCKS = 10, 20
"""Pairs that are resampled together, where there are enough pairs for so many blocks."""
SAFE = (1e-12, 1e12)
"""Representations that reach a size within these are measured in float32, whose squares and their sums then fit."""


@dataclass(frozen=True)
class Measured:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


class Undefined(InputError):
    """A measure of a representation that does not tell images apart."""


Numbers = Tensor | np.ndarray
"""Representations: a tensor on any device, or an array of NumPy's."""


def paired(x: Numbers, x_prime: Numbers, least: int = 2) -> tuple[Tensor, Tensor]:
    """Representations (N, D), (N, E) of at least `least` pairs, as float32 or, where its squares overflow, float64.

    Raises `InputError` for other types and shapes, fewer pairs, complex numbers or values that are not finite.
    """
    x, x_prime = _as_tensor(x), _as_tensor(x_prime)
    if x.ndim != 2 or x_prime.ndim != 2 or len(x) != len(x_prime) or 0 in (x.shape[1], x_prime.shape[1]):
        shapes = f"{tuple(x.shape)} and {tuple(x_prime.shape)}"
        raise InputError(f"Representations of shapes {shapes}: both must be (N, D), D at least 1.")
    if len(x) < least:
        raise InputError(f"A measure of {len(x)} pairs: it needs at least {least}.")
    if x.is_complex() or x_prime.is_complex():
        raise InputError("Representations of complex numbers: measure their absolute values.")
    both = [side if side.dtype == torch.float32 else side.double() for side in (x, x_prime)]
    sizes = torch.stack([side.abs().max().double() for side in both]).tolist()  # one look, for which a GPU has to wait
    if not all(map(math.isfinite, sizes)):
        raise InputError("The representations are not finite: the model has diverged.")
    fits = both[0].dtype == both[1].dtype and all(size == 0 or SAFE[0] < size < SAFE[1] for size in sizes)
    return (both[0], both[1]) if fits else (both[0].double(), both[1].double())


def _as_tensor(x: object) -> Tensor:
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiubc" and x.dtype.itemsize <= 16:
        kind = "float64" if x.dtype == np.longdouble else x.dtype.newbyteorder("=")
        return torch.from_numpy(np.array(x, kind, order="C"))  # a copy, since torch takes no reversed or read-only ones
    if not isinstance(x, Tensor) or x.layout != torch.strided:
        what = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
        what = "a sparse tensor" if isinstance(x, Tensor) else what
        raise InputError(f"Representations are {what}: give tensors or NumPy arrays of numbers, (N, D).")
    return x


def ratio_intervals(above: Tensor, below: Tensor) -> tuple[Tensor, Tensor]:
    """95 % percentile-bootstrap intervals of mean(above) / mean(below), for K ratios at once.

    Both are (N, K) on the CPU, in an order in which each row may depend on the next one, and the last on the first: so
    blocks of neighbours are resampled (circular block bootstrap), `RESAMPLES` times. Gives low and high, each (K,).
    """
    n, k = above.shape
    both = torch.cat((above, below), 1)
    exponents = torch.frexp(both.mean(0)).exponent  # powers of two change no digit, and all sums then fit
    both = torch.ldexp(both, -exponents).float()
    groups = min(n, GROUPS)
    both = both.new_zeros(groups, 2 * k).index_add_(0, torch.arange(n) * groups // n, both)
    block = max(1, min(-(-BLOCK * groups // n), groups // LEAST_BLOCKS))
    blocks = torch.stack([both.roll(-shift, 0) for shift in range(block)]).sum(0)
    sums = _resampling_counts(groups, groups // block) @ blocks
    ratios = sums[:, :k] / sums[:, k:]
    ratios = torch.ldexp(ratios.double(), exponents[:k] - exponents[k:])
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=torch.float64), dim=0)
    return low, high


@lru_cache(maxsize=8)
def _resampling_counts(n: int, draws: int) -> Tensor:
    # How often each of n blocks occurs in each resample: with these kept, a bootstrap is one matrix product.
    keys = sampling.keys(sampling.stream(0, "bootstrap", n), torch.arange(RESAMPLES))
    counts = torch.zeros(RESAMPLES, n, dtype=torch.float32)
    for rows, chunk in zip(counts.split(50), keys.split(50), strict=True):
        chosen = (sampling.uniform(chunk, draws) * n).long().clamp_(max=n - 1)
        rows.scatter_add_(1, chosen, torch.ones(chosen.shape, dtype=torch.float32))
    return counts
