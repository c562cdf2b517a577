"""Estimates against SciPy and simulations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from invariance import statistics
from invariance.statistics import Estimate


def test_a_mean_and_its_interval_are_students():
    values = np.random.default_rng(0).normal(0.3, 0.1, 7)
    found = statistics.estimate(pd.Series([*values, np.nan]))
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(values.mean()) and found.n == 7


def test_intervals_that_hold_together_are_those_of_a_smaller_error():
    values = tuple(np.random.default_rng(0).normal(0.3, 0.1, 7))
    one = statistics.estimates({"gap": pd.Series(values)}, {"gap": pd.Series([0.2])})["gap"]
    wide = statistics.together("gap", one, 10)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.995)
    assert (wide.low, wide.high) == pytest.approx((expected.low, expected.high)) and wide.paper == one.paper
    assert statistics.together("gap", one, 1) == one


@pytest.mark.parametrize(("kind", "low", "high"), [("share", 0, 1), ("ratio", 0, np.inf)])
def test_intervals_of_shares_and_ratios_stay_within_their_bounds_and_cover(kind, low, high):
    draws = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        p = draws.beta(18, 2, 6) if kind == "share" else draws.gamma(9, 0.05, 6)
        found = statistics.estimate(p, kind)
        assert low < found.low < found.value < found.high < high
        covered += found.low < (0.9 if kind == "share" else 0.45) < found.high
    assert 0.90 < covered / 400 < 0.99


def test_a_share_of_one_in_every_seed_has_an_interval_of_no_width():
    found = statistics.estimate([1.0, 1.0, 1.0], "share")
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_one_seed_has_no_interval_and_none_no_value():
    assert np.isnan(statistics.estimate([0.5]).low) and statistics.estimate([0.5]).n == 1
    assert np.isnan(statistics.estimate([]).value) and statistics.estimate([np.nan]).n == 0


def test_correlations_are_averaged_after_fishers_transformation():
    found = statistics.estimate([0.9, 0.5, 0.7], "correlation")
    assert found.value == pytest.approx(np.tanh(np.arctanh([0.9, 0.5, 0.7]).mean()))
    assert -1 < found.low < found.value < found.high < 1


def test_effects_of_columns_are_paired_by_seed():
    rows = [(seed, kind, 0.1 * seed + (kind == "a") * 0.3) for seed in range(4) for kind in "ab"]
    wide = statistics.per_seed(pd.DataFrame(rows, columns=["seed", "kind", "value"]), ["kind"])
    found = statistics.estimate(wide["a"] - wide["b"])
    assert (found.value, found.low, found.high) == pytest.approx((0.3, 0.3, 0.3))
    assert statistics.column(wide, "c").isna().all()


def test_the_spread_of_levels_is_not_made_larger_by_noise():
    """Levels that are all alike: chosen and measured on the same seeds they seem to differ, on others they do not."""
    draws = np.random.default_rng(2)
    same, honest = [], []
    for _ in range(300):
        wide = pd.DataFrame(draws.normal(0.5, 0.05, (6, 4)), columns=list("abcd"))
        same.append(wide.mean().max() - wide.mean().min())
        honest.append(statistics.spread_of_levels(wide).mean())
    assert np.mean(same) > 0.03
    assert abs(np.mean(honest)) < 0.01


def test_the_spread_of_levels_that_differ_is_their_difference():
    wide = pd.DataFrame({"a": [0.1, 0.12], "b": [0.5, 0.5], "c": [0.9, 0.91]})
    assert statistics.spread_of_levels(wide).tolist() == pytest.approx([0.8, 0.79])
    assert statistics.spread_of_levels(wide[:1]).tolist() == pytest.approx([0.8])


def test_a_correlation_needs_three_columns_that_vary():
    x = pd.DataFrame([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    y = pd.DataFrame([[2.0, 4.0, 7.0], [2.0, 4.0, 7.0]])
    found = statistics.correlation(x, y)
    assert found[0] == pytest.approx(np.corrcoef([1, 2, 3], [2, 4, 7])[0, 1]) and np.isnan(found[1])
    assert statistics.correlation(x[[0, 1]], y[[0, 1]]).isna().all()


def test_the_kind_of_an_effect_is_that_of_its_first_word():
    effects = {"accuracy.a.b": pd.Series([0.98, 1.0, 0.99]), "gap.a": pd.Series([0.98, 1.0, 0.99])}
    found = statistics.estimates(effects, {"gap.a": pd.Series([0.5])})
    assert found["accuracy.a.b"].high < 1 < found["gap.a"].high
    assert found["gap.a"].seeds == (0.98, 1.0, 0.99)
    assert found["gap.a"].paper == 0.5 and np.isnan(found["accuracy.a.b"].paper)


def test_an_estimate_as_text():
    found = Estimate(0.2049, 0.099, 0.31, 6, 0.33)
    assert str(found) == "0.20 (0.10 to 0.31)"
    assert f"{found:.3f} {found:.3i} {found:.2p} {found:.2b}" == "0.205 0.205 (0.099 to 0.310) 0.33 0.20 (0.33)"
    assert str(Estimate(-0.01, -0.017, -0.004, 6)) == "−0.010 (−0.017 to −0.004)"
    assert str(Estimate(-0.0001, -0.001, 0.001, 6)) == "0.000 (−0.001 to 0.001)"
    assert f"{Estimate(0.5, n=1):.2i}" == "0.50 (one seed, no interval)"
    assert str(statistics.NOTHING) == "–"


def test_words_take_a_side_only_where_the_interval_does():
    words = ("neither", "above", "below")
    assert Estimate(-0.2, -0.3, -0.1, 3).told(*words) == "below"
    assert Estimate(0.2, 0.1, 0.3, 3).told(*words) == "above"
    assert Estimate(-0.2, -0.5, 0.1, 3).told(*words) == statistics.NOTHING.told(*words) == "neither"
