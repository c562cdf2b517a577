"""Each transformation against Pillow or torchvision at the same parameters.

Inputs are 8-bit pictures. Tolerances are in 8-bit steps: references that work in 8 bits round
once an operation; ours works in float32 and rounds nowhere.
"""

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as tv
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from invariance import sampling, transforms
from invariance.assets import glyphs
from invariance.transforms import TRANSFORMATIONS, corruption, geometric

SIZE, N = 32, 40
NEAREST, BICUBIC = Image.Resampling.NEAREST, Image.Resampling.BICUBIC


@pytest.fixture(scope="module")
def objects():
    """Glyphs, random translucent pictures, and fully transparent and fully opaque ones; uint8 (N, 32, 32, 4)."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (N, SIZE, SIZE, 4), dtype=np.uint8)
    pictures[:20] = glyphs.render(SIZE)[::3, 0][:20]
    pictures[20, ..., 3] = 0
    pictures[21, ..., 3] = 255
    pictures[22] = 255
    pictures[23] = 0
    return pictures


def tensor(pictures):
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def parameters(name):
    drawn = transforms.draw([name], sampling.keys(5, torch.arange(N)), SIZE)[0]
    drawn.pop("on", None)
    return drawn


def run(name, pictures, given):
    """Our result as float (N, 32, 32, 4) in 8-bit steps."""
    return TRANSFORMATIONS[name].apply(tensor(pictures), given).permute(0, 2, 3, 1).numpy() * 255


def with_alpha(rgb, image):
    rgb.putalpha(image.getchannel("A"))
    return rgb


def reference(function, pictures, *values):
    out = [function(Image.fromarray(picture), *(v[i] for v in values)) for i, picture in enumerate(pictures)]
    return np.stack([np.asarray(image) for image in out]).astype(float)


def premultiplied(pixels):
    return np.concatenate((pixels[..., :3] * pixels[..., 3:] / 255, pixels[..., 3:]), -1)


def test_rotate_equals_pillow_exactly(objects):
    given = {"angle": parameters("rotate")["angle"].index_fill(0, torch.arange(4), 0.0)}
    given["angle"][:6] = torch.tensor([0.0, 90.0, 180.0, 270.0, 45.0, 359.99])
    expected = reference(lambda im, a: im.rotate(a, NEAREST), objects, given["angle"].tolist())
    assert np.array_equal(run("rotate", objects, given).round(), expected)


def test_shear_equals_torchvision_exactly(objects):
    given = parameters("shear")
    given["angles"][:3] = torch.tensor([[0.0, 0.0], [50.0, 50.0], [-50.0, 50.0]])
    expected = reference(
        lambda im, a: tv.affine(im, 0, [0, 0], 1.0, a, fill=[0, 0, 0, 0]), objects, given["angles"].tolist()
    )
    assert np.array_equal(run("shear", objects, given).round(), expected)


def test_flips_equal_pillow_exactly(objects):
    assert np.array_equal(run("h_flip", objects, {}).round(), reference(ImageOps.mirror, objects))
    assert np.array_equal(run("v_flip", objects, {}).round(), reference(ImageOps.flip, objects))


def test_scale_is_pillow_bicubic_on_premultiplied_colours(objects):
    def shrink(image, side):
        canvas = Image.new("RGBA", (SIZE, SIZE))
        canvas.paste(image.resize((side, side), BICUBIC), ((SIZE - side) // 2,) * 2)
        return canvas

    given = parameters("scale")
    given["factor"][:3] = torch.tensor([0.4, 1.0, 0.7])
    sides = geometric.scaled_side(given["factor"], SIZE)
    assert sides[:3].tolist() == [12, 32, 22]
    expected = reference(shrink, objects, sides.tolist())
    # Pillow rounds to 8 bits on premultiplying, after each axis, and on dividing by alpha.
    difference = np.abs(premultiplied(run("scale", objects, given)) - premultiplied(expected))
    assert difference.max() <= 3


def test_translate_moves_the_box_to_where_it_says(objects):
    boxes = torch.tensor([[5, 7, 20, 18]]).repeat(N, 1)
    given = {**parameters("translate"), "box": boxes}
    given["place"][:2] = torch.tensor([[0.0, 0.0], [0.999999, 0.999999]])
    moved = geometric.translate_box(boxes, given, SIZE)
    assert moved[0].tolist() == [0, 0, 20, 18] and moved[1].tolist() == [11, 13, 20, 18]
    shifts = (moved - boxes)[:, :2].tolist()

    def shift(image, by):
        canvas = Image.new("RGBA", (SIZE, SIZE))
        canvas.paste(image, tuple(by))
        return canvas

    assert np.array_equal(run("translate", objects, given).round(), reference(shift, objects, shifts))


def test_hue_is_torchvision_on_floats(objects):
    given = parameters("hue")
    given["shift"][:3] = torch.tensor([0.0, 0.5, -0.5])
    pictures = tensor(objects)
    expected = torch.stack([tv.adjust_hue(p[:3], s) for p, s in zip(pictures, given["shift"].tolist(), strict=True)])
    ours = TRANSFORMATIONS["hue"].apply(pictures, given)
    assert (ours[:, :3] - expected).abs().max() < 2e-6 * 6  # six sextants times float32 rounding
    assert torch.equal(ours[:, 3], pictures[:, 3])


def test_brightness_and_contrast_are_pillow_to_rounding(objects):
    given = parameters("brightness")
    given["factor"][:3] = torch.tensor([0.0, 1.0, 2.0])
    factors = given["factor"].tolist()

    def enhance(kind):
        return reference(lambda im, f: with_alpha(kind(im.convert("RGB")).enhance(f), im), objects, factors)

    # Pillow truncates after blending with black: up to one step.
    assert np.abs(run("brightness", objects, given) - enhance(ImageEnhance.Brightness)).max() <= 1
    # It also rounds each luma and their mean, which a factor of 0 passes on in full.
    assert np.abs(run("contrast", objects, given) - enhance(ImageEnhance.Contrast)).max() <= 2


def test_colour_switches_are_pillow(objects):
    rgb_only = {
        "grayscale": (lambda im: with_alpha(im.convert("RGB").convert("L").convert("RGB"), im), 0.51),
        "posterize": (lambda im: with_alpha(ImageOps.posterize(im.convert("RGB"), 1), im), 1e-4),
        "invert": (lambda im: with_alpha(ImageChops.invert(im.convert("RGB")), im), 1e-4),
    }
    for name, (function, tolerance) in rgb_only.items():
        assert np.abs(run(name, objects, {}) - reference(function, objects)).max() <= tolerance, name


def test_sharpen_is_pillow_on_each_of_four_channels(objects):
    def sharpen(image):
        bands = [Image.blend(band.filter(ImageFilter.SMOOTH), band, 7.0) for band in image.split()]
        return Image.merge("RGBA", bands)

    # Pillow rounds the smoothed picture, and the blend multiplies that half step by six.
    assert np.abs(run("sharpen", objects, {}) - reference(sharpen, objects)).max() <= 4


def test_blur_is_torchvision(objects):
    given = parameters("blur")
    given["sigma"][:2] = torch.tensor([0.1, 1.5])
    pictures = tensor(objects)
    expected = torch.stack(
        [tv.gaussian_blur(p, [7, 7], [s, s]) for p, s in zip(pictures, given["sigma"].tolist(), strict=True)]
    )
    assert (TRANSFORMATIONS["blur"].apply(pictures, given) - expected).abs().max() < 2e-6


def test_pixelate_is_pillow_box_down_and_nearest_up(objects):
    def pixelate(image):
        return image.resize((9, 9), Image.Resampling.BOX).resize((SIZE, SIZE), NEAREST)

    difference = premultiplied(run("pixelate", objects, {})) - premultiplied(reference(pixelate, objects))
    assert np.abs(difference).max() <= 3  # as for scale


def test_elastic_is_torchvision_at_the_same_field(objects):
    # Without a fill: torchvision's fill weighs pixels at the canvas edge by their coverage twice.
    given = parameters("elastic")
    field = sampling.uniform(given["key"], 2, SIZE, SIZE, low=-1.0, high=1.0)
    smooth = tv.gaussian_blur(field, [41, 41], [5.0, 5.0]) * 150 / SIZE
    ours = TRANSFORMATIONS["elastic"].apply(tensor(objects), given)
    expected = torch.cat(
        [
            tv.elastic_transform(p[None], d.permute(1, 2, 0)[None], fill=None)
            for p, d in zip(tensor(objects), smooth, strict=True)
        ]
    )
    assert (ours - expected).abs().max() < 5e-5  # a grid coordinate's float32 rounding times 32 pixels


def test_erasing_clears_the_square_and_nothing_else(objects):
    given = {"corner": parameters("erasing")["corner"]}
    given["corner"][:2] = torch.tensor([[0, 0], [31, 31]])
    expected = objects.astype(float)
    for picture, (x, y) in zip(expected, given["corner"].tolist(), strict=True):
        picture[y : y + 14, x : x + 14] = 0
    assert np.array_equal(run("erasing", objects, given).round(), expected)


def test_noise_adds_the_positive_half_of_a_normal_and_clips(objects):
    given = parameters("noise")
    added = corruption.positive_noise(given["key"], SIZE)
    assert added.min() == 0 and abs((added == 0).float().mean() - 0.5) < 0.01
    assert abs((added == 1).float().mean() - 0.1587) < 0.005
    ours = TRANSFORMATIONS["noise"].apply(tensor(objects), given)
    assert torch.equal(ours[:, :3], (tensor(objects)[:, :3] + added).clamp(0, 1))
    assert torch.equal(ours[:, 3], tensor(objects)[:, 3])
