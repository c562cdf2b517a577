import pandas as pd
import pytest

from invariance import statistics
from invariance.studies import mismatch
from invariance.studies.mismatch import STUDY
from invariance.studies.statements import NOT_SUPPORTED, SUPPORTED
from invariance.studies.study import Findings
from invariance.transforms import PAPER_NAMES
from invariance.units import Outcome, planned


def made(lost, gained=0.0, seeds=3, counts=range(1, 9)):
    """A table in which `lost[k]` goes with k missing transformations and `gained` with each extra one."""
    return pd.DataFrame(
        [
            {"counterpart": "resnet18", "model": "small", "pretrained_on": i, "probed_on": str(j), "split": "test"}
            | {"seed": seed, "value": 0.9 - lost(max(j - i, 0)) - gained * max(i - j, 0) - 0.01 * seed}
            for i in counts
            for j in counts
            for seed in range(seeds)
        ]
    )


def found(table, budget="night"):
    findings = Findings(STUDY, STUDY.at(budget), [], {}, Outcome())
    findings.__dict__["table"] = table
    return findings


def test_the_paper_budget_is_the_papers_protocol():
    sizes = STUDY.sizes["paper"]
    assert (sizes.seeds, sizes.samples, sizes.epochs, sizes.batch_size) == (10, 50_000, 100, 256)
    design = STUDY.design(STUDY.at("paper", seeds=1))
    assert len(design) == 4 * 8
    assert [columns["model"] for columns, _ in design[::8]] == ["resnet18", "vgg11", "densenet121", "vit"]
    assert [columns["pretrained_on"] for columns, _ in design[:8]] == list(range(1, 9))
    assert all(len(unit.targets) == 8 and unit.probe_method == "adam" for _, unit in design)
    assert len(planned(unit for _, unit in design)) == 4 * 8  # each pretraining with all its targets together


def test_each_set_of_transformations_contains_the_smaller_ones_and_classes_stay():
    sizes = STUDY.at("smoke")
    first, *_, last = (mismatch.data(sizes, 5, count) for count in range(1, 9))
    assert last.transforms[:1] == first.transforms and len(set(last.transforms)) == 8
    assert set(last.transforms) <= set(PAPER_NAMES)
    assert first.classes == last.classes and len(first.classes) == 30
    assert mismatch.order(STUDY.at("smoke"), 5) != mismatch.order(STUDY.at("smoke"), 6)


def test_one_model_in_all_places_is_run_once_beside_resnet18():
    design = STUDY.design(STUDY.at("night", seeds=1, model="small_vit"))
    assert {(columns["counterpart"], columns["model"]) for columns, _ in design} == {("resnet18", "small_vit")}


def test_smoke_runs_and_gives_effects():
    findings = STUDY.own(STUDY.at("smoke"), "cpu", workers=1)
    assert findings.missing == 0 and set(findings.table["split"]) == {"train", "validation", "test", "pooled"}
    assert all(findings[statement.estimate].n == 2 for statement in STUDY.statements)
    assert findings["missing.7"].n == 0 and findings.numbers()["missing.7"] == "–"  # smoke has three transformations


def test_the_papers_table_gives_the_papers_numbers():
    papers = {name: statistics.estimate(values).value for name, values in STUDY.papers.items()}
    assert papers["missing.7"] == pytest.approx(0.275 - 0.984)
    assert papers["extra.7"] == pytest.approx(0)
    assert papers["accuracy.matching"] == 0.984
    # Read off the plots, the mean loss of one missing transformation and of a superset.
    matching = [0.995] * 5 + [1.0, 0.994, 0.984]
    before = [0.99, 0.961, 0.91, 0.953, 0.885, 0.927, 0.878]
    lost = sum(m - b for m, b in zip(matching[1:], before, strict=True)) / 7
    assert papers["missing.1"] == pytest.approx(-lost, abs=1e-9)
    assert abs(papers["superset_cost"]) < 0.001
    assert papers["slope"] == pytest.approx(-0.107, abs=0.001)


def test_missing_transformations_are_counted_from_the_matching_model():
    effects = STUDY.effects(made(lambda k: 0.1 * k, gained=0.01))
    assert effects["slope"].tolist() == pytest.approx([-0.1] * 3)
    assert effects["smallest_step"].tolist() == pytest.approx([0.1] * 3)
    assert effects["missing.3"].tolist() == pytest.approx([-0.3] * 3)
    # Of 28 cells with extra ones, 8 - k have k of them.
    assert effects["superset_cost"].tolist() == pytest.approx([0.01 * sum(k * (8 - k) for k in range(1, 8)) / 28] * 3)
    assert effects["extra-missing.1"].tolist() == pytest.approx([0.01 - 0.1] * 3)


def test_the_slope_is_that_of_least_squares_through_zero():
    lost = [0, 0.2, 0.25, 0.5]
    effects = STUDY.effects(made(lambda k: lost[k], counts=range(1, 5)))
    assert effects["slope"].tolist() == pytest.approx([-(0.2 + 2 * 0.25 + 3 * 0.5) / (1 + 4 + 9)] * 3)
    assert effects["smallest_step"].tolist() == pytest.approx([0.05] * 3)


def test_the_smallest_step_is_chosen_by_the_other_seeds():
    wide = pd.DataFrame({1: [0.0, 0.3, 0.3], 2: [0.2, 0.1, 0.1]})
    # The others of seed 0 have their smallest at 2; those of seeds 1 and 2 tie at 0.15 and take the first.
    assert statistics.smallest_level(wide).tolist() == [0.2, 0.3, 0.3]
    assert statistics.smallest_level(wide[:1]).tolist() == [0.0]


def test_a_seed_that_lacks_a_cell_has_no_value_for_what_needs_it():
    table = made(lambda k: 0.1 * k)
    table = table[~((table["seed"] == 1) & (table["pretrained_on"] == 1) & (table["probed_on"] == "3"))]
    estimates = found(table).estimates
    assert estimates["missing.2"].n == 2 and estimates["missing.1"].n == 3
    others = found(table.assign(counterpart="vgg11"))  # the main architecture's units have failed
    assert {one.n for one in others.estimates.values()} == {0}


@pytest.mark.parametrize(
    ("table", "verdicts"),
    [
        (made(lambda k: 0.1 * k, gained=0.001), [SUPPORTED, SUPPORTED, SUPPORTED]),
        (made(lambda k: 0.0, gained=0.05), [NOT_SUPPORTED, None, None]),
        (made(lambda k: -0.01 * k), [SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED]),
    ],
)
def test_statements_hold_or_fail_as_they_must(table, verdicts):
    noise = table["seed"] * 1e-4 * (table["pretrained_on"] - table["probed_on"].astype(int))
    given = [verdict for _, verdict in found(table.assign(value=table["value"] + noise)).verdicts().values()]
    assert [verdict for verdict, wanted in zip(given, verdicts, strict=True) if wanted] == [v for v in verdicts if v]


def test_figures_and_tables_stand_beside_the_paper(seeds_around):
    names = dict(zip(mismatch.PAPERS_MODELS, ("small", "", "small_densenet", "small_vgg", "small_vit"), strict=True))
    table = STUDY.paper.assign(model=lambda rows: rows["counterpart"].map(names))
    findings = found(seeds_around(table, 0.001))
    lines = findings.figure("costs").axes[0].get_lines()
    assert sum(line.get_linestyle() == "--" for line in lines) == 1  # the paper's
    changes = findings.show("changes").data
    assert changes.count("<tr") == 1 + 14 and "small_vit" in changes and "(≈ 0)" in changes
    accuracies = findings.show("accuracies").data
    assert accuracies.count("<tr") == 1 + 4 * 8 and "(0.28)" in accuracies and "(≥ .99)" in accuracies
