"""The machinery of studies: sizes, findings, statements."""

import math

import pytest

from invariance import studies
from invariance.errors import InputError
from invariance.statistics import NOTHING, Estimate
from invariance.studies.sizes import BUDGETS
from invariance.studies.statements import Statement
from invariance.units import Outcome, record

STUDY = studies.get("invariances_or_classes")


def test_a_budget_with_changes():
    sizes = STUDY.at("quick", 7, "small_vit", epochs=9)
    assert (sizes.seeds, sizes.epochs, sizes.model) == (7, 9, "small_vit")
    assert STUDY.at("quick", 0, "", epochs=None) == STUDY.sizes["quick"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("quik",), "Unknown budget 'quik'. Did you mean 'quick'?"),
        (("quick", 0, "smal"), "Unknown model 'smal'"),
        (("quick", -1), "seeds"),
        (("quick", 100_000_000), "seeds"),
    ],
)
def test_a_mistake_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        STUDY.at(*arguments)


def test_unknown_studies_and_ways_to_show_are_named():
    with pytest.raises(InputError, match="Did you mean 'mismatch'"):
        studies.get("mismatches")
    with pytest.raises(InputError, match="Unknown value of show"):
        STUDY.find(STUDY.at("smoke"), "cpu", "published first")


def test_every_budget_is_larger_than_the_one_before():
    for study in studies.all_studies():
        images = [sizes.samples * sizes.epochs * sizes.seeds for sizes in study.sizes.values()]
        assert list(study.sizes) == list(BUDGETS) and images == sorted(images), study.name


def test_chapters_read_their_own_study_and_the_ledger_all():
    names = [study.name for study in studies.read_by(["02_measuring_invariance", "11_deviations"])]
    assert names == ["measuring_invariance"]
    assert [study.name for study in studies.read_by(["10_claims"])] == list(studies.NAMES)
    assert [study.name for study in studies.read_by(["00_intro"])] == ["invariances_or_classes"]


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [
        ("above", 0.06, 0.2, "supported"),
        ("above", 0.01, 0.04, "not supported"),
        ("above", 0.01, 0.2, "undecided: interval includes the threshold"),
        ("below", 0.01, 0.04, "supported"),
        ("below", 0.06, 0.2, "not supported"),
    ],
)
def test_a_verdict_is_about_the_whole_interval(direction, low, high, verdict):
    statement = Statement(1, "text", "name", "quantity", direction, 0.05)
    assert statement.verdict(Estimate((low + high) / 2, low, high, 3)) == verdict


def test_without_an_interval_there_is_no_verdict():
    statement = Statement(1, "text", "name", "quantity")
    assert statement.verdict(Estimate(1.0, n=1)) == "undecided: one seed gives no interval"
    assert statement.verdict(NOTHING) == "not run"


def test_every_statement_has_an_estimate_and_a_value_of_the_paper():
    for study in studies.all_studies():
        theirs = study.papers
        for statement in study.statements:
            assert statement.estimate in theirs, (study.name, statement.text)
            assert not math.isnan(theirs[statement.estimate].mean()), statement.text


def test_there_are_the_33_statements_on_the_seven_claims():
    claims = [statement.claim for study in studies.all_studies() for statement in study.statements]
    assert len(claims) == 33 and set(claims) == set(range(1, 8))


def test_a_table_lacks_only_what_failed(smoke):
    found = smoke("invariances_or_classes")
    digest = next(unit.digest for columns, unit in found.design if columns["classes"] == "subset")
    runs = {name: run for name, run in found.runs.items() if name != digest}
    left = type(found)(found.study, found.sizes, found.design, runs, Outcome({digest: "Probes: it failed"}))
    assert left.missing == 1 and "1 of 16 units missing" in left.caption()
    assert len(left.table) == len(found.table) - 8
    assert left["accuracy.matched.superset"] == found["accuracy.matched.superset"]
    with pytest.raises(InputError, match=r"(?s)Nothing of .* could be computed.*it failed"):
        _ = type(found)(found.study, found.sizes, found.design, {}, left.outcome).table


def test_the_record_gives_the_same_findings_without_running_anything(smoke, tmp_path, monkeypatch):
    found = smoke("invariances_or_classes")
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    with pytest.raises(InputError, match="Nothing of 'invariances_or_classes' is published"):
        STUDY.find(STUDY.at("smoke"), "cpu", "published")
    record.merge(found.runs.values(), "smoke")
    again = STUDY.published("smoke")
    assert again.table.equals(found.table) and again.missing == 0
    assert again.numbers() == found.numbers()
