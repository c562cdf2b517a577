"""Geometric transformations: scale, translate, v_flip, h_flip, rotate, shear (section 3 of the paper)."""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from invariance import sampling
from invariance.transforms.base import (
    Parameters,
    Range,
    Transformation,
    affine_box,
    down,
    grid_of,
    premultiply,
    resize_matrix,
    sample,
    sample_affine,
    unpremultiply_,
    writing,
)

NATURAL_SHIFT = 15
"""Largest shift of a whole image by `translate`, in per cent of its side."""


# -- scale ---------------------------------------------------------------------------------


def draw_scale(keys: Tensor, size: int) -> Parameters:
    """Factor (B,) uniform in [0.4, 1]."""
    return {"factor": sampling.uniform(keys, low=0.4, high=1.0)}


def scale_matrices(size: int) -> np.ndarray:
    """Entry n shrinks the canvas to n pixels and centres it: float64 (size + 1, size, size)."""
    table = np.zeros((size + 1, size, size))
    for n in range(1, size + 1):
        start = (size - n) // 2
        table[n, start : start + n] = resize_matrix(size, n, "bicubic") if n < size else np.eye(size)
    return table


@cache
def _scale_matrices(size: int, device: torch.device) -> Tensor:
    return torch.from_numpy(scale_matrices(size)).float().to(device)


def scaled_side(factor: Tensor, size: int) -> Tensor:
    """Side of the shrunken canvas, rounded to the nearest whole pixel, int64 (B,)."""
    return (factor.double() * size).round().long().clamp(1, size)


@writing
def scale(images: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Shrink the canvas about its centre to round(factor * size) pixels, bicubic with antialiasing."""
    size = images.shape[-1]
    matrices = _scale_matrices(size, images.device).index_select(0, scaled_side(parameters["factor"], size))
    weighted = premultiply(images, out)
    # Pillow clips what the kernel overshoots after the first axis too.
    across = (weighted.flatten(1, 2) @ matrices.mT).clamp_(0, 1)
    down(matrices, across.reshape(images.shape), out)
    unpremultiply_(out)


def scaled_extent(boxes: Tensor, parameters: Parameters) -> Tensor:
    """Width and height of the shrunken box, rounded to the nearest whole pixel, int64 (B, 2)."""
    return (boxes[:, 2:] * parameters["factor"].double()[:, None]).round().long()


def scale_box(boxes: Tensor, parameters: Parameters, size: int) -> Tensor:
    """The box shrinks with the canvas, to the nearest whole pixels."""
    side = scaled_side(parameters["factor"], size)[:, None]
    low = (2 * boxes[:, :2] * side + size) // (2 * size)
    return torch.cat(((size - side) // 2 + low, scaled_extent(boxes, parameters)), 1)


# -- translate -----------------------------------------------------------------------------


def draw_translate(keys: Tensor, size: int) -> Parameters:
    """Place (B, 2), x and y, uniform in [0, 1): 0 is the left or top end of what is possible."""
    return {"place": sampling.uniform(keys, 2)}


def shift_of(parameters: Parameters, size: int) -> Tensor:
    """Shift in pixels, int64 (B, 2) as x, y. `box` among the parameters makes it an object's.

    Without, every whole number of pixels up to 15 % of the side, to either side, is equally likely.
    """
    place = parameters["place"]
    if "box" not in parameters:
        most = size * NATURAL_SHIFT // 100
        return (place * (2 * most + 1)).long() - most
    box = parameters["box"]
    target = (place * (size - box[:, 2:]).clamp_min(1)).long()
    return target - box[:, :2]


def translate(images: Tensor, parameters: Parameters) -> Tensor:
    """Shift by whole pixels; what is uncovered is transparent (or black)."""
    return shifted(images, shift_of(parameters, images.shape[-1]))


def shifted(images: Tensor, shift: Tensor) -> Tensor:
    """Images moved by `shift` (B, 2), x and y in pixels."""
    size = images.shape[-1]
    x, y = grid_of(torch.arange(size, device=images.device) - shift[..., None], size).unbind(1)
    grid = torch.stack((x[:, None].expand(-1, size, size), y[:, :, None].expand(-1, size, size)), 1)
    return sample(images, grid, "nearest")


def translate_box(boxes: Tensor, parameters: Parameters, size: int) -> Tensor:
    """The box moves with the object."""
    moved = boxes[:, :2] + shift_of({**parameters, "box": boxes}, size)
    return torch.cat((moved, boxes[:, 2:]), 1)


# -- flips ---------------------------------------------------------------------------------


def draw_nothing(keys: Tensor, size: int) -> Parameters:
    """No parameter beyond whether it is applied."""
    return {}


def v_flip(images: Tensor, parameters: Parameters) -> Tensor:
    """Mirror top to bottom."""
    return images.flip(2)


def h_flip(images: Tensor, parameters: Parameters) -> Tensor:
    """Mirror left to right."""
    return images.flip(3)


def _mirror_box(boxes: Tensor, size: int, axis: int) -> Tensor:
    boxes = boxes.clone()
    boxes[:, axis] = size - boxes[:, axis] - boxes[:, axis + 2]
    return boxes


# -- rotate and shear ----------------------------------------------------------------------


def draw_rotate(keys: Tensor, size: int) -> Parameters:
    """Angle (B,) uniform in [0, 360) degrees, counter-clockwise."""
    return {"angle": sampling.uniform(keys, high=360.0)}


def _about_centre(a: Tensor, b: Tensor, d: Tensor, e: Tensor, size: int) -> Tensor:
    # An inverse linear map about the centre of the canvas, as (B, 6).
    centre = size / 2
    return torch.stack((a, b, centre - centre * (a + b), d, e, centre - centre * (d + e)), 1)


def rotation_inverse(parameters: Parameters, size: int) -> Tensor:
    """Inverse map (B, 6), float64, of a counter-clockwise rotation about the centre."""
    angle = torch.deg2rad(parameters["angle"].double())
    cos, sin = angle.cos(), angle.sin()
    return _about_centre(cos, -sin, sin, cos, size)


def rotate(images: Tensor, parameters: Parameters) -> Tensor:
    """Rotate about the centre, nearest neighbour, transparent (or black) outside."""
    return sample_affine(images, rotation_inverse(parameters, images.shape[-1]))


def draw_shear(keys: Tensor, size: int) -> Parameters:
    """Angles (B, 2), along x and along y, each uniform in [-50, 50] degrees."""
    return {"angles": sampling.uniform(keys, 2, low=-50.0, high=50.0)}


def shear_inverse(parameters: Parameters, size: int) -> Tensor:
    """Inverse map (B, 6), float64, of a shear about the centre with torchvision's conventions."""
    tan_x, tan_y = torch.tan(parameters["angles"].double() * (math.pi / 180)).unbind(1)
    one = torch.ones_like(tan_x)
    return _about_centre(one + tan_x * tan_y, tan_x, tan_y, one, size)


def shear(images: Tensor, parameters: Parameters) -> Tensor:
    """Shear along both axes about the centre, nearest neighbour, transparent (or black) outside."""
    return sample_affine(images, shear_inverse(parameters, images.shape[-1]))


GEOMETRIC = (
    Transformation(
        "scale",
        "geometric",
        draw_scale,
        scale,
        {"factor": Range(0.4, 1.0)},
        move_box=scale_box,
        summary="shrinks the canvas about its centre",
    ),
    Transformation(
        "translate",
        "geometric",
        draw_translate,
        translate,
        {"place": Range(0.0, 1.0, "of the free way")},
        move_box=translate_box,
        summary="moves the object to a random place inside the canvas",
    ),
    Transformation(
        "v_flip",
        "geometric",
        draw_nothing,
        v_flip,
        probability=0.5,
        move_box=lambda boxes, parameters, size: _mirror_box(boxes, size, 1),
        summary="mirrors top to bottom",
    ),
    Transformation(
        "h_flip",
        "geometric",
        draw_nothing,
        h_flip,
        probability=0.5,
        move_box=lambda boxes, parameters, size: _mirror_box(boxes, size, 0),
        summary="mirrors left to right",
    ),
    Transformation(
        "rotate",
        "geometric",
        draw_rotate,
        rotate,
        {"angle": Range(0.0, 360.0, "degrees")},
        move_box=lambda boxes, parameters, size: affine_box(boxes, rotation_inverse(parameters, size), size),
        summary="turns about the centre",
    ),
    Transformation(
        "shear",
        "geometric",
        draw_shear,
        shear,
        {"angles": Range(-50.0, 50.0, "degrees")},
        move_box=lambda boxes, parameters, size: affine_box(boxes, shear_inverse(parameters, size), size),
        summary="slants along both axes",
    ),
)
