import numpy as np
import pandas as pd
import pytest

from invariance import statistics
from invariance.datasets import TASKS
from invariance.studies import when_invariance_harms as harms
from invariance.studies.statements import NOT_SUPPORTED, SUPPORTED
from invariance.studies.study import Findings
from invariance.studies.when_invariance_harms import STUDY
from invariance.units import Probes, Sensitivity, record
from invariance.units.run import Outcome


def findings(table, budget="quick"):
    found = Findings(STUDY, STUDY.sizes[budget], [], {}, Outcome())
    found.__dict__["table"] = table
    return found


def sweep_rows(correlation=(0, 0.8, 1), availability=(0, 1)):
    rows = [
        {
            "measure": measure,
            "setting": sweep,
            "level": level,
            "pretraining": "cifar_mixed",
            "part": part,
            "value": value,
        }
        for sweep, levels in (("correlation", correlation), ("availability", availability))
        for level in levels
        for measure, part, value in (
            ("accuracy", "cifar_mixed", 0.6 - 0.3 * level),
            ("accuracy", "objects_mixed", 0.9 * level),
            ("sensitivity", "image", 1 - 0.5 * level),
            ("sensitivity", "object", 0.1 + 0.8 * level),
        )
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def around_paper(seeds_around):
    return seeds_around(pd.concat([STUDY.paper, sweep_rows()], ignore_index=True), 0.001)


def test_the_design_at_the_papers_size_is_the_papers_protocol():
    units = [unit for _, unit in harms.design(STUDY.at("paper", seeds=1))]
    trained = {unit.pretraining.digest: unit.pretraining for unit in units}.values()
    # Two positions of four tasks, eight further correlations, four further shares: at 0 and 1 sweeps meet the tasks.
    assert len(trained) == 2 * 4 + 8 + 4
    assert {(p.epochs, p.samples, p.validation_samples, p.batch_size) for p in trained} == {(200, 45_000, 5_000, 512)}
    assert {p.data.correlation for p in trained} == {0, 0.2, 0.4, 0.6, 0.8, 0.85, 0.9, 0.95, 1}
    assert {p.data.availability for p in trained} == {0.2, 0.4, 0.6, 0.8, 1}
    probes = [unit for unit in units if isinstance(unit, Probes)]
    assert {(p.probe_epochs, p.samples, tuple(p.targets)) for p in probes} == {(100, (45_000,), TASKS)}
    assert {(p.pretraining.data.translate, p.redraws) for p in probes} == {(True, 10), (False, 10)}
    assert {unit.pairs for unit in units if isinstance(unit, Sensitivity)} == {10_000}


def test_targets_have_the_objects_and_the_position_of_the_pretraining_but_never_its_correlation():
    for columns, unit in harms.design(STUDY.at("smoke", seeds=2)):
        for target in getattr(unit, "targets", getattr(unit, "data", {})).values():
            assert target.objects == unit.pretraining.data.objects
            assert target.translate == unit.pretraining.data.translate == (columns["setting"] == "translated")
            assert (target.correlation, target.availability) == (0, 1)


def test_a_smoke_run_has_a_value_for_every_effect(smoke):
    found = smoke("when_invariance_harms")
    assert not found.outcome and not found.missing
    effects = STUDY.effects(found.table)
    names = set(STUDY.effects(pd.concat([STUDY.paper, sweep_rows((0, 1), (0, 1))])))
    assert names <= set(effects)
    assert all(len(values.dropna()) == 2 for name, values in effects.items() if not name.startswith("correlation"))
    assert (
        found["accuracy.availability.objects_mixed.0"].value == found["accuracy.fixed.cifar_only.objects_mixed"].value
    )
    assert found["sensitivity.correlation.object.0"].value == found["sensitivity.fixed.cifar_mixed.object"].value
    assert "–" not in found.numbers()["harm.object.value"]


def test_effects_of_the_papers_table_are_the_papers_numbers():
    papers = {name: values.item() for name, values in STUDY.papers.items()}
    assert papers["accuracy.fixed.objects_mixed.cifar_mixed"] == 0.24
    assert papers["accuracy.translated.cifar_mixed.objects_mixed"] == 0.15
    assert papers["sensitivity.fixed.objects_mixed.image"] == 0.112
    assert papers["harm.object"] == pytest.approx(0.53 - 0.80)
    assert papers["ignored.image"] == pytest.approx(0.112 - 0.981)
    computed = STUDY.effects(STUDY.paper)
    for position, printed in (("fixed", (0.681, 0.786)), ("translated", (0.683, 0.940))):
        names = [f"correlation.{position}.{part}" for part in ("image", "object")]
        assert [papers[name] for name in names] == list(printed)
        assert [computed[name].item() for name in names] == pytest.approx(printed, abs=0.01)


def test_the_papers_own_values_support_every_statement(around_paper):
    found = findings(around_paper)
    assert len(STUDY.statements) == 6
    for statement, (estimate, verdict) in found.verdicts().items():
        assert statement.claim == 5 and statement.holds(estimate.paper), statement.text
        assert estimate.n == 4 and verdict == SUPPORTED, statement.text
    assert found.numbers()["harm.object.verdict"] == SUPPORTED


def test_models_that_swap_their_roles_support_nothing(around_paper):
    swapped = {"cifar_mixed": "cifar_only", "objects_mixed": "objects_only"}
    swapped |= {new: old for old, new in swapped.items()}
    main = around_paper[around_paper["level"].isna()]
    found = findings(main.assign(pretraining=main["pretraining"].map(swapped)))
    verdicts = {statement.estimate: verdict for statement, (_, verdict) in found.verdicts().items()}
    assert {verdicts[f"{name}.{part}"] for name in ("ignored", "harm") for part in harms.PARTS} == {NOT_SUPPORTED}


def test_seeds_that_lack_a_row_are_left_out_of_what_needs_it(around_paper):
    gone = (around_paper["seed"] == 1) & (around_paper["pretraining"] == "cifar_only")
    found = findings(around_paper[~gone])
    assert found["harm.object"].n == 3 and found["harm.image"].n == 4
    assert found["correlation.fixed.object"].n == 4  # over the three models that are left
    for state in range(3):
        few = findings(around_paper.sample(frac=0.05, random_state=state))
        assert all((estimate.n > 0) == (not np.isnan(estimate.value)) for estimate in few.estimates.values())


def test_a_sweeps_changes_are_paired_with_its_lowest_level(around_paper):
    found = findings(around_paper)
    assert found["change.correlation.object.0"].value == 0
    assert found["change.correlation.object.0.8"].value == pytest.approx(0.64, abs=0.01)
    text = found.numbers()["correlation"]
    assert "sensitivity to the object is 0.10 at 0, 0.74 at 0.8, 0.90 at 1." in text
    assert text.count("from 0.8 on it is clear in every comparison.") == 2
    flat = around_paper.assign(value=around_paper["value"].where(around_paper["level"].isna(), 0.5))
    assert "at the end the change may be chance." in findings(flat).numbers()["correlation"]


@pytest.mark.parametrize("kind", ["Sensitivity", "Probes"])
def test_a_record_that_another_study_began_is_no_whole_one(smoke, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    found = smoke("when_invariance_harms")
    digest = next(unit.digest for _, unit in found.design if type(unit).__name__ == kind)
    record.merge([found.runs[digest]], "smoke")
    assert len(STUDY.published("smoke").table) > 0 and STUDY.largest(["smoke"]) is None


def test_what_a_budget_leaves_out_is_said(around_paper):
    main = around_paper[around_paper["setting"] == "fixed"]
    found = findings(main)
    numbers = found.numbers()
    assert [numbers[name] for name in ("translated", "correlation", "availability")] == [harms.NOT_RUN] * 3
    assert set(findings(around_paper).numbers()) >= set(numbers)
    (axis,) = found.figure("sweeps").axes
    assert [text.get_text() for text in axis.texts] == ["not run at this size"]
    assert found.show("translated").data == "" and "; 0.89</td>" in findings(around_paper).show("translated").data


def test_the_map_has_pretrainings_in_rows_and_targets_in_columns(around_paper):
    axis = findings(around_paper).figure("accuracy").axes[0]
    values = np.asarray(axis.images[0].get_array()).reshape(4, 4)
    assert values[TASKS.index("objects_mixed"), TASKS.index("cifar_only")] == pytest.approx(0.31, abs=0.005)
    assert axis.get_yticklabels()[2].get_text() == "both,\nlabel: object"
    assert "\npaper 0.31" in axis.texts[8].get_text()


def test_a_sweep_shows_sensitivities_above_one(around_paper):
    high = (around_paper["setting"] == "correlation") & (around_paper["part"] == "object")
    table = around_paper.assign(value=around_paper["value"].where(~high, around_paper["value"] * 1.5))
    axis = findings(table).figure("sweeps").axes[0]
    assert axis.get_ylim()[1] > table["value"].max()


def test_every_figure_and_table_is_drawn_in_whatever_order_the_rows_are(around_paper):
    found, other = findings(around_paper), findings(around_paper.sample(frac=1, random_state=0))
    assert found.show("translated").data == other.show("translated").data
    for name, one in found.estimates.items():
        assert statistics.fixed(one.value, 9) == statistics.fixed(other[name].value, 9)
    lines = [one.figure("sensitivity").axes[0].lines for one in (found, other)]
    assert len(lines[0]) == len(lines[1]) > 4


def test_the_example_images_differ_in_the_part_that_is_exchanged():
    sheet = findings(STUDY.paper.assign(seed=0), "smoke").figure("images").axes[0].images[0].get_array()
    step = round(32 * 1.08)
    rows = [sheet[k * step : k * step + 32, :, :3].astype(int) for k in range(6)]
    both, other_image, other_object = (row[:, :32] for row in rows[2:5])
    assert (both[16:, :16] == other_object[16:, :16]).all() and (both != other_object).any()
    assert (both[16:, :16] != other_image[16:, :16]).any()
    assert (rows[0][16:] == rows[2][16:]).all()  # the image is that of the task that shows it alone
