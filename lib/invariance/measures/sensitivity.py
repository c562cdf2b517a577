"""Sensitivity: how far a representation moves when only the transformation changes (section 5).

For pairs (x, x') that share object, background and everything else but the draw of the
transformation, and random pairs (x, y) of different images:

    sensitivity = mean d(f(x), f(x')) / mean d(f(x), f(y))

0 is perfectly invariant; 1 means that a transformation moves an image as far as another image is.
The distance d is one of three, and every sensitivity reads in the same way:

- l2, the paper's main measure: ||a - b||.
- cosine: 1 - cos(a, b), so lengths do not count. From similarities it is (1 - mean cos(x, x')) / (1 - mean cos(x, y)).
- dot: what the product lacks of the vectors' own, (||a||^2 + ||b||^2) / 2 - a.b. From products it is
  (mean x.x - mean x.x') / (mean x.x - mean x.y): the share of the representation's variance that the
  transformation makes, 1 less the intraclass correlation. It is what weighs large moves most.

All three are at least 0, in expectation at most 1 where x and x' are draws from one distribution, and blind to a
rotation and a common scale of the representation; l2 and dot also to a shift. Chapter: book/02_measuring_invariance.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError, check_known
from invariance.measures.base import Measured, Numbers, Undefined, paired, ratio_intervals

KINDS = ("l2", "cosine", "dot")


@dataclass(frozen=True)
class Sensitivity(Measured):
    """The ratio, its 95 % bootstrap interval, and what it was made from, float64 (N,) on the CPU.

    `within` holds each transformed pair's, `between` each random pair's distance (l2) or similarity (cosine, dot).
    """

    within: Tensor
    between: Tensor

    @property
    def as_published(self) -> float:
        """mean(within) / mean(between), which the paper's code reports for each kind.

        It is `value` for l2. From similarities it is the other way round: 1 is as different as random images, a
        more invariant model has more, without a bound, and where random images are orthogonal it is undefined.
        """
        return (self.within.mean() / self.between.mean()).item()


def sensitivity(x: Numbers, x_prime: Numbers, seed: int = 0, kind: str = "l2") -> Sensitivity:
    """Sensitivity by "l2", "cosine" or "dot" from the representations (N, D) of paired images, row by row.

    Random pairs are each x with the one before it in a random order, so never x with itself. The interval resamples
    blocks of neighbours in that order, since these share an image. Raises `InputError` for fewer than two pairs, other
    shapes, values that are complex or not finite, and `Undefined`, which is one, for a representation that is the same
    for every image.
    """
    check_known("kind of sensitivity", kind, KINDS)
    return sensitivities(x, x_prime, seed, (kind,))[kind]


def sensitivities(
    x: Numbers, x_prime: Numbers, seed: int = 0, kinds: Sequence[str] = KINDS, intervals: bool = True
) -> dict[str, Sensitivity]:
    """Several kinds of `sensitivity` on the same random pairs, with one resampling for all.

    Without `intervals` nothing is resampled, and they are NaN.
    """
    x, x_prime = paired(x, x_prime)
    if x.shape != x_prime.shape:
        raise InputError(f"Representations of shapes {tuple(x.shape)} and {tuple(x_prime.shape)}: both must be (N, D).")
    order = sampling.permutation(sampling.stream(seed, "random pairs"), len(x)).to(x.device)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    own = x.norm(dim=1)
    lengths = torch.stack((own, x_prime.norm(dim=1), own[partner]), 1).double().cpu()
    apart = torch.stack(((x - x_prime).norm(dim=1), (x - x[partner]).norm(dim=1)), 1).double().cpu()
    compared = {kind: _compare(kind, lengths[:, :1], lengths[:, 1:], apart) for kind in kinds}
    return _ratios(compared, order.cpu() if intervals else None)


def _compare(kind: str, own: Tensor, ends: Tensor, apart: Tensor) -> tuple[Tensor, Tensor]:
    # Distances, and what is shown of them, each (N, 2) for transformed and random pairs, from lengths and differences.
    least: Tensor | float
    if kind == "l2":
        distances, least = apart, 1e-6 * own.mean()
    elif kind == "dot":
        distances, least = apart.square() / 2, 1e-12 * own.square().mean()
    else:
        # 1 - cos, without the cancellation that its definition has where both nearly agree. Zero is unlike all others.
        product = own * ends
        distances, least = (apart.square() - (own - ends).square()).clamp_min(0) / (2 * product.clamp_min(1e-300)), 1e-6
        distances = torch.where(product > 0, distances, (apart > 0).double())
    if distances[:, 1].mean() <= least:
        what = "points the same way" if kind == "cosine" else "is the same"
        raise Undefined(f"The representation {what} for every image: same representation, no {kind} sensitivity.")
    shown = {"l2": apart, "cosine": 1 - distances, "dot": (own.square() + ends.square()) / 2 - distances}
    return distances, shown[kind]


def _ratios(compared: dict[str, tuple[Tensor, Tensor]], order: Tensor | None) -> dict[str, Sensitivity]:
    within, between = torch.stack([distances for distances, _ in compared.values()], 2).unbind(1)  # (N, K) each
    value = within.mean(0) / between.mean(0)
    unknown = torch.full_like(value, float("nan"))
    low, high = (unknown, unknown) if order is None else ratio_intervals(within[order], between[order])
    return {
        kind: Sensitivity(value[k].item(), low[k].item(), high[k].item(), *shown.T)
        for k, (kind, (_, shown)) in enumerate(compared.items())
    }
