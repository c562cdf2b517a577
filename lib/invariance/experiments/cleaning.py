"""What in the cache no unit will read again, and removing it."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from invariance.experiments.units import VERSION, stored
from invariance.files import cache_dir

FOLDERS = ("units", "weights", "failures", "pictures")
"""What this package writes into the cache folder; nothing else there is touched."""
YOUNG = 3600
"""Seconds for which an unfinished file may belong to a run that goes on."""


def removable(everything: bool = False) -> list[Path]:
    """Files and folders that `clean` would remove.

    Results of other versions of the code, weights that no result names, reports of failures, and what killed runs
    left; with `everything` all results, weights and rendered pictures.
    """
    root = cache_dir()
    if everything:
        return [root / name for name in FOLDERS if (root / name).exists()]
    return [*_stale_units(root / "units"), *_stale_weights(root), *sorted((root / "failures").glob("*.txt"))]


def clean(everything: bool = False) -> int:
    """Remove what `removable` names; gives the bytes that this freed."""
    freed = 0
    for path in removable(everything):
        freed += size(path)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return freed


def size(path: Path) -> int:
    """Bytes in a file, or in all files below a folder."""
    return sum(f.stat().st_size for f in (path.rglob("*") if path.is_dir() else [path]) if f.is_file())


def _stale_units(folder: Path) -> Iterator[Path]:
    for kind in sorted(folder.glob("*.run,*")):
        if not kind.name.endswith(f",{VERSION}"):
            yield kind
            continue
        yield from (entry for entry in kind.iterdir() if _is_unfinished(entry) and _is_old(entry))


def _stale_weights(root: Path) -> Iterator[Path]:
    named = {_named_weights(path) for path in (root / "units").glob(f"*Pretraining.run,{VERSION}/*/job.pkl")}
    for path in sorted((root / "weights").glob("*")) + sorted((root / "weights").glob(".*.safetensors")):
        if path.name not in named and _is_old(path):
            yield path


def _named_weights(entry: Path) -> str | None:
    try:
        return stored(entry)["weights"]
    except Exception:  # whatever a damaged pickle raises: the unit will be computed again
        return None


def _is_unfinished(entry: Path) -> bool:
    return entry.name != "logs" and not (entry / "job.pkl").exists()  # logs hold what cluster jobs gave back


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > YOUNG
