"""CKA against a computation from the definition, and against values that can be derived on paper."""

from itertools import permutations

import pytest
import torch

from invariance import sampling
from invariance.errors import InputError
from invariance.measures import cka


def normal(n, width, seed=0):
    return sampling.normal(sampling.keys(seed, torch.arange(n)), width)


def hsic_by_definition(x, y):
    """The mean over all ordered quadruples of distinct rows: unbiased by construction."""
    k, l = (x @ x.T).double(), (y @ y.T).double()  # noqa: E741
    terms = [k[i, j] * (l[i, j] + l[q, r] - 2 * l[i, q]) for i, j, q, r in permutations(range(len(x)), 4)]
    return torch.stack(terms).mean()


def biased(x, y):
    """The textbook CKA of the whole set, from cross-covariances."""
    x, y = x - x.mean(0), y - y.mean(0)
    return ((x.T @ y).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())).item()


def test_one_batch_equals_the_definition():
    x = normal(9, 3) + 2
    y = x @ normal(3, 4, 5) + normal(9, 4, 1)
    expected = hsic_by_definition(x, y) / (hsic_by_definition(x, x) * hsic_by_definition(y, y)).sqrt()
    assert cka(x, y, batch=9).value == pytest.approx(expected.item(), rel=1e-4)


def test_minibatches_agree_with_the_whole_and_with_the_textbook_on_many_rows():
    x = normal(4096, 8)
    y = x @ normal(8, 8, 5) + normal(4096, 8, 1)
    in_batches = cka(x, y)
    assert in_batches == cka(x, y, batch=64)
    whole = cka(x, y, batch=4096)
    assert in_batches.value == pytest.approx(whole.value, abs=0.01)
    assert whole.value == pytest.approx(biased(x, y), abs=0.002)
    assert whole.low != whole.low  # no interval from one batch
    assert in_batches.low < whole.value < in_batches.high


def test_identical_rotated_scaled_and_shifted_representations_have_cka_one():
    x = normal(600, 16).relu()
    q, _ = torch.linalg.qr(normal(16, 16, 5))
    for other in (x, -3 * x, 0.01 * x @ q + 50):
        found = cka(x, other)
        assert found.value == pytest.approx(1, abs=1e-3)
        assert found.high - found.low < 1e-3


def test_a_linear_map_has_the_value_of_its_singular_values():
    # x standard normal, y = x A with singular values s: sum s^2 / (sqrt(d) sqrt(sum s^4)).
    s = torch.tensor([4.0, 2.0, 1.0, 0.5])
    q, _ = torch.linalg.qr(normal(4, 4, 5))
    x = normal(20_000, 4)
    expected = (s.square().sum() / (2 * s.pow(4).sum().sqrt())).item()
    assert cka(x, x @ torch.diag(s) @ q).value == pytest.approx(expected, abs=0.01)


def test_noise_lowers_it_as_derived():
    # y = x + sigma e, both standard normal in d dimensions: 1 / (1 + sigma^2), whatever d.
    x = normal(20_000, 8)
    assert cka(x, x + 0.5 * normal(20_000, 8, 1)).value == pytest.approx(0.8, abs=0.01)


def test_independent_representations_average_zero_and_biased_ones_do_not():
    draws = [(normal(64, 32, 2 * t), normal(64, 32, 2 * t + 1)) for t in range(300)]
    unbiased = torch.tensor([cka(*pair, batch=64).value for pair in draws])
    naive = torch.tensor([biased(*pair) for pair in draws])
    error = unbiased.std() / len(draws) ** 0.5
    assert unbiased.mean().abs() < 3 * error
    assert naive.mean() > 50 * error


def test_centring_first_as_published_changes_nothing_but_rounding():
    x = normal(64, 8) + 3
    y = x + normal(64, 8, 1)
    plain, published = cka(x, y, batch=16), cka(x, y, batch=16, as_published=True)
    assert published.value == pytest.approx(plain.value, abs=1e-5)
    # The quirk as the code has it, one batch: centre, clear the diagonal, then equation 5 of Song et al.
    centre = (torch.eye(64) - 1 / 64).double()
    grams = [(centre @ z.double() @ z.double().T @ centre).fill_diagonal_(0) for z in (x, y)]

    def hsic(a, b):
        n, one = 64, torch.ones(64, dtype=torch.float64)
        middle = (one @ a @ one) * (one @ b @ one) / ((n - 1) * (n - 2))
        return ((a @ b).trace() + middle - 2 / (n - 2) * (one @ a @ b @ one)) / (n * (n - 3))

    expected = hsic(*grams) / (hsic(grams[0], grams[0]) * hsic(grams[1], grams[1])).sqrt()
    for variant in (False, True):
        assert cka(x, y, batch=64, as_published=variant).value == pytest.approx(expected.item(), rel=1e-4)


def test_the_interval_holds_the_truth_most_of_the_time():
    hits = 0
    for trial in range(100):
        x = normal(500, 8, 2 * trial)
        found = cka(x, x + normal(500, 8, 2 * trial + 1))
        hits += found.low <= 0.5 <= found.high
    assert hits >= 88


def test_large_offsets_do_not_cost_precision():
    x, y = normal(512, 8), normal(512, 8) + normal(512, 8, 1)
    assert cka(x + 1000, y - 500).value == pytest.approx(cka(x, y).value, abs=1e-3)


def test_bad_input_is_named():
    x = normal(10, 3)
    with pytest.raises(InputError, match="needs at least 4"):
        cka(x[:3], x[:3])
    with pytest.raises(InputError, match="Minibatches of 3 pairs: choose between 4 and the 10"):
        cka(x, x, batch=3)
    with pytest.raises(InputError, match="same for every image"):
        cka(torch.ones(10, 3), x)
    with pytest.raises(InputError, match="not finite"):
        cka(x, x / 0)
