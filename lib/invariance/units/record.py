"""The published record: one line a unit, in a file of JSON Lines for each budget and protocol.

What many units share stands once and is referred to by number: the facts of their runs, and their data sets. Merging a
line that is there already changes nothing.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from invariance.errors import InputError
from invariance.files import results_dir, write_aside
from invariance.protocol import CORRECTED, Protocol, name_of
from invariance.units.unit import Values

Record = dict[str, Values]
"""Results by digest, each with unit, digest, version, configuration, values, seconds and facts."""


def path(budget: str, protocol: Protocol = CORRECTED, folder: Path | None = None) -> Path:
    """The file with the results of a budget under a protocol, by default the published ones."""
    name = budget if protocol == CORRECTED else f"{budget}-{name_of(protocol)}"
    return (folder or results_dir()) / f"{name}.jsonl"


def read(file: Path) -> Record:
    """The record in a file; empty where there is none. Raises `InputError`, naming the line, where it is damaged."""
    if not file.exists():
        return {}
    shared: dict[str, list[Values]] = {"facts": [], "data": []}
    found: Record = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            if "unit" not in entry:
                ((kind, value),) = entry.items()
                shared[kind].append(value)
            else:
                entry["facts"] = shared["facts"][entry["facts"]]
                entry["configuration"] = _unfolded(entry["configuration"], shared["data"])
                found[entry["digest"]] = entry
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise InputError(f"{file}, line {number}, is damaged ({error}): restore the file from git.") from None
    return found


def write(file: Path, record: Record) -> None:
    """Write a record: shared values first, then a line a unit, in the order of kinds and digests."""
    shared: dict[str, list[Values]] = {"facts": [], "data": []}
    lines = []
    for entry in sorted(record.values(), key=lambda entry: (entry["unit"], entry["digest"])):
        about = {"facts": _place(entry["facts"], shared["facts"])}
        lines.append({**entry, **about, "configuration": _folded(entry["configuration"], shared["data"])})
    first = [{kind: value} for kind, values in shared.items() for value in values]
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in (*first, *lines))
    with write_aside(file) as aside:
        aside.write_text(text, "utf-8")


def merge(file: Path, results: Iterable[Values]) -> int:
    """Add results to the record in a file; gives how many were new. What is there stays as it is."""
    record = read(file)
    new = {entry["digest"]: entry for entry in results if entry["digest"] not in record}
    if new:
        write(file, {**record, **new})
    return len(new)


def _place(value: Values, known: list[Values]) -> int:
    if value not in known:
        known.append(value)
    return known.index(value)


def _folded(value: object, known: list[Values]) -> object:
    # A data set stands in the list of data sets, and here is its place there: {"data": 3}.
    if not isinstance(value, Mapping):
        return value
    if "kind" in value:
        return {"data": _place(dict(value), known)}
    return {name: _folded(part, known) for name, part in value.items()}


def _unfolded(value: object, known: list[Values]) -> object:
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {"data"} and isinstance(value["data"], int):
        return known[value["data"]]
    return {name: _unfolded(part, known) for name, part in value.items()}
