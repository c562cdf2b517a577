"""Mistakes in a transformation of one's own are named, and the images of a sound one are as they were."""

from dataclasses import replace

import pytest
import torch

from invariance import sampling, transforms
from invariance.errors import InputError
from invariance.transforms import TRANSFORMATIONS, Transformation

KEYS = sampling.keys(1, torch.arange(12))
IMAGES = sampling.uniform(KEYS, 4, 32, 32)
BOXES = torch.tensor([[5, 5, 22, 22]]).repeat(12, 1)


@pytest.fixture
def run(monkeypatch):
    def run(draw=lambda keys, size: {}, apply=lambda images, parameters: images, images=IMAGES, **options):
        mine = Transformation("mine", "corruption", draw, apply, **options)
        monkeypatch.setitem(TRANSFORMATIONS, "mine", mine)
        names = ["mine", "translate"]
        return transforms.apply(names, images, transforms.draw(names, KEYS, 32), BOXES)

    return run


@pytest.mark.parametrize(
    ("draw", "given"),
    [
        (None, "a NoneType"),
        ([1], "a list"),
        ({"a": 3.0}, "a float"),
        ({"a": torch.tensor(1.0)}, r"float32 \(\) on cpu"),
        ({"a": torch.ones(1, 3)}, r"float32 \(1, 3\) on cpu"),
    ],
)
def test_what_draw_may_not_give(run, draw, given):
    with pytest.raises(InputError, match=rf"Transformation 'mine': draw gave {given}.*for 12 images"):
        run(draw=lambda keys, size: draw)


@pytest.mark.parametrize("probability", [1.0, 0.5])
@pytest.mark.parametrize(
    ("apply", "given"),
    [
        (lambda x: x[:1], r"float32 \(1, 4, 32, 32\)"),  # would be broadcast
        (lambda x: x[:, :3], r"float32 \(\d+, 3, 32, 32\)"),
        (lambda x: x[..., :16], r"float32 \(\d+, 4, 32, 16\)"),
        (lambda x: x.double(), "float64"),
        (lambda x: (x * 255).byte(), "uint8"),
        (lambda x: x.numpy(), "a ndarray"),
        (lambda x: None, "a NoneType"),
        (lambda x: x * float("nan"), "values from nan to nan.*division by 0"),
        (lambda x: x * 5 - 1, r"values from -.* to 3.*clamp\(0, 1\)"),
    ],
)
def test_what_apply_may_not_give(run, apply, given, probability):
    with pytest.raises(InputError, match=f"Transformation 'mine': apply gave {given}"):
        run(apply=lambda images, parameters: apply(images), probability=probability)


def test_values_are_looked_at_once_and_again_in_a_new_transformation(run, monkeypatch):
    looks, look = [], transforms.own._in_range
    monkeypatch.setattr(transforms.own, "_in_range", lambda images: looks.append(1) or look(images))
    run()
    assert len(looks) == 2  # what it is given, and what it gives
    transforms.apply(["mine"], IMAGES, [{}])
    transforms.apply(list(transforms.PAPER_NAMES), IMAGES, transforms.draw(transforms.PAPER_NAMES, KEYS, 32), BOXES)
    assert len(looks) == 2
    run()
    assert len(looks) == 4


def test_it_is_not_blamed_for_the_images_it_is_given(run):
    assert run(images=IMAGES * 2).max() > 1


@pytest.mark.parametrize("move", [lambda boxes: boxes * 1.5, lambda boxes: boxes[:1], lambda boxes: None])
def test_what_move_box_may_not_give(run, move):
    with pytest.raises(InputError, match=r"'mine': move_box gave .* give the same"):
        run(move_box=lambda boxes, parameters, size: move(boxes))


def test_a_sound_one_is_left_alone(run):
    out = run(apply=lambda images, parameters: 1 - images, probability=0.5, move_box=lambda boxes, *_: boxes + 1)
    assert out.shape == IMAGES.shape and not torch.equal(out, IMAGES)


@pytest.mark.parametrize("probability", [2, -0.1, float("nan"), "often"])
def test_a_probability_is_a_share(probability):
    with pytest.raises(InputError, match=r"'hue' has probability .*: give one of 0 to 1"):
        replace(TRANSFORMATIONS["hue"], probability=probability)


def test_what_is_not_registered_under_its_own_name_is_refused(monkeypatch):
    monkeypatch.setitem(TRANSFORMATIONS, "mine", replace(TRANSFORMATIONS["hue"]))
    with pytest.raises(InputError, match="must be a Transformation of that name"):
        transforms.find(["mine"])
