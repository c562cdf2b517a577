"""The 18 transformations one image at a time, the way most people would write them: PIL and torchvision.

`FUNCTIONS[name](image, rng)` transforms one RGBA picture; `finish(image, background)` pastes and
normalises it. `make` is what the batched generator is compared with in `make bench`, in one process
a core that holds its pictures: nothing is sent between processes while the clock runs.
"""

import random

import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SIZE = 32
ELASTIC = T.ElasticTransform(alpha=150.0, sigma=5.0)


def keeping_alpha(function):
    """Apply a function of RGB pictures to an RGBA one."""

    def apply(image, rng):
        out = function(image.convert("RGB"), rng)
        out.putalpha(image.getchannel("A"))
        return out

    return apply


def sometimes(function):
    """Apply with probability one half."""
    return lambda image, rng: function(image, rng) if rng.random() < 0.5 else image


def _canvas():
    return Image.new("RGBA", (SIZE, SIZE))


def _scale(image, rng):
    side = int(rng.uniform(0.4, 1) * SIZE)
    canvas = _canvas()
    canvas.paste(image.resize((side, side), Image.Resampling.BICUBIC), ((SIZE - side) // 2,) * 2)
    return canvas


def _translate(image, rng):
    x, y, w, h = image.getbbox() or (5, 5, 27, 27)
    box = image.crop((x, y, w, h))
    canvas = _canvas()
    canvas.paste(box, (rng.randrange(max(1, SIZE - box.width)), rng.randrange(max(1, SIZE - box.height))))
    return canvas


def _shear(image, rng):
    return F.affine(image, 0, [0, 0], 1.0, [rng.uniform(-50, 50), rng.uniform(-50, 50)], fill=[0, 0, 0, 0])


def _noise(image, rng):
    pixels = np.asarray(image).astype(np.float32) / 255
    pixels = np.clip(pixels + np.random.default_rng(rng.getrandbits(32)).normal(size=pixels.shape).clip(0, 1), 0, 1)
    return Image.fromarray((pixels * 255).astype(np.uint8))


def _pixelate(image, rng):
    small = image.resize((int(0.3 * SIZE),) * 2, Image.Resampling.BOX)
    return small.resize((SIZE, SIZE), Image.Resampling.NEAREST)


def _erasing(image, rng):
    x, y = rng.randrange(SIZE), rng.randrange(SIZE)
    image = image.copy()
    image.paste((0, 0, 0, 0), (x, y, x + 14, y + 14))
    return image


def _sharpen(image, rng):
    return Image.blend(image.filter(ImageFilter.SMOOTH), image, 7.0)


def _blur(image, rng):
    return F.gaussian_blur(image, [7, 7], [rng.uniform(0.1, 1.5)] * 2)


FUNCTIONS = {
    "scale": _scale,
    "translate": _translate,
    "v_flip": sometimes(lambda image, rng: ImageOps.flip(image)),
    "h_flip": sometimes(lambda image, rng: ImageOps.mirror(image)),
    "rotate": lambda image, rng: image.rotate(rng.uniform(0, 360), Image.Resampling.NEAREST),
    "shear": _shear,
    "hue": keeping_alpha(lambda image, rng: F.adjust_hue(image, rng.uniform(-0.5, 0.5))),
    "brightness": keeping_alpha(lambda image, rng: ImageEnhance.Brightness(image).enhance(rng.uniform(0, 2))),
    "grayscale": sometimes(keeping_alpha(lambda image, rng: F.to_grayscale(image, 3))),
    "posterize": sometimes(keeping_alpha(lambda image, rng: ImageOps.posterize(image, 1))),
    "invert": sometimes(keeping_alpha(lambda image, rng: ImageOps.invert(image))),
    "sharpen": sometimes(_sharpen),
    "blur": _blur,
    "noise": sometimes(keeping_alpha(_noise)),
    "pixelate": sometimes(_pixelate),
    "elastic": sometimes(lambda image, rng: ELASTIC(image)),
    "erasing": sometimes(_erasing),
    "contrast": keeping_alpha(lambda image, rng: ImageEnhance.Contrast(image).enhance(rng.uniform(0, 2))),
}


def finish(image, background):
    """Paste on a background and normalise to [-1, 1] as a (3, 32, 32) tensor."""
    canvas = background.copy()
    canvas.paste(image, (0, 0), image)
    return F.normalize(F.to_tensor(canvas), [0.5] * 3, [0.5] * 3)


def hold(objects, backgrounds):
    """Start of a process: keep the pictures, and leave the other cores to the other processes."""
    global _objects, _backgrounds
    _objects, _backgrounds = objects, backgrounds
    torch.set_num_threads(1)


def make(names, count, seed, end):
    """Make `count` images that end as a "picture" of 8 bits, as a "tensor", or "finished"; gives how many."""
    rng = random.Random(seed)
    for _ in range(count):
        image = rng.choice(_objects)
        for name in names:
            image = FUNCTIONS[name](image, rng)
        if end == "tensor":
            F.to_tensor(image)
        elif end == "finished":
            finish(image, rng.choice(_backgrounds))
    return count
