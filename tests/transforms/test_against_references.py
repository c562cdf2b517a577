"""Each transformation against Pillow or torchvision at the same parameters.

Inputs are 8-bit pictures: glyphs, noise, and fully transparent and fully opaque ones. Parameters
are random with the identity and the extremes among them. `STEPS` says how far a value may be off, in
8-bit steps, and why: ours works in float32 and rounds nowhere, Pillow rounds in between.
"""

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as tv
from PIL import Image, ImageChops, ImageEnhance, ImageOps

from invariance import sampling, transforms
from invariance.pictures import glyphs
from invariance.transforms import TRANSFORMATIONS, corruption, geometric

SIZE, N = 32, 40
STEPS = {
    "rotate": 0,  # the same fixed-point arithmetic picks the same pixel, ties included
    "shear": 0,  # as rotate
    "v_flip": 0,  # moves pixels
    "h_flip": 0,  # moves pixels
    "translate": 0,  # moves pixels
    "erasing": 0,  # clears pixels
    "posterize": 1e-4,  # picks one of two values, which float32 holds to this
    "invert": 1e-4,  # one float32 subtraction
    "grayscale": 0.51,  # Pillow rounds the luma once, to half a step
    "brightness": 1,  # Pillow cuts off what is behind the point after blending with black
    "contrast": 1.5,  # Pillow also rounds each luma and their mean, which a factor of 0 passes on in full
    "scale": 2,  # Pillow rounds on premultiplying, after each axis and on dividing by alpha
    "pixelate": 1.5,  # as scale, with means instead of kernels that overshoot
    "sharpen": 3,  # Pillow rounds the smoothed picture by up to half a step, and the blend multiplies that by 6
    "hue": 255 * 1.5e-6,  # float reference: a few roundings of numbers up to 2, at 1.2e-7 each
    "blur": 255 * 5e-7,  # float reference: sums of seven products, twice
    "elastic": 255 * 3e-5,  # float reference: a grid coordinate's rounding, times 32 pixels
    "noise": 0,  # one addition and a clip of the same float32 numbers
}
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


def check(name, ours, expected):
    """Compare in 8-bit steps; exact ones after the rounding of 255 x / 255."""
    ours = ours.round() if STEPS[name] == 0 else ours
    assert np.abs(ours - expected).max() <= STEPS[name], name


def reference(function, pictures, *values):
    out = [function(Image.fromarray(picture), *(v[i] for v in values)) for i, picture in enumerate(pictures)]
    return np.stack([np.asarray(image) for image in out]).astype(float)


def premultiplied(pixels):
    return np.concatenate((pixels[..., :3] * pixels[..., 3:] / 255, pixels[..., 3:]), -1)


def test_rotate_equals_pillow_exactly(objects):
    given = {"angle": parameters("rotate")["angle"].index_fill(0, torch.arange(4), 0.0)}
    given["angle"][:6] = torch.tensor([0.0, 90.0, 180.0, 270.0, 45.0, 359.99])
    expected = reference(lambda im, a: im.rotate(a, NEAREST), objects, given["angle"].tolist())
    check("rotate", run("rotate", objects, given), expected)


def test_shear_equals_torchvision_exactly(objects):
    given = parameters("shear")
    given["angles"][:3] = torch.tensor([[0.0, 0.0], [50.0, 50.0], [-50.0, 50.0]])
    expected = reference(
        lambda im, a: tv.affine(im, 0, [0, 0], 1.0, a, fill=[0, 0, 0, 0]), objects, given["angles"].tolist()
    )
    check("shear", run("shear", objects, given), expected)


def test_flips_equal_pillow_exactly(objects):
    check("h_flip", run("h_flip", objects, {}), reference(ImageOps.mirror, objects))
    check("v_flip", run("v_flip", objects, {}), reference(ImageOps.flip, objects))


def test_scale_is_pillow_bicubic_on_premultiplied_colours(objects):
    def shrink(image, side):
        canvas = Image.new("RGBA", (SIZE, SIZE))
        canvas.paste(image.resize((side, side), BICUBIC), ((SIZE - side) // 2,) * 2)
        return canvas

    given = parameters("scale")
    given["factor"][:3] = torch.tensor([0.4, 1.0, 0.7])
    sides = geometric.scaled_side(given["factor"], SIZE)
    assert sides[:3].tolist() == [13, 32, 22]
    expected = reference(shrink, objects, sides.tolist())
    check("scale", premultiplied(run("scale", objects, given)), premultiplied(expected))


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

    check("translate", run("translate", objects, given), reference(shift, objects, shifts))


def test_hue_is_torchvision_on_floats(objects):
    given = parameters("hue")
    given["shift"][:3] = torch.tensor([0.0, 0.5, -0.5])
    pictures = tensor(objects)
    expected = torch.stack([tv.adjust_hue(p[:3], s) for p, s in zip(pictures, given["shift"].tolist(), strict=True)])
    ours = TRANSFORMATIONS["hue"].apply(pictures, given)
    check("hue", ours[:, :3].numpy() * 255, expected.numpy() * 255)
    assert torch.equal(ours[:, 3], pictures[:, 3])


def test_brightness_and_contrast_are_pillow_to_rounding(objects):
    given = parameters("brightness")
    given["factor"][:3] = torch.tensor([0.0, 1.0, 2.0])
    factors = given["factor"].tolist()

    def enhance(kind):
        return reference(lambda im, f: with_alpha(kind(im.convert("RGB")).enhance(f), im), objects, factors)

    check("brightness", run("brightness", objects, given), enhance(ImageEnhance.Brightness))
    check("contrast", run("contrast", objects, given), enhance(ImageEnhance.Contrast))


def test_colour_switches_are_pillow(objects):
    rgb_only = {
        "grayscale": lambda im: with_alpha(im.convert("RGB").convert("L").convert("RGB"), im),
        "posterize": lambda im: with_alpha(ImageOps.posterize(im.convert("RGB"), 1), im),
        "invert": lambda im: with_alpha(ImageChops.invert(im.convert("RGB")), im),
    }
    for name, function in rgb_only.items():
        check(name, run(name, objects, {}), reference(function, objects))


def test_sharpen_is_pillow_which_leaves_alpha(objects):
    expected = reference(lambda image: ImageEnhance.Sharpness(image).enhance(7.0), objects)
    assert np.array_equal(expected[..., 3], objects[..., 3])
    check("sharpen", run("sharpen", objects, {}), expected)


def test_blur_is_torchvision(objects):
    given = parameters("blur")
    given["sigma"][:2] = torch.tensor([0.1, 1.5])
    pictures = tensor(objects)
    expected = torch.stack(
        [tv.gaussian_blur(p, [7, 7], [s, s]) for p, s in zip(pictures, given["sigma"].tolist(), strict=True)]
    )
    check("blur", TRANSFORMATIONS["blur"].apply(pictures, given).numpy() * 255, expected.numpy() * 255)


def test_pixelate_is_pillow_box_down_and_nearest_up(objects):
    def pixelate(image):
        return image.resize((9, 9), Image.Resampling.BOX).resize((SIZE, SIZE), NEAREST)

    check("pixelate", premultiplied(run("pixelate", objects, {})), premultiplied(reference(pixelate, objects)))


def test_elastic_is_torchvision_at_the_same_field(objects):
    # Without a fill: torchvision's fill weighs pixels at the canvas edge by their coverage twice.
    given = parameters("elastic")
    field = corruption.white_field(given["key"], SIZE)
    smooth = tv.gaussian_blur(field, [41, 41], [5.0, 5.0]) * 150 / SIZE
    ours = TRANSFORMATIONS["elastic"].apply(tensor(objects), given)
    expected = torch.cat(
        [
            tv.elastic_transform(p[None], d.permute(1, 2, 0)[None], fill=None)
            for p, d in zip(tensor(objects), smooth, strict=True)
        ]
    )
    check("elastic", ours.numpy() * 255, expected.numpy() * 255)


def test_erasing_clears_the_square_and_nothing_else(objects):
    given = {"corner": parameters("erasing")["corner"]}
    given["corner"][:2] = torch.tensor([[0, 0], [31, 31]])  # one's own may lie where none is drawn
    expected = objects.astype(float)
    for picture, (x, y) in zip(expected, given["corner"].tolist(), strict=True):
        picture[y : y + 14, x : x + 14] = 0
    check("erasing", run("erasing", objects, given), expected)


def test_noise_adds_the_positive_half_of_a_normal_and_clips(objects):
    given = parameters("noise")
    added = corruption.positive_noise(given["key"], SIZE)
    ours = TRANSFORMATIONS["noise"].apply(tensor(objects), given)
    assert torch.equal(ours[:, :3], (tensor(objects)[:, :3] + added).clamp(0, 1))
    assert torch.equal(ours[:, 3], tensor(objects)[:, 3])


def test_published_noise_is_8_bit_arithmetic_that_wraps_around(objects):
    given = parameters("noise")
    added = corruption.positive_noise(given["key"], SIZE).permute(0, 2, 3, 1).numpy()
    total = np.floor((objects[..., :3].astype(np.float32) / np.float32(255) + added) * np.float32(255))
    ours = transforms.published.noise(tensor(objects), given).permute(0, 2, 3, 1).numpy()[..., :3] * 255
    assert np.array_equal(ours.round(), total.astype(np.int64).astype(np.uint8))


IDENTITY = {
    "scale": {"factor": torch.ones(N)},
    "translate": {"place": torch.full((N, 2), 0.5), "box": torch.tensor([[5, 5, 22, 22]]).repeat(N, 1)},
    "rotate": {"angle": torch.zeros(N)},
    "shear": {"angles": torch.zeros(N, 2)},
    "hue": {"shift": torch.zeros(N)},
    "brightness": {"factor": torch.ones(N)},
    "blur": {"sigma": torch.full((N,), 0.1)},
    "contrast": {"factor": torch.ones(N)},
}


@pytest.mark.parametrize("name", IDENTITY)
def test_identity_parameters_change_nothing(objects, name):
    before, after = objects.astype(float), run(name, objects, IDENTITY[name])
    if name == "scale":  # dividing by alpha cannot bring back the colour of what is transparent
        before, after = premultiplied(before), premultiplied(after)
    assert np.abs(after - before).max() < 255 * 1e-6


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_nothing_appears_on_a_transparent_canvas(name):
    pictures = np.random.default_rng(1).integers(0, 256, (N, SIZE, SIZE, 4), dtype=np.uint8)
    pictures[..., 3] = 0
    assert run(name, pictures, with_box(parameters(name)))[..., 3].max() == 0


@pytest.mark.parametrize("name", sorted(set(TRANSFORMATIONS) - {"translate", "rotate", "shear", "elastic", "erasing"}))
def test_an_opaque_canvas_stays_opaque_where_nothing_is_uncovered(name):
    pictures = np.random.default_rng(1).integers(0, 256, (N, SIZE, SIZE, 4), dtype=np.uint8)
    pictures[..., 3] = 255
    given = IDENTITY["scale"] if name == "scale" else parameters(name)
    assert np.abs(run(name, pictures, given)[..., 3] - 255).max() < 255 * 1e-6


def with_box(given):
    return {**given, "box": torch.tensor([[5, 5, 22, 22]]).repeat(N, 1)}
