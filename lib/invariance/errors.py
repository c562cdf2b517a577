"""Errors with a report for the reader, and the checks of names and numbers."""

import math
import operator
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Real
from typing import Any

LEAST, MOST = -(2**63), 2**63 - 1
"""What tensors of indices and keys can hold."""


class InputError(ValueError):
    """Input that cannot work: the message names the thing and the remedy, in one line."""


class BookError(RuntimeError):
    """A chapter or the site failed; the message is the whole report for the reader."""


def check_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise `InputError` unless `name` is one of `known`; the message lists what is known.

    `kind` is the singular noun for the message, such as "transformation".
    """
    known = list(known)
    if name in known:
        return
    close = get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise InputError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(known)}.")


def check_whole(what: str, value: Any, low: int = LEAST, high: int = MOST) -> int:
    """`value` as an int; raise `InputError` unless it is a whole number from `low` to `high`.

    NumPy's integers are whole numbers; booleans and floats, even 3.0, are not. `what` starts the message.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        limits = f"of at least {low}" if high == MOST else f"from {low} to {high}"
        limits = "of at most 64 bits" if (low, high) == (LEAST, MOST) else limits
        raise InputError(f"{what} {value!r} is not usable: give a whole number {limits}.")
    return number


def check_rate(what: str, value: Any, zero: bool = False) -> None:
    """Raise `InputError` unless `value` is a finite number above 0, or with `zero` also 0."""
    fits = isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < math.inf
    if not fits or (value == 0 and not zero):
        raise InputError(f"{what} {value!r} is not usable: give a number above 0{', or 0' * zero}.")
