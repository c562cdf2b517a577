import pytest
import torch
from PIL import Image

from invariance import pictures
from invariance.datasets import TASKS, NaturalImages, ObjectsOnImages, Split, Transforms2D
from invariance.datasets.pairs import pair_keys, paired_images
from invariance.errors import InputError

CORNER = (slice(None), slice(None), slice(0, 13), slice(18, 32))  # where an object is seen


def split(task, count=200, seed=0, **spec):
    return Split(ObjectsOnImages(task=task, **spec).renderer(), seed, "x/test", count)


def outside(images):
    images = images.clone()
    images[CORNER] = 0
    return images


def test_all_tasks_show_the_same_image_and_object_and_ask_for_different_ones():
    (image, kinds), (both, kinds_2), (both_2, objects), (alone, objects_2) = (split(task).batch() for task in TASKS)
    assert torch.equal(both, both_2)
    assert torch.equal(kinds, kinds_2) and torch.equal(objects, objects_2)
    assert torch.equal(outside(both), outside(image))
    assert (both[CORNER] != image[CORNER]).flatten(1).any(1).all()
    assert (outside(alone) == 0).all() and (alone[CORNER].amax((1, 2, 3)) > 0.2).all()
    plain = Split(NaturalImages().renderer(), 0, "x/test", 200).batch()
    assert torch.equal(image, plain[0]) and torch.equal(kinds, plain[1])
    assert objects.unique().tolist() == list(range(10))


def cut_out(images):
    """Every crop of images (B, 3, 32, 32) with 4 pixels around them, and its mirror image: (162, B, 3, 32, 32)."""
    wide = torch.nn.functional.pad(images, (4,) * 4)
    crops = torch.stack([wide[..., y : y + 32, x : x + 32] for y in range(9) for x in range(9)])
    return torch.cat((crops, crops.flip(-1)))


@pytest.mark.parametrize(("name", "changes"), [("train", True), ("validation", True), ("test", False)])
def test_natural_images_are_cropped_and_mirrored_but_for_the_test(name, changes):
    data = Split(ObjectsOnImages(task="cifar_only").renderer(), 0, f"x/{name}", 60)
    images, plain = data.batch()[0], data.renderer.natural.untransformed(data.keys())
    if not changes:
        assert torch.equal(images, plain) and torch.equal(data.batch(redraw=1)[0], plain)
        return
    equal = (cut_out(plain) == images).flatten(2).all(2)
    assert equal.any(0).all()
    mirrored, shifts = equal.int().argmax(0) >= 81, (equal.int().argmax(0) % 81)
    assert 15 < mirrored.sum() < 45
    assert {*(shifts % 9).tolist()} == {*(shifts // 9).tolist()} == set(range(9))
    again = data.batch(redraw=1)[0]
    assert (again != images).flatten(1).any(1).float().mean() > 0.9
    assert (cut_out(plain) == again).flatten(2).all(2).any(0).all()
    with_object = Split(ObjectsOnImages(task="objects_mixed").renderer(), 0, f"x/{name}", 60).batch()[0]
    assert torch.equal(outside(with_object), outside(images))  # the object stays where it is


def test_one_object_looks_the_same_on_every_image():
    alone, labels = split("objects_only").batch()
    for label in range(10):
        shown = alone[labels == label]
        assert torch.equal(shown, shown[:1].expand_as(shown))


def test_the_names_of_the_classes_are_those_of_the_task():
    names = pictures.class_names("glyphs")[20:30]
    assert ObjectsOnImages(task="objects_mixed", objects=names).class_names() == names
    assert ObjectsOnImages(task="objects_only").class_names() == pictures.class_names("glyphs")[:10]
    assert ObjectsOnImages(task="cifar_mixed", objects=names).class_names() == pictures.natural_classes("scenes10")


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_correlation_is_the_share_of_tied_objects(alpha):
    data = split("objects_mixed", 4000, correlation=alpha)
    tied = (data.renderer.labels(data.keys()) == data.renderer.natural.labels(data.keys())).float().mean().item()
    expected = alpha + (1 - alpha) / 10
    assert abs(tied - expected) < 4 * (expected * (1 - expected) / 4000) ** 0.5 + 1e-9


@pytest.mark.parametrize("beta", [0.0, 0.4])
def test_availability_is_the_share_of_images_with_an_object(beta):
    mixed, plain = (split(task, 1000, availability=beta).batch()[0] for task in ("cifar_mixed", "cifar_only"))
    there = (mixed != plain).flatten(1).any(1).float().mean().item()
    assert abs(there - beta) <= 4 * (beta * (1 - beta) / 1000) ** 0.5


def test_translated_objects_are_anywhere_inside():
    fixed, moved = split("objects_only").batch()[0], split("objects_only", translate=True).batch()[0]
    inked = moved.amax(1) > 0
    for axis in (1, 2):
        first = inked.any(axis).float().argmax(1)
        assert first.min() == 0 and first.max() >= 17
    # Nothing is cut off but fractions of a pixel at the edge, of objects that are 12.4 pixels wide.
    assert (moved.sum((1, 2, 3)) / fixed.sum((1, 2, 3))).min() > 0.9
    stays = split("objects_only", translate=True, protocol="corrected+boxes_stay").batch()[0]
    assert (stays.sum((1, 2, 3)) / fixed.sum((1, 2, 3))).min() < 0.8
    again = split("objects_only", translate=True).batch(redraw=1)[0]
    assert (again != moved).flatten(1).any(1).float().mean() > 0.9


def test_exchanging_the_object_changes_it_and_nothing_else():
    for spec in ({}, {"objects": ("anchor", "umbrella")}, {"correlation": 1.0}):
        renderer = ObjectsOnImages(task="cifar_mixed", **spec).renderer()
        x, x_prime = paired_images(renderer, 200, 0, "object")
        assert (x[CORNER] != x_prime[CORNER]).flatten(1).any(1).all()
        assert torch.equal(outside(x), outside(x_prime))
        _, first, second = pair_keys(renderer, 200, 0, "object")
        labels = (renderer.object_labels(keys, keys) for keys in (first, second))
        assert all(a != b for a, b in zip(*labels, strict=True))


def test_exchanging_the_image_changes_it_and_not_the_object():
    renderer = ObjectsOnImages(task="objects_mixed", translate=True).renderer()
    content, first, second = pair_keys(renderer, 300, 0, "background")
    x, x_prime = (renderer.images(content, background=keys) for keys in (first, second))
    assert (x != x_prime).flatten(1).float().mean(1).min() > 0.5
    same_class = (renderer.natural.labels(first) == renderer.natural.labels(second)).float().mean()
    assert 0 < same_class < 0.25  # any other image, not one of the same class
    alone = ObjectsOnImages(task="objects_only", translate=True).renderer()
    assert torch.equal(*(alone.images(content, background=keys) for keys in (first, second)))


def test_equal_images_are_never_paired():
    renderer = ObjectsOnImages(task="cifar_only").renderer()
    keys = Split(renderer, 0, "x/test", 40).keys()
    other = Split(renderer, 1, "x/test", 40).keys()
    other[::2] = keys[::2]
    moved = renderer.differing("background", keys, other)
    assert (renderer.natural.rows(moved) != renderer.natural.rows(keys)).all()


def test_transforms_2d_has_the_same_pairs():
    renderer = Transforms2D(classes=("anchor", "umbrella"), backgrounds="black", transforms=("translate",)).renderer()
    content, first, second = pair_keys(renderer, 100, 0, "object")
    assert (renderer.labels(first) != renderer.labels(second)).all()
    renderer = Transforms2D(classes=("anchor", "umbrella"), transforms=("translate",)).renderer()
    x, x_prime = paired_images(renderer, 100, 0, "background")
    ink = renderer.transformed(content, content)[:, 3:] == 1
    assert ((x == x_prime) | ~ink).all()
    assert (x != x_prime).flatten(1).any(1).all()
    with pytest.raises(InputError, match="only one thing to choose from"):
        paired_images(Transforms2D(classes=("anchor",)).renderer(), 10, 0, "object")


def test_normalised_with_the_statistics_of_the_natural_images():
    data = split("objects_only", 20)
    images = data.batch()[0]
    assert torch.equal(data.renderer.normalise(images), NaturalImages().renderer().normalise(images))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "both"}, "'cifar_only', 'cifar_mixed', 'objects_mixed' or 'objects_only', got 'both'"),
        ({"correlation": 1.2}, "correlation: Input should be less than or equal to 1, got 1.2"),
        ({"correlation": -0.1}, "correlation: Input should be greater than or equal to 0, got -0.1"),
        ({"availability": 2}, "availability: Input should be less than or equal to 1, got 2"),
        ({"availability": float("nan")}, "availability: "),
        ({"task": "objects_mixed", "availability": 0.5}, "an image without an object would have no label"),
        ({"task": "objects_only", "availability": 0.0}, "Use availability 1, or a task that asks for the image"),
        ({"correlation": 0.5, "objects": ("anchor", "key")}, "2 objects for 10 classes. Name as many objects"),
        ({"objects": ("unicorn",)}, "Unknown class 'unicorn'"),
        ({"objects": ()}, "list of classes is empty"),
        ({"images": "mnist"}, "Unknown source of natural images 'mnist'"),
        ({"foregrounds": "photos"}, "Unknown asset source 'photos'"),
        ({"colour": 1}, "no such field"),
    ],
)
def test_bad_specifications_are_refused_in_one_line(change, message):
    with pytest.raises(InputError) as error:
        ObjectsOnImages(**{"task": "cifar_mixed", **change})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_objects_and_classes_that_change_are_seen_by_the_same_process(tmp_path):
    def colours(**painted):
        for name, colour in painted.items():
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("RGBA", (20, 20), colour).save(tmp_path / name / "a.png")
        data = split("objects_only", 40, foregrounds=f"folder:{tmp_path}")
        images, labels = data.batch()
        names = data.renderer.spec.class_names()
        return {
            names[k]: tuple(images[labels == k][0, :, 7, 26].mul(255).round().int().tolist()) for k in range(len(names))
        }

    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert colours(cat=red, dog=green) == {"cat": red, "dog": green}
    assert colours(ant=blue) == {"ant": blue, "cat": red, "dog": green}
    assert colours(cat=blue) == {"ant": blue, "cat": blue, "dog": green}
