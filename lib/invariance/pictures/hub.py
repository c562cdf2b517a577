"""Pictures from a data set on the Hugging Face Hub, such as the paper's own, `tillspeicher/transforms_2d_base`.

A source is `hub:OWNER/NAME` or `hub:OWNER/NAME@REVISION`. The data set has the configurations `foregrounds`
(columns `image` and `label`) and `backgrounds` (column `image`), each in Parquet files, split `train`. Those are
read as data: no code of the data set runs, and nothing is unpickled.

A commit of 40 hexadecimal digits as the revision is used as it is. Any other revision, and none, is looked up
once: the commit it then means is written down beside the files and used from then on, so that results do not
drift. After the first download no network is needed.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from invariance.errors import InputError
from invariance.files import cache_dir, check_cache, write_aside
from invariance.pictures.reading import read_background, read_object

SOURCE = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
CONFIGURATIONS = ("foregrounds", "backgrounds")


def check_source(source: str) -> None:
    """Raise `InputError` unless a source is written as it has to be."""
    if not SOURCE.fullmatch(source):
        raise InputError(f"{source!r} names no data set on the Hub: write hub:OWNER/NAME or hub:OWNER/NAME@REVISION.")


def class_names(source: str) -> tuple[str, ...]:
    """The classes of the foregrounds, in the order of the data set's labels."""
    return _labels(_files(source, "foregrounds"))[1]


def foregrounds(source: str, size: int, prototypes: int, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Up to `prototypes` objects of each of these classes, RGBA uint8 (N, size, size, 4)."""
    files = _files(source, "foregrounds")
    labels, known = _labels(files)
    found: dict[str, list[np.ndarray]] = {name: [] for name in classes}
    for (place, picture), label in zip(_pictures(files), labels, strict=True):
        of_class = found.get(known[label])
        if of_class is not None and len(of_class) < prototypes:
            of_class.append(read_object(picture, size, place))
    for name, images in found.items():
        if not images:
            raise InputError(f"Class {name!r} has no prototype in {source}: leave it out of the classes.")
    return {name: np.stack(images) for name, images in found.items()}


def backgrounds(source: str, size: int) -> np.ndarray:
    """All backgrounds, RGB uint8 (N, size, size, 3)."""
    files = _files(source, "backgrounds")
    return np.stack([read_background(picture, size, name) for name, picture in _pictures(files)])


def count(source: str) -> int:
    """Number of backgrounds."""
    return len(_column(_files(source, "backgrounds"), "image"))


def commit(source: str) -> str:
    """The commit, 40 hexadecimal digits, that a source stands for; looked up and written down the first time."""
    check_source(source)
    match = SOURCE.fullmatch(source)
    repository, revision = match["repository"], match["revision"] or "main"
    if COMMIT.fullmatch(revision):
        return revision
    note = cache_dir() / "hub" / (f"{repository}@{revision}".replace("/", "--") + ".commit")
    if not note.exists():
        check_cache("hub")
        found = _look_up(repository, revision)
        with write_aside(note) as aside:
            aside.write_text(found)
    found = note.read_bytes().decode(errors="replace").strip()
    if not COMMIT.fullmatch(found):
        raise InputError(f"{note} holds no commit. Delete it, and what {revision} means is looked up again.")
    return found


# --- files ---


def _files(source: str, configuration: str) -> tuple[str, ...]:
    """Parquet files of a configuration, downloaded the first time, then compared with the checksums of that time."""
    pinned, folder = commit(source), cache_dir() / "hub"
    repository = SOURCE.fullmatch(source)["repository"]
    note = folder / (f"{repository}@{pinned}".replace("/", "--") + f".{configuration}.json")
    if not note.exists():
        check_cache("hub")
        found = _download(repository, pinned, configuration)
        with write_aside(note) as aside:
            aside.write_text(json.dumps({str(path.relative_to(folder)): _checksum(path) for path in found}, indent=1))
    try:
        checksums = json.loads(note.read_bytes())
    except ValueError:
        checksums = None
    if not isinstance(checksums, dict) or not checksums:
        raise InputError(f"{note} is damaged. Delete it to download the files again.")
    for name, checksum in checksums.items():
        if not (folder / name).is_file() or _checksum(folder / name) != checksum:
            raise InputError(
                f"{folder / name} is missing or changed since its download. Delete {folder} to get it anew."
            )
    return tuple(str(folder / name) for name in checksums)


def _look_up(repository: str, revision: str) -> str:
    """The commit that a branch or a tag means now."""
    library = _library()
    try:
        return library.HfApi().dataset_info(repository, revision=revision).sha
    except Exception as error:  # the library's own errors, and those of whatever it reaches the network with
        raise InputError(_explain(repository, revision, error)) from error


def _download(repository: str, pinned: str, configuration: str) -> list[Path]:
    library = _library()
    try:
        names = library.HfApi().list_repo_files(repository, repo_type="dataset", revision=pinned)
        wanted = [name for name in names if fnmatch(name, f"{configuration}/train*.parquet")]
        cache = cache_dir() / "hub"
        paths = [
            Path(library.hf_hub_download(repository, name, repo_type="dataset", revision=pinned, cache_dir=cache))
            for name in sorted(wanted)
        ]
    except Exception as error:
        raise InputError(_explain(repository, pinned, error)) from error
    if not paths:
        raise InputError(
            f"{repository} at {pinned} has no {configuration}/train*.parquet: it needs the configurations foregrounds "
            "and backgrounds as Parquet files. The Hub's own conversion of a data set is at @refs/convert/parquet."
        )
    for path in paths:
        if pinned not in path.parts:
            raise InputError(f"Asked for revision {pinned} of {repository}, got {path}: the revision does not match.")
    return paths


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise InputError("Pictures from the Hub need the library huggingface_hub: pip install -e '.[hub]'") from None
    return huggingface_hub


def _explain(repository: str, revision: str, error: Exception) -> str:
    kind = type(error).__name__
    if kind in ("RevisionNotFoundError", "RepositoryNotFoundError", "GatedRepoError"):
        return f"The Hub has no data set {repository} with the revision {revision}, or not for you. Check both names."
    return (
        f"{repository} at {revision} is not in the cache, and the Hub cannot be reached ({kind}). "
        "Go online once, or use glyphs and scenes, which need no network."
    )


def _checksum(path: Path) -> str:
    found = path.stat()
    return _sha256(str(path), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: str, size: int, changed: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


# --- what is in them ---


def _column(files: tuple[str, ...], name: str) -> list[Any]:
    import pyarrow.parquet as pq

    values = []
    for file in files:
        try:
            names = pq.read_schema(file).names
            found = pq.read_table(file, columns=[name]).column(name).to_pylist() if name in names else None
        except (OSError, ValueError) as error:
            raise InputError(f"Cannot read {file}: {str(error).splitlines()[0]}") from None
        if found is None:
            raise InputError(f"{file} has no column {name!r}; its columns are {', '.join(names)}.")
        values += found
    if not values:
        raise InputError(f"{files[0]} has no rows: the data set is empty.")
    return values


def _pictures(files: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """What each encoded picture is called in messages, and its bytes."""
    pictures = []
    for row, image in enumerate(_column(files, "image")):
        encoded = image.get("bytes") if isinstance(image, dict) else image  # beside the path it came from, or alone
        if not isinstance(encoded, bytes) or not encoded:
            raise InputError(f"Row {row} of {files[0]} has no image in it: use another revision of the data set.")
        pictures.append((f"in row {row} of {files[0]}", encoded))
    return pictures


@lru_cache(maxsize=8)
def _labels(files: tuple[str, ...]) -> tuple[list[int], tuple[str, ...]]:
    """The number of each row's class, and the names of the classes."""
    values, names = _column(files, "label"), _class_label(files[0])
    if names is None:
        for row, value in enumerate(values):
            # -1 and none stand for pictures without a class; `>=` is false for nan, too.
            if not (isinstance(value, (int, float)) and value >= 0) and not (isinstance(value, str) and value):
                raise InputError(
                    f"Row {row} of {files[0]} has the label {value!r}: it must be a number from 0, or a name."
                )
        names = sorted(set(values), key=lambda value: (str(type(value)), value))
        values = [names.index(value) for value in values]
    for row, value in enumerate(values):
        if not isinstance(value, int) or not 0 <= value < len(names):
            raise InputError(f"Row {row} of {files[0]} has the unknown class {value!r}; it has {len(names)} classes.")
    return values, tuple(str(name) for name in names)


def _class_label(file: str) -> list[str] | None:
    """Class names from the features that the Hub's libraries write into a file's metadata, if there are any."""
    import pyarrow.parquet as pq

    try:
        return json.loads(pq.read_schema(file).metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return None
