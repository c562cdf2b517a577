"""61 named object classes: silhouettes from a font, dressed as small solid objects.

The silhouettes come from DejaVu Sans, which matplotlib ships, so nothing is downloaded. Each gets
a material, relief lighting from its distance to the edge, and a dark rim that sets it off from any
background. They stand in for the paper's objects wherever its own pictures are not at hand.
"""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from invariance.errors import check_whole
from invariance.files import packaged
from invariance.pictures.brushes import ramp, rgb
from invariance.pictures.cache import cached

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
PROTOTYPES = 4
VERSION = 1  # part of the cache file's name: raise it whenever the pictures change
MARGIN = 0.04  # on each side of the object; this and all lengths below in fractions of the canvas
BEVEL = 0.13  # width of the rounded edge
DEGREES = (0, 5, -6, 2)  # turn of each prototype
OFFSETS = (0, 0.004, 0, -0.003)  # of each prototype's outline, outwards

_DATA = packaged("pictures/glyphs.yaml")
GLYPHS, PALETTES = _DATA["objects"], _DATA["palettes"]
CLASSES: tuple[str, ...] = tuple(GLYPHS)


def render(size: int = 32) -> np.ndarray:
    """Render every prototype of every class.

    Returns uint8 (61, 4, size, size, 4): classes in the order of `CLASSES`, four prototypes each,
    RGBA with straight alpha; fully transparent pixels are black. The object's bounding box fills
    the canvas but for a margin of 4 %. Deterministic, and kept in the disk cache.

    `size` is in pixels, 8 to 1024; anything else raises `InputError`.
    """
    size = check_whole("Glyph size", size, 8, 1024)
    return cached(
        f"glyphs-v{VERSION}-{size}",
        (PROTOTYPES, size, size, 4),
        np.arange(len(CLASSES)),
        lambda rows: _draw(rows, size),
    )


def _draw(classes: np.ndarray, size: int) -> np.ndarray:
    """All prototypes of the classes with these numbers, uint8 (N, 4, size, size, 4)."""
    step = max(2, -(-96 // size)) if size <= 512 else 1  # work on a finer canvas and average
    drawn = [[_shrink(_dress(index, k, size * step), size) for k in range(PROTOTYPES)] for index in classes]
    return np.array(drawn)


def ink(code: int, pixels: int) -> np.ndarray:
    """Coverage (pixels, pixels) in [0, 1] of a character, scaled to fill the canvas but for the margin."""
    room = pixels * (1 - 2 * MARGIN)
    font = ImageFont.truetype(str(FONT), pixels)
    left, top, right, bottom = font.getbbox(chr(code))
    font = font.font_variant(size=round(pixels * room / max(right - left, bottom - top)))
    left, top, right, bottom = font.getbbox(chr(code))
    canvas = Image.new("L", (pixels, pixels))
    corner = ((pixels - left - right) / 2, (pixels - top - bottom) / 2)
    ImageDraw.Draw(canvas).text(corner, chr(code), font=font, fill=255)
    return np.asarray(canvas, np.float32) / 255


@lru_cache(maxsize=1)
def _distances(index: int, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance to the edge of the body and of the trim drawn on it, each (pixels, pixels).

    Positive inside, in fractions of the canvas.
    """
    code, kind, weight, _ = GLYPHS[CLASSES[index]]
    strokes = _signed_distance(ink(code, pixels) > 0.5) + weight
    if kind == "solid":
        return strokes, np.full_like(strokes, -1)
    body = ndimage.binary_fill_holes(strokes > 0)
    if CLASSES[index] == "snowman":  # the flakes around it would only be specks
        parts, _ = ndimage.label(body)
        body = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    edge = _signed_distance(body)
    return edge, np.minimum(edge, strokes if kind == "filled" else -strokes)


def _signed_distance(mask: np.ndarray) -> np.ndarray:
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    smooth = ndimage.gaussian_filter((inside - outside).astype(np.float32), 0.8)
    return smooth / len(mask)


def _pose(fields: tuple[np.ndarray, np.ndarray], degrees: float) -> list[np.ndarray]:
    """Turn the fields about the centre and scale them so that the body fills the canvas again."""
    pixels = len(fields[0])
    rows, columns = np.nonzero(fields[0] > 0)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = turn @ np.stack([columns, rows])
    low, high = turned.min(1), turned.max(1)
    scale = pixels * (1 - 2 * MARGIN) / (high - low + 1).max()
    inverse = turn.T / scale
    shift = turn.T @ (low + high + 1) / 2 - inverse @ np.full(2, pixels / 2)
    affine = np.column_stack([inverse, shift]).ravel()
    method = {"resample": Image.Resampling.BILINEAR, "fillcolor": -1}
    size = (pixels, pixels)
    posed = [Image.fromarray(f).transform(size, Image.Transform.AFFINE, affine, **method) for f in fields]
    return [np.asarray(field) * np.float32(scale) for field in posed]


def _dress(index: int, prototype: int, pixels: int) -> np.ndarray:
    """One prototype as (4, pixels, pixels) in [0, 1]: colour, and how far the object covers each pixel."""
    edge, trim = _pose(_distances(index, pixels), DEGREES[prototype])
    edge = edge + np.float32(OFFSETS[prototype])
    light, deep, dark = _palette(index, prototype)
    colour = light + (deep - light) * _material(index, prototype, pixels)
    colour += (0.75 * dark + 0.25 * deep - colour) * ramp(trim, -0.5 / pixels, 0.5 / pixels)
    shade, shine = _lighting(edge, trim, pixels)
    colour = np.clip(colour * shade + shine, 0, 1)
    colour = dark + (colour - dark) * ramp(edge, 0.004, 0.032)
    return np.concatenate([colour, ramp(edge, -0.5 / pixels, 0.5 / pixels)[None]])


def _palette(index: int, prototype: int) -> np.ndarray:
    """Light, deep and trim colour (3, 3, 1, 1): the natural palette first, then three others."""
    natural = GLYPHS[CLASSES[index]][3]
    others = [name for name in PALETTES if name != natural]
    name = natural if prototype == 0 else others[(index * 7 + prototype * 5) % len(others)]
    return np.stack([rgb(colour) for colour in PALETTES[name].split()])


def _lighting(edge: np.ndarray, trim: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse factor and highlight (pixels, pixels) of a rounded relief lit from the upper left."""
    t = np.clip(edge / BEVEL, 0, 1)
    height = ndimage.gaussian_filter(BEVEL * np.sqrt(t * (2 - t)), 0.012 * pixels)
    height -= 0.012 * ramp(trim, -0.012, 0.012)  # trim is engraved
    slope_y, slope_x = np.gradient(height * pixels)
    upright = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    diffuse = np.clip((0.45 * slope_x + 0.62 * slope_y + 0.64) * upright, 0, 1)
    mirror = np.clip((0.25 * slope_x + 0.34 * slope_y + 0.906) * upright, 0, 1)
    return 0.55 + 0.62 * diffuse, 0.55 * mirror**40 * ramp(edge, 0.0, 0.05)


def _material(index: int, prototype: int, pixels: int) -> np.ndarray:
    """Mix of light (0) and deep (1) colour over the canvas, (pixels, pixels)."""
    rng = np.random.Generator(np.random.Philox(key=[index, prototype]))
    x, y = np.meshgrid(*[(np.arange(pixels, dtype=np.float32) + 0.5) / pixels] * 2)
    make = MATERIALS[(index + prototype * 3) % len(MATERIALS)]
    return np.clip(make(x, y, rng), 0, 1)


def _noise(x: np.ndarray, rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Smooth noise in about [0, 1] with that many bumps, the same at every resolution."""
    lattice = rng.random((rows, columns), np.float32)
    return np.asarray(Image.fromarray(lattice).resize(x.shape, Image.Resampling.BICUBIC))


def _wave(t: np.ndarray, sharpness: float = 1.0) -> np.ndarray:
    return np.clip(0.5 + 0.5 * sharpness * np.sin(2 * np.pi * t), 0, 1)


# Each material: coordinates x, y (pixels, pixels) in [0, 1] and random numbers to a mix in about [0, 1].
def _gradient(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0.7, 1.3)
    return np.cos(angle) * x + np.sin(angle) * (y - 0.1)


def _stripes(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle, count = rng.uniform(-0.9, 0.9), rng.uniform(5, 7)
    return 0.12 + 0.7 * _wave(count * (np.cos(angle) * x + np.sin(angle) * y), 5)


def _spots(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count, (left, top) = rng.uniform(4, 5.5), rng.random(2)
    u, v = count * (x + y) + left, count * (x - y) + top
    return 0.85 - 0.7 * np.clip((0.33 - np.hypot(u % 1 - 0.5, v % 1 - 0.5)) * 12, 0, 1)


def _marble(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    vein = np.abs(_noise(x, rng, 4, 4) + 0.5 * _noise(x, rng, 9, 9) - 0.75)
    return 0.15 + 0.3 * y + 0.55 * np.clip(1 - 7 * vein, 0, 1)


def _checks(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count, angle = rng.uniform(2.5, 3.5), rng.uniform(-0.5, 0.5)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return 0.1 + 0.4 * _wave(count * u, 8) + 0.4 * _wave(count * v, 8)


def _two_halves(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, np.pi)
    side = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    return 0.15 + 0.7 * np.clip(side * 30 + 0.5, 0, 1)


MATERIALS = (
    _gradient,
    _stripes,
    lambda x, y, rng: 0.05 + 0.35 * _wave(0.8 * (x + y) + rng.random()) + 0.45 * _noise(x, rng, 90, 3),  # brushed
    _spots,
    _marble,
    lambda x, y, rng: 0.2 + 0.6 * _wave(5.5 * (x + 0.15 * y + 0.35 * _noise(x, rng, 4, 4))) ** 1.5,  # wood
    lambda x, y, rng: np.clip((_noise(x, rng, 6, 6) - 0.48) * 9 + 0.5, 0.12, 0.85),  # patches
    lambda x, y, rng: 0.15 + 0.18 * (x + y) + 0.5 * np.clip((_noise(x, rng, 22, 22) - 0.55) * 6, 0, 1),  # speckles
    _checks,
    _two_halves,
)


def _shrink(layers: np.ndarray, size: int) -> np.ndarray:
    """Average (4, fine, fine) down to (size, size, 4) uint8 straight alpha; transparent pixels black."""
    step = layers.shape[1] // size
    layers[:3] *= layers[3]  # so that each pixel counts by how much of it is covered
    layers = layers.reshape(4, size, step, size, step).sum(4).sum(2) / step**2
    alpha = np.round(layers[3] * 255)
    colour = np.where(alpha > 0, layers[:3] / np.maximum(layers[3], 1e-6), 0)
    return np.concatenate([np.round(colour * 255), alpha[None]]).astype(np.uint8).transpose(1, 2, 0)
