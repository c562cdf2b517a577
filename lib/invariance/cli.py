"""The command line: `invariance …`. The Makefile's targets end here."""

import importlib.util
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option
from typer.core import TyperGroup

from invariance import __version__
from invariance.errors import BookError, InputError
from invariance.files import cache_dir, check_folder, explained


class Commands(TyperGroup):
    """Commands that report what a reader can mend without a traceback, in a line if it is no chapter that fails."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            message = str(error)
        except BookError as error:
            typer.echo(f"\n{error}", err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            known = explained(error)
            if known is None:
                raise
            message = known
        typer.echo(f"error: {' '.join(message.split())}", err=True)
        raise typer.Exit(2)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)

Root = Annotated[Path | None, Option(help="Folder with _config.yml, _toc.yml and book/; found where left out.")]
Chapters = Annotated[str, Option(help="Only these chapters: numbers or names, such as 03 or 01,03.")]
Budget = Annotated[Literal["smoke", "quick", "night", "paper"], Option(help="Size of the studies.", envvar="BUDGET")]
Device = Annotated[str, Option(help="Where to compute: auto, cpu, cuda or cuda:1.")]
Protocol = Annotated[str, Option(help="corrected or published, perhaps with flags: corrected+last_epoch.")]
Seeds = Annotated[str, Option(help="Number of seeds, or paper for the paper's ten; 0 means the budget's.")]
Pictures = Annotated[Literal["embedded", "paper"], Option(help="Drawn by code, or the paper's own and CIFAR.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"invariance {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Which invariances make a representation transfer? Build the book, or run its studies."""


# --- the book ------------------------------------------------------------------------------------------------


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
    names = _words(chapters)
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


# --- studies ---------------------------------------------------------------------------------------------------


@app.command()
def run(
    study: Annotated[str, Argument(help="A study by name; `invariance status` lists them.")],
    budget: Budget = "quick",
    protocol: Protocol = "corrected",
    seeds: Seeds = "0",
    device: Device = "auto",
    pictures: Pictures = "embedded",
    cluster: Annotated[Literal["local", "slurm"] | None, Option(help="Units run there as jobs, else here.")] = None,
    cluster_option: Annotated[list[str], Option(help="Such as slurm_partition=gpu; may be repeated.")] = [],  # noqa: B006
    minutes: Annotated[float, Option(help="Stop after so long, and keep what is finished; 0 means no end.", min=0)] = 0,
    out: Annotated[Path, Option(help="Folder for table (CSV) and results (JSON Lines).")] = Path("_build/results"),
    export: Annotated[Path | None, Option(help="Also write the results to this file, to merge elsewhere.")] = None,
) -> None:
    """Run what of a study neither the record nor the cache has, and write its table and results.

    Ctrl-C and SIGTERM end it as --minutes does. `invariance merge` adds the results to the record.
    """
    from invariance import studies, units
    from invariance.studies import plan
    from invariance.units import record

    chosen = studies.get(study)
    sizes = chosen.at(budget, _seeds(seeds), pictures=pictures, protocol=protocol)
    options = dict(map(_assignment, cluster_option))
    folder = record.path(sizes.budget, sizes.protocol, out).with_suffix("")
    check_folder(folder)
    if export:
        check_folder(export.parent)
    known = record.read(record.path(sizes.budget, sizes.protocol))
    plan.named(chosen, sizes, {})  # before hours of work
    with units.stoppable(minutes):
        found = chosen.own(sizes, device, known, cluster=cluster, options=options)
    found.save_table(folder / f"{study}.csv")
    runs = plan.named(chosen, sizes, found.runs)
    for file in (folder / f"{study}.jsonl", *([export] if export else [])):
        record.write(file, runs, sizes.budget, sizes.protocol)
    typer.echo(f"{len(found.table)} rows ({found.caption()}; {found.seconds:,.0f} s of computing)")
    typer.echo(f"wrote {folder / study}.csv and {study}.jsonl beside it")
    if found.outcome.stopped:
        typer.echo(f"Stopped: {found.outcome.stopped}. {found.missing} units are left; the same command goes on.")
    if found.outcome:
        typer.echo(f"\n{found.outcome}", err=True)
        raise typer.Exit(1)


@app.command()
def plan(budget: Annotated[Literal["night", "paper"], Argument(help="The budget whose plan to write.")]) -> None:
    """Write down what is fixed before a budget's first unit runs: sizes, seeds, statements, rules, thresholds."""
    from invariance.studies import plan as plans

    typer.echo(f"wrote {plans.write(budget)}: commit it before the first unit runs")


@app.command()
def merge(
    files: Annotated[list[Path], Argument(help="Results that `invariance run` wrote, here or on another machine.")],
) -> None:
    """Add results to the published record; those that are there already must agree."""
    from invariance.units import record

    given = [(path, record.made_at(path), record.read(path)) for path in files]
    for path, made, results in given:
        differ = record.differing(record.read(record.path(*made)), results)
        new = record.merge(results.values(), *made)
        typer.echo(f"{path}: {new} of {len(results)} results are new in {record.path(*made)}")
        for digest, difference in differ.items():
            typer.echo(f"  {digest} differs by {difference:.3f} from the record, which stays as it is", err=True)
        if differ:
            raise typer.Exit(1)


def _seeds(text: str) -> int | str:
    if text == "paper":
        return text
    try:
        return int(text)
    except ValueError:
        raise InputError(f"--seeds {text}: give a number, or paper for the paper's ten.") from None


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise InputError(f"--cluster-option {text}: write NAME=VALUE, such as slurm_partition=gpu.")
    return name, value


@app.command()
def status(
    study: Annotated[str, Argument(help="A study by name; all if left out.")] = "",
    budget: Budget = "quick",
    protocol: Protocol = "corrected",
    seeds: Seeds = "0",
    pictures: Pictures = "embedded",
) -> None:
    """Show how far studies are: units done, missing and failed, measured seconds and an estimate for the rest."""
    import pandas as pd

    from invariance import studies, units

    rows, failures = [], []
    for chosen in [studies.get(study)] if study else studies.all_studies():
        sizes = chosen.at(budget, _seeds(seeds), pictures=pictures, protocol=protocol)
        found = units.status(chosen.all_units(sizes))
        missing = found.total - found.done - len(found.failed)
        counts = {"units": found.total, "done": found.done, "missing": missing, "failed": len(found.failed)}
        left = "?" if found.seconds_left is None else f"{found.seconds_left:,.0f}"
        rows.append({"study": chosen.name, **counts, "seconds": f"{found.seconds:,.0f}", "left": left})
        failures += found.failed
    typer.echo(pd.DataFrame(rows).to_string(index=False, formatters={"units": "{:,}".format}))
    typer.echo("Seconds are those of one worker; units that studies share count in each.")
    for path in dict.fromkeys(failures):
        typer.echo(f"failed: {path}")


@app.command()
def clean(
    everything: Annotated[bool, Option("--all", help="Remove all results, weights and pictures.")] = False,
    yes: Annotated[bool, Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what no run will read again: other versions' results, lost weights, reports of failures."""
    from invariance.units import store

    found = store.removable(everything)
    if not found:
        typer.echo(f"Nothing to remove in {cache_dir()}.")
        return
    amount = sum(path.stat().st_size for path in found) / 1e6
    question = f"Remove {len(found):,} files ({amount:,.1f} MB) that this package made in {cache_dir()}?"
    if not yes and not typer.confirm(question):
        raise typer.Exit(1)
    typer.echo(f"Removed {sum(1 for _ in store.clean(everything)):,} files, {amount:,.1f} MB, from {cache_dir()}.")


# --- the explorers' networks -------------------------------------------------------------------------------------

live = typer.Typer(help="The explorers of the book's pages.", no_args_is_help=True)
app.add_typer(live, name="live")


@live.callback()
def live_group() -> None:
    """The explorers of the book's pages."""


@live.command()
def train(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks such as plain or rotate; all where left out.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Train the explorers' networks anew, measure them, and put their weights into the package."""
    from invariance.live import networks

    networks.train(names or networks.NAMES, device)


# --- a reader's own model ----------------------------------------------------------------------------------------


@app.command()
def profile(
    model: Annotated[str, Argument(help="A model of the book, timm:NAME, hf:NAME, or FILE.py:function.")],
    images: Annotated[str, Option(help="glyphs, scenes10, scenes100, cifar10, cifar100, or a folder.")] = "glyphs",
    weights: Annotated[Path | None, Option(help="Trained weights: a .safetensors, .pt or .pth file.")] = None,
    pretrained: Annotated[bool, Option("--pretrained", help="Download the published weights.")] = False,
    layers: Annotated[str, Option(help="Where to measure: names of layers, and output.")] = "output",
    transforms: Annotated[str, Option(help="Only these transformations, such as rotate,hue.")] = "",
    pairs: Annotated[int, Option(help="Pairs of images for each transformation.")] = 500,
    size: Annotated[int | None, Option(help="Side of the images in pixels, else the model's own.")] = None,
    mean: Annotated[str, Option(help="Mean of the images, one or three, else the model's own.")] = "",
    std: Annotated[str, Option(help="Deviation of the images, one or three, else the model's own.")] = "",
    batch_size: Annotated[int, Option(help="Images at once; 0 chooses by their size.", min=0)] = 0,
    device: Device = "auto",
    seed: Annotated[int, Option(help="Chooses images, draws and the untrained copy.")] = 0,
    out: Annotated[Path | None, Option(help="Folder for table and figure, else one in profile/ by its model.")] = None,
) -> None:
    """Measure how sensitive a model is to each transformation: 0 is invariant, 1 as different as two random images.

    For example: invariance profile my_model.py:load --images photos/ --size 224

    After a Ctrl-C the same command goes on where it was.
    """
    from invariance import profiling

    out = out or profiling.folder_for(model, weights, pretrained, images)
    check_folder(out)
    names, asked = _words(transforms) or None, {"mean": _numbers(mean, "mean"), "std": _numbers(std, "std")}
    profiling.check_choices(images, names, pairs, size or 32, device)
    given: dict[str, Any] = {name: numbers for name, numbers in asked.items() if numbers}
    found = replace(profiling.load_backbone(model, weights, pretrained, size, seed), **given)
    about, keep = {**vars(found), "layers": _words(layers), "batch_size": batch_size or None}, out / "unfinished.csv"
    try:
        table = profiling.profile_model(
            images=images, transforms=names, pairs=pairs, device=device, seed=seed, progress=True, keep=keep, **about
        )
    except KeyboardInterrupt:
        typer.echo(f"Stopped; what is measured is in {keep}, and the same command goes on.", err=True)
        raise typer.Exit(130) from None
    for line in profiling.report(table, found):
        typer.echo(line)
    for path in profiling.save(table, out):
        typer.echo(f"wrote {path}")
    keep.unlink(missing_ok=True)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise InputError(f"--{option} {text}: give one number, or three such as 0.49,0.48,0.45.") from None


if __name__ == "__main__":
    app()
