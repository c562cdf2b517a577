"""The command line: what a reader sees and which exit code a script gets."""

import errno
from pathlib import Path

import pytest
from typer.testing import CliRunner

from invariance import __version__, book, evidence, experiments, results
from invariance.cli import app
from invariance.errors import InputError
from invariance.experiments import cleaning


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_version_and_help():
    assert run("--version").output == f"invariance {__version__}\n"
    assert "publish" in run("--help").output


ROOT = Path(__file__).parents[1]


def test_choices_reach_the_experiments_and_the_builder(monkeypatch):
    seen, computed = [], []
    monkeypatch.setattr(book, "build", lambda *arguments: seen.append(arguments))
    monkeypatch.setattr(evidence, "prepare", lambda names, sizes, *rest: computed.append((*names, sizes.name, *rest)))
    done = run("book", "--root", str(ROOT), "--chapters", "1,03", "--profile", "smoke", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert seen == [(ROOT, ["1", "03"], "smoke", "cpu")]
    assert computed == [("class_relationship", "smoke", "cpu", "auto")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "smok"], "error: Unknown profile 'smok'. Did you mean 'smoke'?"),
        (["--device", "gpu"], "error: Unknown device 'gpu'."),
        (["--device", "cuda:99"], "error: No device 'cuda:99' here"),
        (["--root", "/nowhere"], "error: There is no _toc.yml in"),
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

    monkeypatch.setattr(book, "publish", fail)
    monkeypatch.setattr(experiments, "CHAPTERS", {})
    done = run("publish", "--root", str(ROOT))
    assert done.exit_code == code and done.stderr.startswith(message)


def test_other_system_errors_are_not_hidden(monkeypatch):
    def fail(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(experiments, "CHAPTERS", {})
    monkeypatch.setattr(book, "build", fail)
    assert isinstance(run("book").exception, PermissionError)


def test_explore_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("explore", "--root", str(tmp_path))
    assert done.exit_code == 2 and "pip install jupyterlab" in done.stderr


def test_an_experiment_runs_shows_its_status_and_is_cleaned(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "cache"))
    options = ("--profile", "smoke", "--seeds", "1")
    before = run("status", "measuring", *options)
    assert before.exit_code == 0 and "measuring 9 0 9" in " ".join(before.output.split()), before.output
    done = run("run", "measuring", *options, "--device", "cpu", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    table, record = results.load("measuring", tmp_path / "out" / "smoke")
    assert f"{len(table)} rows (profile smoke, 1 seed" in done.output
    assert record.seeds == [0] and record.seconds > 0 and record.sources == ["glyphs", "scenes"]
    assert "measuring 9 9 0" in " ".join(run("status", "measuring", *options).output.split())
    assert "Nothing to remove" in run("clean").output
    assert run("clean", "--all").exit_code == 1  # the question is not answered with yes
    assert "Removed" in run("clean", "--all", "--yes").output
    assert not (tmp_path / "cache" / "weights").exists()


def test_mistakes_of_the_experiment_commands_are_named():
    cases = {
        "Unknown experiment 'factor'. Did you mean 'factors'?": ("run", "factor"),
        "Unknown profile 'big'": ("run", "factors", "--profile", "big"),
        "Unknown cluster 'pbs'": ("run", "measuring", "--profile", "smoke", "--cluster", "pbs"),
        "write NAME=VALUE": ("run", "measuring", "--cluster", "slurm", "--cluster-option", "gpu"),
        "No device 'cuda:99' here": ("run", "measuring", "--device", "cuda:99"),
        "pictures: Input should be 'embedded' or 'paper'": ("status", "--pictures", "photos"),
    }
    for message, arguments in cases.items():
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_cache_that_cannot_be_used_is_named_with_the_remedy(tmp_path, monkeypatch):
    def fail(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "cache" / "units"))

    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cleaning, "removable", fail)
    done = run("clean")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: Cannot use the cache {tmp_path / 'cache'}") and done.stderr.count("\n") == 1
    assert "set INVARIANCE_CACHE" in done.stderr
