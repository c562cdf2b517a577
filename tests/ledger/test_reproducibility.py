"""What the chapter on reproducibility measures, on cases whose answer is known."""

import re

import pandas as pd
import pytest
import torch

from invariance.errors import InputError
from invariance.ledger import reproducibility
from invariance.studies import mismatch
from invariance.studies.invariances_or_classes import STUDY
from invariance.studies.study import Findings
from invariance.units import Outcome

FACTS = {
    "hardware": "2 CPU cores",
    "instructions": "AVX2",
    "bfloat16": False,
    "python": "3.11.7",
    "packages": {"torch": "2.15.0", "numpy": "2.4.6"},
    "code": "abc123+",
}


def rows_of(page):
    """The rows of an HTML table as dicts of texts."""
    titles, *rows = ([*re.findall(r"<t[hd]>(.*?)</t[hd]>", row)] for row in re.findall(r"<tr.*?</tr>", page.data, re.S))
    return [dict(zip(titles, row, strict=True)) for row in rows]


def found(runs=None, table=None, budget="smoke"):
    findings = Findings(STUDY, STUDY.at(budget), [], runs or {}, Outcome())
    findings.__dict__["table"] = table if table is not None else pd.DataFrame({"seed": [0, 1], "value": [0.1, 0.2]})
    return findings


def test_the_same_seed_gives_identical_weights_and_another_does_not():
    first, again, other = (reproducibility.fitted(seed, samples=64, epochs=1) for seed in (3, 3, 4))
    assert reproducibility.largest_difference(first, again) == 0
    assert reproducibility.largest_difference(first, other) > 0.01


def test_one_device_agrees_with_itself():
    assert reproducibility.between("cpu", "cpu", images=16) == (0, 0)


def test_weights_are_compared_in_full_precision():
    small = {"w": torch.tensor([1.0])}
    other = {"w": torch.tensor([1.0 + 2**-23])}
    assert reproducibility.largest_difference(small, other) == pytest.approx(2**-23)


def test_the_spread_is_that_of_seeds_within_a_configuration():
    rows = [
        {"level": level, "seed": seed, "measure": "accuracy", "value": mean + sign * 0.01}
        for level, mean in (("low", 0.2), ("high", 0.9))
        for seed, sign in ((0, 1), (1, -1))
    ]
    (row,) = rows_of(reproducibility.spread([found(table=pd.DataFrame(rows))]))
    assert row["configurations"] == "2" and row["deviation"] == "0.014"  # 0.01 times the root of 2
    (one_seed,) = rows_of(reproducibility.spread([found(table=pd.DataFrame(rows[::2]))]))
    assert one_seed["deviation"] == "–"


def test_units_are_counted_by_the_facts_of_their_runs_and_shared_ones_once():
    newer = {**FACTS, "packages": {**FACTS["packages"], "torch": "2.16.0"}}
    runs = {
        "a": {"facts": FACTS, "seconds": 1.0},
        "b": {"facts": FACTS, "seconds": 2.0},
        "c": {"facts": newer, "seconds": 4.0},
    }
    first, second = rows_of(reproducibility.origins([found(runs), found({"a": runs["a"]})]))
    assert (first["torch"], first["units"], first["worker seconds"]) == ("2.15.0", "2", "3")
    assert (second["torch"], second["units"], second["code"]) == ("2.16.0", "1", "abc123+")


def test_operations_are_those_of_the_paper():
    assert reproducibility.forward_gflop("resnet18") == pytest.approx(1.11, abs=0.01)
    assert reproducibility.forward_gflop("vgg11") == pytest.approx(0.31, abs=0.01)


def test_hours_count_images_and_the_steps_of_heads():
    ((_, unit), *_) = STUDY.design(STUDY.at("paper", 1, tasks="dealt"))
    pretraining, rate = unit.needs(), 1000
    images = 50 * (3 * 50_000 + 10_000)
    assert reproducibility.gpu_seconds(pretraining, rate) == pytest.approx(images / 3 / rate)
    # Both targets have 30 classes, and so share their 98 steps an epoch.
    heads = 200 * 98 * reproducibility.HEAD_STEP
    assert reproducibility.gpu_seconds(unit, rate) == pytest.approx(2 * 70_000 / 3 / rate + heads)
    exact = unit.model_copy(update={"probe_method": "lbfgs"})
    assert reproducibility.gpu_seconds(exact, rate) == pytest.approx(2 * 70_000 / 3 / rate)


def test_small_networks_are_not_faster_than_resnet18_and_large_ones_are_slower():
    ((_, unit), *_) = STUDY.design(STUDY.at("paper", 1))
    seconds = {
        model: reproducibility.gpu_seconds(unit.needs().model_copy(update={"model": model}), 1000)
        for model in ("resnet18", "vgg11", "resnet50")
    }
    assert seconds["vgg11"] == seconds["resnet18"]
    assert seconds["resnet50"] == pytest.approx(seconds["resnet18"] * 2.60 / 1.11, rel=0.01)


def test_costs_have_a_row_a_study_and_need_a_rate():
    runs = {"a": {"facts": FACTS, "seconds": 12.0}}
    (row,) = rows_of(reproducibility.costs([found(runs)], 40_000))
    assert (row["worker seconds"], row["a seed"], row["paper, a seed: units"]) == ("12", "6", "18")
    with pytest.raises(InputError, match="must be above 0"):
        reproducibility.costs([found(runs)], 0)


def test_a_unit_computed_again_stands_beside_its_published_value():
    findings = mismatch.STUDY.own(mismatch.STUDY.at("smoke"), "cpu", workers=1)
    rows = reproducibility.computed_again(findings, choice=len(findings.design) + 2, device="cpu")
    assert len(rows) == 3 * 4  # targets and splits, of which one is all three together
    assert all(row["again"] == row["value"] for row in rows)
