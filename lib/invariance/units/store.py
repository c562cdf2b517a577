"""Results and weights on disk: each whole or absent, found by digest, checked when read.

units/<kind>/<digest>.json       a result, sealed by a hash of itself
weights/<hash>.safetensors       weights, named by their content
failures/<digest>.txt            why a unit failed when it was last tried
"""

import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor

from invariance.files import MARKER, cache_dir, cache_folder, write_aside
from invariance.units.unit import VERSION, Unit, Values, rounded

FOLDERS = ("units", "weights", "failures", "pictures", "live")
OWN = re.compile(
    r"units/\w+/\.?[0-9a-f]{24}\.json(\.\w+\.json)?|weights/\.?[0-9a-f]{64}\.safetensors(\.\w+\.safetensors)?"
    r"|failures/\.?[0-9a-f]{24}\.txt(\.\w+\.txt)?|pictures/[a-z]+(-[a-z]+)?(-v\d+|-[0-9a-f]+)(-\d+){1,2}\.rows|live/\.?[0-9a-f]{24}(-\d+)?/.+"
)
"""What this package writes into the cache folder, by path, where a folder has its mark; nothing else is touched."""
YOUNG = 3600
"""Seconds for which an unfinished file may belong to a run that goes on."""


def result_file(unit: Unit) -> Path:
    """Where the result of a unit is kept."""
    return cache_dir() / "units" / type(unit).__name__ / f"{unit.digest}.json"


def failure_file(unit: Unit) -> Path:
    """Where the reason is kept that a unit failed when it was last tried."""
    return cache_dir() / "failures" / f"{unit.digest}.txt"


def read(unit: Unit) -> Values | None:
    """The kept result, with `values`, `seconds` and `facts`; None where there is none that is whole."""
    file = result_file(unit)
    try:
        found = json.loads(file.read_text("utf-8"))
        if found.pop("seal") == _seal(found) and _has_weights(found["values"]):
            return found
        problem = "it or its weights are damaged or missing"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
    logging.getLogger(__name__).warning("Corrupt cache entry %s (%s): computing it again.", file, problem)
    return None


def write(unit: Unit, values: Values, seconds: float, facts: Values) -> Values:
    """Keep a result; gives it as `read` does."""
    result = {
        "unit": type(unit).__name__,
        "digest": unit.digest,
        "version": VERSION,
        "configuration": unit.configuration(),
        "values": rounded(values),
        "seconds": round(seconds, 3),
        "facts": facts,
    }
    result = json.loads(json.dumps(result))  # as it is when it is read
    cache_folder("units")
    with write_aside(result_file(unit)) as aside:
        aside.write_text(json.dumps({**result, "seal": _seal(result)}, indent=1), "utf-8")
    failure_file(unit).unlink(missing_ok=True)
    return result


def _seal(result: Values) -> str:
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


def write_weights(weights: Mapping[str, Tensor]) -> str:
    """Keep weights; gives their name, which is a hash of their content."""
    content = save({name: value.contiguous() for name, value in weights.items()})
    name = hashlib.sha256(content).hexdigest()
    cache_folder("weights")
    with write_aside(_weights_file(name)) as aside:
        aside.write_bytes(content)
    return name


def read_weights(name: str) -> dict[str, Tensor]:
    """Weights by name. Raises `OSError` where they are missing and `ValueError` where they are damaged."""
    content = _weights_file(name).read_bytes()
    if hashlib.sha256(content).hexdigest() != name:
        raise ValueError(f"The weights {_weights_file(name)} are damaged.")
    return load(content)


def _weights_file(name: str) -> Path:
    return cache_dir() / "weights" / f"{name}.safetensors"


def _has_weights(values: Values) -> bool:
    return "weights" not in values or _weights_file(values["weights"]).is_file()


# --- cleaning ------------------------------------------------------------------------------------------


def removable(everything: bool = False) -> list[Path]:
    """Files that `clean` removes: other versions' results, lost weights, reports, and what killed runs left.

    With `everything`, all that this package keeps.
    """
    folders = [cache_dir() / name for name in FOLDERS if (cache_dir() / name / MARKER).is_file()]
    within = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path for path in within if OWN.fullmatch(path.relative_to(cache_dir()).as_posix())]
    if everything:
        return files
    kept, named = set(), set()
    for path in (path for path in files if path.suffix == ".json"):
        version, weights = _version_and_weights(path)
        if version == VERSION:
            kept.add(path)
            named.add(weights)
    return [path for path in files if path not in kept and path.stem not in named and _is_lost(path)]


def _version_and_weights(path: Path) -> tuple[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
        return found["version"], found["values"].get("weights", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _is_lost(path: Path) -> bool:
    # Pictures are for every version; a young file may belong to a run that goes on.
    folder = path.relative_to(cache_dir()).parts[0]
    is_aside = path.name.startswith(".")
    old = time.time() - path.stat().st_mtime > YOUNG
    return folder == "failures" or (old if is_aside or folder == "weights" else folder == "units")


def clean(everything: bool = False) -> Iterator[Path]:
    """Remove what `removable` names, one file after the other."""
    for path in removable(everything):
        path.unlink(missing_ok=True)
        yield path
