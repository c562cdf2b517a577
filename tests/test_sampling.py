import numpy as np
import pytest
import torch
from scipy import stats

from invariance import sampling
from invariance.errors import InputError


def keys(n, name="test", seed=0):
    return sampling.keys(sampling.stream(seed, name), torch.arange(n))


def test_uniform_is_uniform_and_uncorrelated_across_neighbouring_indices():
    u = sampling.uniform(keys(50_000), 3)
    assert u.dtype == torch.float32 and u.min() >= 0 and u.max() < 1
    for column in u.T:
        assert stats.kstest(column.numpy(), "uniform").pvalue > 0.01
    assert torch.corrcoef(torch.stack((*u.T, u[:, 0].roll(1)))).triu(1).abs().max() < 0.02


def test_normal_has_the_normal_distribution():
    z = sampling.normal(keys(300), 101).flatten()
    assert stats.kstest(z.numpy(), "norm").pvalue > 0.01


def test_integers_are_equally_frequent_with_one_bound_per_key():
    draws = sampling.integers(keys(60_000), 7)
    assert stats.chisquare(torch.bincount(draws, minlength=7).numpy()).pvalue > 0.01
    high = torch.arange(1, 1001)
    draws = sampling.integers(keys(1000), high)
    assert ((draws >= 0) & (draws < high)).all() and draws[0] == 0


def test_bernoulli_hits_its_probability():
    assert abs(sampling.bernoulli(keys(100_000), 0.3).float().mean() - 0.3) < 0.005


def test_a_draw_depends_on_its_key_alone():
    whole = sampling.uniform(keys(100), 5)
    picked = torch.tensor([17, 3, 99])
    assert torch.equal(sampling.uniform(keys(100)[picked], 5), whole[picked])


def test_streams_seeds_and_folds_differ():
    base = sampling.uniform(keys(1000))
    others = [
        keys(1000, "other"),
        keys(1000, seed=1),
        sampling.fold(keys(1000), "a"),
        sampling.fold(keys(1000), "b"),
    ]
    for other in others:
        assert abs(torch.corrcoef(torch.stack((base, sampling.uniform(other))))[0, 1]) < 0.1


def test_known_values_so_that_images_stay_the_same_across_versions():
    assert sampling.stream(3, "train") == -3296089683561439999
    assert sampling.keys(sampling.stream(3, "train"), torch.arange(2)).tolist() == [
        -2941007427661811389,
        -6267947626214059083,
    ]
    assert sampling.uniform(sampling.keys(7, torch.arange(2))).tolist() == [
        0.5243459343910217,
        0.7215081453323364,
    ]


def test_permutation_and_choose():
    order = sampling.permutation(5, 1000)
    assert torch.equal(order.sort().values, torch.arange(1000))
    assert not torch.equal(order, sampling.permutation(6, 1000))
    chosen = sampling.choose(0, "x", list("abcdef"), 4)
    assert len(set(chosen)) == 4 and chosen == sampling.choose(0, "x", list("abcdef"), 4)
    with pytest.raises(InputError, match="7 are to be chosen for 'x', but there are only 6: ask for fewer"):
        sampling.choose(0, "x", list("abcdef"), 7)


def test_global_random_state_is_neither_read_nor_changed():
    torch.manual_seed(1)
    first, state = sampling.normal(keys(5), 3), torch.random.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(sampling.normal(keys(5), 3), first)
    torch.manual_seed(1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_shorts_are_uniform_and_depend_on_their_key_alone():
    values = sampling.shorts(keys(40), 5001)
    assert values.dtype == torch.int16 and values.shape == (40, 5001)
    counts = torch.bincount((values.flatten().int() + 2**15) >> 8, minlength=256)
    assert stats.chisquare(counts.numpy()).pvalue > 0.01
    low_bits = torch.bincount(values.flatten().int() & 255, minlength=256)
    assert stats.chisquare(low_bits.numpy()).pvalue > 0.01
    assert torch.equal(sampling.shorts(keys(40)[[3, 1]], 5001), values[[3, 1]])
    assert sampling.shorts(keys(2, "known"), 3).tolist() == [[-27015, 8644, 21617], [-3484, 928, -13609]]


def test_seeds_and_counts_are_whole_numbers():
    assert sampling.stream(np.int64(3), "train") == sampling.stream(3, "train")
    sampling.stream(1, "kept")
    for seed in (1.0, True, 1.5, "1", None, 2**63):
        with pytest.raises(InputError, match=r"Seed .* is not usable: give a whole number of at most 64 bits"):
            sampling.stream(seed, "kept")
    for count in (-1, 1.5, "2", None):
        with pytest.raises(InputError, match=r"Number of items to choose .* is not usable"):
            sampling.choose(0, "x", list("abc"), count)
