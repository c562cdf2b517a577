"""Linear CKA between a representation and that of the transformed images (section 5; Kornblith et al., 2019).

CKA compares the similarities that two representations see among the same images: 1 where they agree up to a
rotation, a shift and a common scale, 0 where they have nothing linear in common. So an invariant model has
CKA 1 between f(x) and f(x'), the other way round than sensitivities.

The estimate averages over minibatches the unbiased HSIC of Song et al. (2012), as Nguyen, Raghu and Kornblith
(2021) do:

    CKA = mean HSIC(K, L) / sqrt(mean HSIC(K, K) mean HSIC(L, L))

Being unbiased, it is near 0 for independent representations, and at times just below. From very few pairs it can be
NaN: the estimate of a mean HSIC(K, K) can then be negative.
"""

import torch
from scipy.special import stdtrit
from torch import Tensor

from invariance.errors import InputError, check_whole
from invariance.measures.base import Measured, Numbers, Undefined, paired

BATCH, LEAST_BATCHES = 64, 16
SMALLEST = 4
"""Fewer pairs than this have no unbiased HSIC."""


def cka(x: Numbers, x_prime: Numbers, batch: int | None = None, as_published: bool = False) -> Measured:
    """Linear CKA of representations (N, D) and (N, E) of paired images, row by row.

    `batch` is the number of pairs in a minibatch, at least 4; by default 64, or less (down to 8) where that would
    leave fewer than 16 minibatches. Minibatches are taken in order; up to `batch` - 1 pairs at the end are left
    out. The interval is the jackknife's over minibatches, NaN from a single one. `as_published` centres the Gram
    matrices before it clears their diagonals, as the paper's code does; that changes no more than the rounding,
    since the unbiased HSIC ignores what is added to whole rows and columns, as centring does. Raises `InputError`
    for fewer than 4 pairs, other shapes, values that are complex or not finite, and `Undefined`, which is one, for
    a representation that is the same for every image.
    """
    x, x_prime = paired(x, x_prime, SMALLEST)
    if batch is None:
        batch = min(max(8, min(BATCH, len(x) // LEAST_BATCHES)), len(x))
    if not SMALLEST <= check_whole("Minibatch", batch) <= len(x):
        raise InputError(f"Minibatches of {batch} pairs: choose between {SMALLEST} and the {len(x)} there are.")
    batches = len(x) // batch
    grams = [_gram(part[: batches * batch], batches, as_published) for part in (x, x_prime)]
    terms = torch.stack([_hsic(grams[i], grams[j]) for i, j in ((0, 1), (0, 0), (1, 1))], 1).cpu()  # (batches, 3)
    value = _ratio(terms.mean(0))
    if batches == 1:
        return Measured(value.item(), float("nan"), float("nan"))
    left_out = _ratio((terms.sum(0) - terms) / (batches - 1))
    error = ((batches - 1) / batches * (left_out - left_out.mean()).square().sum()).sqrt()
    half = float(stdtrit(batches - 1, 0.975)) * error.item()
    return Measured(value.item(), value.item() - half, value.item() + half)


def _ratio(terms: Tensor) -> Tensor:
    cross, own, other = terms.unbind(-1)
    return cross / (own * other).sqrt()


def _gram(x: Tensor, batches: int, as_published: bool) -> Tensor:
    # (batches, n, n) with empty diagonals. The unbiased HSIC ignores a shift and CKA a scale, but float32 does not.
    length = x.norm()
    x = x - x.mean(0)
    if x.norm() <= 1e-6 * length:
        raise Undefined("The representation is the same for every image: CKA is undefined.")
    x = (x / x.norm() * len(x) ** 0.5).reshape(batches, -1, x.shape[1])
    if as_published:
        x = x - x.mean(1, keepdim=True)
    gram = x @ x.transpose(1, 2)
    gram.diagonal(dim1=1, dim2=2).zero_()
    return gram


def _hsic(k: Tensor, other: Tensor) -> Tensor:
    # Song et al. (2012), equation 5, a minibatch each: (batches, n, n) twice to float64 (batches,).
    n = k.shape[1]
    rows, rows_other = k.sum(2).double(), other.sum(2).double()
    trace = (k * other).sum((1, 2)).double()
    totals = rows.sum(1) * rows_other.sum(1) / ((n - 1) * (n - 2))
    return (trace + totals - 2 / (n - 2) * (rows * rows_other).sum(1)) / (n * (n - 3))
