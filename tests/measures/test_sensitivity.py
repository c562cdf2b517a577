import pytest
import torch

from invariance import sampling
from invariance.datasets import Transforms2D
from invariance.errors import InputError
from invariance.measures import pair_keys, paired_images, sensitivity


def normal(n=4000, width=16, seed=0):
    return sampling.normal(sampling.keys(seed, torch.arange(n)), width)


def test_known_values():
    x = normal()
    assert sensitivity(x, x).value == 0
    assert sensitivity(x, normal(seed=1)).value == pytest.approx(1, abs=0.02)
    # Moving by noise of half the spread: sqrt(2) * 0.5 apart, against sqrt(2) between random rows.
    noisy = [x + 0.5 * normal(seed=seed) for seed in (1, 2)]
    assert sensitivity(*noisy).value == pytest.approx(0.5 / 1.25**0.5, abs=0.02)


def test_it_ignores_scale_shift_and_rotation_of_the_representation():
    x, y = normal(), normal() + 0.3 * normal(seed=1)
    q, _ = torch.linalg.qr(normal(16, 16, seed=5))
    base = sensitivity(x, y).value
    assert sensitivity(100 * x @ q + 7, 100 * y @ q + 7).value == pytest.approx(base, rel=1e-4)


def test_the_interval_holds_the_truth_about_95_percent_of_the_time():
    hits = 0
    for trial in range(60):
        x, y = normal(200, seed=3 * trial), normal(200, seed=3 * trial + 1)
        found = sensitivity(x, y, seed=trial)
        assert found.low < found.value < found.high
        hits += found.low <= 1 <= found.high
    assert hits >= 50


def test_random_pairs_never_pair_an_image_with_itself():
    assert sensitivity(normal(2), normal(2, seed=1)).between.min() > 0
    for n in (2, 3, 50):
        assert (sensitivity(normal(n), normal(n, seed=1)).between > 0).all()


def test_pairs_share_everything_but_the_transformation():
    source = Transforms2D(classes=("umbrella",), transforms=("rotate",)).generator()
    x, x_prime = paired_images(source, 40, seed=0)
    content, first, second = pair_keys(source, 40, seed=0)
    assert torch.equal(x, source.images(content, transformation=first))
    assert (first != second).all()
    assert torch.equal(x[..., 0, :], x_prime[..., 0, :])  # the rotated object stays clear of the top row
    assert (x != x_prime).flatten(1).any(1).float().mean() > 0.9


def test_bad_input_is_named():
    x = normal(10)
    with pytest.raises(InputError, match=r"both must be \(N, D\)"):
        sensitivity(x, x[:5])
    with pytest.raises(InputError, match="needs at least 2"):
        sensitivity(x[:1], x[:1])
    with pytest.raises(InputError, match="not finite"):
        sensitivity(x * float("inf"), x)
    with pytest.raises(InputError, match="same representation"):
        sensitivity(torch.ones(5, 3), torch.ones(5, 3))
