"""Files that are whole or absent: write aside, then rename; and where caches live."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from invariance.errors import InputError


def cache_dir() -> Path:
    """Folder for rendered pictures and finished units.

    `$INVARIANCE_CACHE` if set, else `invariance` in the user's cache folder
    (`$XDG_CACHE_HOME`, else `~/.cache`). Raises `InputError` where there is no home to begin with.
    """
    own, base = os.environ.get("INVARIANCE_CACHE"), os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(own).expanduser().resolve() if own else Path(base).expanduser() / "invariance"
    except RuntimeError as error:  # no home, as in a container under a number that is nobody's; or links in a circle
        raise InputError(f"No folder for the cache ({error}): set INVARIANCE_CACHE to one.") from None


MARKER = "CACHEDIR.TAG"
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by the package invariance; backups may leave it out.\n"
"""What the convention for such files asks for: https://bford.info/cachedir/."""


def cache_folder(name: str) -> Path:
    """A folder of the cache to write into, made where it is missing, and marked as this package's own if it was empty.

    `invariance clean` removes nothing from a folder without the mark.
    """
    folder = cache_dir() / name
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is None:
        (folder / MARKER).write_text(TAG, "utf-8")
    return folder


def results_dir() -> Path:
    """Folder of the published results.

    `$INVARIANCE_RESULTS` if set, else `book/results` of the checkout, else the copy that was installed.
    """
    own, checkout = os.environ.get("INVARIANCE_RESULTS"), Path(__file__).parents[2] / "book" / "results"
    if own:
        return Path(own).expanduser()
    return checkout if checkout.parent.is_dir() else Path(__file__).parent / "_results"


@cache
def packaged(name: str) -> Any:
    """What is in a YAML file of this package, such as "pictures/glyphs.yaml"."""
    return yaml.safe_load(resources.files("invariance").joinpath(name).read_text("utf-8"))


def check_cache(folder: str) -> None:
    """Raise `InputError` unless this folder of the cache can be written: before long work that is kept there."""
    try:
        _write_into(cache_folder(folder))
    except OSError as error:
        raise InputError(_cannot_use_cache(error)) from None


def check_folder(folder: str | Path) -> None:
    """Raise `InputError` unless results can be written into this folder, which is made where it is missing."""
    try:
        _write_into(Path(folder))
    except OSError as error:
        raise InputError(f"Cannot write to {folder} ({error}): choose another folder as --out.") from None


def _write_into(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def explained(error: OSError) -> str | None:
    """What to tell a reader of a full disk, or of a cache that cannot be read or written; None for other errors."""
    if error.errno == errno.ENOSPC:
        where = f" ({error.filename})" if error.filename else ""
        return f"The disk is full{where}: make room and run again."
    with suppress(InputError):  # without a home there is no cache to blame
        cache, place = cache_dir(), Path(str(error.filename or ""))
        not_made = cache.is_relative_to(place) and not place.is_dir()  # a folder above the cache
        if error.filename and (place.is_relative_to(cache) or not_made):
            return _cannot_use_cache(error)
    return None


def _cannot_use_cache(error: OSError) -> str:
    return f"Cannot use the cache {cache_dir()} ({error}): set INVARIANCE_CACHE to a folder that you can write to."


@contextmanager
def write_aside(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    A reader sees the old file or the new one, never half of one. The temporary file is
    removed when the block fails, on a full disk for example.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with open(aside, "rb+") as file:  # on the disk before it has its name: a power cut may not leave it empty
            os.fsync(file.fileno())
        aside.chmod(0o644)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
