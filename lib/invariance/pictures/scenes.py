"""Procedural landscapes: 10 named types with 10 variants each, every picture a function of its index.

They stand in for photographs: as the backgrounds of the objects, and, labelled, for CIFAR-10 (the
types) and CIFAR-100 (the variants) wherever those are not at hand.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from invariance import sampling
from invariance.errors import check_whole
from invariance.files import packaged
from invariance.pictures.brushes import Canvas, draw, rgb
from invariance.pictures.cache import cached
from invariance.pictures.landscapes import PAINTERS
from invariance.pictures.variation import vary

VERSION = 1  # part of the cache file's name: raise it whenever the pictures change
VARIED_VERSION = 1  # the same, for what `varied` adds
PIXELS_PER_CHUNK = 1 << 16  # bounds memory to some tens of megabytes, and keeps arrays in the processor's cache

_DATA = packaged("pictures/scenes.yaml")
LOOKS = _DATA["types"]
TYPES: tuple[str, ...] = tuple(LOOKS)
VARIANTS: tuple[str, ...] = tuple(f"{kind}/{name}" for kind in TYPES for name in LOOKS[kind])

# The looks as tables over the 100 variants: five colours each, and each thing's amount.
_ROWS = [look.split() for looks in LOOKS.values() for look in looks.values()]
COLOURS = np.stack([[rgb(colour) for colour in (*_DATA["lights"][row[0]].split(), *row[1:3])] for row in _ROWS])
_THINGS = [dict(item.split("=") for item in row[3:]) for row in _ROWS]
AMOUNTS = {
    name: np.array([things.get(name, 0) for things in _THINGS], np.float32)[:, None, None, None]
    for name in sorted({name for things in _THINGS for name in things})
}


def render(indices: np.ndarray | Sequence[int], size: int = 32, seed: int = 0, varied: bool = False) -> np.ndarray:
    """Draw the scenes with these numbers: uint8 (N, size, size, 3), RGB.

    Scene `index` of a `seed` is always the same picture, whatever else is drawn with it, and the
    same scene with more or less detail at any other size. Which type and variant it is follows
    from `labels`. `varied` scenes are the labelled stand-ins for CIFAR: seen from anywhere, in any
    colours and with things in the way, so that telling the types apart takes some learning.

    `indices` are whole numbers from 0, `size` is in pixels, 4 to 1024, else `InputError`.
    """
    size = check_whole("Scene size", size, 4, 1024)
    indices = np.asarray(indices).astype(np.int64, casting="safe")
    keys = sampling.keys(sampling.stream(seed, "scenes"), torch.from_numpy(indices))
    variants = labels(indices, fine=True)
    out = np.empty((len(indices), size, size, 3), np.uint8)
    chunk = max(1, PIXELS_PER_CHUNK // size**2)
    order = np.argsort(variants, kind="stable")  # alike scenes together: what none of them holds is skipped
    for kind, painter in enumerate(PAINTERS):
        members = order[variants[order] // 10 == kind]
        for part in np.split(members, range(chunk, len(members), chunk)):
            out[part] = _paint(painter, keys[part], variants[part], size, varied)
    return out


def _paint(
    painter: Callable[[Canvas], object], keys: torch.Tensor, variants: np.ndarray, size: int, varied: bool
) -> np.ndarray:
    """Scenes of one type, uint8 (B, size, size, 3)."""
    # No two days are alike: the light leans towards another variant's, and every colour wavers.
    other = (draw(keys, "other light", 0, 1) * len(COLOURS)).astype(np.int64)
    lean = draw(keys, "lean", 0, 1 if varied else 0.75, 1, 1, 1, 1)
    colours = COLOURS[variants]
    colours[:, :3] += (COLOURS[other, :3] - colours[:, :3]) * (lean * lean)
    colours *= draw(keys, "colours", 0.92, 1.08, 5, 3, 1, 1) * draw(keys, "tones", 0.85, 1.15, 5, 1, 1, 1)
    zenith, skyline, light, near, far = colours.transpose(1, 0, 2, 3, 4)
    amounts = {name: table[variants] for name, table in AMOUNTS.items() if table[variants].any()}
    painted = size * 5 // 4 if varied else size  # a view of a part needs more detail
    image = np.empty((len(keys), 3, painted, painted), np.float32)
    canvas = Canvas(keys, image, zenith, skyline, light, near * light, far * light, amounts)
    painter(canvas)
    if varied:
        image = vary(canvas, size)
    else:
        grey = image.mean(1, keepdims=True)
        vivid = grey + (image - grey) * draw(keys, "saturation", 0.65, 1.1, 1, 1, 1)
        image = vivid * draw(keys, "exposure", 0.75, 1.12, 1, 1, 1)
    pixels = np.clip(image, 0, 1) * np.float32(255) + np.float32(0.5)
    return pixels.astype(np.uint8).transpose(0, 2, 3, 1)


def labels(indices: np.ndarray | Sequence[int], fine: bool = False) -> np.ndarray:
    """Type of each scene, int64 (N,) into `TYPES`; if `fine`, its variant, into `VARIANTS`.

    Any 100 scenes in a row hold each variant once, and any 10 in a row each type once.
    """
    indices = np.asarray(indices)
    return indices % 10 * 10 + indices // 10 % 10 if fine else indices % 10


def backgrounds(count: int = 867, size: int = 32) -> np.ndarray:
    """The first `count` scenes, uint8 (count, size, size, 3), kept in the disk cache.

    867 is the number of backgrounds in the paper (Appendix B).
    """
    size = check_whole("Scene size", size, 4, 1024)
    return cached(f"scenes-v{VERSION}-{size}", (size, size, 3), np.arange(count), lambda rows: render(rows, size))
