"""The command line: `invariance …`. The Makefile's targets end here."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from invariance import __version__
from invariance.errors import InputError
from invariance.files import explained


class Commands(TyperGroup):
    """Commands that report a reader's mistake, a full disk or a forbidden cache in one line, without a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except InputError as error:
            message = str(error)
        except OSError as error:
            message = explained(error)
            if message is None:
                raise
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
Pictures = Annotated[str, typer.Option(help="embedded (drawn by code) or paper (its pictures, and CIFAR).")]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or cuda:1.")]


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
def page(
    notebook: Annotated[Path, typer.Argument(help="An executed chapter, such as papermill's output.")],
    into: Annotated[Path | None, typer.Option(help="Folder for the page; by default named like the notebook.")] = None,
    root: Root = Path(),
) -> None:
    """Render one executed notebook as a page, with its figures and numbers in place."""
    from invariance import book as builder

    with _reported():
        typer.echo(f"wrote {builder.page(root, notebook, into)}")


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


@app.command()
def profile(
    model: Annotated[str, typer.Argument(help="A model of the book, timm:NAME, or FILE.py:function.")],
    images: Annotated[
        str, typer.Option(help="glyphs, scenes10, scenes100, cifar10, cifar100, or a folder.")
    ] = "glyphs",
    weights: Annotated[Path | None, typer.Option(help="Trained weights: a .safetensors, .pt or .pth file.")] = None,
    pretrained: Annotated[bool, typer.Option("--pretrained", help="Download timm's published weights.")] = False,
    layers: Annotated[str, typer.Option(help="Where to measure: names of layers, and output.")] = "output",
    transforms: Annotated[str, typer.Option(help="Only these transformations, such as rotate,hue.")] = "",
    pairs: Annotated[int, typer.Option(help="Pairs of images for each transformation.")] = 500,
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels; 32 by default, 224 for timm.")] = None,
    mean: Annotated[
        str, typer.Option(help="Mean of the images, one or three; 0.5 by default, ImageNet's for timm.")
    ] = "",
    std: Annotated[
        str, typer.Option(help="Deviation of the images, one or three; 0.5 by default, ImageNet's for timm.")
    ] = "",
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Chooses images, draws and the untrained copy.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the table (CSV) and the figure (PNG, SVG).")] = Path("profile"),
) -> None:
    """Measure how sensitive a model is to each transformation: 0 is invariant, 1 as different as two random images.

    For example: invariance profile my_model.py:load --images photos/ --size 224
    """
    from rich.console import Console

    from invariance import profiling
    from invariance.files import check_folder

    console = Console()
    check_folder(out)
    found = profiling.load_backbone(model, weights, pretrained, size, seed)
    shift, scale = (
        _numbers(given, name) or own for given, name, own in ((mean, "mean", found.mean), (std, "std", found.std))
    )
    table = profiling.profile_model(
        found.backbone,
        images,
        _words(transforms) if transforms else None,
        _words(layers),
        pairs,
        found.size,
        device,
        seed,
        shift,
        scale,
        found.untrained,
        found.name,
        progress=console.is_terminal,
    )
    typer.echo(f"\n{found.name} on {images}: {table['pairs'].iloc[0]} pairs of {found.size} x {found.size} pixels")
    typer.echo(f"Images normalised with mean {shift} and deviation {scale}.")
    console.print(profiling.terminal_table(table))
    for note in profiling.notes(table, found):
        console.print(f"Note: {note}", highlight=False, markup=False)
    for path in profiling.save(table, out):
        typer.echo(f"wrote {path}")


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise InputError(
            f"--{option} {text}: give one number, or three with commas, such as 0.5 or 0.49,0.48,0.45."
        ) from None


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="An experiment by name; `invariance status` lists them.")],
    profile: Profile = "quick",
    seeds: Annotated[int, typer.Option(help="Number of seeds; 0 means the profile's.", min=0)] = 0,
    device: Device = "auto",
    pictures: Pictures = "embedded",
    cluster: Annotated[str, typer.Option(help="Where units run: nothing (this process), local or slurm.")] = "",
    cluster_option: Annotated[
        list[str] | None, typer.Option(help="For a cluster, such as slurm_partition=gpu; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the table (CSV) and its provenance (JSON).")] = Path(
        "_build/results"
    ),
) -> None:
    """Run one experiment; finished units are read from the cache, and the tidy table is written."""
    from invariance import evidence, results
    from invariance.errors import check_known
    from invariance.experiments import EXPERIMENTS
    from invariance.files import check_folder
    from invariance.training import pick_device

    check_known("experiment", experiment, EXPERIMENTS)
    sizes = _sizes(profile, seeds, pictures)
    if not cluster:
        pick_device(device)
    options = dict(_assignment(text) for text in cluster_option or [])
    check_folder(out / sizes.name)
    with _reported():
        found = evidence.own(experiment, sizes, device, cluster or None, options)
    path = results.save(found.table, experiment, out / sizes.name, found.record)
    typer.echo(f"{len(found.table)} rows ({found.caption}; {found.record.seconds:,.0f} s of computing)\nwrote {path}")


@app.command()
def status(
    experiment: Annotated[str, typer.Argument(help="An experiment by name; all if left out.")] = "",
    profile: Profile = "quick",
    seeds: Annotated[int, typer.Option(help="Number of seeds; 0 means the profile's.", min=0)] = 0,
    pictures: Pictures = "embedded",
) -> None:
    """Show how far experiments are: units done, missing and failed, measured seconds and an estimate for the rest."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from invariance.errors import check_known
    from invariance.experiments import EXPERIMENTS, execute

    if experiment:
        check_known("experiment", experiment, EXPERIMENTS)
    sizes = _sizes(profile, seeds, pictures)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("experiment", no_wrap=True)  # what `run` has to be given
    for head in ("units", "done", "missing", "failed", "seconds", "left"):
        table.add_column(head, justify="right")
    failures = []
    for name in [experiment] if experiment else EXPERIMENTS:
        found = execute.status(unit for _, unit in EXPERIMENTS[name](sizes, "auto"))
        left = "?" if found.seconds_left is None else f"{found.seconds_left:,.0f}"
        missing = found.total - found.done - len(found.failed)
        counts = (found.total, found.done, missing, len(found.failed))
        table.add_row(name, *(f"{n:,}" for n in counts), f"{found.seconds:,.0f}", left)
        failures += found.failed
    Console().print(table)
    typer.echo("Seconds are those of one worker; units that experiments share count in each.")
    for path in dict.fromkeys(failures):
        typer.echo(f"failed: {path}")


@app.command()
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Remove all results, weights and pictures.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what no run will read again: other versions' results, lost weights, reports of failures."""
    from invariance.experiments import cleaning
    from invariance.files import cache_dir

    found = cleaning.removable(everything)
    amount = sum(cleaning.size(path) for path in found) / 1e6
    if not found:
        typer.echo(f"Nothing to remove in {cache_dir()}.")
        return
    question = f"Remove every result and rendered picture in {cache_dir()} ({amount:,.1f} MB)?"
    if everything and not yes and not typer.confirm(question):
        raise typer.Exit(1)
    typer.echo(f"Removed {len(found)} entries, {cleaning.clean(everything) / 1e6:,.1f} MB, from {cache_dir()}.")


def _sizes(profile: str, seeds: int, pictures: str):
    from invariance.experiments import profiles

    return profiles.chosen(profile, seeds, pictures=pictures)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise InputError(f"--cluster-option {text}: write NAME=VALUE, such as slurm_partition=gpu.")
    return name, value


@contextmanager
def _reported() -> Iterator[None]:
    """Failed units and pages as their own report and exit code 1, without a traceback."""
    from invariance.experiments.execute import UnitsFailed
    from invariance.site import BookError

    try:
        yield
    except (UnitsFailed, BookError) as error:
        typer.echo(f"\n{error}", err=True)
        raise typer.Exit(1) from None


def _run_book(action: str, root: Path, chapters: str, profile: str, device: str) -> None:
    """Check everything the reader chose before any work starts; compute, then build or publish."""
    from invariance import book as builder
    from invariance import evidence
    from invariance.experiments import CHAPTERS
    from invariance.training import pick_device

    root = root.resolve()
    sizes = _sizes(profile or os.environ.get("BOOK_PROFILE", "quick"), 0, "embedded")
    pick_device(device or "auto")
    names = chapters.replace(",", " ").split()
    stems = builder.select(builder.chapter_sources(root), names)
    needed = dict.fromkeys(name for stem in stems for name in CHAPTERS.get(stem, ()))
    with _reported():
        # Here rather than in the chapters, so that a terminal shows the time that is left.
        publishing = action == "publish"
        evidence.prepare(needed, sizes, device or "auto", "own" if publishing else "auto")
        for name in needed if publishing else ():
            evidence.publish(name, sizes, device or "auto", root / "book" / "results")
        getattr(builder, action)(root, names, profile or None, device or None)


if __name__ == "__main__":
    app()
