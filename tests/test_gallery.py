import numpy as np
import pytest

from invariance import gallery
from invariance.datasets import ObjectsOnImages, Transforms2D
from invariance.pictures import scenes
from invariance.transforms import TRANSFORMATIONS


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_a_sweep_shows_the_whole_range(name):
    frames, labels = gallery.sweep(name, "umbrella", count=9)
    assert frames.dtype == np.uint8
    assert frames.shape == (len(labels), 32, 32, 3)
    assert len({frame.tobytes() for frame in frames}) > len(labels) / 2
    limits = next(iter(TRANSFORMATIONS[name].ranges.values()), None)
    if limits is None:
        assert labels[0] == "off"
    elif "," not in labels[0]:
        assert float(labels[0].split()[1]) == pytest.approx(limits.low)
        assert float(labels[-1].split()[1]) == pytest.approx(limits.high)


def test_scene_types_are_sorted_by_type():
    rows, names = gallery.scene_types(size=32, count=3)
    assert len(rows) == len(names) == 10
    assert np.array_equal(rows[3][1], scenes.render([13])[0])


def test_draws_differ_and_objects_are_transparent_outside():
    spec = Transforms2D(classes=("anchor",), transforms=("rotate", "hue"))
    moved, finished = gallery.draws(spec, label=0, count=5)
    assert moved.shape == (5, 32, 32, 4)
    assert finished.shape == (5, 32, 32, 3)
    assert (moved[:, 0, 0, 3] == 0).all()
    assert len({frame.tobytes() for frame in moved}) == 5


def test_examples_show_the_same_contents_whatever_the_task_asks_for():
    tasks = ("cifar_only", "cifar_mixed", "objects_only")
    plain, both, objects = (gallery.examples(ObjectsOnImages(task=task), 6, seed=3) for task in tasks)
    assert plain.shape == both.shape == (6, 32, 32, 3)
    corner = np.zeros((32, 32), bool)
    corner[2:13, 21:] = True
    assert (plain == both)[:, ~corner].all() and (objects[:, ~corner] == 0).all()
    assert ((plain != both)[:, corner].any((1, 2)) & objects[:, corner].any((1, 2))).all()
    assert not np.array_equal(plain, gallery.examples(ObjectsOnImages(task="cifar_only"), 6, seed=4))


def test_the_table_lists_all_transformations():
    html = gallery.transformation_table().data
    assert all(f">{name}<" in html for name in TRANSFORMATIONS)
    assert "-50\u00a0to\u00a050 degrees" in html
