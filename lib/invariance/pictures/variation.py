"""What makes labelled scenes hard: another view, another camera, and things that stand in the way.

Each step acts on a batch of painted scenes, float32 (B, 3, size, size) in about [0, 1], and draws
from their keys (B,). As in `brushes`, only operations that round the same in any batch are used.
"""

import numpy as np
import torch
from torch.nn.functional import grid_sample

from invariance.pictures.brushes import Canvas, draw

# Chosen so that a linear classifier of pixels gets about half of the ten types right, and a small network most.
ZOOM = (0.45, 1.0)  # share of the picture's side that the view shows
TILT = 0.22  # largest tangent of half the angle of the horizon: 25 degrees
GAIN = (0.7, 1.25)  # of each colour channel
NOISE = 0.07


def vary(canvas: Canvas, size: int) -> np.ndarray:
    """The finished pictures of a canvas, seen anew: float32 (B, 3, size, size)."""
    image = _view(canvas, size)
    image = _occlude(canvas, image)
    image = _camera(canvas, image)
    return _noise(canvas, image)


def _draw(canvas: Canvas, name: str, low: float, high: float, *shape: int) -> np.ndarray:
    return draw(canvas.keys, f"varied {name}", low, high, *(shape or (1, 1, 1)))


def _view(canvas: Canvas, size: int) -> np.ndarray:
    """A random part of the picture, tilted and perhaps mirrored."""
    zoom = _draw(canvas, "zoom", *ZOOM)[:, 0]
    half = _draw(canvas, "tilt", -TILT, TILT)[:, 0]  # cosine and sine without either function
    cos, sin = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    room = np.maximum(1 - zoom * (cos + np.abs(sin)), 0)  # so that no corner looks far beyond the border
    x, y = ((_draw(canvas, axis, -1, 1)[:, 0] * room) for axis in ("x", "y"))
    side = np.where(_draw(canvas, "mirror", -1, 1)[:, 0] < 0, np.float32(-1), np.float32(1))
    axis = ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)
    across, down = side * zoom * axis, zoom * axis[:, None]
    grid_x, grid_y = cos * across - sin * down + x, sin * across + cos * down + y
    grid = torch.from_numpy(np.stack([grid_x, grid_y], -1))
    seen = grid_sample(torch.from_numpy(canvas.image), grid, padding_mode="reflection", align_corners=False)
    return seen.numpy()


def _occlude(canvas: Canvas, image: np.ndarray) -> np.ndarray:
    """Two discs and a bar of any colour, each with probability one half, in front of everything."""
    size = image.shape[-1]
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    for shape in range(3):
        x, y, extent, there, slope = _draw(canvas, f"shape {shape}", 0, 1, 5, 1, 1, 1).swapaxes(0, 1)
        across, down = axis - x, axis[:, None] - y
        radius = np.float32(0.06) + np.float32(0.2) * extent
        if shape < 2:
            inside = radius - np.sqrt(across * across + down * down)
        else:
            inside = radius / 2 - np.abs(across + (slope * 2 - 1) * down)
        mask = np.clip(inside * size + np.float32(0.5), 0, 1) * (there < 0.5)
        colour = _draw(canvas, f"paint {shape}", 0, 1, 3, 1, 1)
        image = image + (colour - image) * mask
    return image


def _camera(canvas: Canvas, image: np.ndarray) -> np.ndarray:
    """White balance, saturation, contrast and exposure."""
    image = image * _draw(canvas, "gain", *GAIN, 3, 1, 1)
    grey = image.mean(1, keepdims=True)
    image = grey + (image - grey) * _draw(canvas, "saturation", 0.1, 1.2)
    contrast = _draw(canvas, "contrast", 0.55, 1.2)
    return np.float32(0.5) + (image - np.float32(0.5)) * contrast + _draw(canvas, "exposure", -0.15, 0.15)


def _noise(canvas: Canvas, image: np.ndarray) -> np.ndarray:
    size = image.shape[-1]
    level = _draw(canvas, "noise", 0, NOISE)
    grain = np.concatenate([canvas.random(f"varied grain {c}", size, size) for c in range(3)], 1)
    return image + level * (2 * grain - 1)
