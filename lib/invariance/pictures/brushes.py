"""What the landscapes of `scenes` are drawn with: noise, ridges, shapes and skies, for a batch at once.

Coordinates run from 0 to 1, x to the right and y down, so that a picture is the same at every size.
Masks are (B, 1, size, size) in [0, 1] or broadcast to that; colours are (B, 3, 1, 1). Only operations
that round the same wherever a number stands in an array are used on them (no powers, sines or
exponentials): a picture is then bitwise the same whatever else is in its batch.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from invariance import sampling

POOL = 64  # random numbers for the noise of a picture: this many rows and columns, drawn once


Side = np.ndarray | float  # of a shape, which may vary over the pictures


@dataclass
class Canvas:
    """A batch of B pictures being painted, and what each is to hold."""

    keys: torch.Tensor  # (B,), one per picture: all its randomness
    image: np.ndarray  # float32 (B, 3, size, size)
    zenith: np.ndarray  # colours (B, 3, 1, 1) of the sky ...
    skyline: np.ndarray
    light: np.ndarray  # ... and what the light multiplies the land with
    near: np.ndarray  # colours of the land, lit
    far: np.ndarray
    amounts: dict[str, np.ndarray]  # how much of a thing, (B, 1, 1, 1); absent where no picture has any

    def __post_init__(self) -> None:
        self.pool = draw(self.keys, "pool", 0, 1, POOL, POOL)
        self.show(self.image)

    def show(self, image: np.ndarray) -> None:
        """Go on with this image, of whatever size."""
        self.image, self.size = image, image.shape[-1]
        axis = (np.arange(self.size, dtype=np.float32) + np.float32(0.5)) / np.float32(self.size)
        self.x, self.y = axis, axis[:, None]

    def random(self, name: str, rows: int = 1, columns: int = 1) -> np.ndarray:
        """Uniform float32 (B, 1, rows, columns) in [0, 1): always the same for one name.

        Two windows of the pool, added modulo 1: such sums are unrelated even where windows overlap.
        """
        place = zlib.crc32(name.encode())
        total = self._window(place & 0xFFFF, rows, columns) + self._window(place >> 16, rows, columns)
        return (total - np.floor(total))[:, None]

    def _window(self, place: int, rows: int, columns: int) -> np.ndarray:
        top, left = place % (POOL - rows + 1), place // POOL % (POOL - columns + 1)
        return self.pool[:, top : top + rows, left : left + columns]

    def draw(self, name: str, low: float = 0, high: float = 1) -> np.ndarray:
        """Uniform float32 (B, 1, 1, 1) in [low, high)."""
        return np.float32(low) + np.float32(high - low) * self.random(name)

    def amount(self, name: str) -> np.ndarray | float:
        """How much of a thing each picture is to hold, (B, 1, 1, 1), or 0 if none holds any."""
        return self.amounts.get(name, 0.0)

    def paint(self, mask: np.ndarray, colour: np.ndarray) -> None:
        """Lay a colour over the picture where the mask is above 0, opaque where it is 1."""
        change = colour - self.image
        change *= mask
        self.image += change

    def cover(self, distance: np.ndarray) -> np.ndarray:
        """Mask of where a signed distance is positive, smooth over one pixel."""
        return np.clip(distance * np.float32(self.size) + np.float32(0.5), 0, 1)

    def noise(self, name: str, rows: int, columns: int, order: int = 3, shift: float = 0) -> np.ndarray:
        """Noise (B, 1, size, size) around 0.5 with that many cells; `shift` moves it up, in picture heights."""
        lattice = self.random(name, rows + 3, columns + 3)
        field = _weights(self.size, rows, order, shift) @ lattice @ _weights(self.size, columns, order).T
        return field * 2 - np.float32(0.5) if order == 3 else field  # the smooth spline halves the spread

    def fractal(self, name: str, rows: int, columns: int, octaves: int = 4, shift: float = 0) -> np.ndarray:
        """Noise with detail: (B, 1, size, size), around 0.5, mostly in [0.2, 0.8]."""
        total = np.float32(0.5)
        for octave in range(octaves):
            part = self.noise(f"{name}{octave}", rows * 2**octave, columns * 2**octave, shift=shift)
            total = total + (part - np.float32(0.5)) * np.float32(0.62**octave)
        return total

    def ridge(self, name: str, cells: int, order: int = 3, octaves: int = 1) -> np.ndarray:
        """Heights along x, (B, 1, 1, size), around 0.5; `order` 1 makes sharp peaks, 0 makes steps."""
        total = np.float32(0.5)
        for octave in range(octaves):
            count = cells * 2**octave
            line = self.random(f"{name}{octave}", 1, count + 3) @ _weights(self.size, count, order).T
            total = total + (line - np.float32(0.5)) * np.float32(0.45**octave)
        return total

    def ground_noise(self, name: str, horizon: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Noise (B, 1, size, size) on a plane below the horizon: its rows crowd in the distance."""
        depth = np.clip((self.y - horizon) / (1 - horizon), 0, 1)
        place = rows * (1.6 - 0.96 / (depth + 0.6)) + 1  # (B, 1, size, 1), in lattice rows
        weights = _spline(place - np.arange(rows + 3, dtype=np.float32), 3)
        lattice = self.random(name, rows + 3, columns + 3)
        return weights @ lattice @ _weights(self.size, columns, 3).T * 2 - np.float32(0.5)

    # --- shapes: signed distances, positive inside ---

    def disc(self, x: np.ndarray, y: np.ndarray, radius: np.ndarray | float) -> np.ndarray:
        """Distance to a circle about (x, y)."""
        return radius - np.sqrt((self.x - x) * (self.x - x) + (self.y - y) * (self.y - y))

    def bar(self, left: Side, right: Side, top: Side, bottom: Side) -> np.ndarray:
        """Distance to an upright rectangle; each side may vary over the picture."""
        across = np.minimum(self.x - left, right - self.x)
        return np.minimum(across, np.minimum(self.y - top, bottom - self.y))

    def wedge(self, x: Side, top: Side, bottom: Side, width: Side) -> np.ndarray:
        """Triangle with its tip at the top and a base `width` wide."""
        reach = (self.y - top) / (bottom - top) * width / 2
        return np.minimum(reach - np.abs(self.x - x), bottom - self.y)

    # --- sky ---

    def sky(self, horizon: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Paint the whole picture as a sky that meets the land at `horizon`; return where the sun stands."""
        height = np.clip(self.y / horizon, 0, 1)
        self.image[:] = self.zenith + (self.skyline - self.zenith) * (height * (0.4 + 0.6 * height))
        sun_x, sun_y = self.draw("sun x", 0.12, 0.88), horizon * self.draw("sun y", 0.3, 0.85)
        if "stars" in self.amounts:
            shine = self.stars("stars", 52) * self.amount("stars") * np.clip(1.3 - self.y, 0, 1)
            self.image += np.minimum(shine, 1) * (1 - self.image)
        if "sun" in self.amounts:
            away = np.maximum(-self.disc(sun_x, sun_y, 0), 0)
            halo = self.amount("sun") * np.float32(0.02) / (np.float32(0.03) + away * away * 3)
            self.paint(np.minimum(halo, 0.8), (self.light + rgb("fff2c0")) / 2)
            radius = self.draw("sun size", 0.05, 0.09)
            self.paint(self.cover(radius - away) * np.minimum(self.amount("sun") * 2, 1), rgb("fffbe0"))
        if "moon" in self.amounts:
            self._moon(sun_x, sun_y)
        if "wisps" in self.amounts:
            streaks = self.fractal("wisps", 9, 2, 3) * (0.7 + 0.6 * self.noise("wisp gaps", 2, 2))
            self.paint(ramp(streaks, 0.46, 0.9) * self.amount("wisps") * 0.9, rgb("ffffff"))
        if "cells" in self.amounts:
            flakes = self.noise("cells", 24, 17) + 0.35 * self.noise("cell groups", 3, 3)
            self.paint(ramp(flakes, 0.45, 0.9) * self.amount("cells") * 0.85, rgb("fdfdff"))
        if "clouds" in self.amounts:
            self._clouds(self.amount("clouds"))
        return sun_x, sun_y

    def _clouds(self, cover: np.ndarray) -> None:
        """Clouds lit from above over a fraction `cover` of the sky."""
        body, above = self.fractal("clouds", 4, 3, 4), self.fractal("clouds", 4, 3, 3, shift=-0.06)
        level = 0.86 - 0.62 * cover + self.draw("cloudiness", -0.06, 0.06)
        mask = ramp(body, level, level + 0.2) * np.minimum(cover * 4, 1)
        lit = np.clip(0.62 + 1.5 * (body - above) - 0.35 * (body - level), 0, 1)
        bright = np.minimum(self.light * 0.55 + self.skyline * 0.5, 1)
        shadow = (self.zenith + self.skyline) * 0.36
        self.paint(mask * 0.95, shadow + (bright - shadow) * lit)

    def stars(self, name: str, cells: int) -> np.ndarray:
        """A few bright points (B, 1, size, size): the highest numbers of a fine lattice."""
        lattice = np.maximum(self.random(name, cells + 3, cells + 3) - 0.982, 0) * 120
        weights = _weights(self.size, cells, 1)
        return weights @ lattice @ weights.T

    def _moon(self, x: np.ndarray, y: np.ndarray) -> None:
        """A full moon where the amount is 1, a crescent where it is less."""
        away, radius = -self.disc(x, y, 0), self.draw("moon size", 0.07, 0.12)
        shown = np.minimum(self.amount("moon") * 2, 1)
        self.paint(np.minimum(0.006 / (0.012 + away * away), 0.45) * shown, rgb("9fb4e8"))
        full = ramp(self.amount("moon"), 0.6, 0.9)
        bite = self.cover(self.disc(x + radius * 0.5, y - radius * 0.25, radius * 0.95)) * (1 - full)
        face = rgb("f6f2dc") * (1.02 - 0.3 * ramp(self.noise("moon seas", 14, 14), 0.5, 0.8))
        self.paint(self.cover(radius - away) * (1 - bite) * shown, face)

    def haze(self, name: str, level: np.ndarray | float) -> None:
        """Mist over everything painted so far, by amount `name` times `level`."""
        if name in self.amounts:
            self.paint(np.clip(self.amount(name) * level, 0, 1), self.skyline)


def draw(keys: torch.Tensor, name: str, low: float, high: float, *shape: int) -> np.ndarray:
    """Uniform float32 (B, *shape) in [low, high) from keys (B,)."""
    unit = sampling.uniform(sampling.fold(keys, name), *shape).numpy()
    return np.float32(low) + np.float32(high - low) * unit


def rgb(colour: str) -> np.ndarray:
    """Hexadecimal colour to float32 (3, 1, 1) in [0, 1]."""
    return (np.array(list(bytes.fromhex(colour)), np.float32) / np.float32(255))[:, None, None]


def ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def zigzag(values: np.ndarray) -> np.ndarray:
    """Triangle wave of period 1, from 0 at whole numbers to 1 between them."""
    return 1 - np.abs((values - np.floor(values)) * 2 - 1)


def _spline(distance: np.ndarray, order: int) -> np.ndarray:
    """Weight of a lattice point at a distance in cells: 0 nearest, 1 linear, 3 smooth."""
    distance = np.abs(distance)
    if order == 0:
        return (distance < 0.5).astype(np.float32)
    tent = np.maximum(1 - distance, 0)
    if order == 1:
        return tent
    wide = np.maximum(2 - distance, 0)
    return (wide * wide * wide - 4 * tent * tent * tent) / 6


@lru_cache(maxsize=256)
def _weights(size: int, cells: int, order: int, shift: float = 0) -> np.ndarray:
    """Interpolation from a lattice of `cells` + 3 points to `size` pixels, float32 (size, cells + 3).

    Each row averages over its pixel: fine noise fades in small pictures, instead of turning into other noise.
    """
    samples = max(2, -(-256 // size))
    place = (np.arange(size * samples) + 0.5) / (size * samples) + shift
    weights = _spline(place[:, None] * cells + 1 - np.arange(cells + 3), order)
    return weights.reshape(size, samples, -1).mean(1).astype(np.float32)
