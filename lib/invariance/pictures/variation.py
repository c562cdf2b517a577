"""What makes labelled scenes hard: another view, another camera, and things that stand in the way.

Each step acts on a canvas of painted scenes and draws from their keys. As in `brushes`, only operations that round
the same in any batch are used.
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
    """The finished pictures of a canvas, seen anew: float32 (B, 3, size, size) in about [0, 1]."""
    canvas.show(_view(canvas, size))
    _occlude(canvas)
    grain = np.concatenate([canvas.random(f"varied grain {c}", size, size) for c in range(3)], 1)
    return _camera(canvas) + _draw(canvas, "noise", 0, NOISE) * (2 * grain - 1)


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
    grid = np.stack([cos * across - sin * down + x, sin * across + cos * down + y], -1)
    image, grid = torch.from_numpy(canvas.image), torch.from_numpy(grid)
    return grid_sample(image, grid, padding_mode="reflection", align_corners=False).numpy()


def _occlude(canvas: Canvas) -> None:
    """Two discs and a bar of any colour, each with probability one half, in front of everything."""
    for number in range(3):
        x, y, extent, there, slope = _draw(canvas, f"shape {number}", 0, 1, 5, 1, 1, 1).swapaxes(0, 1)
        radius = np.float32(0.06) + np.float32(0.2) * extent
        if number < 2:
            inside = canvas.disc(x, y, radius)
        else:
            inside = radius / 2 - np.abs(canvas.x - x + (slope * 2 - 1) * (canvas.y - y))
        canvas.paint(canvas.cover(inside) * (there < 0.5), _draw(canvas, f"paint {number}", 0, 1, 3, 1, 1))


def _camera(canvas: Canvas) -> np.ndarray:
    """White balance, saturation, contrast and exposure."""
    image = canvas.image * _draw(canvas, "gain", *GAIN, 3, 1, 1)
    grey = image.mean(1, keepdims=True)
    image = grey + (image - grey) * _draw(canvas, "saturation", 0.1, 1.2)
    contrast = _draw(canvas, "contrast", 0.55, 1.2)
    return np.float32(0.5) + (image - np.float32(0.5)) * contrast + _draw(canvas, "exposure", -0.15, 0.15)
