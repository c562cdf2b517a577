"""Labelled pictures of one's own are split, trained on, probed and profiled as the book's are."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

import invariance
import invariance.transforms
from invariance import models, training
from invariance.datasets.labelled import LabelledImages
from invariance.datasets.module import ImageData
from invariance.datasets.photos import photo_files
from invariance.errors import InputError
from invariance.measures import sensitivity
from invariance.profiling import profile_model
from invariance.training.fit import fit
from invariance.transforms import RandomTransformations

COLOURS = {"blue": (20, 40, 220), "green": (30, 200, 60), "red": (230, 30, 20)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten pictures a class, of one colour with noise, and what does not belong there."""
    root, noise = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for k in range(10):
            pixels = np.clip(np.array(colour) + noise.normal(0, 25, (40, 52, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{k}.png")
    (root / "red" / "._0.png").write_bytes(b"AppleDouble")
    (root / "notes.txt").write_text("mine")
    return root


def test_a_folder_gives_every_picture_to_one_split(folder):
    splits = [invariance.labelled_images(folder, split=split) for split in ("train", "validation", "test")]
    assert [len(data) for data in splits] == [24, 3, 3]
    assert splits[0].classes == ("blue", "green", "red")
    rows = [split for data in splits for split in data.split.renderer.spec.rows(data.split.name).tolist()]
    assert sorted(rows) == list(range(30))
    for data in splits:
        for image, label in data:
            assert image.shape == (3, 32, 32) and image.mean((1, 2)).argmax() == {0: 2, 1: 1, 2: 0}[label]


def _as_torchvision(folder, transform=None):
    return ImageFolder(folder, transform, is_valid_file=lambda path: "._" not in path and path.endswith("png"))


def test_a_data_set_of_torchvision_gives_the_same_images(folder):
    plain, tensors = (_as_torchvision(folder, transform) for transform in (None, v2.PILToTensor()))
    expected = list(invariance.labelled_images(folder, ["rotate"], seed=3))
    for source in (plain, tensors, Subset(plain, range(30))):
        found = list(invariance.labelled_images(source, ["rotate"], seed=3))
        assert all(torch.equal(a, b) and x == y for (a, x), (b, y) in zip(expected, found, strict=True))


def test_a_source_that_is_split_already_is_taken_whole(folder):
    part = Subset(_as_torchvision(folder), [0, 11, 12, 25])
    for split in ("train", "test"):
        data = invariance.labelled_images(part, split=split, held_out=0)
        assert sorted(label for _, label in data) == [0, 1, 1, 2]


def test_chosen_classes_get_labels_in_their_order(folder):
    data = invariance.labelled_images(folder, classes=["red", "blue"], split="train")
    assert len(data) == 16 and data.classes == ("red", "blue")
    assert all((image[0].mean() > 0.5) == (label == 0) for image, label in data)


def test_one_can_train_probe_and_measure_on_them(folder):
    train, validation = (invariance.labelled_images(folder, split=s, size=16) for s in ("train", "validation"))
    model = models.build("small", 3, 0)
    curve = fit(model, ImageData(train, validation, 8, 0), 4, 5e-3, "cpu")
    assert curve[-1]["loss"] < curve[0]["loss"]
    probe = training.linear_probe(training.features(model, train), training.features(model, validation), 3, 0)
    assert probe.accuracy(training.features(model, validation)) == 1
    x, x_prime = invariance.labelled_images(folder, ["hue"], held_out=0).pairs(20)
    assert sensitivity(x.flatten(1), x_prime.flatten(1)).value > 0.1


def test_transformations_are_drawn_anew_and_repeat(folder):
    data = invariance.labelled_images(folder, ["rotate", "hue"])
    assert torch.equal(data[3][0], data[3][0])
    images = [data.split.batch(redraw=redraw)[0] for redraw in (0, 1)]
    assert not torch.equal(*images)


def test_the_mean_and_deviation_of_one_s_own(folder):
    renderer = invariance.labelled_images(folder, mean=[0.1, 0.2, 0.3], std=0.25).split.renderer
    images = torch.rand(2, 3, 32, 32)
    mean = torch.tensor([0.1, 0.2, 0.3]).reshape(3, 1, 1)
    torch.testing.assert_close(renderer.normalise(images).contiguous(), (images - mean) / 0.25)


def test_a_profile_takes_the_folders_pictures(folder):
    assert len(photo_files(folder)) == 30
    (folder / "red" / "again").symlink_to(folder)
    assert len(photo_files(folder)) == 30
    table = profile_model(models.build("small", 3, 0).backbone, folder, ["hue"], pairs=12)
    assert set(table["pairs"]) == {12}


class Items(Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


GREY = torch.full((3, 8, 8), 0.5)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "A NoneType holds no labelled pictures: give a folder with a folder for each class, or"),
        ("/nowhere", "No folder /nowhere"),
        (Items((GREY * 9, 0)), r"Item 0 of the data set is no picture but torch.float32 \(3, 8, 8\) in \[4.5, 4.5\]"),
        (Items(("text", 0)), "Item 0 of the data set is no picture but a str: give PIL images"),
        (Items(GREY), r"Item 0 of the data set is a Tensor: it must be \(picture, label\)"),
        (Items((GREY, 0), (GREY, "b")), "The label of item 1 'b' is not usable: give a whole number"),
        (Items((GREY, 0), (GREY, -1)), "The label of item 1 -1 is not usable"),
        (Items(), "The data set has no pictures"),
    ],
)
def test_what_holds_no_labelled_pictures_is_named(source, message):
    with pytest.raises(InputError, match=message):
        list(invariance.labelled_images(source, held_out=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transforms": ["rotat"]}, "Unknown transformation 'rotat'"),
        ({"transforms": {"rotate", "hue"}}, "transforms is a set, which has no order: give a list"),
        ({"size": 5000}, "size 5000 is not usable"),
        ({"split": "val"}, "Unknown split 'val'"),
        ({"count": 25}, "25 train images are asked for, and there are 24: take fewer"),
        ({"held_out": 0.5}, "held_out 0.5: give the share of each class"),
        ({"classes": ["pink"]}, "Unknown class 'pink'"),
        ({"std": 0}, "std 0: give one number or three"),
        ({"colour": 1}, "labelled_images: .* unexpected keyword argument 'colour'"),
    ],
)
def test_bad_choices_are_named(folder, options, message):
    with pytest.raises(InputError, match=message):
        invariance.labelled_images(folder, **options)


def test_an_empty_class_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="a holds no images"):
        invariance.labelled_images(tmp_path)


def test_labels_without_targets_are_read_from_the_items():
    data = LabelledImages(TensorDataset(torch.rand(6, 3, 9, 9), torch.tensor([0, 1, 2, 0, 1, 2])), held_out=0)
    assert data.class_names() == ("0", "1", "2") and data.pictures.labels.tolist() == [0, 1, 2, 0, 1, 2]


# --- as a callable ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", invariance.transforms.PAPER_NAMES)
def test_every_transformation_fits_into_a_pipeline(name):
    pipeline = v2.Compose(
        [v2.ToDtype(torch.float32, scale=True), RandomTransformations([name]), v2.Normalize([0.5], [1])]
    )
    images = torch.randint(256, (16, 3, 32, 32), dtype=torch.uint8)
    out = pipeline(images)
    assert out.shape == images.shape and not torch.allclose(out, images / 255 - 0.5, atol=1e-3)


@pytest.mark.parametrize("sample", [lambda x, y: (x, y), lambda x, y: [x, y, "name"], lambda x, y: (x[0], 3)])
def test_what_comes_with_images_passes_through(sample):
    images, labels = torch.rand(4, 3, 16, 16), torch.arange(4)
    given = sample(images, labels)
    for pipeline in (v2.Compose([RandomTransformations(["rotate"])]), RandomTransformations(["rotate"])):
        for out in (pipeline(given), pipeline(*given)):
            assert not torch.equal(out[0], given[0]) and out[0].shape == given[0].shape
            assert all(a is b for a, b in zip(out[1:], given[1:], strict=True))


def test_draws_follow_pytorchs_generator_and_differ_within_a_batch():
    turn, images = RandomTransformations(["rotate"]), torch.rand(3, 16, 16).expand(4, -1, -1, -1)
    first, second = (torch.manual_seed(0) and turn(images), torch.manual_seed(0) and turn(images))
    assert torch.equal(first, second) and not torch.equal(first, turn(images))
    assert not torch.equal(first[0], first[1])
    assert turn((images[0] * 255).byte()).dtype == torch.uint8


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(2, 3, 32, 31), r"torch.float32 \(2, 3, 32, 31\): it takes square images"),
        (torch.rand(4, 32, 32), "it takes square images"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), "torch.int64"),
        ("x.png", "a str"),
        (torch.randn(2, 3, 32, 32), r"takes images in \[0, 1\]: put it before the normalisation"),
    ],
)
def test_other_images_are_refused(images, message):
    with pytest.raises(InputError, match=message):
        RandomTransformations(["hue"])(images)
