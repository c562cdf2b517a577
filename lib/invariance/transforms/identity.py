"""What tells two states of a function of your own apart: all that it depends on, as text.

A function is its bytecode, its defaults and the values that it closes over or reads from its module; these may be
functions in turn. What comes with Python, or is installed, is known by name and version. Not seen are files that a
function reads, and names that it puts together while it runs.
"""

import copyreg
import dis
import hashlib
import secrets
import sys
import warnings
from collections.abc import Iterator
from functools import cached_property, partial
from importlib import import_module
from importlib.util import resolve_name
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented), range)
NO_STATE = {"__dict__", "__weakref__", "__doc__", "__module__", "_abc_impl", "__abstractmethods__"}
INSTALLED = {"site-packages", "dist-packages"}
UNTOLD: dict[int, tuple[object, str]] = {}
"""Random words for what cannot be described, by its `id`: results that depend on it are found by this process alone."""


Done = dict[int, tuple[str, object]]


def identity(value: object) -> str:
    """64 hexadecimal digits, others where `value`, such as a function, or anything that it depends on is another."""
    return _told(value, (), {})


def _told(value: object, above: tuple[int, ...], done: Done) -> str:
    if type(value) in ATOMS:
        return f"{type(value).__name__} {value!r}"
    if id(value) in above:  # it holds itself
        return f"{len(above) - above.index(id(value))} above"
    if id(value) not in done:
        label, within = _described(value)
        parts = [label, *(_told(part, (*above, id(value)), done) for part in within)]
        text = "".join(f"{len(part)} {part}" for part in parts)
        done[id(value)] = hashlib.sha256(text.encode()).hexdigest(), value  # kept alive, so that its id stays its own
    return done[id(value)][0]


def _described(value: Any) -> tuple[str, list]:
    # A label, and the values that make the rest of it.
    if isinstance(value, FunctionType | type) and _is_named(value):
        return _by_name(value), []
    if isinstance(value, FunctionType):
        return "function", _of_function(value)
    if isinstance(value, type):
        state = {name: part for name, part in sorted(vars(value).items()) if name not in NO_STATE}
        return f"class {value.__qualname__}", [*value.__bases__, state]
    if isinstance(value, CodeType):
        return f"code {value.co_code.hex()} {value.co_names} {value.co_freevars}", list(value.co_consts)
    if isinstance(value, ModuleType):
        own = {} if _is_installed(value.__name__) else _public(value)
        return f"module {value.__name__} {_version(value.__name__)}", [own]
    if type(value) in (list, tuple, dict, MappingProxyType):
        return type(value).__name__, [*value] if isinstance(value, list | tuple) else [*value.items()]
    if type(value) in (set, frozenset):
        return f"{type(value).__name__} {sorted(map(identity, value))}", []
    if isinstance(value, Tensor | np.ndarray):
        return _of_numbers(value)
    return _of_object(value)


def _of_function(function: FunctionType) -> list:
    library = _is_installed(function.__module__)
    inside = [cell.cell_contents for cell in function.__closure__ or () if cell != CellType()]
    read = [] if library else _read_from_module(function)
    return [function.__code__, function.__defaults__, function.__kwdefaults__, inside, read, vars(function)]


def _read_from_module(function: FunctionType) -> list:
    # Values of the global names in its code; of a module of yours, the attributes that the code names.
    steps = [step for code in _codes(function.__code__) for step in dis.get_instructions(code)]
    attributes = sorted({s.argval for s in steps if s.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM")})
    found = []
    for name in sorted({s.argval for s in steps if s.opname in ("LOAD_GLOBAL", "LOAD_NAME")}):
        if name in function.__globals__:
            found.append((name, _narrowed(function.__globals__[name], attributes)))
    modules = {name: _module(name) for name in sorted(_imported(steps, function.__globals__.get("__package__")))}
    return found + [(name, _narrowed(module, attributes)) for name, module in modules.items()]


def _imported(steps: list[dis.Instruction], package: str | None) -> set[str]:
    # Full names of what may be modules; two steps before an import stands its level, then what is taken "from" it.
    found = set()
    for k, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            level, taken = (before.argval for before in steps[k - 2 : k])
            name = resolve_name("." * level + step.argval, package) if level and package else step.argval
            found |= {name, *(f"{name}.{part}" for part in taken or ())}
    return found


def _module(name: str) -> ModuleType | None:
    # Imported now, as the function does: else it would be another one after its first use.
    try:
        return import_module(name)
    except Exception:  # a module of your own may raise anything; the function may handle it
        return None


def _narrowed(value: object, attributes: list[str]) -> object:
    if not isinstance(value, ModuleType) or _is_installed(value.__name__):
        return value
    return {name: _narrowed(vars(value)[name], attributes) for name in attributes if name in vars(value)}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _of_numbers(value: Tensor | np.ndarray) -> tuple[str, list]:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return f"array {value.shape}", value.tolist()
        return f"array {value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}", []
    flat = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
    return f"tensor {value.dtype} {tuple(value.shape)} {hashlib.sha256(flat.tobytes()).hexdigest()}", []


def _of_object(value: object) -> tuple[str, list]:
    if isinstance(value, partial):
        return "partial", [value.func, value.args, value.keywords]
    if isinstance(value, cached_property):
        return "property", [value.func]
    if isinstance(value, MethodType):
        return "method", [value.__func__, value.__self__]
    if isinstance(value, staticmethod | classmethod) or hasattr(value, "__wrapped__"):
        return type(value).__name__, [value.__wrapped__]
    if isinstance(value, property):
        return "property", [value.fget, value.fset]
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        found = reduce(value) if reduce else value.__reduce_ex__(4)
    except Exception:  # what cannot be pickled says so in many ways
        warnings.warn(
            f"A transformation of yours depends on a {type(value).__name__}, whose state cannot be told: "
            "results with it are kept for this process alone.",
            stacklevel=2,
        )
        return f"{type(value).__name__} {UNTOLD.setdefault(id(value), (value, secrets.token_hex(8)))[1]}", []
    if isinstance(found, str):
        return f"{type(value).__name__} {getattr(value, '__module__', '')} {found}", []
    return type(value).__name__, [list(part) if k > 2 and part else part for k, part in enumerate(found[:5])]


def _public(module: ModuleType) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


def _is_named(value: FunctionType | type) -> bool:
    return _is_installed(value.__module__) and "<" not in value.__qualname__


def _by_name(value: FunctionType | type) -> str:
    return f"{value.__module__}.{value.__qualname__} {_version(value.__module__)}"


def _is_installed(module: str | None) -> bool:
    module = module or "__main__"
    top = module.partition(".")[0]
    if top == "__main__":  # yours, even where its file is that of Jupyter's kernel
        return False
    if top == "invariance" or top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    return file is not None and not INSTALLED.isdisjoint(file.replace("\\", "/").split("/"))


def _version(module: str) -> str:
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))
