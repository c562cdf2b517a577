import pytest
import torch

from invariance import sampling
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D
from invariance.datasets.chunks import ASKED, CHUNK, batches_at_once
from invariance.datasets.module import Batches, ImageData

CPU = torch.device("cpu")
TRIPLE = ("scale", "hue", "noise")


def objects(count=50):
    return Split(Transforms2D(classes=("umbrella", "airplane"), transforms=TRIPLE).renderer(), 0, "train", count)


def photos(name="target/train", count=30):
    return Split(NaturalImages(transforms=("rotate",)).renderer(), 0, name, count)


def all_of(batches):
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.mark.parametrize("most", [1, 3 * 8 * 32 * 32, 10**9])
def test_batches_hold_the_same_images_however_many_are_made_at_once(monkeypatch, most):
    split = objects()
    monkeypatch.setitem(CHUNK, "cpu", most)
    batches = list(Batches(split, 8))
    assert [len(labels) for _, labels in batches] == [8] * 6 + [2]
    assert len(Batches(split, 8)) == 7
    assert all(images.is_contiguous(memory_format=torch.channels_last) for images, _ in batches)
    images, labels = split.batch()
    torch.testing.assert_close(all_of(batches)[0], split.renderer.normalise(images), rtol=0, atol=1e-6)
    assert torch.equal(all_of(batches)[1], labels)


def test_a_chunk_holds_whole_batches_and_at_least_one():
    assert batches_at_once(96, 32, CPU) == ASKED["cpu"] // (96 * 32**2) > 1
    assert batches_at_once(512, 256, CPU) == 1
    assert batches_at_once(512, 32, torch.device("cuda", 0)) == 32
    assert batches_at_once(64, 224, torch.device("cuda", 0)) == 5


def test_the_order_changes_with_every_pass_and_follows_the_seed():
    split = objects(10)
    first, second = (Batches(split, 4, seed=1) for _ in range(2))
    for number in range(3):
        order = sampling.permutation(sampling.stream(1, "shuffle", number), 10)
        labels = all_of(first)[1]
        assert torch.equal(labels, split.batch(order)[1])
        assert torch.equal(labels, all_of(second)[1])


SPECIFICATIONS = (
    Transforms2D(classes=("umbrella", "airplane"), transforms=TRIPLE),
    NaturalImages(transforms=("rotate",)),
    ObjectsOnImages(task="objects_only", translate=True),
)


@pytest.mark.parametrize("spec", SPECIFICATIONS, ids=lambda spec: spec.kind)
def test_training_draws_transformations_anew_in_every_epoch_and_alike_in_every_run(spec):
    split = Split(spec.renderer(), 0, "target/train", 30)
    runs = [Batches(split, 30, seed=0), Batches(split, 30, seed=0)]
    epochs = []
    for number in range(3):
        here, again = (all_of(run) for run in runs)
        assert torch.equal(here[0], again[0])
        order = sampling.permutation(sampling.stream(0, "shuffle", number), 30).argsort()
        images, labels = split.batch(redraw=number)
        torch.testing.assert_close(here[0][order], split.renderer.normalise(images), rtol=0, atol=1e-5)
        assert torch.equal(here[1][order], labels)
        epochs.append(here[0][order])
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert (epochs[first] != epochs[second]).flatten(1).any(1).float().mean() > 0.9
    assert torch.equal(*(split.batch(redraw=number)[1] for number in (0, 1)))  # the same contents


@pytest.mark.parametrize("spec", SPECIFICATIONS, ids=lambda spec: spec.kind)
def test_validation_is_never_redrawn(spec):
    data = ImageData(*(Split(spec.renderer(), 0, f"x/{name}", 20) for name in ("train", "validation")), 8, 0)
    loader = data.val_dataloader()
    passes = [all_of(loader), all_of(loader), all_of(data.val_dataloader())]
    expected, labels = data.validation.batch()
    for images, found in passes:
        assert torch.equal(found, labels)
        torch.testing.assert_close(images, data.validation.renderer.normalise(expected), rtol=0, atol=1e-5)
        assert torch.equal(images, passes[0][0])


def test_processes_share_the_batches_and_take_equally_many_steps():
    split = objects(50)
    whole = [labels.tolist() for _, labels in Batches(split, 8, seed=3)]
    shares = [[labels.tolist() for _, labels in Batches(split, 8, 3, process, 4)] for process in range(4)]
    assert [len(share) for share in shares] == [2, 2, 2, 2] == [len(Batches(split, 8, 3, k, 4)) for k in range(4)]
    dealt = [share[k] for k in range(2) for share in shares]
    assert dealt == [*whole, whole[0]]


def test_training_gets_its_images_at_once(monkeypatch):
    train, validation = photos(), photos("x/validation", 20)
    got = []
    monkeypatch.setattr(type(train.renderer), "prepare", lambda self, content: got.append(len(content)))
    ImageData(train, validation, batch_size=8, seed=0).prepare_data()
    assert got == [30, 20]
