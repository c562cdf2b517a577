"""The published protocol against pictures that the published code made: see ../data/README.md.

What only moves pixels, and the bytes of noise, have to be the same; all else within one of 255 levels as seen, that is,
with colours times alpha.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from invariance import pictures, sampling, transforms
from invariance.datasets import ObjectsOnImages, Transforms2D, paste
from invariance.protocol import CORRECTED, PUBLISHED, find

pytestmark = pytest.mark.any_cpu

PART = Path(__file__).parents[1] / "data" / "published_pictures.npz"
FOLDER = os.environ.get("PUBLISHED_PICTURES_DIR")
SAME = ("translate", "v_flip", "h_flip", "rotate", "shear", "erasing", "noise", "posterize", "invert")
PARAMETER = {
    "scale": "factor",
    "translate": "place",
    "rotate": "angle",
    "shear": "angles",
    "hue": "shift",
    "brightness": "factor",
    "contrast": "factor",
    "blur": "sigma",
}


@pytest.fixture(scope="module", params=["part", "all"])
def made(request):
    """Their arrays by name."""
    if request.param == "all" and not FOLDER:
        pytest.skip("PUBLISHED_PICTURES_DIR does not name the folder with all of the published code's pictures")
    file = PART if request.param == "part" else Path(FOLDER, "transforms.npz")
    return dict(np.load(file, allow_pickle=False))


def tensor(pixels):
    """Pictures (..., H, W, C) of 8 bits as images (..., C, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, -3).float() / 255


def given(made, name, setting, count):
    """The parameters of one setting, for `count` images."""
    values = torch.from_numpy(np.asarray(made[f"{name}/params"][setting])).float()
    if name == "erasing":
        return {"corner": torch.from_numpy(made["erasing/corner"][setting]).expand(count, 2)}
    if name == "elastic":
        return {"field": values[0].permute(2, 0, 1).expand(count, 2, 32, 32)}
    if name == "noise":
        return {"field": values.expand(count, 3, 32, 32)}
    return {PARAMETER[name]: values.expand(count, *values.shape)} if name in PARAMETER else {}


def result(made, names, kind, protocol):
    """What we make of all their inputs of a kind in all settings: levels (settings, inputs, H, W, C)."""
    images = tensor(made["objects" if kind == "objects" else "backgrounds"])
    boxes = torch.from_numpy(made["boxes"]) if kind == "objects" else None
    found = []
    for setting in range(len(made[f"{names[0]}/params"])):
        drawn = [given(made, name, setting, len(images)) for name in names]
        found.append(transforms.apply(names, images, drawn, boxes, protocol))
    return (torch.stack(found) * 255).movedim(-3, -1).numpy()


def seen(pixels):
    """Levels with colours times alpha, and alpha."""
    pixels = np.asarray(pixels, float)
    if pixels.shape[-1] == 3:
        return pixels
    return np.concatenate((pixels[..., :3] * pixels[..., 3:] / 255, pixels[..., 3:]), -1)


def gap(ours, theirs):
    """The largest difference as seen, in levels."""
    return np.abs(seen(ours) - seen(theirs)).max()


@pytest.mark.parametrize("kind", ["objects", "natural"])
@pytest.mark.parametrize("name", transforms.PAPER_NAMES)
def test_every_transformation_gives_their_pictures(made, name, kind):
    ours, theirs = result(made, (name,), kind, PUBLISHED), made[f"{name}/{kind}"]
    assert gap(ours, theirs) <= 1.001
    assert (ours.round() == theirs).mean() > 0.999
    if name in SAME:
        assert np.array_equal(ours.round(), theirs)


@pytest.mark.parametrize("names", [("scale", "translate"), ("rotate", "translate")])
def test_compositions_use_their_boxes(made, names):
    assert gap(result(made, names, "objects", PUBLISHED), made["_".join(names)]) <= 1.001


@pytest.mark.parametrize("name", ["grayscale", "posterize", "invert"])
def test_what_is_not_applied_darkens_translucent_pixels_all_the_same(made, name):
    images, boxes = tensor(made["objects"]), torch.from_numpy(made["boxes"])
    drawn = [{"on": torch.zeros(len(images), dtype=torch.bool)}]
    ours = transforms.apply((name,), images, drawn, boxes, PUBLISHED)
    assert np.array_equal((ours * 255).round().movedim(1, -1).numpy(), made[f"{name}/off"][0])
    assert torch.equal(transforms.apply((name,), images, drawn, boxes), images)


def test_boxes_are_theirs(made):
    size, boxes = 32, torch.from_numpy(made["boxes"][:1])
    scale, translate = transforms.find(("scale", "translate"), PUBLISHED)
    for setting, (of_scale, of_translate) in enumerate(zip(made["scale/boxes"], made["translate/boxes"], strict=True)):
        moved = scale.move_box(boxes, given(made, "scale", setting, 1), size)
        assert moved[0].tolist() == of_scale.tolist()
        assert (
            translate.move_box(boxes, given(made, "translate", setting, 1), size)[0].tolist() == of_translate.tolist()
        )


def test_scale_and_erasing_have_their_whole_pixels_in_both_protocols(made):
    factors = torch.from_numpy(made["scale/params"]).float()
    assert transforms.geometric.scaled_side(factors, 32).tolist() == made["scale/side"].tolist()
    corners = torch.from_numpy(made["erasing/params"]).float() * 18
    assert corners.long().tolist() == made["erasing/corner"].tolist()
    assert gap(result(made, ("erasing",), "natural", CORRECTED).round(), made["erasing/natural"]) == 0


WITHOUT = [
    ("eight_bits", ("hue",), "natural", 4),
    ("eight_bits", ("sharpen",), "natural", 2),
    ("darkens_translucent", ("invert",), "objects", 30),
    ("shifts_right_and_down", ("translate",), "natural", 30),
    ("boxes_stay", ("scale", "translate"), "objects", 30),
    ("boxes_stay", ("rotate", "translate"), "objects", 30),
    ("noise_wraps", ("noise",), "natural", 30),
    ("elastic_dims_border", ("elastic",), "natural", 10),
]


@pytest.mark.parametrize(("flag", "names", "kind", "levels"), WITHOUT)
def test_without_its_flag_the_pictures_are_others(made, flag, names, kind, levels):
    theirs = made["_".join(names) if len(names) > 1 else f"{names[0]}/{kind}"]
    assert gap(result(made, names, kind, find(f"published-{flag}")), theirs) > levels


@pytest.fixture
def folder(made, tmp_path):
    """Their objects, not yet prepared, and their backgrounds as files: folders of a source."""
    for number, pixels in enumerate(made["raw"]):
        (tmp_path / "objects" / f"class_{number}").mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "objects" / f"class_{number}" / "a.png")
    (tmp_path / "backgrounds").mkdir()
    for number, pixels in enumerate(made["backgrounds"]):
        Image.fromarray(pixels).save(tmp_path / "backgrounds" / f"{number}.png")
    return tmp_path


def test_a_data_set_prepares_and_pastes_objects_as_they_do(made, folder):
    sources = {"foregrounds": f"folder:{folder}/objects", "backgrounds": f"folder:{folder}/backgrounds"}
    renderer = Transforms2D(**sources, protocol="published").renderer()
    assert gap((renderer.objects * 255).movedim(1, -1), made["objects"]) <= 1.001
    assert renderer.box.tolist() == made["boxes"][0].tolist()
    keys = sampling.keys(0, torch.arange(200))
    ours = (renderer.images(keys) * 255).movedim(1, -1).numpy()
    theirs = made["paste"][renderer.labels(keys), renderer._picture(keys)]
    assert gap(ours, theirs) <= 1.001 and (ours.round() == theirs).mean() > 0.999
    corrected = Transforms2D(**sources).renderer()
    assert gap((corrected.objects * 255).movedim(1, -1), made["objects"]) < 3
    assert (
        gap(
            (paste(tensor(made["objects"][:1]), tensor(made["backgrounds"][:1])) * 255).movedim(1, -1),
            made["paste"][0, 0],
        )
        < 0.51
    )


def test_objects_in_the_corner_are_theirs(made, folder):
    spec = {"task": "objects_only", "foregrounds": f"folder:{folder}/objects"}
    renderer = ObjectsOnImages(**spec, protocol="published").renderer()
    assert gap((renderer.objects * 255).movedim(1, -1), made["corner/objects"]) <= 1.001
    assert renderer.boxes[0].tolist() == made["corner/box"].tolist()
    corrected = ObjectsOnImages(**spec).renderer()
    assert gap((corrected.objects * 255).movedim(1, -1), made["corner/objects"]) < 3
    assert corrected.boxes[0].tolist() == [19, 0, 12, 12]  # of an object at 18.8 to 31.2 and -0.2 to 12.2
    assert find("published-boxes_stay") != PUBLISHED
    without = ObjectsOnImages(**spec, protocol="published-boxes_stay").renderer()
    assert without.boxes[0].tolist() == [19, 0, 12, 12]


def test_random_pixels_have_the_pattern_of_their_float_bytes(made):
    theirs = made["random_bgs"].reshape(-1)
    keys = sampling.keys(0, torch.arange(100))
    for of_protocol, alike in ((PUBLISHED, True), (find("published-random_from_floats"), False)):
        renderer = Transforms2D(foregrounds="random", backgrounds="random", protocol=of_protocol).renderer()
        ours = (renderer.backgrounds(keys) * 255).round().movedim(1, -1).reshape(-1).numpy()
        means = [[pixels[k::4].mean() for k in range(4)] for pixels in (ours, theirs)]
        shares = [np.isin(pixels[3::4], (62, 63)).mean() for pixels in (ours, theirs)]
        assert (np.abs(np.subtract(*means)).max() < 6 and abs(shares[0] - shares[1]) < 0.02) == alike
        # Of the objects, whose pixels scaling has mixed, the mean of each column and channel shows the pattern.
        inside = (slice(None), slice(6, 26), slice(6, 26), slice(3))
        columns = (
            (renderer.objects * 255).movedim(1, -1).numpy()[inside].mean((0, 1)),
            made["random_fg"][inside].mean((0, 1)),
        )
        assert columns[1].std() > 5
        assert (np.abs(np.subtract(*columns)).max() < 5) == alike
    assert pictures.float_bytes(keys, 33).shape == (100, 3, 33, 33)  # an odd number of bytes
