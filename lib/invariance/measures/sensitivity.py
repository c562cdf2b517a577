"""Sensitivity: how far a representation moves when only the transformation changes (section 5).

For pairs (x, x') that share object, background and everything else but the draw of the
transformation, and random pairs (x, y) of different images:

    sensitivity = mean ||f(x) - f(x')|| / mean ||f(x) - f(y)||

0 is perfectly invariant; 1 means that a transformation moves an image as far as another image is.
Chapter: book/02_measuring_invariance.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from invariance import sampling
from invariance.datasets.split import ImageSource
from invariance.errors import InputError, check_known

RESAMPLES = 1000


@dataclass(frozen=True)
class Sensitivity:
    """The ratio, its 95 % bootstrap interval, and the distances (N,) it was made from."""

    value: float
    low: float
    high: float
    within: Tensor
    between: Tensor


def pair_keys(source: ImageSource, pairs: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Keys int64 (N,) of test images: contents, and two sets to exchange one of the source's parts with."""
    indices = torch.arange(pairs, device=source.device)
    content, first, second = (
        source.keys(seed, f"pairs/{part}/test", indices) for part in ("content", "first", "second")
    )
    return content, first, second


def paired_images(source: ImageSource, pairs: int, seed: int, vary: str = "transformation") -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in [0, 1], twice: the same but for one of the source's parts, `vary`."""
    check_known("part", vary, source.parts)
    content, first, second = pair_keys(source, pairs, seed)
    return source.images(content, **{vary: first}), source.images(content, **{vary: second})


def sensitivity(x: Tensor, x_prime: Tensor, seed: int = 0) -> Sensitivity:
    """l2 sensitivity from the representations (N, D) of paired images, row by row.

    Random pairs are each x with the next one in a random order, so never x with itself. The
    interval resamples pairs. Raises `InputError` for fewer than two pairs, other shapes,
    values that are not finite, or a representation that is the same for every image.
    """
    if x.ndim != 2 or x.shape != x_prime.shape:
        raise InputError(f"Representations of shapes {tuple(x.shape)} and {tuple(x_prime.shape)}: both must be (N, D).")
    if len(x) < 2:
        raise InputError(f"Sensitivity of {len(x)} pairs: it needs at least 2.")
    if not (torch.isfinite(x).all() and torch.isfinite(x_prime).all()):
        raise InputError("The representations are not finite: the model has diverged.")
    order = sampling.permutation(sampling.stream(seed, "random pairs"), len(x)).to(x.device)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    within = (x - x_prime).norm(dim=1).double().cpu()
    between = (x - x[partner]).norm(dim=1).double().cpu()
    if between.sum() == 0:
        raise InputError("Every image has the same representation: sensitivity is undefined.")
    low, high = _bootstrap(within, between, seed)
    return Sensitivity((within.mean() / between.mean()).item(), low, high, within, between)


def _bootstrap(within: Tensor, between: Tensor, seed: int) -> tuple[float, float]:
    n = len(within)
    keys = sampling.keys(sampling.stream(seed, "bootstrap"), torch.arange(RESAMPLES))
    ratios = []
    for chunk in keys.split(50):  # 50 resamples of 10,000 pairs are 4 MB
        chosen = (sampling.uniform(chunk, n) * n).long()
        ratios.append(within[chosen].mean(1) / between[chosen].mean(1))
    low, high = torch.quantile(torch.cat(ratios), torch.tensor([0.025, 0.975], dtype=torch.float64))
    return low.item(), high.item()
