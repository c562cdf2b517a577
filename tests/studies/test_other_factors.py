"""Experiment A beyond chapter 3: its design, effects, statements and what the chapter shows."""

import numpy as np
import pandas as pd
import pytest

from invariance.studies import invariances_or_classes, other_factors
from invariance.studies.other_factors import STUDY
from invariance.studies.statements import NOT_RUN, NOT_SUPPORTED, SUPPORTED, SYMBOLS
from invariance.studies.study import Findings
from invariance.studies.tasks import CIFAR10, CIFAR100, CLASSES, T2D, TRANSFORMS, task
from invariance.transforms import CATEGORIES, TRANSFORMATIONS
from invariance.units import FineTuning, Pretraining, Probes
from invariance.units.run import Outcome


def findings(table, budget="quick"):
    """Findings with a made table, as if a run had given it."""
    found = Findings(STUDY, STUDY.at(budget), [], {}, Outcome())
    found.__dict__["table"] = table
    return found


@pytest.fixture(scope="module")
def paper():
    return STUDY.paper.dropna(subset="value")


@pytest.fixture
def smoke():
    return STUDY.find(STUDY.at("smoke"), "cpu", "own")


# --- the design ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [T2D, CIFAR10, CIFAR100], ids=lambda setting: setting.name)
def test_a_seeds_task_is_as_the_paper_says(setting):
    for seed in range(3):
        chosen = task(STUDY.at("smoke"), seed, setting)
        for names in chosen.transforms.values():
            assert [TRANSFORMATIONS[name].category for name in names] == list(CATEGORIES)
        assert not set(chosen.transforms["first"]) & set(chosen.transforms["second"])
        subset, disjoint, same, superset = (set(chosen.classes[name]) for name in CLASSES)
        counts = [len(classes) for classes in (subset, disjoint, same, superset)]
        assert counts == [setting.subset, setting.target, setting.target, setting.superset]
        assert subset < same < superset and disjoint < superset and not disjoint & same


def test_the_paper_budget_is_the_papers_protocol():
    sizes = STUDY.at("paper", seeds=1)
    assert STUDY.sizes["paper"].seeds == 10
    found = {unit.digest: unit for _, unit in STUDY.design(sizes)}.values()
    transferred = [unit for unit in found if not isinstance(unit, Pretraining)]
    trained = {unit.pretraining.digest: unit.pretraining for unit in transferred}.values()
    # 4 class relationships, 4 further networks, 4 further numbers of images, each with two sets of transformations.
    assert len(trained) == 2 * (4 + 4 + 4)
    assert {(unit.epochs, unit.batch_size) for unit in trained} == {(50, 512)}
    assert {unit.samples for unit in trained} == {1_000, 10_000, 50_000, 100_000, 500_000}
    tuned = [unit for unit in transferred if isinstance(unit, FineTuning)]
    assert {unit.samples for unit in tuned} == {50, 200, 500, 2_000, 5_000}
    assert {unit.tuning_epochs for unit in tuned} == {50}
    assert {unit.learning_rate for unit in tuned} == {1e-5, 1e-4, 1e-3, 1e-2, 1e-1}
    probes = [unit for unit in transferred if isinstance(unit, Probes)]
    assert {unit.samples for unit in probes} == {(50_000,), (50, 200, 500, 2_000, 5_000)}


@pytest.mark.parametrize("budget", ["smoke", "quick", "night", "paper"])
def test_the_probes_of_the_class_relationship_are_those_of_chapter_three(budget):
    theirs = invariances_or_classes.design(invariances_or_classes.STUDY.at(budget, seeds=1))
    ours = STUDY.design(STUDY.at(budget, seeds=1))
    assert {unit.digest for _, unit in theirs} <= {unit.digest for _, unit in ours}


def test_few_images_are_seen_more_often_and_the_default_as_often_as_elsewhere():
    sizes = STUDY.at("quick", seeds=1)
    trained = {unit.pretraining.samples: unit.pretraining for _, unit in STUDY.design(sizes)}
    assert {count: unit.epochs for count, unit in trained.items()} == {200: 30, 2_000: 3, 10_000: sizes.epochs}


def test_one_model_everywhere_leaves_one_architecture():
    sizes = STUDY.at("night", model="small_vit", few=50)
    names = [level.level for level in other_factors.factors.levels(sizes, T2D) if level.factor == "architecture"]
    assert names == ["small_vit"] and sizes.few == 50


# --- a small run -----------------------------------------------------------------------------------------------


def test_at_smoke_every_effect_has_a_value_and_everything_is_shown(smoke):
    table = smoke.table
    keys = ["factor", "place", "pretrained_on", "probed_on", "transfer", "split", "seed"]
    assert not table.duplicated(keys).any() and set(table["seed"]) == {0, 1}
    assert table["value"].between(0, 1).all()
    assert set(table.loc[table["transfer"] == "probe", "probed_on"]) == {"first", "second"}
    assert set(table.loc[table["transfer"] != "probe", "probed_on"]) == {"first"}
    varied = table[(table["factor"] == "finetuning_samples") & (table["split"] == "test")]
    assert (varied["samples"].astype(str) == varied["level"]).all() and set(varied["samples"]) == {16, 32}
    assert all(one.n == 2 for one in smoke.estimates.values())
    for name in STUDY.figures:
        assert smoke.figure(name).axes
    assert all("<td>" in smoke.show(name).data for name in STUDY.tables)
    assert "nan" not in " ".join(smoke.numbers().values())


# --- effects ---------------------------------------------------------------------------------------------------


def test_the_papers_table_gives_the_papers_own_numbers(paper):
    assert len(paper) == 3 * 28 + 2 * 10  # three factors by three transfers, the images for transfer by two
    found = {name: values.item() for name, values in STUDY.papers.items() if len(values)}  # it gives no rates
    matched, mismatched = [0.984, 0.989, 0.975, 0.966, 0.976], [0.87, 0.899, 0.834, 0.832, 0.835]
    assert found["gap.probe.architecture"] == pytest.approx(np.mean(matched) - np.mean(mismatched))
    assert found["range.probe.architecture.matched"] == pytest.approx(0.989 - 0.966)
    assert found["gap-range.probe.pretraining_samples.mismatched"] == pytest.approx(0.1468 - (0.838 - 0.809))
    assert found["accuracy.tuned.finetuning_samples.0.mismatched"] == 0.45
    assert found["narrowing.more-probing"] == pytest.approx((0.82 - 0.449) - (1 - 0.823))
    assert found["narrowing.tuning"] == pytest.approx((4.82 - 3.368) / 5 - (4.803 - 4.007) / 5)


def test_fine_tuning_is_compared_with_the_probe_in_its_own_direction():
    rows = [
        {"factor": "finetuning_samples", "place": place, "pretrained_on": used, "probed_on": on, "split": "test"}
        | {"transfer": transfer, "seed": seed, "value": 0.9 if used == on else 0.9 - gap}
        for transfer, on, gap in (("probe", "first", 0.4), ("probe", "second", 0.0), ("tuned", "first", 0.3))
        for place in range(3)
        for used in ("first", "second")
        for seed in range(2)
    ]
    found = STUDY.effects(pd.DataFrame(rows))
    assert found["narrowing.tuning"].tolist() == pytest.approx([0.1, 0.1])
    assert found["gap.probe.finetuning_samples"].tolist() == pytest.approx([0.2, 0.2])


def rates(matched, mismatched):
    """Accuracies by learning rate, each as (on validation images, on test images)."""
    return pd.DataFrame(
        [
            {"factor": "learning_rate", "place": place, "pretrained_on": used, "probed_on": "first"}
            | {"transfer": "few", "split": split, "seed": seed, "value": value}
            for used, values in (("first", matched), ("second", mismatched))
            for place, both in enumerate(values)
            for split, value in zip(("validation", "test"), both, strict=True)
            for seed in range(2)
        ]
    )


def test_each_kind_of_pretraining_gets_the_rate_that_is_best_on_validation_images():
    table = rates([(0.9, 0.8), (0.7, 0.95)], [(0.5, 0.6), (0.6, 0.55)])
    assert other_factors.best_rates(table) == {"matched": 0, "mismatched": 1}
    assert STUDY.effects(table)["gap.best-rates"].tolist() == pytest.approx([0.25, 0.25])


# --- statements ------------------------------------------------------------------------------------------------


def test_the_paper_meets_all_ten_statements(paper):
    found = STUDY.papers
    assert len(STUDY.statements) == 10 and {s.claim for s in STUDY.statements} == {1, 2, 3}
    assert all(s.holds(found[s.estimate].item()) for s in STUDY.statements)


def test_tight_seeds_around_the_paper_support_every_statement_and_swapped_ones_do_not(paper, seeds_around):
    run = findings(seeds_around(paper, 0.001))
    assert {verdict for _, verdict in run.verdicts().values()} == {SUPPORTED}
    assert run.numbers()["decided"] == "This run decides 10 of the 10 statements and leaves 0 open."
    swapped = paper.assign(transforms=paper["transforms"].map(dict(zip(TRANSFORMS, TRANSFORMS[::-1], strict=True))))
    verdicts = {s.estimate: v for s, (_, v) in findings(seeds_around(swapped, 0.001)).verdicts().items()}
    assert verdicts["gap.few.class_relationship"] == verdicts["narrowing.more-tuning"] == NOT_SUPPORTED
    assert verdicts["accuracy.most.mismatched"] == NOT_SUPPORTED


def test_a_factor_with_one_level_has_no_range_to_compare_with(paper, seeds_around):
    one = paper[(paper["factor"] != "architecture") | (paper["level"] == "resnet18")]
    run = findings(seeds_around(one, 0.001))
    verdicts = {s.estimate: verdict for s, (_, verdict) in run.verdicts().items()}
    assert [verdicts[f"gap-range.probe.architecture.{kind}"] for kind in TRANSFORMS] == [NOT_RUN, NOT_RUN]
    assert verdicts["gap-range.probe.pretraining_samples.matched"] == SUPPORTED
    assert "decides 8" in run.numbers()["decided"]
    assert [label.get_text() for label in run.figure("bars").axes[0].get_yticklabels()] == ["pretraining\nimages"]


def test_tables_with_missing_rows_give_fewer_seeds_and_never_fail(paper, seeds_around):
    table = seeds_around(paper)
    for state in range(3):
        for share in (0.02, 0.5):
            run = findings(table.sample(frac=share, random_state=state))
            assert {verdict for _, verdict in run.verdicts().values()} <= set(SYMBOLS)


# --- what the chapter shows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("matched", "said"), [(0.81, "do not reach it either"), (0.99, "do reach it")])
def test_the_text_says_whether_missing_the_mark_means_something(paper, matched, said):
    last = (paper["factor"] == "finetuning_samples") & (paper["place"] == 4) & (paper["transforms"] == "matched")
    run = findings(paper.assign(value=paper["value"].mask(last, matched), seed=0))
    assert said in STUDY.texts(run)["care"]


def test_levels_stand_beside_the_papers_and_name_its_number_where_it_is_another(paper, seeds_around):
    run = findings(seeds_around(paper[paper["place"] < 4], 0.001))
    text = run.show("probe_levels").data
    assert "<td>200 (1,000)</td>" in text and "<td>50</td>" in text and "(0.820)" in text
