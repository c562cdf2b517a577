"""Which images share a draw of their transformations: none, but where the protocol says so."""

import pytest
import torch

from invariance import models
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D
from invariance.datasets.module import Batches
from invariance.datasets.photos import Photos
from invariance.protocol import CORRECTED, FLAGS, find
from invariance.training.inference import features

COUNT = 60
NAMES = ("pretraining/train", "pretraining/validation", "target/train", "target/test")
PROTOCOLS = ("corrected", "corrected+shared_draws", "corrected+repeated_draws", "published")


def opaque(protocol, name="target/train", seed=0, count=COUNT):
    """A split that shows its draws: brightness of white squares on black."""
    spec = Transforms2D(
        classes=("umbrella", "anchor"), backgrounds="black", transforms=("brightness",), protocol=protocol
    )
    return Split(spec.renderer(), seed, name, count)


def drawn(split, redraw=0, indices=None):
    """The keys that the transformations of a split's images are drawn from, as a list."""
    content = split.keys(indices)
    keys = split.draws(content, indices, redraw)
    return (content if keys is None else keys).tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_splits_share_their_draws_where_the_flag_says_so(protocol):
    found = [drawn(opaque(protocol, name)) for name in NAMES]
    shared = find(protocol).shared_draws
    assert len({tuple(keys) for keys in found}) == (1 if shared else len(NAMES))
    assert len({key for keys in found for key in keys}) == (COUNT if shared else COUNT * len(NAMES))
    small, other = drawn(opaque(protocol, count=10)), drawn(opaque(protocol, seed=1))
    assert small == found[2][:10] and not {*other} & {*found[2]}  # the test split's draws are among the training ones


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_epochs_repeat_their_draws_with_other_contents_where_the_flag_says_so(protocol):
    data = opaque(protocol)
    epochs = [drawn(data, redraw) for redraw in range(4)]
    repeated = find(protocol).repeated_draws
    assert len({tuple(keys) for keys in epochs}) == 4
    assert len({key for keys in epochs for key in keys}) == (COUNT if repeated else 4 * COUNT)
    assert all(sorted(keys) == sorted(epochs[0]) for keys in epochs) == repeated
    pairs = {(content, key) for keys in epochs for content, key in zip(data.keys().tolist(), keys, strict=True)}
    assert len(pairs) > 3.5 * COUNT


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_index_and_epoch_have_the_same_draw_whatever_the_batch(protocol):
    data, picked = opaque(protocol), torch.tensor([50, 3, 3, 17])
    for redraw in (0, 2):
        whole = drawn(data, redraw)
        assert drawn(data, redraw, picked) == [whole[k] for k in picked]
        images, labels = data.batch(None, redraw)
        some, some_labels = data.batch(picked, redraw)
        torch.testing.assert_close(some, images[picked], rtol=0, atol=1e-6)
        assert torch.equal(some_labels, labels[picked])


def strengths(images):
    """How bright each object is, from images (B, 3, H, W): its draw, up to which object it is."""
    return images.amax((1, 2, 3)).mul(1000).round().tolist()


def test_images_show_the_draws():
    train, test = (opaque("published", name).batch()[0] for name in ("target/train", "target/test"))
    same = [a == b for a, b in zip(strengths(train), strengths(test), strict=True)]
    assert sum(same) > COUNT / 2  # the same object or another with as bright a pixel
    train, test = (opaque("corrected", name).batch()[0] for name in ("target/train", "target/test"))
    differ = [a != b for a, b in zip(strengths(train), strengths(test), strict=True)]
    assert sum(differ) > COUNT / 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_training_sees_other_images_in_every_epoch(protocol):
    data = opaque(protocol)
    batches = Batches(data, 20, seed=0)
    epochs = [torch.cat([images for images, _ in batches]) for _ in range(2)]
    seen = {hash(image.numpy().tobytes()) for images in epochs for image in images}
    assert len(seen) > 1.4 * COUNT


def test_contents_do_not_depend_on_the_draws():
    plain, published = (opaque(protocol) for protocol in ("corrected", "corrected+shared_draws+repeated_draws"))
    for redraw in (0, 3):
        assert torch.equal(plain.batch(None, redraw)[1], published.batch(None, redraw)[1])


def test_features_are_of_the_split_s_own_images():
    model = models.build("small", 2, 0).eval()
    for protocol in ("published", "corrected"):
        data = opaque(protocol)
        for redraw in (0, 1):
            images = data.renderer.normalise(data.batch(None, redraw)[0])
            with torch.no_grad():
                expected = model.features(images)
            torch.testing.assert_close(features(model, data, redraw)[0], expected, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(
    "spec",
    [
        NaturalImages(transforms=("rotate",), protocol="published"),
        ObjectsOnImages(task="objects_only", translate=True, protocol="published"),
    ],
    ids=lambda spec: spec.kind,
)
def test_other_data_sets_follow_the_flags_too(spec):
    splits = [Split(spec.renderer(), 0, name, COUNT) for name in NAMES]
    assert len({tuple(drawn(split)) for split in splits}) == 1
    first, second = (drawn(splits[0], redraw) for redraw in (0, 1))
    assert first != second and sorted(first) == sorted(second)
    images = [splits[0].batch(None, redraw)[0] for redraw in (0, 1)]
    assert (images[0] != images[1]).flatten(1).any(1).float().mean() > 0.9


def test_your_own_photos_are_never_published():
    assert Photos.protocol is CORRECTED and not any(getattr(Photos.protocol, flag) for flag in FLAGS)


def test_random_backgrounds_are_few_and_shared_where_the_flag_says_so():
    found = {}
    for protocol in ("corrected", "published"):
        renderer = Transforms2D(foregrounds="random", backgrounds="random", protocol=protocol).renderer()
        keys = {name: Split(renderer, 0, name, 30_000).keys() for name in ("target/train", "target/test")}
        found[protocol] = {name: {*renderer._picture(of).tolist()} for name, of in keys.items()}
        some = keys["target/test"][:3]
        assert torch.equal(renderer.backgrounds(some), renderer.backgrounds(some))
    assert len(found["published"]["target/train"]) <= 4608
    assert len(found["published"]["target/train"] & found["published"]["target/test"]) > 4500
    assert len(found["corrected"]["target/train"]) == 30_000
    assert not found["corrected"]["target/train"] & found["corrected"]["target/test"]
