"""Invariance in transfer learning: the library behind the interactive research book.

`invariance.transforms_2d(...)`, `natural_images(...)`, `objects_on_images(...)` and `labelled_images(...)` make a data
set in one call, `profile_model(...)` measures a model of yours; the modules hold the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invariance.data import labelled_images, natural_images, objects_on_images, transforms_2d
    from invariance.profiling import profile_model

__version__ = "0.1.0"
__all__ = ["__version__", "labelled_images", "natural_images", "objects_on_images", "profile_model", "transforms_2d"]

_HOMES = {"profile_model": "invariance.profiling"}
"""Where the shortcuts are that `invariance.data` does not hold."""


def __getattr__(name: str) -> object:
    # Loaded when asked for: `import invariance` alone should not take the seconds that PyTorch does.
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "invariance.data")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
