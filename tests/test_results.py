import json
import re

import numpy as np
import pandas as pd
import pytest

from invariance import results
from invariance.errors import InputError
from invariance.experiments.profiles import profile
from invariance.results.comparisons import number


def table(same=(0.9, 0.8, 1.0), disjoint=(0.5, 0.6, 0.4)):
    rows = [
        {"level": level, "transforms": kind, "seed": seed, "value": value + 0.01 * bonus}
        for bonus, level in enumerate(("few", "many"))
        for kind, values in (("same", same), ("disjoint", disjoint))
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_the_papers_numbers_are_carried():
    paper = results.paper_factor("class_relationship").set_index(["level", "transforms"])["value"]
    assert paper["disjoint", "same"] == 0.983
    assert paper["same", "disjoint"] == 0.907
    hidden = results.paper_factor("class_relationship", data="cifar10")
    assert len(hidden) == 7  # one mark hides behind another in the published plot
    with pytest.raises(InputError, match=r"Unknown factor 'size'. Known: class_relationship"):
        results.paper_factor("size")


def test_gaps_are_paired_by_seed():
    gap = results.gaps(table()).set_index("level").loc["few"]
    differences = np.array([0.4, 0.2, 0.6])
    assert gap["gap"] == pytest.approx(differences.mean())
    assert gap["standard_error"] == pytest.approx(differences.std(ddof=1) / 3**0.5)
    assert gap["high"] - gap["gap"] == pytest.approx(4.302653 * gap["standard_error"], rel=1e-5)
    shuffled = results.gaps(table().sample(frac=1, random_state=0)).set_index("level").loc["few"]
    assert shuffled["gap"] == pytest.approx(gap["gap"])


def test_directions_are_averaged_within_a_seed():
    twice = pd.concat([table().assign(target="first"), table().assign(target="swapped", value=0.0)])
    found = results.by_seed(twice)
    assert len(found) == len(table())
    pd.testing.assert_series_equal(found["value"], table()["value"] / 2)


def test_one_seed_has_no_interval():
    gap = results.gaps(table((0.9,), (0.5,))).iloc[0]
    assert gap["gap"] == pytest.approx(0.4)
    assert np.isnan([gap["low"], gap["high"], gap["standard_error"]]).all()


def test_a_gap_needs_both_kinds_of_rows():
    for found, named in ((table().query("transforms == 'same'"), "'same'"), (table()[:0], "none")):
        for measure in (results.gaps, results.summary):
            with pytest.raises(InputError, match=f"the table has rows with {named} only"):
                measure(found)


def test_the_summary_compares_the_gap_with_the_ranges():
    found = results.summary(table())
    assert found == pytest.approx({"gap": 0.4, "range_same": 0.01, "range_disjoint": 0.01})


def test_the_papers_tables_are_complete():
    factors = results.paper_factors()
    # Seven pairs of data and transfer with 38 values each; one factor was not run once, and two marks are hidden.
    assert len(factors) == 7 * 38 - 10 - 2
    assert set(factors["transfer"]) == {"lp", "full-few", "full-many"}
    relevance = results.paper_relevance()
    assert len(relevance) == 2 * (16 + 8)
    fixed = relevance[(relevance["position"] == "fixed") & (relevance["pretraining"] == "objects_mixed")]
    assert fixed.set_index("target")["value"]["cifar_mixed"] == 0.24
    assert fixed.set_index("exchanged")["value"]["cifar"] == 0.112
    transfer = results.paper_invariance_transfer()
    assert len(transfer) == 4 * 2 * 3 * 5
    assert transfer.query("model == 'vit' and trained_on == 'random' and relation == 'same'")["value"].iloc[0] == 0.28
    mismatch = results.paper_mismatch()
    assert len(mismatch) == 4 * 64
    assert mismatch.query("model == 'vgg11' and trained_with == 3 and target == 8")["value"].item() == 0.404
    assert mismatch.loc[~mismatch["is_read"], "value"].between(0.99, 1).all()


def test_the_papers_correlations_come_out_of_its_own_tables():
    """Which points they are over is not printed; these reproduce all four, to the rounding of the tables."""
    published = results.paper_relevance_correlations().set_index(["position", "exchanged"])["correlation"]
    for position in ("fixed", "translated"):
        found = results.relevance_correlations(results.paper_relevance(), position).set_index("exchanged")
        for exchanged, value in found["correlation"].items():
            assert value == pytest.approx(published[position, exchanged], abs=0.005)


def test_data_types_of_the_papers_columns_are_the_experiments_own():
    from invariance.experiments.invariance_transfer import DATA_TYPES

    assert set(results.paper_invariance_transfer()["data"]) <= set(DATA_TYPES)


def test_a_correlation_needs_three_points_that_vary():
    table = results.paper_relevance()
    two = table[table["pretraining"].isin(["cifar_only", "cifar_mixed"])]
    assert results.relevance_correlations(two)["correlation"].isna().all()


def test_correlations_are_averaged_after_fishers_transformation():
    r, low, high = results.correlation_interval([0.5, 0.9])
    assert r == pytest.approx(np.tanh((np.arctanh(0.5) + np.arctanh(0.9)) / 2))
    assert -1 < low < r < high < 1
    assert results.correlation_interval([1.0, 1.0])[0] > 0.99  # a perfect one is not infinite


def test_ranks_share_ties():
    rows = [
        {"trained_with": trained, "transformation": "blur", "value": value}
        for trained, value in (("blur", 0.4), ("hue", 0.4), ("none", 0.1), ("shear", 0.9), ("untrained", 0.0))
    ]
    table = pd.DataFrame(rows).assign(model="m", trained_on="image", data="d", seed=0, measure="sensitivity_l2")
    assert results.ranks(table)[["rank", "of"]].to_numpy().tolist() == [[2.5, 4]]
    found = results.relations(table).set_index("relation")["value"]
    assert found.to_dict() == pytest.approx({"same": 0.4, "other": 0.65, "none": 0.1, "untrained": 0.0})


def test_the_summary_by_seed_averages_to_the_summary():
    rows = [
        {"level": level, "transforms": transforms, "seed": seed, "value": value}
        for transforms, values in (("same", {"a": (0.9, 0.5), "b": (0.6, 0.7)}), ("disjoint", {"a": (0.2, 0.4)}))
        for level, both in values.items()
        for seed, value in enumerate(both)
    ]
    table = pd.DataFrame(rows)
    found = results.summary_by_seed(table)
    assert found.drop(columns="seed").mean().to_dict() == pytest.approx(results.summary(table))
    # The gap is over level a, the only one with both; a range may be negative in one seed, not in the mean.
    assert found["gap"].tolist() == pytest.approx([0.7, 0.1])
    assert found["range_same"].tolist() == pytest.approx([0.3, -0.2])


def test_levels_stand_beside_the_papers_in_the_same_place_or_by_name():
    def levels(*names):
        return pd.DataFrame({"level": names})

    assert results.paper_levels(levels("200", "1e+05", "1000"), levels("1000", "50000", "500000")) == {
        "200": "1000",
        "1000": "50000",
        "1e+05": "500000",
    }
    assert results.paper_levels(levels("small", "small_vit"), levels("resnet18", "vit")) == {
        "small": "resnet18",
        "small_vit": "vit",
    }
    # Shares mean the same in any data set: they stand beside equal ones only.
    assert results.paper_levels(levels("0.01", "0.02", "0.1"), levels("0.01", "0.1", "1.0")) == {
        "0.01": "0.01",
        "0.1": "0.1",
    }
    assert results.paper_levels(levels("same", "new"), levels("subset", "same")) == {"same": "same"}


def test_comparisons_show_both_and_a_dash_for_what_is_missing(seeds_around):
    paper = results.paper_factor("class_relationship", "cifar10")
    shown = results.compared(seeds_around(paper, 0.001), paper).data
    assert shown.count("<tr") == 5 and "0.563" in shown and "–" in shown
    relevance = results.paper_relevance()
    one = relevance.assign(seed=0)
    assert "0.95 (0.95)" in results.compared_relevance(one, relevance).data  # one seed has no interval
    assert "±" in results.compared_relevance(seeds_around(relevance), relevance).data
    mismatch = results.paper_mismatch()
    assert "0.40 (0.40)" in results.compared_mismatch(mismatch.assign(seed=0), mismatch, "vgg11").data


def test_a_sweep_compares_its_two_ends_seed_by_seed():
    rows = [
        {"sweep": "correlation", "level": level, "seed": seed, "target": "cifar_only", "value": value}
        for level, values in ((1.0, (0.9, 0.8)), (0.5, (0.0, 0.0)), (0.0, (0.5, 0.6)))
        for seed, value in enumerate(values)
    ]
    table = pd.DataFrame(rows).assign(exchanged="", measure="accuracy")
    other = [table.assign(sweep="availability", value=0.1), table.assign(measure="cka", value=0.1)]
    cells = re.findall("<td>(.*)</td>", results.sweep_changes(pd.concat([table, *other]), "correlation").data)
    _, low, high = results.mean_interval([0.4, 0.2])
    assert cells == ["accuracy on image only", "0.550", "0.850", "0.300", f"{low:.3f}\u00a0to\u00a0{high:.3f}"]


def test_a_sweep_says_its_means_and_where_it_leaves_its_start():
    values = pd.DataFrame({0.0: [0.1, 0.3], 0.5: [0.2, 0.2], 1.0: [0.9, 1.1]})
    assert results.sweep_means(values) == "0.20 at 0, 0.20 at 0.5, 1.00 at 1"
    assert results.sweep_differs(values) == "1"
    assert results.sweep_differs(values[:1]) == "none of the levels"  # one seed has no interval
    rows = [
        {"sweep": sweep, "level": level, "seed": seed, "target": "", "exchanged": part, "value": level + seed}
        for sweep in ("correlation", "availability")
        for level in (1.0, 0.0)
        for seed in (0, 1)
        for part in ("cifar", "objects")
    ]
    found = results.sweep_values(pd.DataFrame(rows).assign(measure="sensitivity_l2"), "correlation", "objects")
    assert found.to_numpy().tolist() == [[0, 1], [1, 2]]


def test_values_of_relevance_are_found_by_what_is_measured(seeds_around):
    values = results.relevance_values(results.paper_relevance())
    assert values["cifar_mixed", "objects_mixed"].item() == 0.53
    assert values["cifar_mixed", "objects"].item() == 0.078
    translated = results.relevance_values(seeds_around(results.paper_relevance()), "translated")
    assert translated["cifar_mixed", "objects_mixed"].mean() == pytest.approx(0.15, abs=0.02)
    assert len(translated["cifar_mixed", "objects_mixed"]) == 4


def test_costs_of_a_mismatch_stand_beside_the_counterparts():
    paper = results.paper_mismatch()
    ours = paper[paper["model"] == "vit"].assign(seed=0, model="small_vit")
    shown = results.compared_mismatch_costs(ours, paper).data
    assert "7 missing" in shown and "7 extra" in shown and "-0.000" not in shown
    theirs = results.mismatch_costs(paper[paper["model"] == "vit"]).set_index("missing")["value"]
    assert "(≈ 0)" in shown and "(≥ .99)" in results.compared_mismatch(ours, paper, "small_vit").data
    assert results.papers_matching(paper, "small_vit", 8) == "0.94"
    assert results.papers_matching(paper, "small_vit", 1) == "≥ .99"
    assert f"{theirs[2]:.3f} ({theirs[2]:.3f})" in shown


def test_extra_transformations_are_compared_with_as_many_missing_ones():
    rows = [
        {"model": "m", "trained_with": used, "target": wanted, "seed": seed, "value": value - 0.001 * seed}
        for (used, wanted), value in {(1, 1): 0.9, (1, 2): 0.6, (2, 1): 0.8, (2, 2): 0.7}.items()
        for seed in range(3)
    ]
    found = results.extra_minus_missing(pd.DataFrame(rows), 1)
    assert found.tolist() == pytest.approx([0] * 3)  # both cost 0.1
    assert results.dearer(pd.Series([0.1, 0.11])) == "costs more than"
    assert results.dearer(pd.Series([-0.1, -0.11])) == "costs less than"
    assert results.dearer(pd.Series([-0.1, 0.11])) == "costs neither clearly more nor clearly less than"
    assert results.dearer(pd.Series([0.1])) == "costs neither clearly more nor clearly less than"


def test_a_number_is_rounded_as_figures_round():
    assert number(np.float64(0.615), 2) == f"{0.615:.2f}"
    assert number(-0.0004) == "0.000" and number(float("nan")) == "–"


def test_means_are_said_with_their_interval():
    _, low, high = results.mean_interval([0.2, 0.3])
    assert results.in_words([0.2, 0.3]) == f"0.25 (95 % interval {low:.2f} to {high:.2f})"
    assert results.in_words([0.25], digits=3) == "0.250 (one seed, no interval)"


PROVENANCE = results.Provenance(
    code="0.1.0",
    results_version="1",
    python="3.11.0",
    packages={"torch": "2.15.0"},
    device="2 CPU cores",
    profile="quick",
    sizes={"models": ["small"]},
    seeds=[0, 1, 2],
    sources=["glyphs", "scenes"],
    seconds=12.5,
)


def tidy():
    return pd.DataFrame(
        {
            "value": [1 / 3, 0.9, 0.123456789],
            "seed": [1, 0, 0],
            "experiment": "factors",
            "level": ["50000", "none", ""],
            "learning_rate": [1e-5, float("nan"), 0.1],
            "measure": "accuracy",
        }
    )


def test_published_tables_are_the_same_in_any_order_of_rows(tmp_path):
    path = results.save(tidy(), "factors", tmp_path, PROVENANCE)
    before = path.read_bytes(), (tmp_path / "factors.json").read_bytes()
    results.save(tidy().iloc[::-1, ::-1], "factors", tmp_path, PROVENANCE)
    assert (path.read_bytes(), (tmp_path / "factors.json").read_bytes()) == before
    lines = path.read_text().splitlines()
    assert lines[0] == "experiment,level,learning_rate,seed,measure,value"
    assert lines[1] == "factors,,0.1,0,accuracy,0.123457"
    assert len(list(tmp_path.iterdir())) == 2


def test_published_tables_come_back_with_their_types(tmp_path):
    results.save(tidy(), "factors", tmp_path, PROVENANCE)
    table, record = results.load("factors", tmp_path)
    assert record == PROVENANCE
    assert table["level"].tolist() == ["", "50000", "none"]
    assert np.isnan(table["learning_rate"].iloc[2]) and table["learning_rate"].iloc[1] == 1e-5
    assert table["value"].tolist() == pytest.approx([0.123457, 0.333333, 0.9], abs=0)
    assert table["seed"].dtype == "int64"


def _edit_csv(folder):
    path = folder / "factors.csv"
    path.write_text(path.read_text().replace("0.9", "0.8"))


def _cut_json(folder):
    path = folder / "factors.json"
    path.write_text(path.read_text()[:100])


def _change_json(folder, **changes):
    path = folder / "factors.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "factors.json").unlink(), r"No published result .*factors.json"),
        (lambda folder: (folder / "factors.csv").unlink(), r"No published result .*factors.csv"),
        (_edit_csv, r"factors.csv is not the table"),
        (lambda folder: (folder / "factors.csv").write_bytes(b"\xff\xfe\x00"), r"factors.csv is not a text file"),
        (_cut_json, r"factors.json is not valid JSON"),
        (lambda folder: (folder / "factors.json").write_text("[1]"), r"factors.json has format None"),
        (lambda folder: _change_json(folder, format=7), r"factors.json has format 7, this version reads 1"),
        (lambda folder: _change_json(folder, rows=None), r"factors.json: .*rows"),
        (lambda folder: _change_json(folder, columns={"value": "number"}), r"factors.csv has the columns experiment"),
    ],
)
def test_a_result_that_is_not_whole_names_its_file(tmp_path, harm, message):
    results.save(tidy(), "factors", tmp_path, PROVENANCE)
    harm(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        results.load("factors", tmp_path)
    assert "\n" not in str(caught.value)


def test_only_tidy_tables_are_published(tmp_path):
    with pytest.raises(InputError, match="lacks the columns seed"):
        results.save(tidy().drop(columns="seed"), "factors", tmp_path, PROVENANCE)
    with pytest.raises(InputError, match="has no rows"):
        results.save(tidy().iloc[:0], "factors", tmp_path, PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_provenance_says_what_made_a_table():
    record = results.provenance(profile("quick"), "cpu", 61.26, seeds=[2, 0])
    assert record.profile == "quick" and record.seeds == [0, 2] and record.seconds == 61.3
    assert record.device.endswith(("CPU core", "CPU cores")) and record.date == ""
    assert record.sizes["seeds"] == profile("quick").seeds and "torch" in record.packages
    assert results.describe(PROVENANCE) == "profile quick, 3 seeds, 2 CPU cores, glyphs and scenes"
    assert results.describe(record.model_copy(update={"seeds": [0], "sources": ["cifar10"]})).endswith("cifar10")
    assert ", 1 seed, " in results.describe(record.model_copy(update={"seeds": [0]}))


def test_the_four_measures_stand_side_by_side(smoke_results):
    table = smoke_results["measuring"]
    html = results.compared_measures(table).data
    assert re.findall(r"<th>(.*?)</th>", html) == ["model", "l2 sensitivity", "cosine", "dot product", "CKA"]
    expected = table[(table["kind"] == "untrained") & (table["measure"] == "cka")]["value"].mean()
    untrained = re.search(r"<td>untrained</td>(.*?)</tr>", html, re.S)[1]
    assert re.findall(r"<td>(-?\d\.\d\d)", untrained)[-1] == f"{expected:.2f}"
