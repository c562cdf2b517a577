"""The published protocol against Pillow and torchvision on pictures of any kind, step by step and level by level."""

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as tv
from PIL import Image, ImageEnhance, ImageOps

from invariance import sampling, transforms
from invariance.protocol import PUBLISHED
from invariance.transforms import corruption

SIZE, N = 32, 60


@pytest.fixture(scope="module")
def pictures():
    """Random translucent pictures, with saturated, opaque, cut-out and grey ones among them; uint8 (N, 32, 32, 4)."""
    pixels = np.random.default_rng(0).integers(0, 256, (N, SIZE, SIZE, 4), dtype=np.uint8)
    pixels[:10, ..., :3] = pixels[:10, ..., :3] // 128 * 255
    pixels[10:20, ..., 3] = 255
    pixels[20:30, ..., 3] = pixels[20:30, ..., 3] // 128 * 255
    pixels[30:35, ..., :3] = pixels[30:35, ..., :1]
    return pixels


def behind_mask(change):
    """What the published wrapper makes of a change of colours."""

    def wrapped(image, *parameters):
        out = Image.new("RGBA", image.size)
        out.paste(change(image.convert("RGB"), *parameters), mask=image)
        return out

    return wrapped


def shrink(image, factor):
    side, canvas = round(SIZE * factor), Image.new("RGBA", image.size)
    canvas.paste(image.resize((side, side), Image.Resampling.BICUBIC), ((SIZE - side) // 2,) * 2)
    return canvas


def pixelate(image):
    return image.resize((9, 9), Image.Resampling.BOX).resize(image.size, Image.Resampling.NEAREST)


def wrap(image, field):
    total = (tv.to_tensor(image) + torch.from_numpy(field)).mul(255).long() % 256
    return Image.fromarray(total.byte().permute(1, 2, 0).numpy())


def warp(image, field):
    return tv.elastic_transform(image, torch.from_numpy(field).permute(1, 2, 0)[None], fill=[0.0] * 4)


STEPS = {
    "scale": shrink,
    "hue": behind_mask(tv.adjust_hue),
    "brightness": behind_mask(tv.adjust_brightness),
    "contrast": behind_mask(tv.adjust_contrast),
    "grayscale": behind_mask(lambda image: tv.rgb_to_grayscale(image, 3)),
    "posterize": behind_mask(lambda image: ImageOps.posterize(image, 1)),
    "invert": behind_mask(ImageOps.invert),
    "sharpen": lambda image: ImageEnhance.Sharpness(image).enhance(7.0),
    "pixelate": pixelate,
    "noise": behind_mask(wrap),
    "blur": lambda image, sigma: tv.gaussian_blur(image, [7, 7], [sigma, sigma]),
    "elastic": warp,
}
FIELDS = {"noise": corruption.positive_noise, "elastic": corruption.displacement}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_gives_the_same_levels(pictures, name):
    (drawn,) = transforms.draw((name,), sampling.keys(4, torch.arange(N)), SIZE)
    drawn.pop("on", None)
    given = [FIELDS[name](drawn["key"], SIZE).numpy()] if name in FIELDS else [v.tolist() for v in drawn.values()]
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    ours = transforms.apply((name,), images, [drawn], torch.tensor([[5, 5, 22, 22]]).expand(N, 4), PUBLISHED)
    theirs = [STEPS[name](Image.fromarray(p), *(v[k] for v in given)) for k, p in enumerate(pictures)]
    apart = np.abs((ours * 255).round().permute(0, 2, 3, 1).numpy() - np.stack([np.asarray(p) for p in theirs]))
    # Those two are sums of float32 numbers, which may fall to either side of a half.
    assert apart.max() <= (1 if name in ("blur", "elastic") else 0)
    assert (apart == 0).mean() > 0.999
