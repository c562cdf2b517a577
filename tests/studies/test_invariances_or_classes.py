"""The class relationship: target tasks, the design at each budget, effects, figures."""

import pytest

from invariance import statistics
from invariance.studies.invariances_or_classes import STUDY, design, effects
from invariance.studies.study import Findings
from invariance.studies.tasks import CIFAR10, CIFAR100, CLASSES, T2D, task
from invariance.transforms import CATEGORIES, TRANSFORMATIONS
from invariance.units import Outcome

TINY = STUDY.at("smoke")


@pytest.mark.parametrize("setting", [T2D, CIFAR10, CIFAR100])
@pytest.mark.parametrize("seed", range(4))
def test_a_seeds_task_is_as_the_paper_says(seed, setting):
    found = task(TINY, seed, setting)
    for names in found.transforms.values():
        assert [TRANSFORMATIONS[name].category for name in names] == list(CATEGORIES)
    assert not set(found.transforms["first"]) & set(found.transforms["second"])
    subset, disjoint, same, superset = (set(found.classes[name]) for name in CLASSES)
    assert [len(c) for c in (subset, disjoint, same, superset)] == [
        setting.subset,
        setting.target,
        setting.target,
        setting.superset,
    ]
    assert subset < same < superset and disjoint < superset and not disjoint & same


def test_six_seeds_in_a_row_have_every_transformation_as_target_once():
    targets = [task(TINY, seed).transforms["first"] for seed in range(12)]
    for block in (targets[:6], targets[6:]):
        assert sorted(name for names in block for name in names) == sorted(TRANSFORMATIONS)
    assert targets[:6] != targets[6:]


def test_seeds_give_different_tasks_and_a_seed_always_the_same():
    assert task(TINY, 1) == task(TINY, 1)
    assert len({task(TINY, seed).classes["same"] for seed in range(8)}) == 8


def test_the_paper_budget_is_the_papers_protocol():
    sizes = STUDY.at("paper", pictures="embedded")
    assert sizes.seeds == 10
    planned = [unit for _, unit in design(sizes.model_copy(update={"seeds": 1}))]
    assert len(planned) == 8
    trained = [unit.pretraining for unit in planned]
    assert {(u.samples, u.validation_samples, u.epochs, u.batch_size, u.learning_rate) for u in trained} == {
        (50_000, 10_000, 50, 512, 1e-3)
    }
    assert {u.schedule for u in trained} == {"constant"}
    assert {(u.samples, u.test_samples, u.probe_epochs, u.probe_method) for u in planned} == {
        ((50_000,), 10_000, 200, "adam")
    }


def test_it_runs_at_smoke_and_every_effect_has_a_value(smoke):
    found = smoke("invariances_or_classes")
    assert set(found.table["seed"]) == {0, 1} and found.table["value"].between(0, 1).all()
    assert all(one.n == 2 for one in found.estimates.values())


def test_values_around_the_papers_give_the_papers_effects(seeds_around):
    theirs = STUDY.paper
    found = statistics.estimates(effects(seeds_around(theirs, 0.002)), STUDY.papers)
    for name, one in found.items():
        assert one.value == pytest.approx(one.paper, abs=0.01), name
    assert found["gap.disjoint"].paper == pytest.approx(0.983 - 0.862)
    assert found["range.matched"].paper == pytest.approx(1.0 - 0.953)


def test_figures_and_tables_show_this_run_and_the_paper(smoke):
    found = smoke("invariances_or_classes")
    for name in STUDY.figures:
        assert found.figure(name).axes
    labels = [text.get_text() for text in found.figure("levels").legends[0].get_texts()]
    assert "matched transformations" in labels and "matched transformations, paper" in labels
    shown = found.show("comparison").data
    assert f"{found['accuracy.matched.same']:.3f}" in shown and "(1.000)" in shown


def test_prose_can_name_estimates_sizes_and_what_was_drawn(smoke):
    numbers = smoke("invariances_or_classes").numbers()
    assert numbers["gap"] == str(smoke("invariances_or_classes")["gap"])
    assert numbers["paper.samples"] == "50,000" and numbers["sizes.seeds"] == "2"
    assert numbers["rising.paper"] == "subset, disjoint, same, superset"
    assert numbers["run"].startswith("budget smoke, protocol corrected, 2 seeds, ")


def test_matched_means_probed_on_what_was_pretrained_on(smoke):
    found = smoke("invariances_or_classes")
    rows = found.table[(found.table["split"] == "test") & (found.table["classes"] == "same")]
    own = rows[rows["pretrained_on"] == rows["probed_on"]]
    assert found["accuracy.matched.same"].value == pytest.approx(own["value"].mean())


def test_an_empty_run_is_no_finding():
    empty = Findings(STUDY, TINY, design(TINY), {}, Outcome())
    assert empty.missing == len({unit.digest for _, unit in empty.design})
