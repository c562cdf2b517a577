import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import invariance
from invariance import models, training
from invariance.errors import InputError


def dataset(**options):
    options = {"transforms": ["rotate", "hue"], "classes": ["umbrella", "anchor"], "count": 100, **options}
    return invariance.transforms_2d("glyphs", **options)


def test_it_is_an_ordinary_dataset():
    data = dataset()
    image, label = data[3]
    assert isinstance(data, Dataset)
    assert len(data) == 100
    assert image.shape == (3, 32, 32)
    assert data.classes[label] in ("umbrella", "anchor")
    assert torch.equal(data[-1][0], data[99][0])
    with pytest.raises(IndexError, match="Image 100 of 100"):
        data[100]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_same_images_in_batches(workers):
    data = dataset()
    batches = list(
        DataLoader(data, batch_size=32, num_workers=workers, multiprocessing_context="fork" if workers else None)
    )
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert len(images) == 100
    for index in (0, 50, 99):
        torch.testing.assert_close(images[index], data[index][0], rtol=0, atol=1e-6)
        assert labels[index] == data[index][1]


def test_splits_and_seeds_differ():
    base = dataset()[0][0]
    assert torch.equal(dataset()[0][0], base)
    assert not torch.equal(dataset(seed=1)[0][0], base)
    assert not torch.equal(dataset(split="test")[0][0], base)


def test_the_preview_names_every_picture():
    data = dataset(count=10)
    texts = [text.get_text() for text in data.preview().axes[0].texts]
    assert texts == [data.classes[data[k][1]] for k in range(10)]


def test_mistakes_are_named():
    with pytest.raises(InputError, match="transforms: Input should be a valid tuple, got 'rotate'"):
        dataset(transforms="rotate")
    with pytest.raises(InputError, match="has 0 images"):
        dataset(count=0)
    with pytest.raises(InputError, match="no such field"):
        dataset(sise=3)
    with pytest.raises(AttributeError, match="no attribute 'transform_2d'"):
        invariance.transform_2d  # noqa: B018


@pytest.mark.parametrize(
    ("make", "count", "classes"),
    [
        (lambda: invariance.natural_images("scenes10", ["rotate"], ["sea", "city"], split="validation"), 1000, 2),
        (lambda: invariance.natural_images("scenes100", count=300), 300, 100),
        (lambda: invariance.objects_on_images("objects_mixed", split="test", translate=True), 10_000, 10),
    ],
)
def test_natural_images_are_ordinary_datasets_too(make, count, classes):
    data = make()
    image, label = data[0]
    assert image.shape == (3, 32, 32)
    assert (len(data), len(data.classes)) == (count, classes)
    images, labels = next(iter(DataLoader(data, batch_size=20)))
    torch.testing.assert_close(images[0], image, rtol=0, atol=1e-6)
    assert labels[0] == label
    texts = [t.get_text() for t in data.preview(1, 4).findobj(lambda a: hasattr(a, "get_text"))]
    assert {data.classes[k].replace("_", " ") for k in labels[:4].tolist()} <= {t.replace("_", " ") for t in texts}


def test_pairs_differ_in_one_part():
    data = dataset()
    for part in ("transformation", "object", "background"):
        x, x_prime = data.pairs(12, vary=part)
        assert x.shape == (12, 3, 32, 32)
        assert (x != x_prime).flatten(1).any(1).all()
    x, x_prime = data.pairs(12, vary="object")
    assert torch.equal(x[..., :2, :2], x_prime[..., :2, :2])  # the background stays
    with pytest.raises(InputError, match=r"Unknown part 'colour'. Known: transformation, object, background"):
        data.pairs(12, vary="colour")


def test_what_does_not_exist_is_refused():
    with pytest.raises(InputError, match=r"Unknown split 'dev'. Known: train, validation, test"):
        invariance.natural_images(split="dev")
    with pytest.raises(InputError, match="ask for at most 45000"):
        invariance.natural_images(count=50_000)
    with pytest.raises(InputError, match="objects: Input should be a valid tuple"):
        invariance.objects_on_images(objects="anchor")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dataset(count=None), "Number of images None"),
        (lambda: dataset(count="10"), "Number of images '10'"),
        (lambda: dataset(count=float("nan")), "Number of images nan"),
        (lambda: dataset(count=True), "Number of images True"),
        (lambda: dataset(seed=1.5), "Seed 1.5"),
        (lambda: dataset(seed=None), "Seed None"),
        (lambda: dataset(seed=[1]), r"Seed \[1\]"),
        (lambda: invariance.natural_images(count=10.0), "Number of images 10.0"),
        (lambda: dataset()[3.7], "Index 3.7"),
        (lambda: dataset()["a"], "Index 'a'"),
        (lambda: dataset()[0:3], "Index slice"),
        (lambda: dataset().pairs(1.5), "Number of pairs 1.5"),
        (lambda: dataset().pairs(2, seed="a"), "Seed 'a'"),
        (lambda: dataset().preview(0, 0), "Number of columns 0"),
        (lambda: dataset().preview(-1), "Number of rows -1"),
        (lambda: dataset(device=None), "Unknown device None"),
        (lambda: dataset(transforms=5), "transforms: Input should be a valid tuple, got 5"),
        (lambda: dataset(classes=5), "classes: Input should be a valid tuple, got 5"),
        (lambda: dataset(split="trian"), r"Unknown split 'trian'. Did you mean 'train'\?"),
    ],
)
def test_every_choice_is_checked(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_numbers_may_be_those_of_numpy_and_torch():
    data = dataset(count=np.uint8(200), seed=np.int32(0))
    whole = dataset(count=200)
    assert len(data) == 200
    for index in (np.int64(7), np.uint8(7), torch.tensor(7), np.int16(-193)):
        assert torch.equal(data[index][0], whole[7][0])


def test_a_data_set_says_what_it_is_and_refuses_pairs_that_would_be_equal():
    plain = invariance.transforms_2d(classes=["umbrella"], count=10)
    assert repr(plain).startswith("10 images of 1 classes: Transforms2D(") and "umbrella" in repr(plain)
    with pytest.raises(InputError, match="no transformations, so such pairs would be equal"):
        plain.pairs(3)
    first, second = plain.pairs(3, vary="background")
    assert (first != second).any()


def test_more_than_fits_into_memory_is_named_before_it_is_made():
    data = dataset(count=10**12)
    assert len(data[10**11][0]) == 3  # one by one there may be as many as one likes
    with pytest.raises(InputError, match="Number of pairs 1000000000 is not usable: give a whole number from 1"):
        data.pairs(10**9)
    with pytest.raises(InputError, match="1,000,000,000,000 train images are too many to go through all"):
        training.features(models.build("small", 2, 0), data)


def test_transformations_in_no_order_are_refused():
    for make in (invariance.transforms_2d, invariance.natural_images):
        with pytest.raises(InputError, match="transforms is a set, which has no order: give a list"):
            make(transforms={"rotate", "hue"})
