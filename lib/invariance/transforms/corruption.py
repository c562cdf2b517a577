"""Corruptions: blur, noise, pixelate, elastic, erasing, contrast (section 3 of the paper)."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from invariance import sampling
from invariance.transforms.base import (
    Parameters,
    Range,
    Transformation,
    grid_of,
    luma,
    on_rgb,
    per_image,
    premultiply,
    reflect_matrices,
    resize_matrix,
    sample,
    separable,
    unpremultiply_,
    writing,
)
from invariance.transforms.geometric import draw_nothing

BLUR_RADIUS = 3
PIXELATE_SHARE = 0.3
ELASTIC_ALPHA, ELASTIC_SIGMA, ELASTIC_RADIUS = 150.0, 5.0, 20
ERASING_SIDE = 14


# -- blur ----------------------------------------------------------------------------------


def draw_blur(keys: Tensor, size: int) -> Parameters:
    """Standard deviation (B,) uniform in [0.1, 1.5] pixels."""
    return {"sigma": sampling.uniform(keys, low=0.1, high=1.5)}


@cache
def _reflect(size: int, radius: int, device: torch.device) -> Tensor:
    return torch.from_numpy(reflect_matrices(size, radius)).float().to(device)


@writing
def blur(images: Tensor, parameters: Parameters, out: Tensor) -> None:
    """7 x 7 Gaussian with mirrored borders, alpha included, as one small matrix a side and image."""
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=images.device)
    exponent = (offsets / parameters["sigma"][:, None]).square_().mul_(-0.5)
    weights = exponent.clamp_min_(-60).exp_()  # smaller ones count for nothing, and as subnormal numbers take long
    weights = weights / weights.sum(1, keepdim=True)
    size = images.shape[-1]
    shifts = _reflect(size, BLUR_RADIUS, images.device).flatten(1)
    separable(images, (weights @ shifts).reshape(-1, size, size), out)
    out.clamp_(max=1)  # the weights sum to 1 only up to rounding


# -- noise ---------------------------------------------------------------------------------


def draw_seed(keys: Tensor, size: int) -> Parameters:
    """The key (B,) from which `apply` makes the random field: small to keep, exact to replay.

    `apply` also takes the `field` itself: of noise (B, 3, size, size), of elastic (B, 2, size, size) as `displacement`.
    """
    return {"key": keys}


def field_of(parameters: Parameters, make: Callable[[Tensor, int], Tensor], size: int) -> Tensor:
    """The random field of noise or elastic, which `make` makes of keys; read only, since it may be the caller's own."""
    return parameters["field"] if "field" in parameters else make(parameters["key"], size)


@cache
def _noise_table(device: torch.device) -> Tensor:
    quantiles = (torch.arange(2**16, dtype=torch.float64) + 0.5) / 2**16
    return torch.special.ndtri(quantiles).clamp_(0, 1).float().to(device)


def positive_noise(keys: Tensor, size: int) -> Tensor:
    """clip(N(0, 1), 0, 1) a pixel and channel: (B, 3, size, size).

    Read from a table of 2^16 equally likely values, far finer than the 256 levels of a picture.
    """
    rank = sampling.shorts(keys, 3 * size * size).to(torch.int32).add_(2**15)
    return _noise_table(keys.device).index_select(0, rank.flatten()).reshape(-1, 3, size, size)


@on_rgb
def noise(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Add non-negative noise and clip to [0, 1]."""
    torch.add(rgb, field_of(parameters, positive_noise, rgb.shape[-1]), out=out).clamp_(0, 1)


# -- pixelate ------------------------------------------------------------------------------


@cache
def pixelate_tables(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Box means (coarse, size), the coarse pixel that each pixel shows (size,), and the same as a matrix."""
    coarse = int(PIXELATE_SHARE * size)
    nearest = ((np.arange(size) + 0.5) * coarse / size).astype(int)
    means = torch.from_numpy(resize_matrix(size, coarse, "box")).float().to(device)
    return means, torch.tensor(nearest, device=device), torch.from_numpy(np.eye(coarse)[:, nearest]).float().to(device)


def pixelate(images: Tensor, parameters: Parameters) -> Tensor:
    """Average down to int(0.3 size) pixels a side and repeat them back up."""
    means, nearest, repeat = pixelate_tables(images.shape[-1], images.device)
    weighted = premultiply(images, torch.empty_like(images))
    coarse = unpremultiply_(means @ (weighted @ means.T))
    return (coarse @ repeat).index_select(2, nearest)


# -- elastic -------------------------------------------------------------------------------


@cache
def _elastic_smoothing(size: int, device: torch.device) -> Tensor:
    offsets = np.arange(-ELASTIC_RADIUS, ELASTIC_RADIUS + 1)
    weights = np.exp(-0.5 * (offsets / ELASTIC_SIGMA) ** 2)
    matrix = np.einsum("k,kij->ij", weights / weights.sum(), reflect_matrices(size, ELASTIC_RADIUS))
    return torch.from_numpy(matrix).float().to(device)


def white_field(keys: Tensor, size: int) -> Tensor:
    """Independent uniform numbers in [-1, 1), x and y: (B, 2, size, size)."""
    return sampling.shorts(keys, 2 * size * size).float().mul_(2.0**-15).reshape(-1, 2, size, size)


def displacement(keys: Tensor, size: int) -> Tensor:
    """Smooth random field (B, 2, size, size), x and y, in units of half the canvas."""
    white = white_field(keys, size)
    separable(white, _elastic_smoothing(size, keys.device), out=white)
    return white.mul_(ELASTIC_ALPHA / size)


def elastic(images: Tensor, parameters: Parameters) -> Tensor:
    """Move every pixel along a smooth random field, bilinear, transparent (or black) outside."""
    size = images.shape[-1]
    steps = grid_of(torch.arange(size, device=images.device), size)
    still = torch.stack((steps.expand(size, size), steps[:, None].expand(size, size)))
    grid = field_of(parameters, displacement, size) + still
    return sample(images, grid, "bilinear").clamp_(max=1)  # as in `blur`


# -- erasing -------------------------------------------------------------------------------


def draw_erasing(keys: Tensor, size: int) -> Parameters:
    """Top-left corner (B, 2), x and y, of a square inside the canvas: uniform from 0 to size - 15, of 32 pixels to 17.

    So the last row and column are never erased, as in the paper's code.
    """
    return {"corner": (sampling.uniform(keys, 2) * (size - ERASING_SIDE)).long()}


@writing
def erasing(images: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Make a 14 x 14 square transparent (or black); what of it lies outside the canvas is left out."""
    position = torch.arange(images.shape[-1], device=images.device) - parameters["corner"][:, :, None]
    hit = ((position >= 0) & (position < ERASING_SIDE)).float()  # (B, 2, size), x then y
    kept = (hit[:, 1, :, None] * hit[:, 0, None, :]).neg_().add_(1)
    torch.mul(images, kept[:, None], out=out)


# -- contrast ------------------------------------------------------------------------------


def draw_contrast(keys: Tensor, size: int) -> Parameters:
    """Factor (B,) uniform in [0, 2]."""
    return {"factor": sampling.uniform(keys, high=2.0)}


@on_rgb
def contrast(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Blend with the mean luma of the RGB canvas (transparent pixels included) and clip."""
    factor = per_image(parameters["factor"])
    mean = luma(rgb.mean((2, 3), keepdim=True))
    torch.mul(rgb, factor, out=out).add_(mean * (1 - factor)).clamp_(0, 1)


CORRUPTION = (
    Transformation(
        "blur",
        "corruption",
        draw_blur,
        blur,
        {"sigma": Range(0.1, 1.5, "pixels")},
        min_size=BLUR_RADIUS + 1,
        summary="smooths with a Gaussian",
    ),
    Transformation("noise", "corruption", draw_seed, noise, probability=0.5, summary="adds bright random pixels"),
    Transformation(
        "pixelate", "corruption", draw_nothing, pixelate, probability=0.5, min_size=4, summary="repeats coarse blocks"
    ),
    Transformation(
        "elastic",
        "corruption",
        draw_seed,
        elastic,
        probability=0.5,
        min_size=ELASTIC_RADIUS + 1,
        summary="warps along a smooth random field",
    ),
    Transformation(
        "erasing",
        "corruption",
        draw_erasing,
        erasing,
        {"corner": Range(0, 17, "pixels")},
        probability=0.5,
        min_size=ERASING_SIDE,
        summary="cuts a square hole",
    ),
    Transformation(
        "contrast",
        "corruption",
        draw_contrast,
        contrast,
        {"factor": Range(0.0, 2.0)},
        summary="pulls colours to or from their mean",
    ),
)
