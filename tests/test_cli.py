"""The command line: what a reader sees and which exit code a script gets."""

import errno
from pathlib import Path

import pytest
from typer.testing import CliRunner

from invariance import __version__, book, experiments
from invariance.cli import app
from invariance.errors import InputError


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_version_and_help():
    assert run("--version").output == f"invariance {__version__}\n"
    assert "publish" in run("--help").output


ROOT = Path(__file__).parents[1]


def test_choices_reach_the_experiments_and_the_builder(monkeypatch):
    seen, computed = [], []
    for name in experiments.EXPERIMENTS:
        monkeypatch.setitem(
            experiments.EXPERIMENTS, name, lambda sizes, device, name=name: computed.append((name, sizes.name, device))
        )
    monkeypatch.setattr(book, "build", lambda *arguments: seen.append(arguments))
    done = run("book", "--root", str(ROOT), "--chapters", "1,03", "--profile", "smoke", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert seen == [(ROOT, ["1", "03"], "smoke", "cpu")]
    assert computed == [("factors", "smoke", "cpu")]


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
