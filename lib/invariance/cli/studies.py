"""Commands that run studies and keep their results."""

from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option

from invariance.cli.app import Budget, Device, Pictures, Protocol, Seeds, app
from invariance.errors import InputError
from invariance.files import cache_dir, check_folder

Workers = Annotated[int, Option(help="Processes; 0 means one a core, and one on a GPU.", min=0)]
Minutes = Annotated[float, Option(help="Stop after so long, and keep what is finished; 0 means no end.", min=0)]
Out = Annotated[Path, Option(help="Folder for table (CSV) and results (JSON Lines).")]


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
    workers: Workers = 0,
    minutes: Minutes = 0,
    out: Out = Path("_build/results"),
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
    files = [
        record.path(sizes.budget, sizes.protocol, out).with_suffix("") / f"{study}.jsonl",
        *([export] if export else []),
    ]
    for file in files:
        check_folder(file.parent)
    known = record.read(record.path(sizes.budget, sizes.protocol))
    plan.named(chosen, sizes, {})  # before hours of work
    with units.stoppable(minutes):
        found = chosen.own(sizes, device, known, cluster=cluster, options=options, workers=workers)
    _keep(found, files)
    if found.outcome:
        raise typer.Exit(1)


@app.command("record")
def follow_plan(
    budget: Annotated[Literal["night", "paper"], Argument(help="The budget whose plan to go on with.")],
    device: Device = "auto",
    workers: Workers = 0,
    minutes: Minutes = 0,
    out: Out = Path("_build/results"),
) -> None:
    """Run what is left of a plan, study after study, and add what is finished to the record; again, it goes on.

    The files in --out hold the same, to be merged where the record of another machine is kept.
    """
    from invariance import studies, units
    from invariance.studies import plan
    from invariance.units import record
    from invariance.units.run import Stopped

    failed = False
    with suppress(Stopped), units.stoppable(minutes):  # while results are written, which are whole or absent
        for name, protocol in plan.order(budget):
            study = studies.get(name)
            sizes = study.at(budget, protocol=protocol)
            file = record.path(budget, sizes.protocol, out).with_suffix("") / f"{name}.jsonl"
            check_folder(file.parent)
            plan.named(study, sizes, {})
            typer.echo(f"{name}, protocol {protocol}")
            found = study.own(sizes, device, record.read(record.path(budget, sizes.protocol)), workers=workers)
            new = record.merge(_keep(found, [file]).values(), budget, sizes.protocol)
            typer.echo(f"{new} new results in the record")
            failed = failed or bool(found.outcome)
            if found.outcome.stopped:
                break
    raise typer.Exit(int(failed))


def _keep(found: Any, files: list[Path]) -> Any:
    """Write table and results, and say how the run ended; gives the results as the record has them."""
    from invariance.studies import plan
    from invariance.units import record

    table = files[0].with_suffix(".csv")
    runs = plan.named(found.study, found.sizes, found.runs)
    for file in files:
        record.write(file, runs, found.sizes.budget, found.sizes.protocol)
    if not found.empty:  # pretrainings alone have no rows
        found.save_table(table)
        typer.echo(f"{len(found.table)} rows ({found.caption()}; {found.seconds:,.0f} s of computing)")
        typer.echo(f"wrote {table} and {files[0].name} beside it")
    if found.outcome.stopped:
        typer.echo(f"Stopped: {found.outcome.stopped}. {found.missing} units are left; the same command goes on.")
    if found.outcome:
        typer.echo(f"\n{found.outcome}", err=True)
    return runs


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
    typer.echo("\n".join(_by_folder(found)))
    amount = sum(path.stat().st_size for path in found) / 1e6
    question = f"Remove {len(found):,} files ({amount:,.1f} MB) that this package made in {cache_dir()}?"
    if not yes and not typer.confirm(question):
        raise typer.Exit(1)
    typer.echo(f"Removed {sum(1 for _ in store.clean(everything)):,} files, {amount:,.1f} MB, from {cache_dir()}.")


def _by_folder(paths: list[Path]) -> list[str]:
    """Lines with the names of files; of a folder with many, how many they are."""
    lines = []
    for folder, files in groupby(sorted(paths), lambda path: path.parent):
        names = [path.name for path in files]
        shown = ", ".join(names) if len(names) <= 5 else f"{len(names):,} files, {names[0]} to {names[-1]}"
        lines.append(f"  {folder}: {shown}")
    return lines
