"""The published record: one line a unit, in a file of JSON Lines for each budget and protocol.

What many units share stands once and is referred to by number: the facts of their runs, and their data sets. Rows of
values that go through every combination of some words have these once, too. Merging a line that is there already
changes nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from invariance.errors import InputError
from invariance.files import results_dir, write_aside
from invariance.protocol import CORRECTED, Protocol, find, name_of
from invariance.units.unit import Values, rounded

Record = dict[str, Values]
"""Results by digest, each with unit, digest, version, configuration, values, seconds and facts."""


def path(budget: str, protocol: Protocol = CORRECTED, folder: Path | None = None) -> Path:
    """The file with the results of a budget under a protocol, by default the published ones."""
    name = budget if protocol == CORRECTED else f"{budget}-{name_of(protocol)}"
    return (folder or results_dir()) / f"{name}.jsonl"


def plan_file(budget: str, folder: Path | None = None) -> Path:
    """The file that says what was fixed before the first result at a budget."""
    return (folder or results_dir()) / f"{budget}.plan.yaml"


def plan_digest(budget: str, folder: Path | None = None) -> str:
    """The digest of a budget's plan, which its results name; "" where it has none."""
    file = plan_file(budget, folder)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.exists() else ""


def read(file: Path) -> Record:
    """The record in a file; empty where there is none. Raises `InputError`, naming the line, where it is damaged."""
    if not file.exists():
        return {}
    shared: dict[str, list[Values]] = {"made": [], "facts": [], "data": []}
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
                entry["values"] = {name: _rows(value) for name, value in entry["values"].items()}
                found[entry["digest"]] = entry
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise InputError(f"{file}, line {number}, is damaged ({error}): restore the file from git.") from None
    return found


def write(file: Path, record: Record, budget: str, protocol: Protocol = CORRECTED) -> None:
    """Write a record: how it was made, shared values, then a line a unit, in the order of kinds and digests."""
    shared: dict[str, list[Values]] = {"facts": [], "data": []}
    lines = []
    for entry in sorted(record.values(), key=lambda entry: (entry["unit"], entry["digest"])):
        about: Values = {"facts": _place(entry["facts"], shared["facts"])}
        about["configuration"] = _folded(entry["configuration"], shared["data"])
        about["values"] = {name: _combined(value) for name, value in rounded(entry["values"]).items()}
        lines.append({**entry, **about})
    first = [{"made": {"budget": budget, "protocol": name_of(protocol)}}]
    first += [{kind: value} for kind, values in shared.items() for value in values]
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in (*first, *lines))
    with write_aside(file) as aside:
        aside.write_text(text, "utf-8")


def merge(results: Iterable[Values], budget: str, protocol: Protocol = CORRECTED) -> int:
    """Add results to the published record; gives how many were new. What is there stays as it is."""
    file = path(budget, protocol)
    record = read(file)
    new = {entry["digest"]: entry for entry in results if entry["digest"] not in record}
    if new:
        write(file, {**record, **new}, budget, protocol)
    return len(new)


TOLERANCE = 0.4
"""By so much two runs of a unit may differ: another processor rounds otherwise, and training magnifies that.

Three times the largest difference seen between AVX-512 with bfloat16 and AVX2 without, 0.13, in the accuracy of a probe
on its training images, whose weight decay is chosen; on test images it was 0.02.
"""


def differing(first: Record, second: Record) -> dict[str, float]:
    """Units that both records have with values more than `TOLERANCE` apart, and how far the farthest are."""
    both = {digest: _distance(first[digest]["values"], second[digest]["values"]) for digest in first.keys() & second}
    return {digest: far for digest, far in sorted(both.items()) if far > TOLERANCE}


def _distance(first: object, second: object) -> float:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        shared = first.keys() & second.keys() - {"weights", "curve"}  # names of files, and what led to the values
        return max((_distance(first[name], second[name]) for name in shared), default=0.0)
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return max((_distance(a, b) for a, b in zip(first, second, strict=True)), default=0.0)
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second)
    return 0.0 if first == second else float("inf")


def made_at(file: Path) -> tuple[str, Protocol]:
    """The budget and protocol of a file of results, from its first line. Raises `InputError` where that has none."""
    try:
        with file.open(encoding="utf-8") as lines:
            made = json.loads(next(lines))["made"]
        return made["budget"], find(made["protocol"])
    except (OSError, StopIteration, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} holds no results of `invariance run` ({error}): give a file that it wrote.") from None


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


def _combined(rows: Any) -> Any:
    # [["a", "x", 0.1], ["a", "y", 0.2]] as {"of": [["a"], ["x", "y"]], "are": [[0.1], [0.2]]}.
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        return rows
    words = next((k for k, value in enumerate(rows[0]) if isinstance(value, float)), 0)
    columns = [list(dict.fromkeys(row[k] for row in rows)) for k in range(words)]
    if not words or [row[:words] for row in rows] != [list(one) for one in product(*columns)]:
        return rows
    return {"of": columns, "are": [row[words:] for row in rows]}


def _rows(value: Any) -> Any:
    if not isinstance(value, Mapping) or value.keys() != {"of", "are"}:
        return value
    return [[*words, *numbers] for words, numbers in zip(product(*value["of"]), value["are"], strict=True)]
