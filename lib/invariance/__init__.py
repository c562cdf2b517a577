"""Invariance in transfer learning: the library behind the interactive research book.

`invariance.transforms_2d(...)`, `natural_images(...)` and `objects_on_images(...)` make a data set in one call;
the modules hold the rest.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_SHORTCUTS = {
    "natural_images": "invariance.data",
    "objects_on_images": "invariance.data",
    "profile_model": "invariance.profiling",
    "transforms_2d": "invariance.data",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: `import invariance` alone should not take the seconds that PyTorch does.
    if name in _SHORTCUTS:
        return getattr(import_module(_SHORTCUTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
