"""The command line: `invariance …`. The Makefile's targets end here."""

import errno
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from invariance import __version__
from invariance.errors import InputError


class Commands(TyperGroup):
    """Commands that report a reader's mistake or a full disk in one line, without a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except InputError as error:
            message = str(error)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            place = f" ({error.filename})" if error.filename else ""
            message = f"The disk is full{place}: make room and run again."
        typer.echo(f"error: {' '.join(message.split())}", err=True)
        raise typer.Exit(2)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which invariances make a representation transfer? Build the book, or run its experiments.",
)

Root = Annotated[Path, typer.Option(help="Folder with _config.yml, _toc.yml and book/.")]
Chapters = Annotated[str, typer.Option(help="Only these chapters: numbers or names, such as 03 or 01,03.")]
Profile = Annotated[str, typer.Option(help="Size of the experiments: smoke, quick or paper.")]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"invariance {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Which invariances make a representation transfer? Build the book, or run its experiments."""


@app.command()
def book(chapters: Chapters = "", profile: Profile = "", device: Device = "", root: Root = Path()) -> None:
    """Execute the chapters and render the site into _build/html.

    Without a profile or device each chapter uses its own: quick, or what BOOK_PROFILE says, and auto.
    """
    _run_book("build", root, chapters, profile, device)


@app.command()
def publish(chapters: Chapters = "", profile: Profile = "", device: Device = "", root: Root = Path()) -> None:
    """Build the book, then store the executed outputs in the notebooks under book/."""
    _run_book("publish", root, chapters, profile, device)


@app.command()
def sync(root: Root = Path()) -> None:
    """Bring every chapter's .ipynb in step with its .py."""
    from invariance import book as builder

    written = builder.sync(root.resolve())
    typer.echo("\n".join(f"wrote {path}" for path in written) or "every notebook is in step")


@app.command()
def explore(root: Root = Path()) -> None:
    """Open the first chapter, with its live explorer, in Jupyter."""
    if not importlib.util.find_spec("jupyterlab"):
        raise InputError(f"JupyterLab is not installed: {sys.executable} -m pip install jupyterlab")
    found = sorted((root / "book").glob("01_*.ipynb"))
    if not found:
        raise InputError(f"There is no chapter 01 in {root.resolve() / 'book'}: give the book's folder as --root.")
    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", str(found[0])]))


def _run_book(action: str, root: Path, chapters: str, profile: str, device: str) -> None:
    """Check everything the reader chose before any work starts; compute, then build or publish."""
    from invariance import book as builder
    from invariance.experiments import CHAPTERS, EXPERIMENTS
    from invariance.experiments.execute import UnitsFailed
    from invariance.experiments.profiles import profile as find_profile
    from invariance.training import pick_device

    root = root.resolve()
    sizes = find_profile(profile or os.environ.get("BOOK_PROFILE", "quick"))
    pick_device(device or "auto")
    names = chapters.replace(",", " ").split()
    stems = builder.select(builder.chapter_sources(root), names)
    needed = dict.fromkeys(name for stem in stems for name in CHAPTERS.get(stem, ()))
    try:
        # Here rather than in the chapters, so that a terminal shows the time that is left.
        for name in needed:
            EXPERIMENTS[name](sizes, device or "auto")
    except UnitsFailed as error:
        typer.echo(f"\n{error}", err=True)
        raise typer.Exit(1) from None
    try:
        getattr(builder, action)(root, names, profile or None, device or None)
    except builder.BookError as error:
        typer.echo(f"\n{error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
