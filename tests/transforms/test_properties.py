"""What must hold for any images, any seed and any composition."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from invariance import sampling, transforms
from invariance.transforms import TRANSFORMATIONS, Transformation

SIZE, N = 32, 10
RGB_ONLY = ("hue", "brightness", "grayscale", "posterize", "invert", "sharpen", "noise", "contrast")
EXACT = tuple(name for name in TRANSFORMATIONS if name not in ("pixelate", "elastic", "scale", "blur"))
"""Without matrix products, whose order of summation may depend on the size of the batch."""

seeds = st.integers(0, 10**6)
compositions = st.lists(st.sampled_from(tuple(TRANSFORMATIONS)), min_size=1, max_size=4, unique=True)
property_test = settings(max_examples=10, deadline=None)


def some(seed):
    """Translucent, transparent and opaque pictures of random pixels, their keys and boxes."""
    keys = sampling.keys(sampling.stream(seed, "images"), torch.arange(N))
    images = sampling.uniform(keys, 4, SIZE, SIZE)
    images[0, 3], images[1, 3], images[2], images[3] = 0, 1, 0, 1
    return images, keys, torch.tensor([[5, 5, 22, 22]]).repeat(N, 1)


def run(names, images, keys, boxes, **options):
    return transforms.apply(names, images, transforms.draw(names, keys, SIZE), boxes, **options)


@property_test
@given(compositions, seeds)
def test_values_stay_between_0_and_1_and_the_input_as_it_was(names, seed):
    images, keys, boxes = some(seed)
    before = images.clone()
    out = run(names, images, keys, boxes)
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(images, before)


@property_test
@given(compositions, seeds, st.sampled_from([torch.contiguous_format, torch.channels_last]))
def test_replay_is_bitwise_also_in_the_memory_of_the_input_and_in_any_layout(names, seed, layout):
    images, keys, boxes = some(seed)
    images = images.contiguous(memory_format=layout)
    out = run(names, images, keys, boxes)
    assert torch.equal(out, run(names, images, keys, boxes))
    torch.testing.assert_close(out, run(names, images.contiguous(), keys, boxes), rtol=0, atol=1e-5)
    assert torch.equal(out, run(names, images, keys, boxes, overwrite=True))


@property_test
@given(compositions, seeds, st.permutations(range(N)))
def test_permuting_a_batch_permutes_the_result(names, seed, order):
    images, keys, boxes = some(seed)
    out, permuted = run(names, images, keys, boxes)[order], run(names, images[order], keys[order], boxes[order])
    if set(names) <= set(EXACT):
        assert torch.equal(permuted, out)
    torch.testing.assert_close(permuted, out, rtol=0, atol=2e-6)


@property_test
@given(st.lists(st.sampled_from(RGB_ONLY), min_size=1, max_size=4, unique=True), seeds)
def test_rgb_only_transformations_leave_alpha_alone_bitwise(names, seed):
    images, keys, boxes = some(seed)
    assert torch.equal(run(names, images, keys, boxes)[:, 3], images[:, 3])


@property_test
@given(st.sampled_from(["h_flip", "v_flip"]), seeds, st.integers(1, 40), st.sampled_from([3, 4]))
def test_flips_are_involutions(name, seed, size, channels):
    images = sampling.uniform(sampling.keys(seed, torch.arange(3)), channels, size, size)
    flip = TRANSFORMATIONS[name].apply
    assert torch.equal(flip(flip(images, {}), {}), images)


@property_test
@given(compositions, seeds)
def test_no_global_random_state_is_read_or_changed(names, seed):
    images, keys, boxes = some(seed)
    results, before, after = [], [], []
    for state in (1, 2):
        torch.manual_seed(state)
        np.random.seed(state)
        random.seed(state)
        before.append(global_states())
        results.append(run(names, images, keys, boxes))
        after.append(global_states())
    assert torch.equal(*results)
    assert before == after


def global_states():
    return torch.random.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_any_size_and_whole_images_work(name):
    t = TRANSFORMATIONS[name]
    for size in sorted({t.min_size, max(t.min_size, 33), 64}):
        keys = sampling.keys(size, torch.arange(5))
        images = sampling.uniform(keys, 3, size, size)
        out = transforms.apply([name], images, transforms.draw([name], keys, size))
        assert out.shape == images.shape
        assert out.isfinite().all()


def test_no_images_give_no_images():
    for name in TRANSFORMATIONS:
        keys = torch.zeros(0, dtype=torch.int64)
        assert run([name], torch.zeros(0, 4, SIZE, SIZE), keys, torch.zeros(0, 4, dtype=torch.int64)).shape[0] == 0


@pytest.mark.parametrize("apply", [lambda images, _: images, lambda images, _: images[:]])
def test_a_transformation_of_ones_own_may_return_what_it_was_given(apply, monkeypatch):
    for name, probability in (("always", 1), ("sometimes", 0.5)):
        mine = Transformation(name, "corruption", lambda keys, size: {}, apply, probability=probability)
        monkeypatch.setitem(TRANSFORMATIONS, name, mine)
    images, keys, boxes = some(0)
    before = images.clone()
    out = run(["always", "sometimes", "brightness", "invert"], images, keys, boxes)
    assert torch.equal(images, before)
    assert torch.equal(out, run(["brightness", "invert"], images, keys, boxes))


def test_a_transformation_of_ones_own_may_return_an_expanded_tensor(monkeypatch):
    grey = Transformation("grey", "photometric", lambda keys, size: {}, lambda x, _: x.mean(1, True).expand_as(x))
    monkeypatch.setitem(TRANSFORMATIONS, "grey", grey)
    images, keys, boxes = some(0)
    out = run(["grey", "brightness", "invert"], images, keys, boxes)
    mean = images.mean(1, keepdim=True).repeat(1, 4, 1, 1)
    assert torch.equal(out, run(["brightness", "invert"], mean, keys, boxes))


cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@cuda
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_cuda_agrees_with_the_cpu(name):
    """To 1e-5 of the full range, 1e-4 for elastic (a grid coordinate's rounding, times 32 pixels)."""
    images, keys, boxes = some(0)
    images = (images * 255).round() / 255  # away from the threshold of posterize
    there = run([name], images.cuda(), keys.cuda(), boxes.cuda()).cpu()
    torch.testing.assert_close(
        there, run([name], images, keys, boxes), rtol=0, atol=1e-4 if name == "elastic" else 1e-5
    )


@cuda
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_cuda_never_waits_for_the_host(name):
    images, keys, boxes = (value.cuda() for value in some(0))
    run([name], images, keys, boxes)  # makes the constant matrices
    torch.cuda.set_sync_debug_mode("error")
    try:
        run([name], images, keys, boxes)
    finally:
        torch.cuda.set_sync_debug_mode("default")
