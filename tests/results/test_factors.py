import re

import pandas as pd
import pytest

from invariance import results

PANELS = ["class_relationship", "architecture", "pretraining_samples", "finetuning_samples"]


@pytest.fixture(scope="module")
def paper():
    return results.paper_factors()


def cells(shown):
    """A table for readers as texts."""
    lines = [re.findall(r"<t[hd]>(.*?)</t[hd]>", line) for line in shown.data.split("<tr")[1:]]
    return pd.DataFrame(lines[1:], columns=lines[0])


def rates(same, disjoint):
    rows = [
        {"learning_rate": rate, "transforms": kind, "seed": seed, "value": value + seed / 100}
        for kind, values in (("same", same), ("disjoint", disjoint))
        for rate, value in zip((1e-1, 1e-3, 1e-5), values, strict=True)
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


def test_every_panel_stands_where_the_paper_has_it(paper):
    assert list(results.by_factor(paper, "t2d", "lp")) == PANELS
    assert list(results.by_factor(paper, "t2d", "full-few")) == PANELS
    assert list(results.by_factor(paper, "t2d", "full-many")) == PANELS[:3]
    assert results.by_factor(paper, "cifar10", "full-few") == {}
    # Our runs name the varied number "full-few" on every kind of data.
    varied = (paper["factor"] == "finetuning_samples") & (paper["transfer"] != "lp")
    ours = paper.assign(transfer=paper["transfer"].mask(varied, "full-few"))
    for table in (paper, ours):
        found = results.by_factor(table, "cifar10", "full-many")
        assert list(found) == PANELS
        assert found["finetuning_samples"].query("level == '0.01' and transforms == 'same'")["value"].item() == 0.835


def test_a_factor_that_does_not_vary_is_left_out(paper):
    one = paper[(paper["factor"] != "architecture") | (paper["level"] == "resnet18")]
    assert list(results.by_factor(one)) == [name for name in PANELS if name != "architecture"]


def test_all_factors_share_one_table(paper, seeds_around):
    ours, theirs = results.by_factor(seeds_around(paper, 0.001)), results.by_factor(paper)
    shown = cells(results.compared_factors(ours, theirs))
    assert len(shown) == 4 + 5 + 5 + 5
    assert shown["factor"].tolist()[:5] == ["class relationship", "", "", "", "architecture"]  # said once
    assert shown.loc[1, "level (paper)"] == "disjoint" and shown.loc[1, "same (paper)"].endswith("\u00a0(0.983)")
    assert shown["level (paper)"].tolist()[-1] == "5,000"  # the same number as in the paper
    single = cells(results.compared_factors(results.by_factor(paper.assign(seed=0)), theirs))
    assert single.loc[1, ["gap", "95 % interval"]].tolist() == ["0.121", "–"]  # one seed has no error
    alone = cells(results.compared_factors(ours, {}))  # where the paper measured nothing
    assert len(alone) == len(shown) and alone["same (paper)"].str.endswith("(–)").all()
    half = {name: t.assign(level=(t["level"].astype(int) // 2).astype(str)) for name, t in list(ours.items())[2:]}
    assert cells(results.compared_factors(half, theirs)).loc[0, "level (paper)"] == "500 (1,000)"


def test_fine_tuning_samples_are_shares_on_natural_images():
    table = pd.DataFrame(
        {"factor": ["finetuning_samples", "architecture"], "level": ["", "small"], "samples": [450, 1000]}
    )
    assert results.with_shares(table, {450: 0.02})["level"].tolist() == ["0.02", "small"]


def test_which_line_is_above_and_how_the_levels_rise():
    def table(**levels):
        rows = [
            (level, kind, v)
            for level, both in levels.items()
            for kind, v in zip(("same", "disjoint"), both, strict=True)
        ]
        return pd.DataFrame(rows, columns=["level", "transforms", "value"])

    ours, paper = table(a=(0.9, 0.1), b=(0.3, 0.4), c=(0.8, 0.7)), table(a=(0.6, 0.5), b=(0.9, 0.8))
    assert results.same_line_above(ours, paper) == (1, 2)
    assert results.rising(ours) == ["b", "a", "c"]


def test_the_bars_are_those_of_the_summary(paper, seeds_around):
    shown = cells(results.compared_bars(paper.assign(seed=0), paper))
    assert len(shown) == 3 * 3
    row = shown.query("transfer == 'linear probe' and factor == 'class relationship'").iloc[0]
    assert row["gap"] == "0.12 (0.12)" and row["range, other"] == "0.15 (0.15)"  # one seed has no interval
    few = results.compared_bars(seeds_around(paper[paper["data"] == "cifar10"]), paper, "cifar10").data
    assert "±" in few and "fine-tuning, few" not in few


def test_each_kind_of_pretraining_gets_its_own_best_rate():
    rows = results.rate_rows(rates((0.2, 0.9, 0.4), (0.5, 0.4, 0.3)))
    assert results.best_rates(rows) == {"same": "0.001", "disjoint": "0.1"}
    assert results.gap_at_best_rates(rows).tolist() == pytest.approx([0.4] * 3)
    shown = cells(results.compared_rates(rows))
    assert shown["learning rate"].tolist() == ["1e-05", "0.001", "0.1"]
    assert shown["same"].tolist() == ["0.410", "0.910", "0.210"]
    assert "paper" not in " ".join(shown.columns)
