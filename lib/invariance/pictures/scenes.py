"""Procedural landscapes: 10 named types with 10 variants each, every picture a function of its index.

They stand in for photographs: as the backgrounds of the objects, and, labelled, for CIFAR-10 (the
types) and CIFAR-100 (the variants) wherever those are not at hand.
"""

from collections.abc import Sequence

import numpy as np
import torch

from invariance import sampling
from invariance.errors import check_whole
from invariance.pictures.brushes import Canvas, draw, rgb
from invariance.pictures.cache import cached
from invariance.pictures.landscapes import PAINTERS
from invariance.pictures.variation import vary

VERSION = 1  # part of the cache file's name: raise it whenever the pictures change
VARIED_VERSION = 1  # the same, for what `varied` adds
PIXELS_PER_CHUNK = 1 << 16  # bounds memory to some tens of megabytes, and keeps arrays in the processor's cache

# Each light: colour of the sky at the top and at the horizon, and what it multiplies the land with.
LIGHTS = {
    "noon": ("2f7bd6", "c3e2f6", "fffdf4"), "deep": ("1c5fc4", "8fc4ef", "fffbea"),
    "golden": ("7fb0da", "ffe0a0", "ffe2ac"), "dawn": ("6f86c4", "ffc3a8", "f2c4b4"),
    "sunset": ("4a4c96", "ff8c42", "e6a078"), "dusk": ("232a5e", "c0628c", "8c7aa8"),
    "overcast": ("9aa7b4", "d3dade", "c8cdd2"), "storm": ("333d4b", "7c8893", "848e98"),
    "mist": ("c4d0d8", "eaefef", "d6dedf"), "dust": ("cf9a58", "edc88c", "e6bc84"),
    "night": ("050a20", "1d2f60", "3c4c7c"), "winter": ("8fb4da", "e6eef6", "eef4ff"),
}  # fmt: skip

# Each variant of each type: its light, the colour of its nearest and of its farthest land, and how much of
# what is in it (0 where not named).
LOOKS = {
    "sky": {
        "clear": "deep ffffff ffffff sun=1 clouds=.1", "fair_weather": "noon ffffff ffffff clouds=.5",
        "overcast": "overcast ffffff ffffff clouds=.95", "storm": "storm ffffff ffffff clouds=.8",
        "dawn": "dawn ffffff ffffff clouds=.4 sun=.5", "sunset": "sunset ffffff ffffff clouds=.45 sun=1",
        "wisps": "deep ffffff ffffff wisps=1", "mackerel": "noon ffffff ffffff cells=1",
        "rainbow": "overcast ffffff ffffff clouds=.3 rainbow=1", "cloud_bank": "deep ffffff ffffff bank=1",
    },
    "sea": {
        "calm": "noon 1b5f8c 4b96b8 clouds=.3 waves=.3", "choppy": "deep 0f4a7c 2f78a4 clouds=.4 waves=1 foam=.4",
        "storm": "storm 1d3a44 48646c clouds=.8 waves=1.2 foam=.8",
        "sunset": "sunset 2b3f6c 8a6a84 sun=1 glitter=1 waves=.6",
        "tropical": "noon 128c98 48b8b0 clouds=.4 waves=.3 islands=.5",
        "icebergs": "winter 2a5c7c 6a9ab4 ice=1 waves=.4 clouds=.4",
        "sailboats": "golden 24608c 5c9cc0 boats=1 waves=.5 clouds=.3", "fog": "mist 8aa4ac b8c8cc waves=.4 fog=1",
        "islands": "noon 1d5a80 4c8cae islands=1 waves=.5 clouds=.5",
        "dawn": "dawn 4a6a94 b09cb0 sun=.7 glitter=.7 waves=.4",
    },
    "beach": {
        "golden": "noon e6c078 3f9cc0 clouds=.3", "white": "deep f6ecd8 2cb4c0 clouds=.2",
        "black": "overcast 4c4a4e 50788c clouds=.7", "palms": "noon eccf94 2aa8b4 palms=1 clouds=.3",
        "parasols": "deep ecc88a 3a9ccc parasols=1", "sunset": "sunset d8a878 7c6c94 sun=1 glitter=1",
        "storm": "storm b09c7c 5c7880 clouds=.8 foam=1", "pebbles": "noon a8a49c 4888a8 pebbles=1 clouds=.4",
        "cliffs": "golden dcb880 3c8cb0 cliffs=1 clouds=.3", "dawn": "dawn e2c09c 7c98b8 sun=.6 clouds=.3",
    },
    "desert": {
        "golden": "deep e2a84c eac888", "red": "noon c4582c dc9464 clouds=.2", "white": "deep eee8dc f4f0ea",
        "cactus": "golden d09c5c dcb88c cactus=1", "mesas": "noon c4703c c87c54 mesas=1 clouds=.4",
        "sunset": "sunset d8843c d89878 sun=1", "dust_storm": "dust c8924c dcb07c fog=1",
        "stony": "noon a88460 c4a888 pebbles=1 clouds=.3", "oasis": "deep dcac60 e4c48c palms=1 oasis=1",
        "dusk": "dusk c48c70 b07c88 stars=.6",
    },
    "hills": {
        "spring": "noon 5c983c 98bc88 clouds=.5", "summer": "deep 8c9c34 b8bc7c clouds=.2 sun=.5",
        "autumn": "golden b0702c c8a468 woods=.7 clouds=.3", "winter": "winter eaf0f6 c8d8e8 woods=.4 clouds=.5",
        "mist": "mist 5c8450 b8c8c0 fog=1 woods=.3", "sunset": "sunset 5c6434 a07c70 sun=1 clouds=.3",
        "fields": "noon 88a044 b0bc84 fields=1 clouds=.3", "wooded": "noon 3c7c34 7ca484 woods=1 clouds=.5",
        "dawn": "dawn 64904c b4a8a4 sun=.6 fog=.4", "storm": "storm 54743c 748478 clouds=.85",
    },
    "mountains": {
        "noon": "deep 4c5c48 7888a0 snow=.5 clouds=.2", "alpenglow": "dawn 54586c b0808c snow=.6",
        "sunset": "sunset 443c58 806478 snow=.3 sun=.6", "lake": "noon 3c5c50 7488a0 snow=.5 lake=1 clouds=.3",
        "forested": "noon 2c5434 7c8c8c snow=.3 woods=1 clouds=.4", "rocky": "deep 8c6c54 a48c80 snow=0 clouds=.2",
        "glacier": "winter 8cacc4 98b4cc snow=1 clouds=.3", "mist": "mist 4c6064 a0b0b8 snow=.4 fog=1",
        "storm": "storm 343c40 5c6874 snow=.4 clouds=.8", "dusk": "dusk 303458 6c6490 snow=.5 stars=.5",
    },
    "forest": {
        "oak": "noon 5c4430 5c9438 canopy=.7", "birch": "noon d8d4c8 8cb454 birch=1 canopy=.5",
        "pine": "deep 8c5434 2c5c3c canopy=.4", "autumn": "golden 4c3424 d8842c canopy=.7",
        "winter": "winter 54484c dce4ec canopy=.2", "mist": "mist 4c4c44 8ca494 fog=1 canopy=.4",
        "rays": "golden 4c3c28 88a83c rays=1 canopy=.6", "blossom": "dawn 5c3c3c f0b0c8 canopy=.8",
        "jungle": "deep 3c4428 346c34 canopy=1", "dusk": "dusk 2c2434 5c5480 canopy=.6",
    },
    "meadow": {
        "poppies": "noon 64983c d8281c flowers=1 clouds=.4", "daisies": "deep 5c9c38 fcfcf0 flowers=1 clouds=.2",
        "lavender": "golden 70845c 8c54d4 flowers=1.6 rows=.7", "dandelions": "noon 6cac3c fcdc20 flowers=1 clouds=.4",
        "tulips": "noon 589048 f45c8c flowers=1 rows=1 clouds=.3",
        "cornflowers": "golden 7c9c4c 3c60dc flowers=.9 clouds=.2", "wheat": "deep d8b048 e8cc70 flowers=.2 clouds=.4",
        "sunset": "sunset 7c8038 f4c860 flowers=.5 sun=1", "mist": "mist 74a060 e8e0f0 flowers=.5 fog=.8",
        "storm": "storm 588040 e0d840 flowers=.6 clouds=.85",
    },
    "city": {
        "noon": "noon 8c8c94 a8b4c4 clouds=.3", "glass": "deep 3c7494 78a8cc clouds=.3",
        "brick": "golden a05840 c09484", "sunset": "sunset 4c4458 9c7078 sun=1 lit=.4",
        "dusk": "dusk 383c60 705c88 lit=.7", "neon": "night 54608c 3c4888 lit=1", "mist": "mist 88949c bcc8cc fog=1",
        "storm": "storm 60686c 848c94 clouds=.85 lit=.3", "waterfront": "noon 94847c b0bcc8 lake=1 clouds=.4",
        "winter": "winter 9c948c c0ccd8 roofs=1 clouds=.5",
    },
    "night": {
        "full_moon": "night 1c2c34 2c405c moon=1 stars=.5", "crescent": "night 1c2434 2c385c moon=.5 stars=.8",
        "starry": "night 14202c 24304c stars=1", "milky_way": "night 181c28 2c3448 stars=1 galaxy=1",
        "aurora": "night 1c3440 2c4c5c stars=.6 aurora=1", "clouds": "night 1c2830 2c3c54 moon=1 clouds=.5 stars=.4",
        "moonlit_sea": "night 183050 2c4870 moon=1 lake=1 stars=.5", "snow": "night 90a4dc 6c80b8 stars=.8 moon=.5",
        "village": "night 1c2430 283450 village=1 stars=.7", "pines": "night 0c1c1c 24384c pines=1 stars=.9",
    },
}  # fmt: skip
TYPES: tuple[str, ...] = tuple(LOOKS)
VARIANTS: tuple[str, ...] = tuple(f"{kind}/{name}" for kind in TYPES for name in LOOKS[kind])

# The looks as tables over the 100 variants: five colours each, and each thing's amount.
_ROWS = [look.split() for looks in LOOKS.values() for look in looks.values()]
COLOURS = np.stack([[rgb(colour) for colour in (*LIGHTS[row[0]], *row[1:3])] for row in _ROWS])
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


def _paint(painter, keys: torch.Tensor, variants: np.ndarray, size: int, varied: bool) -> np.ndarray:
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
