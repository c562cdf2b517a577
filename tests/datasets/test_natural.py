import pickle

import numpy as np
import pytest
import torch

from invariance import pictures
from invariance.datasets import NaturalImages, Split
from invariance.datasets.natural import Pictures, _rows_of
from invariance.datasets.pairs import paired_images
from invariance.datasets.whole_images import ROW
from invariance.errors import InputError
from invariance.transforms import TRANSFORMATIONS

CPU = torch.device("cpu")


def split(count=60, seed=0, name="target/train", **spec):
    return Split(NaturalImages(**spec).renderer(), seed, name, count)


def rows_of(spec, split="validation"):
    return _rows_of(spec.source, spec.class_names(), spec.split_seed, split)


@pytest.mark.parametrize("source", ["scenes10", "scenes100"])
def test_the_splits_are_disjoint_and_hold_the_same_share_of_every_class(source):
    spec = NaturalImages(source=source)
    classes = len(spec.class_names())
    rows = {name: rows_of(spec, name) for name in ("train", "validation", "test")}
    assert [tuple(rows[name].shape) for name in rows] == [
        (classes, 45_000 // classes), (classes, 5_000 // classes), (classes, 10_000 // classes)
    ]  # fmt: skip
    assert torch.equal(torch.cat([r.flatten() for r in rows.values()]).sort().values, torch.arange(60_000))
    assert rows["test"].min() == 50_000
    labels = torch.from_numpy(pictures.natural_labels(source))
    for found in rows.values():
        assert torch.equal(labels[found], torch.arange(classes)[:, None].expand_as(found))
    assert [spec.available(name) for name in rows] == [45_000, 5_000, 10_000]


def test_the_validation_images_follow_their_own_seed_only():
    base = rows_of(NaturalImages())
    assert torch.equal(base[[3, 1]], rows_of(NaturalImages(classes=("desert", "sea"))))
    assert not torch.equal(base, rows_of(NaturalImages(split_seed=1)))
    found = {frozenset(split(500, seed, "x/validation").keys().bitwise_and(ROW).tolist()) for seed in (0, 1)}
    assert len(found) == 2
    assert all(rows <= set(base.flatten().tolist()) for rows in found)


def test_the_first_images_of_a_split_are_balanced_and_follow_seed_and_name():
    renderer = split(450, classes=("sea", "city", "sky")).renderer
    data = Split(renderer, 0, "target/train", 450)
    found = data.renderer.labels(data.keys()).reshape(150, 3)
    assert torch.equal(found.sort(1).values, torch.arange(3).expand(150, 3))  # each round has each class once
    assert len({tuple(row) for row in found.tolist()}) == 6  # in any order
    rows = data.renderer.rows(data.keys())
    assert len(rows.unique()) == 450
    for other in (Split(renderer, 1, "target/train", 450), Split(renderer, 0, "pretraining/train", 450)):
        same = len(np.intersect1d(rows, other.renderer.rows(other.keys())))
        assert same < 60  # of 13,500 to choose from, 15 are expected
    longer = Split(renderer, 0, "target/train", 900).keys()
    assert torch.equal(longer[:450], data.keys())


def test_a_key_holds_its_row_and_is_another_for_every_split():
    renderer = split().renderer
    keys = [Split(renderer, seed, name, 10_000).keys() for seed in (0, 1) for name in ("a/test", "b/test")]
    assert all(torch.equal(k.bitwise_and(ROW).sort().values, torch.arange(50_000, 60_000)) for k in keys)
    assert len(torch.cat(keys).unique()) > 39_990


def test_images_are_the_pixels_of_their_rows_whatever_the_batch():
    data = split(40, transforms=())
    images, labels = data.batch()
    rows = data.renderer.rows(data.keys())
    order = rows.argsort()
    pixels = pictures.natural_images("scenes10", rows[order].numpy()).transpose(0, 3, 1, 2)
    assert (images[order].mul(255).round().byte().numpy() == pixels).all()
    assert (labels.numpy() == pictures.natural_labels("scenes10")[rows.numpy()]).all()
    alone, label = data.batch(torch.tensor([7]))
    assert torch.equal(alone[0], images[7]) and label == labels[7]


@pytest.mark.parametrize("transforms", [tuple(TRANSFORMATIONS)[k : k + 6] for k in range(0, 18, 6)])
def test_all_transformations_act_on_whole_images_the_same_in_any_batch(transforms):
    data = split(200, transforms=transforms)
    whole, _ = data.batch()
    assert whole.shape == (200, 3, 32, 32)
    assert whole.min() >= 0 and whole.max() <= 1
    picked = torch.tensor([199, 4, 130, 4])
    torch.testing.assert_close(data.batch(picked)[0], whole[picked], rtol=0, atol=1e-6)
    plain = split(200).batch()[0]
    assert (whole != plain).flatten(1).any(1).float().mean() > 0.9


def test_translate_shifts_by_up_to_15_percent_and_leaves_black():
    images = split(300, transforms=("translate",)).batch()[0]
    gone = (images.amax(1) == 0).all(1).long()  # (B, columns): black from top to bottom
    left, right = gone.cumprod(1).sum(1), gone.flip(1).cumprod(1).sum(1)
    assert torch.maximum(left, right).max() == 4  # whole pixels in 0.15 of 32
    assert (torch.minimum(left, right) == 0).all()


def test_a_redraw_draws_other_transformations_of_the_same_images():
    data = split(50, transforms=("rotate",))
    first, other = data.batch(), data.batch(redraw=1)
    assert torch.equal(first[1], other[1])
    assert (first[0] != other[0]).flatten(1).any(1).all()
    plain = split(50)
    assert torch.equal(plain.batch()[0], plain.batch(redraw=3)[0])
    centres = [batch[:, :, 15:17, 15:17].mean((1, 2, 3)) for batch in (first[0], other[0])]
    torch.testing.assert_close(*centres, rtol=0, atol=0.02)  # the centre stays: the same images


def test_pairs_are_one_image_under_two_draws():
    renderer = NaturalImages(transforms=("brightness",)).renderer()
    x, x_prime = paired_images(renderer, 30, seed=0)
    assert (x != x_prime).flatten(1).any(1).all()
    bright = x.flatten(1).amax(1)
    ratio = (x.flatten(1).mean(1) / x_prime.flatten(1).mean(1))[(bright < 1) & (x_prime.flatten(1).amax(1) < 1)]
    assert len(ratio) > 3 and (ratio - 1).abs().max() > 0.1


def test_normalisation_gives_training_images_mean_0_and_deviation_1():
    data = split(1500)
    images = data.renderer.normalise(data.batch()[0])
    assert images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=0.05)
    torch.testing.assert_close(images.std((0, 2, 3)), torch.ones(3), rtol=0, atol=0.05)


def test_only_what_is_asked_for_is_rendered(monkeypatch):
    asked = []
    real = pictures.natural_images
    monkeypatch.setattr(pictures, "natural_images", lambda source, rows: asked.append(len(rows)) or real(source, rows))
    held = Pictures("scenes10", CPU)
    assert sum(asked) == 2000  # for the means and deviations
    held.take(torch.tensor([50_001, 50_002, 50_001]))
    held.take(torch.tensor([50_002]))
    assert sum(asked) == 2002


def test_samples_come_as_a_count_or_a_share_of_each_class():
    ten, hundred = NaturalImages(), NaturalImages(source="scenes100", classes=("sea/calm", "sky/dawn"))
    assert (ten.samples(10), ten.samples(4500), ten.samples(1.0), ten.samples(0.01)) == (100, 45_000, 45_000, 450)
    assert (hundred.samples(1), hundred.samples(0.5), hundred.samples(0.0001)) == (2, 450, 2)
    assert (ten.samples(1.0, "test"), ten.samples(0.1, "validation")) == (10_000, 500)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NaturalImages(source="mnist"), "Unknown source of natural images 'mnist'. Known: scenes10, scenes100"),
        (lambda: NaturalImages(classes=("sea", "moon")), "Unknown class 'moon'"),
        (lambda: NaturalImages(classes=()), "list of classes is empty"),
        (lambda: NaturalImages(classes=("sea", "sea")), "listed twice"),
        (lambda: NaturalImages(transforms=("spin",)), "Unknown transformation 'spin'"),
        (lambda: NaturalImages(size=64), "no such field; known: kind, source"),
        (lambda: NaturalImages().samples(4501), "4501 train images a class of scenes10: give a count from 1 to 4500"),
        (lambda: NaturalImages().samples(1.5), "or a share above 0.0 up to 1.0"),
        (lambda: NaturalImages().samples(0), "give a count from 1"),
        (lambda: NaturalImages().samples(True), "give a count from 1"),
        (lambda: NaturalImages().samples(5, "dev"), "Unknown split 'dev'. Known: train, validation, test"),
        (lambda: split(5, name="train/extra"), "Unknown split 'extra'"),
        (lambda: split(10_001, name="test"), "'test' is to have 10001 images, but scenes10 has 10000 test images"),
        (lambda: split(9001, classes=("sea", "sky")), "of these 2 classes: ask for at most 9000"),
    ],
)
def test_bad_requests_are_refused_in_one_line(call, message):
    with pytest.raises(InputError) as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_data_set_sent_to_another_process_leaves_its_pictures_behind():
    data = split(40, transforms=("rotate",))
    expected = data.batch()[0]
    sent = pickle.dumps(data)
    assert len(sent) < 10_000
    assert torch.equal(pickle.loads(sent).batch()[0], expected)
