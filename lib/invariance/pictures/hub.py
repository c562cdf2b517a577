"""Pictures from a data set on the Hugging Face Hub, such as the paper's own, `tillspeicher/transforms_2d_base`.

A source is `hub:OWNER/NAME` or `hub:OWNER/NAME@REVISION`. The data set has the configurations `foregrounds`
(columns `image` and `label`) and `backgrounds` (column `image`), each in Parquet files, split `train`. Those are
read as data: no code of the data set runs, and nothing is unpickled.

A commit of 40 hexadecimal digits as the revision is used as it is. Any other revision, and none, is looked up
once: the commit it then means is kept beside the files and used from then on, so that results do not drift.
After the first download no network is needed.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from invariance.errors import InputError
from invariance.files import cache_dir, check_cache

SOURCE = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")


def check_source(source: str) -> None:
    """Raise `InputError` unless a source is written as it has to be."""
    if not SOURCE.fullmatch(source):
        raise InputError(f"{source!r} names no data set on the Hub: write hub:OWNER/NAME or hub:OWNER/NAME@REVISION.")


def commit(source: str) -> str:
    """The commit, 40 hexadecimal digits, that a source stands for; looked up and kept the first time."""
    check_source(source)
    revision = _parts(source)[1] or ""
    return revision if COMMIT.fullmatch(revision) else _snapshot(source).name


def _parts(source: str) -> tuple[str, str | None]:
    found = SOURCE.fullmatch(source)
    assert found, source  # it has been checked
    return found["repository"], found["revision"]


def class_names(source: str) -> tuple[str, ...]:
    """The classes of the foregrounds, in the order of the data set's labels."""
    return _labels(_snapshot(source))[1]


def objects(source: str) -> dict[str, list[tuple[bytes, str]]]:
    """The foregrounds of each class, as `pictures` gives them."""
    labels, names = _labels(_snapshot(source))
    found: dict[str, list[tuple[bytes, str]]] = {name: [] for name in names}
    for picture, label in zip(pictures(source, "foregrounds"), labels, strict=True):
        found[names[label]].append(picture)
    return found


def pictures(source: str, configuration: str) -> list[tuple[bytes, str]]:
    """All pictures of a configuration: each encoded, and what messages call it."""
    found = []
    for row, image in enumerate(_column(_snapshot(source), configuration, "image")[0]):
        encoded = image.get("bytes") if isinstance(image, dict) else image  # beside the path it came from, or alone
        if not isinstance(encoded, bytes):
            raise InputError(f"Row {row} of {configuration} of {source} has no image in it: use another revision.")
        found.append((encoded, f"in row {row} of {configuration} of {source}"))
    return found


def _snapshot(source: str) -> Path:
    """Folder with the files of a source, named after the commit; downloaded the first time."""
    try:
        from huggingface_hub import errors, snapshot_download
    except ImportError:
        raise InputError("Pictures from the Hub need the library huggingface_hub: pip install -e '.[hub]'") from None
    repository, revision = _parts(source)
    files = [f"{configuration}/train*.parquet" for configuration in ("foregrounds", "backgrounds")]
    chosen: dict[str, Any] = {
        "revision": revision,
        "repo_type": "dataset",
        "allow_patterns": files,
        "cache_dir": cache_dir() / "hub",
    }
    try:
        return Path(snapshot_download(repository, **chosen, local_files_only=True))
    except errors.LocalEntryNotFoundError:
        check_cache("hub")
    named = f"{repository} at {revision or 'main'}"
    try:
        return Path(snapshot_download(repository, **chosen))
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise InputError(f"The Hub has no data set {named}, or not for you. Check both names.") from error
    except Exception as error:  # whatever the library reaches the network with has errors of its own
        problem = f"{named} is not in the cache, and the Hub cannot be reached ({type(error).__name__})"
        raise InputError(f"{problem}. Go online once, or use glyphs and scenes, which need no network.") from error


@lru_cache(maxsize=8)
def _labels(snapshot: Path) -> tuple[list[int], tuple[str, ...]]:
    """The number of each row's class, and the names of the classes."""
    values, metadata = _column(snapshot, "foregrounds", "label")
    try:  # names, where the Hub's libraries wrote them into the metadata
        names = json.loads((metadata or {})[b"huggingface"])["info"]["features"]["label"]["names"]
        known: Sequence[int | str] = range(len(names))
    except (KeyError, TypeError, ValueError):
        names = known = sorted({v for v in values if (isinstance(v, str) and v) or (isinstance(v, int) and v >= 0)})
    for row, value in enumerate(values):
        if isinstance(value, float) or value not in known:  # -1 and none stand for pictures without a class
            raise InputError(f"Row {row} of the foregrounds in {snapshot} is of no class: its label is {value!r}.")
    return [known.index(value) for value in values], tuple(map(str, names))


def _column(snapshot: Path, configuration: str, name: str) -> tuple[list[Any], dict[bytes, bytes] | None]:
    """The values of a column, and the metadata of its table."""
    import pyarrow.parquet as pq

    files = sorted(snapshot.glob(f"{configuration}/train*.parquet"))
    if not files:
        remedy = (
            "it needs the configurations foregrounds and backgrounds, as @refs/convert/parquet of a data set may have."
        )
        raise InputError(f"{snapshot} has no {configuration}/train*.parquet: {remedy}")
    try:
        schema = pq.read_schema(files[0])
        values = pq.read_table(files, columns=[name] if name in schema.names else []).to_pydict().get(name)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {files[0].parent}: {str(error).splitlines()[0]}") from None
    if not values:
        raise InputError(f"{files[0]} has no {name!r} in it; its columns are {', '.join(schema.names)}.")
    return values, schema.metadata
