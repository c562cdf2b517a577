"""Plans: fixed before the first result, and named by every one."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from invariance import studies
from invariance.errors import InputError
from invariance.studies import plan
from invariance.units import record

ROOT = Path(__file__).parents[2]
STUDY = studies.get("invariances_or_classes")


@pytest.mark.parametrize("budget", plan.BUDGETS)
def test_the_studies_are_as_their_plan_says(budget):
    assert plan.named(STUDY, STUDY.at(budget), {"a": {}}) == {"a": {"plan": record.plan_digest(budget)}}


def test_results_of_other_sizes_and_the_curves_name_no_plan():
    curves = studies.get("learning_curves")
    assert plan.named(STUDY, STUDY.at("night", seeds=3), {"a": {}}) == {"a": {}}
    assert plan.named(curves, curves.at("night"), {"a": {}}) == {"a": {}}


def test_a_study_that_differs_from_its_plan_does_not_run_and_a_plan_with_results_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    file = plan.write("night")
    assert file.read_text().startswith("budget: night") and plan.write("night") == file
    file.write_text(file.read_text().replace("threshold: 0.05", "threshold: 0.01"))
    with pytest.raises(InputError, match=r"invariances_or_classes differs from its plan, .*night\.plan\.yaml"):
        plan.named(STUDY, STUDY.at("night"), {})
    later = replace(STUDY, name="added_later")
    assert plan.named(later, STUDY.at("night"), {"a": {}}) == {"a": {}}
    record.path("night").write_bytes((ROOT / "book" / "results" / "night.jsonl").read_bytes())
    with pytest.raises(InputError, match="results of another plan"):
        plan.write("night")


def test_the_plan_was_committed_before_the_results_that_name_it():
    known = {(run["plan"], run["facts"]["code"]) for run in record.read(record.path("night")).values() if "plan" in run}
    assert known and {digest for digest, _ in known} == {record.plan_digest("night")}
    for digest, commit in known:
        shown = ["git", "-C", str(ROOT), "show", f"{commit}:book/results/night.plan.yaml"]
        found = subprocess.run(shown, capture_output=True, check=False)
        if b"fatal: not a git repository" in found.stderr or b"fatal: invalid object name" in found.stderr:
            pytest.skip("the history of the repository is not here")
        assert hashlib.sha256(found.stdout).hexdigest().startswith(digest)
