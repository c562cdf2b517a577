"""Photometric transformations: hue, brightness, grayscale, posterize, invert, sharpen.

They change the colours of an object and keep its alpha channel.
"""

import torch
from torch import Tensor

from invariance import sampling
from invariance.transforms.base import Parameters, Range, Transformation, luma, on_rgb, per_image
from invariance.transforms.geometric import draw_nothing

SHARPNESS = 7.0


def draw_hue(keys: Tensor, size: int) -> Parameters:
    """Shift (B,) uniform in [-0.5, 0.5] turns of the colour circle."""
    return {"shift": sampling.uniform(keys, low=-0.5, high=0.5)}


@on_rgb
def hue(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Turn the hue of the HSV colour, keeping saturation and value."""
    red, green, blue = rgb.unbind(1)
    low, high = rgb.amin(1), rgb.amax(1)
    chroma = high - low
    # How far the hue is from red, in sixths of a turn, is 1 + (green + blue - red - low) / chroma
    # whichever channel is largest, and it lies on green's side where green exceeds blue.
    away = (green - low).add_(blue).sub_(red).div_(chroma.clamp_min(1e-12)).add_(1).copysign_(green - blue)
    shift = parameters["shift"]
    own = torch.stack((shift, shift - 1 / 3, shift + 1 / 3), 1)[..., None, None]
    # A channel falls from the high to the low between one and two sixths away from its own hue.
    torch.add(own, away[:, None], alpha=1 / 6, out=out)
    out.sub_(out.round()).abs_().mul_(6).sub_(1).clamp_(0, 1)
    torch.addcmul(high[:, None], out, chroma[:, None], value=-1, out=out)


def draw_brightness(keys: Tensor, size: int) -> Parameters:
    """Factor (B,) uniform in [0, 2]."""
    return {"factor": sampling.uniform(keys, high=2.0)}


@on_rgb
def brightness(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Multiply by the factor and clip to [0, 1]."""
    torch.mul(rgb, per_image(parameters["factor"]), out=out).clamp_(0, 1)


@on_rgb
def grayscale(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Put the luma on all three channels."""
    out.copy_(luma(rgb).expand_as(rgb))


@on_rgb
def posterize(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Keep the top bit of the 8-bit value: 0 or 128/255."""
    torch.ge(rgb, 127.5 / 255, out=out).mul_(128 / 255)


@on_rgb
def invert(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """1 - x."""
    torch.neg(rgb, out=out).add_(1)


@on_rgb
def sharpen(rgb: Tensor, parameters: Parameters, out: Tensor) -> None:
    """Blend away from a smoothed image with factor 7; the border row stays."""
    b, c, h, w = rgb.shape
    # Flat, a pixel's neighbours are 1 and w away and whole images add at once. Sums that run over
    # the end of a row belong to the border, which is not written.
    flat = rgb.flatten(2)
    rows = (flat[..., : -2 * w] + flat[..., 2 * w :]).add_(flat[..., w:-w])
    box = (rows[..., :-2] + rows[..., 2:]).add_(rows[..., 1:-1]).contiguous()
    # Pillow's SMOOTH kernel is ones with 5 in the centre: smooth = (box + 4 centre) / 13.
    box.mul_((1 - SHARPNESS) / 13).add_(flat[..., w + 1 : -w - 1], alpha=SHARPNESS + (1 - SHARPNESS) * 4 / 13)
    out.copy_(rgb)
    length = box.shape[-1]
    out[..., 1:-1, 1:-1] = box.clamp_(0, 1).as_strided((b, c, h - 2, w - 2), (c * length, length, w, 1))


PHOTOMETRIC = (
    Transformation(
        "hue", "photometric", draw_hue, hue, {"shift": Range(-0.5, 0.5, "turns")}, summary="turns the colour circle"
    ),
    Transformation(
        "brightness",
        "photometric",
        draw_brightness,
        brightness,
        {"factor": Range(0.0, 2.0)},
        summary="makes the object darker or lighter",
    ),
    Transformation("grayscale", "photometric", draw_nothing, grayscale, probability=0.5, summary="removes colour"),
    Transformation(
        "posterize", "photometric", draw_nothing, posterize, probability=0.5, summary="keeps one bit a channel"
    ),
    Transformation(
        "invert", "photometric", draw_nothing, invert, probability=0.5, summary="turns colours into their negative"
    ),
    Transformation(
        "sharpen", "photometric", draw_nothing, sharpen, probability=0.5, min_size=3, summary="exaggerates edges"
    ),
)
