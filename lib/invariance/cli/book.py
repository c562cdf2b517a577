"""Commands that build the book and show it."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from invariance.cli.app import Budget, Chapters, Device, Protocol, Root, app, words
from invariance.errors import InputError


@app.command()
def book(
    chapters: Chapters = "",
    budget: Budget = "quick",
    protocol: Protocol = "corrected",
    device: Device = "auto",
    root: Root = None,
) -> None:
    """Run the studies, execute the chapters and render the site into _build/html."""
    _run_book("build", root, chapters, {"budget": budget, "protocol": protocol, "device": device})


@app.command()
def publish(
    chapters: Chapters = "",
    budget: Budget = "quick",
    protocol: Protocol = "corrected",
    device: Device = "auto",
    root: Root = None,
) -> None:
    """Build the book, add its results to the record in book/results, and store the outputs in the notebooks."""
    _run_book("publish", root, chapters, {"budget": budget, "protocol": protocol, "device": device})


@app.command()
def site(root: Root = None) -> None:
    """Render the site from the published notebooks and the record, without computing anything."""
    from invariance import book as builder

    builder.site(root)


@app.command()
def pdf(
    out: Annotated[Path | None, Option(help="The file; by default _build/invariance-book.pdf.")] = None,
    root: Root = None,
) -> None:
    """Print the rendered site into one PDF."""
    from invariance import book as builder

    builder.pdf(root, out)


def _run_book(action: str, root: Path | None, chapters: str, parameters: dict[str, str]) -> None:
    from invariance import book as builder
    from invariance import studies, units
    from invariance.training import pick_device
    from invariance.units import record

    started = time.monotonic()
    device = str(pick_device(parameters["device"]))
    root = builder.find_root(root)
    names = words(chapters)
    read = studies.read_by(list(builder.find_chapters(root, names)))
    needed = [(study, study.at(parameters["budget"], protocol=parameters["protocol"])) for study in read]
    # Here rather than in the chapters, so that all studies share the processes, and the time left is shown.
    outcome = units.run((unit for study, sizes in needed for unit in study.all_units(sizes)), device)
    if outcome:
        typer.echo(f"{outcome}\nThe chapters show what there is.", err=True)
    for study, sizes in needed if action == "publish" else ():
        new = record.merge(study.own(sizes, device).runs.values(), sizes.budget, sizes.protocol)
        typer.echo(f"{study.name}: {new} new results in the record")
    getattr(builder, action)(root, names, parameters, started)


@app.command()
def page(
    notebook: Annotated[Path, Argument(help="An executed chapter, such as papermill's output.")],
    into: Annotated[Path | None, Option(help="Folder for the page; by default named like the notebook.")] = None,
    root: Root = None,
) -> None:
    """Render one executed notebook as a page, with its figures and numbers in place."""
    from invariance import book as builder

    typer.echo(f"wrote {builder.page(notebook, into, root)}")


@app.command()
def sync(root: Root = None) -> None:
    """Bring every chapter's .ipynb in step with its .py."""
    from invariance import book as builder

    written = builder.sync(builder.find_root(root))
    typer.echo("\n".join(f"wrote {path}" for path in written) or "every notebook is in step")


@app.command()
def preview(port: Annotated[int, Option(help="Port of this machine.")] = 8000, root: Root = None) -> None:
    """Serve the rendered book on this machine."""
    from invariance import book as builder

    builder.preview(builder.find_root(root) / "_build" / "html", port)


@app.command()
def explore(root: Root = None) -> None:
    """Open the playground, a notebook with the live explorers, in Jupyter."""
    if not importlib.util.find_spec("jupyterlab"):
        raise InputError(f"JupyterLab is not installed: {sys.executable} -m pip install jupyterlab")
    from invariance import book as builder

    root = builder.find_root(root)
    builder.sync(root)
    notebook = str(root / "book" / "playground.ipynb")
    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", notebook]))
