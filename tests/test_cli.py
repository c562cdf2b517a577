"""The command line: what a reader sees and which exit code a script gets."""

import errno

import pytest
from typer.testing import CliRunner

from invariance import __version__, book
from invariance.cli import app
from invariance.errors import InputError


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_version_and_help():
    assert run("--version").output == f"invariance {__version__}\n"
    assert "publish" in run("--help").output


def test_choices_reach_the_builder(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(book, "build", lambda *arguments: seen.append(arguments))
    done = run("book", "--root", str(tmp_path), "--chapters", "1,03", "--profile", "smoke", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert seen == [(tmp_path, ["1", "03"], "smoke", "cpu")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "smok"], "error: Unknown profile 'smok'. Did you mean 'smoke'?"),
        (["--device", "gpu"], "error: Unknown device 'gpu'."),
        (["--device", "cuda:99"], "error: The device cuda:99 is not here"),
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
    done = run("publish")
    assert done.exit_code == code and done.stderr.startswith(message)


def test_other_system_errors_are_not_hidden(monkeypatch):
    def fail(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(book, "build", fail)
    assert isinstance(run("book").exception, PermissionError)


def test_explore_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("explore", "--root", str(tmp_path))
    assert done.exit_code == 2 and "pip install jupyterlab" in done.stderr
