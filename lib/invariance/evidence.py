"""What a chapter shows: the reader's own run, or a published table; and publishing.

Published tables lie in `book/results/<profile>/` as CSV with a JSON record of their provenance.
"""

import base64
import gzip
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML

from invariance import results, sampling
from invariance.errors import InputError, check_known
from invariance.experiments import EXPERIMENTS, collect, execute
from invariance.experiments.profiles import PROFILES, Profile
from invariance.experiments.units import VERSION
from invariance.results import Provenance

SHOW = ("auto", "own", "published")
PUBLISHED_FIRST = ("paper", "quick")
"""Profiles in the order in which `show="published"` looks for a table."""
PARTS = ("factor", "model", "position", "sweep")
"""Columns that tell the parts of an experiment apart which may differ in seeds."""
LARGE = 500_000
"""Bytes from which a linked table is compressed."""


@dataclass(frozen=True)
class Evidence:
    """A tidy table and where it comes from."""

    table: pd.DataFrame
    record: Provenance

    @property
    def caption(self) -> str:
        """Profile, seeds, hardware and pictures in a line, for a figure's caption."""
        counts = _seeds_by_part(self.table).map(len)
        return results.describe(self.record, counts.min(), counts.max())

    @property
    def seeds(self) -> int:
        """Number of seeds that every part of the table has."""
        return len(self.record.seeds)

    def part(self, **columns: object) -> "Evidence":
        """The rows that have these values, as evidence of their own: `found.part(model="small").caption`."""
        chosen = [self.table[column] == value for column, value in columns.items()]
        return Evidence(self.table[np.logical_and.reduce(chosen)], self.record)

    def link(self, name: str) -> HTML:
        """A link that saves the table as NAME.csv."""
        return link(self.table, name)


def link(table: pd.DataFrame, name: str) -> HTML:
    """A link that saves a table as NAME.csv (compressed if large); it is part of the page itself."""
    content, suffix = table.to_csv(index=False, float_format="%.6g").encode(), ".csv"
    if len(content) > LARGE:
        content, suffix = gzip.compress(content, mtime=0), ".csv.gz"
    data = base64.b64encode(content).decode()
    size = f"{len(table):,} rows, {len(content) / 1000:,.0f} kB"
    return HTML(
        f'<a download="{name}{suffix}" href="data:application/octet-stream;base64,{data}">'
        f"Download the data behind this ({name}{suffix}: {size})</a>"
    )


def folder() -> Path:
    """Where published results lie: `$INVARIANCE_RESULTS`, else `book/results` of the checkout."""
    own = os.environ.get("INVARIANCE_RESULTS")
    return Path(own).expanduser() if own else Path(__file__).parents[2] / "book" / "results"


def of(name: str, profile: Profile, device: str = "auto", show: str = "auto") -> Evidence:
    """The evidence that a chapter shows for one experiment.

    `show` is "own" (run, or read what was run before), "published" (a published table, the paper's profile
    first) or "auto": a table published with the profile `paper` where there is one and the
    reader runs `quick` unchanged, else the reader's own run. Raises `InputError` for unknown names.
    """
    check_known("experiment", name, EXPERIMENTS)
    check_known("value of show", show, SHOW)
    source = published_profile(name, profile, show)
    if source is None:
        return own(name, profile, device)
    return Evidence(*results.load(name, folder() / source))


def prepare(names: Iterable[str], profile: Profile, device: str = "auto", show: str = "auto") -> None:
    """Compute what `of` will ask for, all experiments together: that keeps every core busy to the end."""
    own = [name for name in names if published_profile(name, profile, show) is None]
    execute.run(unit for name in own for _, unit in EXPERIMENTS[name](profile, device))


def published_profile(name: str, profile: Profile, show: str = "auto") -> str | None:
    """The profile whose published table `of` would show, or None if it would run."""
    if show == "own" or (show == "auto" and profile != PROFILES["quick"]):  # who changed a size wants to see its effect
        return None
    wanted = PUBLISHED_FIRST if show == "published" else PUBLISHED_FIRST[:1]
    for source in wanted:
        if (folder() / source / f"{name}.json").exists():
            return source
    if show == "published":
        raise InputError(f"No published table of {name!r} in {folder()}: run it (show='own').")
    return None


def own(
    name: str,
    profile: Profile,
    device: str = "auto",
    cluster: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Evidence:
    """Run an experiment; what is in the cache is not computed again."""
    design = EXPERIMENTS[name](profile, device)
    table = collect(design, cluster, options)
    units = [unit for stage in execute.stages(unit for _, unit in design) for unit in stage]
    done = [unit.result() for unit in units]
    seconds = sum(result["seconds"] for result in done)
    seeds = sorted(set.intersection(*_seeds_by_part(table)))
    machines = sorted({result["hardware"] for result in done})
    sources = sorted({source for unit in units for source in unit.sources()})
    record = results.provenance(profile, device, seconds, seeds, sources, ran_on=" and ".join(machines))
    return Evidence(table, record)


def _seeds_by_part(table: pd.DataFrame) -> pd.Series:
    # One part of an experiment may have more seeds than the others.
    kinds = [column for column in PARTS if column in table]
    return table.groupby(kinds or "experiment", dropna=False)["seed"].agg(set)


def publish(name: str, profile: Profile, device: str = "auto", into: Path | None = None) -> Path:
    """Run an experiment and write its table and provenance; gives the path of the CSV."""
    found = own(name, profile, device)
    return results.save(found.table, name, (into or folder()) / profile.name, found.record)


# --- spot checks -----------------------------------------------------------------------------------------


def published() -> list[tuple[str, str]]:
    """The published tables as (profile, experiment)."""
    found = (path.relative_to(folder()) for path in sorted(folder().glob("*/*.json")))
    return [(path.parent.name, path.stem) for path in found]


def spot_check(profile: str, name: str, choice: int, device: str = "auto") -> pd.DataFrame:
    """Compute one unit of a published table again; `choice` is a seed that chooses it.

    Gives that unit's rows with the columns `value` (published) and `again` (computed now). Raises
    `InputError` if the table was published by a version of the code with other results, or lacks a row.
    """
    table, record = results.load(name, folder() / profile)
    if record.results_version != VERSION:
        raise InputError(
            f"{profile}/{name} was published with results version {record.results_version}, the code has {VERSION}: "
            "publish again."
        )
    sizes = Profile(name=record.profile, cost=PROFILES[record.profile].cost, **record.sizes)
    design = EXPERIMENTS[name](sizes, device)
    (chosen,) = sampling.choose(choice, f"spot check {profile} {name}", design, 1)
    again = collect([chosen]).rename(columns={"value": "again"}).drop(columns=["low", "high"], errors="ignore")
    keys = [column for column in again if column != "again"]
    found = table.merge(again, on=keys, how="right", indicator="found")
    missing = (found.pop("found") != "both").sum()
    if missing:
        raise InputError(f"{profile}/{name} lacks {missing} rows of a unit: publish again.")
    return found
