import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from invariance import pictures, sampling
from invariance.datasets import Split, Transforms2D, paste
from invariance.errors import InputError
from invariance.transforms import TRANSFORMATIONS

CLASSES = ("umbrella", "airplane", "anchor")


def split(count=300, seed=0, name="train", **spec):
    spec = {"classes": CLASSES, "transforms": ("scale", "hue", "blur"), **spec}
    return Split(Transforms2D(**spec).renderer(), seed, name, count)


@pytest.mark.parametrize("transforms", [tuple(TRANSFORMATIONS)[k : k + 3] for k in range(0, 18, 3)])
def test_the_same_index_gives_the_same_image_whatever_the_batch(transforms):
    data = split(transforms=transforms)
    whole, labels = data.batch()
    picked = torch.tensor([299, 4, 17, 130, 4])
    for size in (1, 2, 5):
        parts = [data.batch(chunk) for chunk in picked.split(size)]
        torch.testing.assert_close(torch.cat([p[0] for p in parts]), whole[picked], rtol=0, atol=1e-6)
        assert torch.equal(torch.cat([p[1] for p in parts]), labels[picked])


def test_another_process_makes_the_same_images():
    code = """
from invariance.datasets import Split, Transforms2D
spec = Transforms2D(classes=("umbrella", "airplane"), transforms=("rotate", "noise"))
images, _ = Split(spec.renderer(), 3, "train", 20).batch()
print((images * 255).round().long().sum().item())
"""
    here, _ = split(20, seed=3, classes=("umbrella", "airplane"), transforms=("rotate", "noise")).batch()
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(there) == (here * 255).round().long().sum().item()


def test_splits_and_seeds_hold_different_images_and_equal_ones_equal_images():
    base = split().batch()[0]
    assert torch.equal(split().batch()[0], base)
    for other in (split(name="test"), split(seed=1)):
        same = (other.batch()[0] == base).flatten(1).all(1)
        assert same.float().mean() < 0.05


def test_images_are_objects_over_backgrounds_in_range_and_labels_balanced():
    data = split(3000, transforms=())
    images, labels = data.batch()
    assert images.shape == (3000, 3, 32, 32)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert stats.chisquare(torch.bincount(labels, minlength=3).numpy()).pvalue > 0.01
    keys = data.keys()
    background = data.renderer.backgrounds(keys)
    corner = (slice(None), slice(None), slice(0, 5), slice(0, 5))
    assert torch.equal(images[corner], background[corner])  # objects fill 0.7 of the canvas, centred
    assert (images != background).flatten(1).any(1).all()


def test_content_and_transformation_have_their_own_keys():
    renderer = split(transforms=("rotate",)).renderer
    content, other = (sampling.keys(k, torch.arange(50)) for k in (1, 2))
    assert torch.equal(renderer.images(content, transformation=content), renderer.images(content))
    pair = renderer.images(content), renderer.images(content, transformation=other)
    assert torch.equal(pair[0][..., :2, :2], pair[1][..., :2, :2])  # same background
    assert (pair[0] != pair[1]).flatten(1).any(1).float().mean() > 0.9


def test_paste_is_the_alpha_blend():
    objects = torch.tensor([1.0, 0.5, 0.0, 0.25]).reshape(1, 4, 1, 1)
    background = torch.tensor([0.0, 1.0, 0.8]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(paste(objects, background).flatten(), torch.tensor([0.25, 0.875, 0.6]))


def test_random_objects_are_fixed_by_class_and_random_backgrounds_fresh():
    names = pictures.class_names("random")[:2]
    data = split(400, foregrounds="random", backgrounds="random", classes=names, transforms=())
    images, labels = data.batch()
    first, second = images[labels == 0][:2]
    torch.testing.assert_close(first[:, 10:20, 10:20], second[:, 10:20, 10:20], rtol=0, atol=1e-5)
    assert not torch.equal(first[:, :4, :4], second[:, :4, :4])


def test_a_folder_of_pictures_serves_as_objects_and_backgrounds(tmp_path):
    for name, colour in (("red", (255, 0, 0, 255)), ("blue", (0, 0, 255, 128))):
        (tmp_path / "objects" / name).mkdir(parents=True)
        Image.new("RGBA", (50, 40), colour).save(tmp_path / "objects" / name / "a.png")
    (tmp_path / "backgrounds").mkdir()
    Image.new("RGB", (64, 48), (0, 255, 0)).save(tmp_path / "backgrounds" / "g.jpg", quality=95)
    data = split(
        20,
        foregrounds=f"folder:{tmp_path / 'objects'}",
        backgrounds=f"folder:{tmp_path / 'backgrounds'}",
        classes=None,
        transforms=(),
    )
    images, labels = data.batch()
    assert data.renderer.spec.class_names() == ("blue", "red")
    centre = images[:, :, 16, 16]
    torch.testing.assert_close(centre[labels == 1][0], torch.tensor([1.0, 0.0, 0.0]), rtol=0, atol=0.01)
    torch.testing.assert_close(centre[labels == 0][0], torch.tensor([0.0, 0.5, 0.5]), rtol=0, atol=0.02)


def test_bad_specifications_are_refused_in_one_line(tmp_path):
    cases = {
        "Unknown transformation 'spin'. Known: scale": {"transforms": ("spin",)},
        "Unknown class 'unicorn'": {"classes": ("unicorn",)},
        "The list of classes is empty": {"classes": ()},
        "listed twice": {"classes": ("anchor", "anchor")},
        "Unknown asset source 'photos'": {"foregrounds": "photos"},
        "Unknown asset source 'sky'": {"backgrounds": "sky"},
        "greater than or equal to 1, got 0": {"prototypes": 0},
        "no such field; known: kind, foregrounds": {"colour": 1},
        "canvas of 16 pixels is too small for 'elastic'": {"size": 16, "transforms": ("elastic",)},
        "No folder": {"foregrounds": f"folder:{tmp_path / 'absent'}", "classes": None},
        "No classes": {"foregrounds": f"folder:{tmp_path}", "classes": None},
    }
    for message, change in cases.items():
        with pytest.raises(InputError) as error:
            Transforms2D(**{"classes": CLASSES, **change})
        assert message in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="The list of classes is empty"):
        pictures.foregrounds("glyphs", 32, classes=[])
    with pytest.raises(InputError, match="train split has -3 images"):
        split(-3)


def test_bad_files_are_named(tmp_path):
    folder = tmp_path / "objects" / "thing"
    folder.mkdir(parents=True)
    source = f"folder:{tmp_path / 'objects'}"
    with pytest.raises(InputError, match="Class 'thing' has no prototype"):
        pictures.foregrounds(source, 32)
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    with pytest.raises(InputError, match=r"Cannot read the image .*a\.png"):
        pictures.foregrounds(source, 32)
    Image.new("RGBA", (40, 40)).save(folder / "a.png")
    whole = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"Cannot read the image .*a\.png"):
        pictures.foregrounds(source, 32)
    Image.new("RGB", (40, 40), (9, 9, 9)).save(folder / "a.png")
    with pytest.warns(UserWarning, match="no alpha channel"):
        assert (pictures.foregrounds(source, 32).images[:, 3] == 255).all()
    with pytest.raises(InputError, match="No images in"):
        pictures.backgrounds(f"folder:{tmp_path / 'objects'}", 32)


def test_a_16_bit_picture_keeps_its_brightness(tmp_path):
    (tmp_path / "b").mkdir()
    Image.fromarray(np.full((40, 40), 0x8000, dtype=np.uint16)).save(tmp_path / "b" / "grey.png")
    assert (pictures.backgrounds(f"folder:{tmp_path / 'b'}", 32) == 128).all()


def test_pictures_and_classes_that_change_are_seen_by_the_same_process(tmp_path):
    def paint(place, colour):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGBA", (20, 20), colour).save(tmp_path / place)

    def colours(part):
        renderer = Transforms2D(foregrounds=f"folder:{tmp_path}/o", backgrounds=f"folder:{tmp_path}/b").renderer()
        images, labels = Split(renderer, 0, "train", 30).batch()
        place = 16 if part == "object" else 0
        seen = {tuple(image[:, place, place].mul(255).round().int().tolist()) for image in images}
        return (
            [
                (
                    renderer.spec.class_names()[k],
                    tuple(images[labels == k][0, :, 16, 16].mul(255).round().int().tolist()),
                )
                for k in labels.unique()
            ]
            if part == "object"
            else seen
        )

    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    paint("b/a.png", red)
    paint("o/cat/a.png", red)
    paint("o/dog/a.png", green)
    assert colours("object") == [("cat", red), ("dog", green)] and colours("background") == {red}
    paint("o/ant/a.png", blue)
    assert colours("object") == [("ant", blue), ("cat", red), ("dog", green)]
    paint("o/cat/a.png", blue)
    paint("b/a.png", green)
    assert colours("object") == [("ant", blue), ("cat", blue), ("dog", green)] and colours("background") == {green}


def test_what_did_not_change_is_shared():
    renderers = [Transforms2D(transforms=names).renderer() for names in ((), ("rotate",), ())]
    assert renderers[0] is renderers[2]
    assert renderers[0].objects is renderers[1].objects and renderers[0].pictures is renderers[1].pictures


@pytest.mark.parametrize(("change", "message"), [({"count": 10.5}, "Number of images 10.5"), ({"seed": None}, "Seed")])
def test_a_split_needs_whole_numbers(change, message):
    numbers = {"seed": 0, "count": 3, **change}
    with pytest.raises(InputError, match=f"{message}.* is not usable: give a whole number"):
        Split(Transforms2D().renderer(), name="train", **numbers)
    data = Split(Transforms2D().renderer(), np.int8(1), "train", np.uint8(200))
    assert (type(data.seed), type(data.count), len(data.keys())) == (int, int, 200)
