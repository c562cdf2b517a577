"""The command line: what a reader sees and which exit code a script gets."""

import errno
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from invariance import __version__, book, units
from invariance.cli import app
from invariance.errors import InputError
from invariance.studies import plan
from invariance.studies.study import Study
from invariance.units import Outcome, record, store

ROOT = Path(__file__).parents[1]
study_at = Study.at


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_version_and_help():
    assert run("--version").output == f"invariance {__version__}\n"
    assert "publish" in run("--help").output


def test_choices_reach_the_studies_and_the_builder(monkeypatch):
    built, computed = [], []
    monkeypatch.setattr(book, "build", lambda *arguments: built.append(arguments))
    monkeypatch.setattr(units, "run", lambda wanted, device: computed.append((list(wanted), device)) or Outcome())
    done = run("book", "--root", str(ROOT), "--chapters", "1,03", "--budget", "smoke", "--device", "cpu")
    assert done.exit_code == 0, done.output
    ((root, chapters, parameters, _),) = built
    assert (root, chapters, parameters) == (
        ROOT,
        ["1", "03"],
        {"budget": "smoke", "protocol": "corrected", "device": "cpu"},
    )
    ((wanted, device),) = computed
    assert device == "cpu" and {unit.pretraining.samples for unit in wanted} == {256} and len(wanted) == 22


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "gpu"], "error: Unknown device 'gpu'."),
        (["--device", "cuda:99"], "error: No device 'cuda:99' here"),
        (["--root", "/nowhere"], "error: There is no book"),
        (["--chapters", "99"], "error: Unknown chapter '99'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message):
    done = run("book", *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 2, "error: The disk is full (/x)"),
        (InputError("two\nlines"), 2, "error: two lines\n"),
        (book.BookError("Chapter 01 failed\nValueError: no"), 1, "\nChapter 01 failed\nValueError: no\n"),
    ],
)
def test_failures_have_their_report_and_code(monkeypatch, error, code, message):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(book, "build", fail)
    done = run("book", "--root", str(ROOT), "--chapters", "01")
    assert done.exit_code == code and done.stderr.startswith(message)


def test_other_system_errors_are_not_hidden(monkeypatch):
    def fail(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(book, "build", fail)
    assert isinstance(run("book", "--root", str(ROOT), "--chapters", "01").exception, PermissionError)


def test_a_failed_unit_is_reported_and_the_chapters_are_built_all_the_same(monkeypatch):
    built = []
    monkeypatch.setattr(book, "build", lambda *arguments: built.append(arguments))
    monkeypatch.setattr(units, "run", lambda wanted, device: Outcome({"digest": "Probes:\nits reason"}))
    done = run("book", "--root", str(ROOT), "--chapters", "03", "--budget", "smoke")
    assert done.exit_code == 0 and built and "its reason" in done.stderr


def test_explore_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("explore", "--root", str(ROOT))
    assert done.exit_code == 2 and "pip install jupyterlab" in done.stderr


def test_a_study_runs_shows_its_status_and_is_cleaned(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "cache"))
    name, options = "measuring_invariance", ("--budget", "smoke", "--seeds", "1")
    before = run("status", name, *options)
    assert before.exit_code == 0 and f"{name} 14 0 14" in " ".join(before.output.split()), before.output
    carried = str(tmp_path / "carried.jsonl")
    here = ("--device", "cpu", "--workers", "1")
    done = run("run", name, *options, *here, "--out", str(tmp_path / "out"), "--export", carried)
    assert done.exit_code == 0, done.output
    assert "78 rows (budget smoke, protocol corrected, 1 seed" in done.output
    assert len(record.read(tmp_path / "out" / "smoke" / f"{name}.jsonl")) == 14
    assert (tmp_path / "out" / "smoke" / f"{name}.csv").read_text().count("\n") == 79
    assert f"{name} 14 14 0" in " ".join(run("status", name, *options).output.split())
    assert "Nothing to remove" in run("clean").output
    asked = run("clean", "--all")
    assert asked.exit_code == 1  # the question is not answered with yes
    assert f"{tmp_path / 'cache' / 'units' / 'Sensitivity'}: 12 files, " in asked.output, asked.output
    assert "Removed" in run("clean", "--all", "--yes").output
    assert not list((tmp_path / "cache").rglob("*.json"))
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path / "record"))
    merged = run("merge", carried)
    assert merged.exit_code == 0 and "14 of 14 results are new" in merged.output, merged.output
    again = run("run", name, *options, *here, "--out", str(tmp_path / "again"))
    assert "78 rows" in again.output and not list((tmp_path / "cache").rglob("*.json"))  # all is in the record


def test_a_plan_is_followed_and_its_results_are_added_to_the_record(tmp_path, monkeypatch, smoke):
    study = smoke("measuring_invariance").study
    monkeypatch.setattr(plan, "order", lambda budget: [(study.name, "corrected")])
    monkeypatch.setattr(type(study), "at", lambda self, budget, **how: study_at(self, "smoke", **how))
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path / "record"))
    pretrained = Outcome(stopped="10 minutes are over")
    with monkeypatch.context() as patch:
        patch.setattr(units, "run", lambda *given, **how: pretrained)
        patch.setattr(store, "read", lambda unit: None)
        cut = run("record", "night", "--device", "cpu", "--out", str(tmp_path / "out"))
    assert cut.exit_code == 0 and "10 minutes are over" in cut.output and "0 new results" in cut.output, cut.output
    told = run("record", "night", "--device", "cpu", "--minutes", "10", "--out", str(tmp_path / "out"))
    assert told.exit_code == 0, told.output
    kept = record.read(tmp_path / "record" / "night.jsonl")
    assert f"{len(kept)} new results in the record" in told.output and len(kept) >= 14
    assert record.read(tmp_path / "out" / "night" / f"{study.name}.jsonl") == kept
    again = run("record", "night", "--device", "cpu", "--out", str(tmp_path / "out"))
    assert "0 new results in the record" in again.output, again.output


def test_a_plan_is_followed_in_the_order_of_what_says_most():
    for budget, first in (("night", "corrected"), ("paper", "published")):
        parts = plan.order(budget)
        assert parts[0] == ("invariances_or_classes", first) and len(set(parts)) == len(parts)
        planned = yaml.safe_load(record.plan_file(budget).read_text())["studies"]
        assert {name for name, _ in parts} == {*planned, "training_length"}  # which came after the plans


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "mismatches"), "Unknown study 'mismatches'. Did you mean 'mismatch'?"),
        (("run", "mismatch", "--cluster", "slurm", "--cluster-option", "gpu"), "write NAME=VALUE"),
        (("run", "mismatch", "--device", "cuda:99"), "No device 'cuda:99' here"),
        (("run", "mismatch", "--seeds", "100000000"), "seeds"),
    ],
)
def test_mistakes_of_the_study_commands_are_named(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("arguments", [("--budget", "big"), ("--pictures", "photos")])
def test_a_word_that_is_no_choice_is_refused_with_the_choices(arguments):
    done = run("status", *arguments)
    assert done.exit_code == 2 and arguments[1] in done.stderr and "one of" in done.stderr


def test_a_cache_that_cannot_be_used_is_named_with_the_remedy(tmp_path, monkeypatch):
    def fail(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "cache" / "units"))

    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "removable", fail)
    done = run("clean")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: Cannot use the cache {tmp_path / 'cache'}") and done.stderr.count("\n") == 1
    assert "set INVARIANCE_CACHE" in done.stderr
