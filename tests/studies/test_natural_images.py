"""Experiment B: its design, effects, statements and what the chapter shows."""

import numpy as np
import pytest

from invariance.errors import InputError
from invariance.studies.natural_images import STUDY
from invariance.studies.statements import NOT_SUPPORTED, SUPPORTED
from invariance.studies.study import Findings
from invariance.studies.tasks import TRANSFORMS
from invariance.units import FineTuning, Probes
from invariance.units.run import Outcome


def findings(table, budget="quick"):
    """Findings with a made table, as if a run had given it."""
    found = Findings(STUDY, STUDY.at(budget), [], {}, Outcome())
    found.__dict__["table"] = table
    return found


@pytest.fixture(scope="module")
def paper():
    return STUDY.paper.dropna(subset="value")


@pytest.mark.parametrize(
    ("setting", "classes", "levels"),
    [("cifar10", 5, (10, 50, 200, 1_000, 4_500)), ("cifar100", 50, (10, 50, 100, 250, 450))],
)
def test_the_paper_budget_is_the_papers_protocol(setting, classes, levels):
    planned = [(row, unit) for row, unit in STUDY.design(STUDY.at("paper", seeds=1)) if row["setting"] == setting]
    trained = {unit.pretraining.digest: unit.pretraining for _, unit in planned}.values()
    assert len(trained) == 2 * (4 + 4 + 4)
    assert {(unit.epochs, unit.batch_size) for unit in trained} == {(50, 512)}
    varied = {unit.pretraining.samples for row, unit in planned if row["factor"] == "pretraining_samples"}
    assert varied == {classes * level for level in levels}
    share = {unit.samples for row, unit in planned if isinstance(unit, FineTuning)}
    assert sorted(share) == pytest.approx([225, 1_125, 2_250, 11_250, 22_500], rel=0.12)  # whole images a class
    # The probe whose head starts the fine-tuning is trained as the reported one, on ten draws.
    assert {unit.redraws for _, unit in planned} == {10}
    probes = [unit for _, unit in planned if isinstance(unit, Probes)]
    assert {max(unit.samples) for unit in probes} == {22_500}


def test_levels_that_are_no_shares_are_refused():
    with pytest.raises(InputError, match="few: Input should be less than or equal to 1, got 200"):
        STUDY.at("quick", few=200)


def test_at_smoke_every_effect_has_a_value_and_everything_is_shown():
    run = STUDY.find(STUDY.at("smoke"), "cpu", "own")
    keys = ["setting", "factor", "place", "pretrained_on", "probed_on", "transfer", "split", "seed"]
    assert not run.table.duplicated(keys).any() and set(run.table["source"]) == {"scenes10", "scenes100"}
    assert run.table["value"].between(0, 1).all()
    assert all(one.n == 2 for one in run.estimates.values())
    for name in STUDY.figures:
        assert run.figure(name).axes
    assert all("<td>" in run.show(name).data for name in STUDY.tables)
    numbers = run.numbers()
    assert numbers["cifar10.n_few"] == "225" and numbers["cifar100.n_many"] == "200"  # 45 and 4 images a class
    assert "nan" not in " ".join(numbers.values())


def test_the_papers_table_gives_the_papers_own_numbers_without_what_its_marks_hide(paper):
    assert len(paper) == 4 * 38 - 2
    found = {name: values.item() for name, values in STUDY.papers.items()}
    gaps = [0.613 - 0.493, 0.683 - 0.563, 0.924 - 0.66]  # mismatched transformations and the same classes are hidden
    assert found["gap.cifar10.probe.class_relationship"] == pytest.approx(np.mean(gaps))
    assert found["range.cifar100.probe.class_relationship.matched"] == pytest.approx(0.859 - 0.482)
    assert np.isnan(found["gap.cifar100.probe.class_relationship.2"])
    assert found["gap.cifar100.many.pretraining_samples.4"] == pytest.approx(0.427 - 0.343)
    assert found["accuracy.cifar10.tuned.finetuning_samples.2.matched"] == 0.87


def test_the_paper_meets_all_four_statements_and_tight_seeds_around_it_support_them(paper, seeds_around):
    found = STUDY.papers
    assert len(STUDY.statements) == 4 and {s.claim for s in STUDY.statements} == {4}
    assert all(s.holds(found[s.estimate].item()) for s in STUDY.statements)
    run = findings(seeds_around(paper, 0.001))
    assert {verdict for _, verdict in run.verdicts().values()} == {SUPPORTED}
    assert STUDY.texts(run)["cifar100.weighed"].endswith(", so here the classes weigh more.")


def test_where_classes_are_alike_and_transformations_matter_the_order_turns(paper, seeds_around):
    level = paper["transforms"].map(dict(zip(TRANSFORMS, (0.9, 0.4), strict=True)))
    run = findings(seeds_around(paper.assign(value=level), 0.001))
    verdicts = {s.estimate: verdict for s, (_, verdict) in run.verdicts().items()}
    assert verdicts["gap.cifar10.probe.class_relationship.1"] == SUPPORTED
    assert verdicts["gap-range.cifar10.probe.class_relationship.matched"] == NOT_SUPPORTED
    assert STUDY.texts(run)["cifar10.weighed"].endswith(", so here the transformations weigh more.")
    ten = findings(paper[paper["setting"] == "cifar10"].assign(seed=0))
    assert STUDY.texts(ten)["cifar100.weighed"] == "there is no result at this size."
    assert STUDY.texts(ten)["cifar100.lie"].startswith("there are no results at this size")


@pytest.mark.parametrize(("value", "said"), [(0.25, "So near to guessing"), (0.7, "That leaves room")])
def test_the_text_says_whether_the_accuracies_leave_room(paper, value, said):
    run = findings(paper.assign(value=value, seed=0))
    assert STUDY.texts(run)["cifar10.lie"].partition("; guessing gives 0.20. ")[2].startswith(said)


def test_shares_stand_beside_the_same_shares_and_a_hidden_mark_has_no_paper_value(paper, seeds_around):
    run = findings(seeds_around(paper), "night")
    ten = run.show("levels10").data
    assert all(f"<td>{share} %</td>" in ten for share in (1, 5, 10, 50, 100))
    rows = run.show("levels100").data
    assert "(–)" in rows and "0.8" in rows
