"""Photometric transformations: hue, brightness, grayscale, posterize, invert, sharpen.

They change the colours of an object and keep its alpha channel, except `sharpen`, which treats
alpha as a fourth channel (as the paper's code does).
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
def hue(images: Tensor, parameters: Parameters) -> Tensor:
    """Turn the hue of the HSV colour, keeping saturation and value."""
    red, green, blue = images.unbind(1)
    value, chroma = images.amax(1), images.amax(1) - images.amin(1)
    safe = torch.where(chroma > 0, chroma, 1)
    sextant = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sextant = sextant + 6 * parameters["shift"].reshape(-1, 1, 1)
    # Each channel is the value less the chroma times a trapezoid of the hue, shifted by its own offset.
    offsets = torch.tensor([5.0, 3.0, 1.0], device=images.device).reshape(1, 3, 1, 1)
    k = torch.remainder(sextant[:, None] + offsets, 6)
    return value[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp_(0, 1)


def draw_brightness(keys: Tensor, size: int) -> Parameters:
    """Factor (B,) uniform in [0, 2]."""
    return {"factor": sampling.uniform(keys, high=2.0)}


@on_rgb
def brightness(images: Tensor, parameters: Parameters) -> Tensor:
    """Multiply by the factor and clip to [0, 1]."""
    return (images * per_image(parameters["factor"])).clamp_(0, 1)


@on_rgb
def grayscale(images: Tensor, parameters: Parameters) -> Tensor:
    """Put the luma on all three channels."""
    return luma(images).expand_as(images)


@on_rgb
def posterize(images: Tensor, parameters: Parameters) -> Tensor:
    """Keep the top bit of the 8-bit value: 0 or 128/255."""
    return (images >= 127.5 / 255).float() * (128 / 255)


@on_rgb
def invert(images: Tensor, parameters: Parameters) -> Tensor:
    """1 - x."""
    return 1 - images


def sharpen(images: Tensor, parameters: Parameters) -> Tensor:
    """Blend away from a smoothed image with factor 7, alpha included; the border row stays."""
    rows = images[..., :-2, :] + images[..., 1:-1, :] + images[..., 2:, :]
    box = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    centre = images[..., 1:-1, 1:-1]
    smooth = (box + 4 * centre) / 13  # Pillow's SMOOTH kernel: ones, with 5 in the centre
    out = images.clone()
    out[..., 1:-1, 1:-1] = (smooth + SHARPNESS * (centre - smooth)).clamp_(0, 1)
    return out


PHOTOMETRIC = (
    Transformation(
        "hue",
        "photometric",
        draw_hue,
        hue,
        {"shift": Range(-0.5, 0.5, "turns")},
        summary="turns the colour circle",
    ),
    Transformation(
        "brightness",
        "photometric",
        draw_brightness,
        brightness,
        {"factor": Range(0.0, 2.0)},
        summary="makes the object darker or lighter",
    ),
    Transformation(
        "grayscale",
        "photometric",
        draw_nothing,
        grayscale,
        probability=0.5,
        summary="removes colour",
    ),
    Transformation(
        "posterize",
        "photometric",
        draw_nothing,
        posterize,
        probability=0.5,
        summary="keeps one bit a channel",
    ),
    Transformation(
        "invert",
        "photometric",
        draw_nothing,
        invert,
        probability=0.5,
        summary="turns colours into their negative",
    ),
    Transformation(
        "sharpen",
        "photometric",
        draw_nothing,
        sharpen,
        probability=0.5,
        min_size=3,
        summary="exaggerates edges",
    ),
)
