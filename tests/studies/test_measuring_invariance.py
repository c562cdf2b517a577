"""Three models on one target: what is measured, and by which model."""

import pytest

from invariance.studies import invariances_or_classes
from invariance.studies import measuring_invariance as study
from invariance.studies.tasks import SETS, task

TINY = study.STUDY.at("smoke")


def test_matched_models_saw_the_targets_transformations_and_no_class_of_it():
    for target in SETS:
        chosen = task(TINY, 0)
        matched, mismatched = (study.model(TINY, 0, kind, target) for kind in ("matched", "mismatched"))
        assert matched.data.transforms == chosen.transforms[target]
        assert not set(mismatched.data.transforms) & set(chosen.transforms[target])
        assert not set(matched.data.classes) & set(chosen.classes["same"])
        assert study.model(TINY, 0, "untrained", target).epochs == 0


def test_its_models_are_those_of_the_class_relationship():

    others = {
        unit.pretraining.digest for _, unit in invariances_or_classes.design(invariances_or_classes.SIZES["quick"])
    }
    own = [unit.pretraining for _, unit in study.design(study.SIZES["quick"])]
    assert {unit.digest for unit in own if unit.epochs} <= others


def test_it_runs_at_smoke_and_every_effect_has_a_value(smoke):
    found = smoke("measuring_invariance")
    assert all(one.n == 2 for one in found.estimates.values())
    rows = found.table[(found.table["exchanged"] == "") & (found.table["measure"] != "cka")]
    assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
    by_hand = found["sensitivity_l2.mismatched"].value - found["sensitivity_l2.matched"].value
    assert found["advantage"].value == pytest.approx(by_hand)


def test_the_step_by_step_measurement_is_the_units(smoke):
    found = smoke("measuring_invariance")
    by_hand = study.by_hand(found.sizes, 0, "geometric", "cpu")
    rows = found.table[(found.table["target"] == "first") & (found.table["seed"] == 0)]
    name = study.one_category(found.sizes, 0, "geometric")
    for kind, shown in study.NAMES.items():
        (value,) = rows[
            (rows["kind"] == kind) & (rows["transformation"] == name) & (rows["measure"] == "sensitivity_l2")
        ]["value"]
        assert by_hand[shown].value == pytest.approx(value, abs=1e-6)


def test_figures_and_tables(smoke):
    found = smoke("measuring_invariance")
    for name in study.STUDY.figures:
        assert found.figure(name).axes
    assert len(study.distances(study.by_hand(found.sizes, 0, "corruption", "cpu")).axes) == 3
    assert f"{found['cka.matched']}" in found.show("measures").data.replace("\u00a0", " ")
