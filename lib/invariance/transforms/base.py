"""What a transformation is, and the tensor operations that several of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor

Parameters = dict[str, Tensor]
"""Everything random in one transformation: tensors with a leading batch dimension (B, ...)."""


@dataclass(frozen=True)
class Range:
    """The values that one parameter can take, for documents, explorers and checks."""

    low: float
    high: float
    unit: str = ""


@dataclass(frozen=True)
class Transformation:
    """Two pure functions, and what one must know to use them.

    `draw(keys, size)` gives the parameters of each image: (B,) keys and the canvas side in
    pixels to a dict of tensors (B, ...). `apply(images, parameters)` gives the transformed images:
    float32 (B, C, size, size) in [0, 1], with C = 4 (an object, straight alpha last) or
    C = 3 (a whole image). With `probability` below 1 the image is left alone otherwise; the
    composition draws that choice. `move_box(boxes, parameters, size)` says where the
    object's bounding box (B, 4), as x, y, width, height in pixels, goes.
    """

    name: str
    category: str
    draw: Callable[[Tensor, int], Parameters]
    apply: Callable[[Tensor, Parameters], Tensor]
    ranges: Mapping[str, Range] = field(default_factory=dict)
    probability: float = 1.0
    min_size: int = 1
    move_box: Callable[[Tensor, Parameters, int], Tensor] | None = None
    summary: str = ""


def on_rgb(function: Callable[[Tensor, Parameters], Tensor]) -> Callable[[Tensor, Parameters], Tensor]:
    """Make a function of RGB images keep the alpha channel of RGBA images as it was."""

    def apply(images: Tensor, parameters: Parameters) -> Tensor:
        rgb = function(images[:, :3], parameters)
        return rgb if images.shape[1] == 3 else torch.cat((rgb, images[:, 3:]), dim=1)

    apply.__doc__ = function.__doc__
    return apply


def per_image(values: Tensor) -> Tensor:
    """(B,) to (B, 1, 1, 1), to combine with images."""
    return values.reshape(-1, 1, 1, 1)


def luma(rgb: Tensor) -> Tensor:
    """ITU-R 601 luma of (B, 3, H, W) as (B, 1, H, W)."""
    return rgb[:, 0:1] * 0.299 + rgb[:, 1:2] * 0.587 + rgb[:, 2:3] * 0.114


def separable(images: Tensor, matrix: Tensor) -> Tensor:
    """R X R^T in every channel: images (B, C, W, W), matrix (V, W) shared or (B, V, W)."""
    if matrix.ndim == 3:
        matrix = matrix[:, None]
    return matrix @ (images @ matrix.transpose(-1, -2))


def premultiplied(images: Tensor, resample: Callable[[Tensor], Tensor]) -> Tensor:
    """Resample with colours weighted by alpha, as Pillow does, so that no background colour bleeds in."""
    if images.shape[1] == 3:
        return resample(images).clamp_(0, 1)
    alpha = images[:, 3:]
    out = resample(torch.cat((images[:, :3] * alpha, alpha), dim=1)).clamp_(0, 1)
    alpha = out[:, 3:]
    rgb = torch.where(alpha > 0, out[:, :3] / alpha.clamp_min(1e-6), 0).clamp_(max=1)
    return torch.cat((rgb, alpha), dim=1)


_KERNELS = {  # filter and its radius in output pixels, with Pillow's constants
    "box": (lambda x: ((x > -0.5) & (x <= 0.5)).astype(float), 0.5),
    "bilinear": (lambda x: np.maximum(0, 1 - np.abs(x)), 1.0),
    "bicubic": (
        lambda x: np.where(
            np.abs(x) < 1,
            (1.5 * np.abs(x) - 2.5) * x * x + 1,
            np.where(np.abs(x) < 2, -0.5 * (((np.abs(x) - 5) * np.abs(x) + 8) * np.abs(x) - 4), 0),
        ),
        2.0,
    ),
}


@cache
def resize_matrix(source: int, target: int, kernel: str) -> np.ndarray:
    """Pillow's antialiased `resize` along one axis as a float64 matrix (target, source)."""
    function, radius = _KERNELS[kernel]
    step = source / target
    stretch = max(step, 1.0)
    centres = (np.arange(target) + 0.5) * step
    first = np.maximum(0, (centres - radius * stretch + 0.5).astype(int))
    last = np.minimum(source, (centres + radius * stretch + 0.5).astype(int))
    columns = np.arange(source)
    weights = function((columns - centres[:, None] + 0.5) / stretch)
    weights = weights * ((columns >= first[:, None]) & (columns < last[:, None]))
    return weights / weights.sum(1, keepdims=True)


@cache
def reflect_matrices(size: int, radius: int) -> np.ndarray:
    """Shifts by -radius .. radius with mirrored borders, as matrices (2 radius + 1, size, size)."""
    shifts = np.zeros((2 * radius + 1, size, size))
    for k in range(2 * radius + 1):
        position = np.abs(np.arange(size) + k - radius)
        position = np.where(position >= size, 2 * (size - 1) - position, position)
        shifts[k, np.arange(size), position] = 1
    return shifts


def sample_nearest(images: Tensor, inverse: Tensor) -> Tensor:
    """Nearest-neighbour affine resampling, transparent (or black) outside, as Pillow does it.

    `inverse` is float64 (B, 6): output pixel (x, y) reads input (a x + b y + c, d x + e y + f).
    Pillow walks the image in 16.16 fixed point; doing the same makes the result equal bit by bit.
    """
    b, c, h, w = images.shape
    # The pixel centre is half a pixel in; Pillow adds it before rounding to fixed point.
    start = inverse[:, [2, 5]] + 0.5 * (inverse[:, [0, 3]] + inverse[:, [1, 4]])
    fixed = (torch.cat((inverse[:, [0, 1, 3, 4]], start), dim=1) * 65536 + 0.5).floor().to(torch.int32)
    along_x, along_y = (torch.arange(n, dtype=torch.int32, device=images.device) for n in (w, h))
    fixed = fixed[:, :, None]
    x_row, x_column = fixed[:, 1] * along_y + fixed[:, 4], fixed[:, 0] * along_x
    y_row, y_column = fixed[:, 3] * along_y + fixed[:, 5], fixed[:, 2] * along_x
    x = (x_row[:, :, None] + x_column[:, None]) >> 16
    y = (y_row[:, :, None] + y_column[:, None]) >> 16
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    index = (y * w + x).masked_fill_(~inside, 0).to(torch.int64).reshape(b, 1, h * w).expand(b, c, h * w)
    out = images.reshape(b, c, h * w).gather(2, index).reshape(b, c, h, w)
    return out.mul_(inside[:, None])


def affine_box(boxes: Tensor, inverse: Tensor, size: int) -> Tensor:
    """Smallest box inside the canvas around the corners of `boxes` (B, 4) after an affine map."""
    x, y, w, h = boxes.double().unbind(1)
    a, b, c, d, e, f = inverse.unbind(1)
    det = a * e - b * d
    corners = [(x, y), (x + w, y), (x, y + h), (x + w, y + h)]
    xs = torch.stack([(e * (u - c) - b * (v - f)) / det for u, v in corners])
    ys = torch.stack([(a * (v - f) - d * (u - c)) / det for u, v in corners])
    low = torch.stack((xs.amin(0), ys.amin(0)), 1).floor().clamp(0, size - 1)
    high = torch.stack((xs.amax(0), ys.amax(0)), 1).ceil().clamp(1, size)
    return torch.cat((low, high - low), 1).to(boxes.dtype)
