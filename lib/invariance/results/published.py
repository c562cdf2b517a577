"""Published results: one tidy table as CSV that reads well in a diff, and its provenance as JSON beside it."""

import hashlib
import io
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from pydantic import Field
from pydantic_core import from_json

from invariance import __version__
from invariance.config import Config
from invariance.errors import InputError
from invariance.experiments.profiles import Profile
from invariance.experiments.units import VERSION
from invariance.files import write_aside
from invariance.training import hardware, pick_device

FORMAT = 1
"""Raise it when what `save` writes changes shape: older files are then refused instead of misread."""

_ABOUT_DATA = ("experiment", "data", "source", "factor", "position", "sweep", "trained_on", "trained_with", "level")
_ABOUT_TRANSFER = ("transforms", "pretraining", "transformation", "target", "exchanged", "transfer", "samples")
NUMBERS = ("value", "low", "high")
COLUMNS = (*_ABOUT_DATA, *_ABOUT_TRANSFER, "learning_rate", "order", "model", "seed", "split", "measure", *NUMBERS)
"""The order of columns in a published table; others stand before `model`, by name."""

REQUIRED = ("experiment", "seed", "measure", "value")
PACKAGES = ("torch", "torchvision", "pytorch-lightning", "numpy", "scipy", "pandas", "pillow", "exca")


class Provenance(Config):
    """Where a table comes from. `seconds` is computing time; `date` is empty unless the caller gives one."""

    code: str
    results_version: str
    python: str
    packages: dict[str, str]
    device: str
    profile: str
    sizes: dict[str, object]
    seeds: list[int] = Field(min_length=1)
    sources: list[str]
    seconds: float = Field(ge=0)
    date: str = ""


class _Record(Config):
    # The JSON file: the provenance, and what the CSV must look like.
    format: int
    provenance: Provenance
    columns: dict[str, str]
    rows: int
    sha256: str


def provenance(
    profile: Profile,
    device: str,
    seconds: float,
    seeds: Sequence[int] | None = None,
    sources: Sequence[str] = ("glyphs", "scenes"),
    date: str = "",
    ran_on: str = "",
) -> Provenance:
    """The record for a table computed here and now.

    `device` is a torch device such as "cpu" or "cuda:0", resolved to the hardware's name; `seconds` the computing time
    of all units; `ran_on` their hardware, if it is not this machine's `device`; `seeds` those of the table, the
    profile's if left out; `sources` where the pictures come from.
    """
    sizes = profile.model_dump(mode="json", exclude={"name", "cost"})
    return Provenance(
        code=__version__,
        results_version=VERSION,
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        device=ran_on or device_name(device),
        profile=profile.name,
        sizes=sizes,
        seeds=sorted(range(profile.seeds) if seeds is None else set(seeds)),
        sources=list(sources),
        seconds=round(seconds, 1),
        date=date,
    )


def device_name(device: str) -> str:
    """What a reader calls the device: "2 CPU cores", or the GPU's own name."""
    return hardware(pick_device(device))


def describe(record: Provenance, least: int | None = None, most: int | None = None) -> str:
    """One line for captions: "profile quick, 3 seeds, 2 CPU cores, glyphs and scenes".

    `least` and `most` are the numbers of seeds of the parts shown ("3 to 6 seeds"), the record's if left out.
    """
    least = least or len(record.seeds)
    most = most or least
    seeds = f"{least} seed{'s' if least != 1 else ''}" if most == least else f"{least} to {most} seeds"
    pictures = " and ".join(
        (", ".join(record.sources[:-1]), record.sources[-1]) if record.sources[1:] else record.sources
    )
    return f"profile {record.profile}, {seeds}, {record.device}, {pictures}"


def save(table: pd.DataFrame, name: str, folder: str | Path, record: Provenance) -> Path:
    """Write NAME.csv and NAME.json into `folder`; gives the path of the CSV.

    Columns are in a fixed order, rows sorted by what they are about, values rounded to six significant digits, so
    that equal results give equal files. Raises `InputError` for a table that is not tidy.
    """
    _check_tidy(table, f"table {name!r}")
    table = _arranged(table)
    kinds = {column: _kind(table[column]) for column in table}
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    about = _Record(format=FORMAT, provenance=record, columns=kinds, rows=len(table), sha256=_digest(text))
    folder = Path(folder)
    path = folder / f"{name}.csv"
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")
    with write_aside(folder / f"{name}.json") as aside:
        aside.write_text(
            json.dumps(about.model_dump(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
    return path


def load(name: str, folder: str | Path) -> tuple[pd.DataFrame, Provenance]:
    """The table and the provenance that `save` wrote. Raises `InputError`, naming the file, if they are not whole."""
    folder = Path(folder)
    about = _read_record(folder / f"{name}.json")
    path = folder / f"{name}.csv"
    text = _read(path)
    if _digest(text) != about.sha256:
        raise InputError(
            f"{path} is not the table that {name}.json describes: it was cut short or edited. Publish again."
        )
    header = text.split("\n", 1)[0].split(",")
    if header != list(about.columns):
        raise InputError(f"{path} has the columns {', '.join(header)}, not those of {name}.json: publish again.")
    dtypes = {"text": str, "integer": "int64", "number": "float64"}
    numbers = {column: [""] for column, kind in about.columns.items() if kind == "number"}
    table = pd.read_csv(
        io.StringIO(text),
        dtype={column: dtypes[kind] for column, kind in about.columns.items()},
        keep_default_na=False,
        na_values=numbers,
    )
    _check_tidy(table, str(path))
    return table, about.provenance


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"No published result {path}: run `invariance publish`, or check the name.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file: publish again.") from None


def _read_record(path: Path) -> _Record:
    try:
        content = from_json(_read(path))
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): publish again.") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise InputError(f"{path} has format {found!r}, this version reads {FORMAT}: publish again.")
    try:
        return _Record(**content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _check_tidy(table: pd.DataFrame, what: str) -> None:
    missing = [column for column in REQUIRED if column not in table]
    if missing:
        raise InputError(f"{what} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, table))}.")
    if table.empty:
        raise InputError(f"{what} has no rows.")


def _arranged(table: pd.DataFrame) -> pd.DataFrame:
    known = {column: k for k, column in enumerate(COLUMNS)}
    columns = sorted(table, key=lambda c: (known.get(c, known["model"] - 0.5), c))
    text = [column for column in columns if _kind(table[column]) == "text"]
    table = table.assign(**table[text].fillna("").astype(str))
    keys = [column for column in columns if column not in NUMBERS]
    return table[columns].sort_values(keys, kind="stable", ignore_index=True)


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    return "number" if pd.api.types.is_float_dtype(column) else "text"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
