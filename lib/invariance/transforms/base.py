"""What a transformation is, and the tensor operations that several of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from invariance.errors import InputError

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
    C = 3 (a whole image), and leaves the given ones as they are. With `probability` below 1 the
    image is left alone otherwise; the composition draws that choice. `move_box(boxes, parameters,
    size)` says where the object's bounding box (B, 4), as x, y, width, height in pixels, goes.

    Raises `InputError` for a probability outside [0, 1].
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

    def __post_init__(self) -> None:
        if not isinstance(self.probability, (int, float)) or not 0 <= self.probability <= 1:
            raise InputError(f"Transformation {self.name!r} has probability {self.probability!r}: give one of 0 to 1.")


def writing(change: Callable[[Tensor, Parameters, Tensor], object]) -> Callable[[Tensor, Parameters], Tensor]:
    """Make `change(images, parameters, out)`, which writes to `out`, maybe `images` itself, give new images.

    What it returns has an attribute `overwrite`, the same in the memory of the given images, for
    compositions that are done with the old ones.
    """

    def overwrite(images: Tensor, parameters: Parameters) -> Tensor:
        change(images, parameters, images)
        return images

    def apply(images: Tensor, parameters: Parameters) -> Tensor:
        out = torch.empty_like(images, memory_format=torch.contiguous_format)
        change(images, parameters, out)
        return out

    apply.__doc__ = change.__doc__
    apply.overwrite = overwrite  # type: ignore[attr-defined]
    return apply


def on_rgb(change: Callable[[Tensor, Parameters, Tensor], object]) -> Callable[[Tensor, Parameters], Tensor]:
    """As `writing`, for a `change` that is given the RGB channels alone; RGBA images keep their alpha."""

    def change_rgb(images: Tensor, parameters: Parameters, out: Tensor) -> None:
        if out is not images:
            out[:, 3:] = images[:, 3:]
        change(images[:, :3], parameters, out[:, :3])

    change_rgb.__doc__ = change.__doc__
    return writing(change_rgb)


def per_image(values: Tensor) -> Tensor:
    """(B,) to (B, 1, 1, 1), to combine with images."""
    return values.reshape(-1, 1, 1, 1)


def luma(rgb: Tensor) -> Tensor:
    """ITU-R 601 luma of (B, 3, H, W) as (B, 1, H, W)."""
    return (rgb[:, 0:1] * 0.299).add_(rgb[:, 1:2], alpha=0.587).add_(rgb[:, 2:3], alpha=0.114)


def separable(images: Tensor, matrix: Tensor, out: Tensor) -> None:
    """R X R^T in every channel to `out`: images (B, C, W, W), matrix (W, W) shared or (B, W, W)."""
    down(matrix, (images.flatten(1, 2) @ matrix.mT).reshape(images.shape), out)


def down(matrix: Tensor, images: Tensor, out: Tensor) -> None:
    """R X in every channel to `out`, of the same kind as in `separable`."""
    matrix = matrix.expand(len(images), *matrix.shape[-2:])
    for channel in range(images.shape[1]):  # one product for all would first copy the matrix for every channel
        torch.bmm(matrix, images[:, channel], out=out[:, channel])


def premultiply(images: Tensor, out: Tensor) -> Tensor:
    """Colours weighted by alpha, in `out`, so that no background colour bleeds in; RGB images as they are."""
    if images.shape[1] == 3:
        return images
    if out is not images:
        out[:, 3:] = images[:, 3:]
    torch.mul(images[:, :3], images[:, 3:], out=out[:, :3])
    return out


def unpremultiply_(images: Tensor) -> Tensor:
    """Undo `premultiply` in place and clip to [0, 1]; black where nothing is left of the object."""
    images.clamp_(0, 1)
    if images.shape[1] == 4:
        rgb, alpha = images[:, :3], images[:, 3:]
        torch.minimum(rgb, alpha, out=rgb).mul_(alpha.clamp_min(1e-6).reciprocal_()).clamp_(max=1)
    return images


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


def grid_of(pixels: Tensor, size: int) -> Tensor:
    """Pixel numbers along a side as the coordinates in [-1, 1] that `sample` takes, float32."""
    return pixels.float().mul_(2 / size).add_(1 / size - 1)


def sample(images: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Images at the places `grid` (B, 2, H, W), x and y, "nearest" or "bilinear"; transparent (or black) outside."""
    return grid_sample(images, grid.permute(0, 2, 3, 1), mode=mode, padding_mode="zeros", align_corners=False)


def sample_affine(images: Tensor, inverse: Tensor) -> Tensor:
    """Nearest-neighbour affine resampling, transparent (or black) outside, as Pillow does it.

    `inverse` is float64 (B, 6): output pixel (x, y) reads input (a x + b y + c, d x + e y + f).
    Pillow walks the image in 16.16 fixed point; doing the same makes the result equal bit by bit.
    """
    size = images.shape[-1]
    inverse = inverse.unflatten(1, (2, 3))  # of x and of y
    # The pixel centre is half a pixel in; Pillow adds it before rounding to fixed point.
    start = inverse[..., 2] + 0.5 * (inverse[..., 0] + inverse[..., 1])
    fixed = (torch.stack((inverse[..., 0], inverse[..., 1], start), -1) * 65536 + 0.5).floor().to(torch.int32)
    across, along, start = fixed[..., None].unbind(2)  # (B, 2, 1) each
    line = torch.arange(size, dtype=torch.int32, device=images.device)
    pixels = (along * line + start)[..., None] + (across * line)[:, :, None]
    return sample(images, grid_of(pixels.bitwise_right_shift_(16), size), "nearest")


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
