"""What the published code does otherwise to pixels and boxes: variants of transformations, by the flags of a protocol.

Its pictures have 8 bits a channel between any two steps, and most of its steps are Pillow's. Functions in *levels* take
and give float32 tensors of whole numbers from 0 to 255.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from invariance.protocol import Protocol
from invariance.transforms import corruption, geometric
from invariance.transforms.base import Parameters, per_image, resize_matrix
from invariance.transforms.photometric import SHARPNESS

RGB_ONLY = ("hue", "brightness", "grayscale", "posterize", "invert", "noise", "contrast")
"""Those behind the wrapper that keeps alpha and multiplies by it. `sharpen` keeps alpha by itself."""

SHIFT = geometric.NATURAL_SHIFT
"""In per cent of the side: `translate` takes a whole image for an object that starts so far outside, and has twice that
room to move in."""


def changes(protocol: Protocol) -> dict[str, dict[str, Any]]:
    """The fields of transformations that a protocol changes, by the transformation's name."""
    found: dict[str, dict[str, Any]] = {}
    if protocol.eight_bits:
        found |= {name: {"apply": apply} for name, apply in EIGHT_BITS.items()}
    if protocol.shifts_right_and_down:
        found["translate"] = {"apply": translate}
    if protocol.boxes_stay:
        found["scale"] = found.get("scale", {}) | {"move_box": scale_box}
        found |= {name: {"move_box": None} for name in ("v_flip", "h_flip", "rotate", "shear")}
    if protocol.noise_wraps:
        found["noise"] = {"apply": noise}
    if protocol.elastic_dims_border:
        found["elastic"] = {"apply": elastic}
    return found


def settled(name: str, images: Tensor, protocol: Protocol) -> Tensor:
    """What a protocol leaves of images (B, C, H, W) after a transformation, whether that was applied or not."""
    if protocol.eight_bits:
        images = in_whole_levels(images)
    if protocol.darkens_translucent and name in RGB_ONLY and images.shape[1] == 4:
        images = torch.cat((images[:, :3] * images[:, 3:], images[:, 3:]), 1)
        images = in_whole_levels(images) if protocol.eight_bits else images
    return images


def levels(images: Tensor) -> Tensor:
    """Images in [0, 1] as levels."""
    return _half_up(images * 255)


def in_whole_levels(images: Tensor) -> Tensor:
    """Images in [0, 1], rounded to multiples of 1/255."""
    return levels(images).div_(255)


def _half_up(values: Tensor) -> Tensor:
    # In place. `round_` would take halves to the even number.
    return values.add_(0.5).floor_()


def _in_levels(change: Callable[[Tensor, Parameters], Tensor]) -> Callable[[Tensor, Parameters], Tensor]:
    # A function of levels as one of images in [0, 1].
    return lambda images, parameters: change(levels(images), parameters).div_(255)


def _rgb_in_levels(change: Callable[[Tensor, Parameters], Tensor]) -> Callable[[Tensor, Parameters], Tensor]:
    # The same where only the colours change.
    whole = _in_levels(change)
    return lambda images, parameters: torch.cat((whole(images[:, :3], parameters), images[:, 3:]), 1)


# -- resizing ------------------------------------------------------------------------------


def _fixed_point(matrices: np.ndarray, device: torch.device) -> Tensor:
    # Pillow's weights have 22 bits behind the point; sums of them times levels are exact in float64.
    return torch.from_numpy(np.trunc(matrices * 2**22 + np.copysign(0.5, matrices)) / 2**22).to(device)


@cache
def _scale_weights(size: int, device: torch.device) -> Tensor:
    return _fixed_point(geometric.scale_matrices(size), device)


@cache
def _box_weights(size: int, device: torch.device) -> Tensor:
    return _fixed_point(resize_matrix(size, int(corruption.PIXELATE_SHARE * size), "box"), device)


def _resized(pixels: Tensor, weights: Tensor) -> Tensor:
    """Levels with rows and columns multiplied by `weights` (..., n, size), float64, rounded after either axis.

    RGBA is weighted by alpha before, and divided by it afterwards, in whole levels too.
    """
    colours, alpha = pixels[:, :3], pixels[:, 3:]
    weighted = _half_up(torch.cat((colours * alpha / 255, alpha), 1)) if alpha.shape[1] else pixels
    across = _half_up(weighted.double() @ weights.mT).clamp_(0, 255)
    out = _half_up(weights @ across).clamp_(0, 255).float()
    if alpha.shape[1]:
        straight = (255 * out[:, :3] / out[:, 3:].clamp_min(1)).floor_().clamp_(max=255)
        out = torch.cat((torch.where(out[:, 3:] > 0, straight, out[:, :3]), out[:, 3:]), 1)
    return out


def _scale(pixels: Tensor, parameters: Parameters) -> Tensor:
    size = pixels.shape[-1]
    side = geometric.scaled_side(parameters["factor"], size)
    shrunken = _resized(pixels, _scale_weights(size, pixels.device).index_select(0, side)[:, None])
    return torch.where(per_image(side == size), pixels, shrunken)  # Pillow copies where there is nothing to resize


def _pixelate(pixels: Tensor, parameters: Parameters) -> Tensor:
    size, device = pixels.shape[-1], pixels.device
    _, nearest, _ = corruption.pixelate_tables(size, device)
    return _resized(pixels, _box_weights(size, device)).index_select(2, nearest).index_select(3, nearest)


# -- colours -------------------------------------------------------------------------------


def _luma(rgb: Tensor) -> Tensor:
    weights = torch.stack([rgb[:, k] * weight for k, weight in enumerate((19595, 38470, 7471))], 1)
    return weights.sum(1, keepdim=True).add_(32768).div_(65536).floor_()


def _grayscale(rgb: Tensor, parameters: Parameters) -> Tensor:
    return _luma(rgb).repeat(1, 3, 1, 1)


def _blend(start: Tensor | float, rgb: Tensor, factor: Tensor | float) -> Tensor:
    return ((rgb - start) * factor).add_(start).clamp_(0, 255).floor_()


def _brightness(rgb: Tensor, parameters: Parameters) -> Tensor:
    return _blend(0.0, rgb, per_image(parameters["factor"]))


def _contrast(rgb: Tensor, parameters: Parameters) -> Tensor:
    mean = _luma(rgb).double().mean((1, 2, 3), keepdim=True).add_(0.5).floor_().float()
    return _blend(mean, rgb, per_image(parameters["factor"]))


def _sharpen(rgb: Tensor, parameters: Parameters) -> Tensor:
    rows = rgb[..., :-2, :] + rgb[..., 1:-1, :] + rgb[..., 2:, :]
    box = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    inside = rgb[..., 1:-1, 1:-1]
    smooth = rgb.clone()
    smooth[..., 1:-1, 1:-1] = _half_up((box + 4 * inside) / 13)
    return _blend(smooth, rgb, SHARPNESS)


@cache
def _sector_table(device: torch.device) -> Tensor:
    # By channel and sixth of the circle, which of value, falling, low and rising it has.
    return torch.tensor([[0, 1, 2, 2, 3, 0], [3, 0, 0, 1, 2, 2], [2, 2, 3, 0, 0, 1]], device=device)


def _hue(rgb: Tensor, parameters: Parameters) -> Tensor:
    hue, saturation, value = _hsv(rgb)
    hue = (hue + (parameters["shift"].double() * 255).trunc()[:, None, None]).remainder(256)
    turned = hue * 6 / 255
    sixth = turned.floor()
    rest, share = turned - sixth, saturation / 255
    falls = (share, share * rest, share * (1 - rest))
    low, falling, rising = (_half_up(value * (1 - by)) for by in falls)
    chosen = _sector_table(rgb.device)[:, sixth.long() % 6].transpose(0, 1)
    return torch.stack((value, falling, low, rising), 1).gather(1, chosen).float()


def _hsv(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value (B, H, W), float64, each cut off to whole numbers from 0 to 255, as Pillow has them."""
    high, low = rgb.amax(1), rgb.amin(1)
    chroma = high - low
    red, green, blue = ((high[:, None] - rgb) / chroma.clamp_min(1)[:, None]).unbind(1)
    after_green, after_blue = ((k + a.double() - b.double()).float() for k, a, b in ((2, red, blue), (4, green, red)))
    place = torch.where(rgb[:, 0] == high, blue - green, torch.where(rgb[:, 1] == high, after_green, after_blue))
    hue = ((place.double() / 6 + 1) % 1).float().double().mul_(255).trunc_()
    saturation = (chroma / high.clamp_min(1)).double().mul_(255).trunc_()
    return hue * (chroma > 0), saturation, high.double()


EIGHT_BITS = {
    "scale": _in_levels(_scale),
    "pixelate": _in_levels(_pixelate),
    "grayscale": _rgb_in_levels(_grayscale),
    "brightness": _rgb_in_levels(_brightness),
    "contrast": _rgb_in_levels(_contrast),
    "sharpen": _rgb_in_levels(_sharpen),
    "hue": _rgb_in_levels(_hue),
}
"""Those that Pillow computes by other steps than one rounding at the end."""


# -- slips ---------------------------------------------------------------------------------


def noise(images: Tensor, parameters: Parameters) -> Tensor:
    """The sum in whole levels, cut off, and modulo 256."""
    added = corruption.field_of(parameters, corruption.positive_noise, images.shape[-1])
    rgb = (in_whole_levels(images[:, :3]) + added).mul_(255).floor_().remainder_(256).div_(255)
    return torch.cat((rgb, images[:, 3:]), 1)


def elastic(images: Tensor, parameters: Parameters) -> Tensor:
    """What is read partly from outside is weighed by its share inside, which zeros outside have done already."""
    moved = corruption.elastic(torch.cat((images, torch.ones_like(images[:, :1])), 1), parameters)
    return moved[:, :-1] * moved[:, -1:]


def translate(images: Tensor, parameters: Parameters) -> Tensor:
    """Of objects as corrected; whole images go to the right and down."""
    if "box" in parameters:
        return geometric.translate(images, parameters)
    size = images.shape[-1]
    return geometric.shifted(images, (parameters["place"] * (2 * SHIFT * size / 100)).long() + size * SHIFT // 100)


def scale_box(boxes: Tensor, parameters: Parameters, size: int) -> Tensor:
    """The paste offset is added to the old, unscaled position."""
    side = geometric.scaled_side(parameters["factor"], size)[:, None]
    return torch.cat(((size - side) // 2 + boxes[:, :2], geometric.scaled_extent(boxes, parameters)), 1)
