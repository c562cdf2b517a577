"""Numbers that a run depends on, checked before it starts."""

import math
import operator
from numbers import Real

from invariance.errors import InputError


def check_whole(name: str, value: object, least: int = 1) -> None:
    """Raise `InputError` unless `value`, which `name` names, is a whole number of at least `least`."""
    try:
        fits = not isinstance(value, bool) and operator.index(value) >= least
    except TypeError:
        fits = False
    if not fits:
        raise InputError(f"{name} is {value!r}: give a whole number, at least {least}.")


def check_rate(name: str, value: object, zero: bool = False) -> None:
    """Raise `InputError` unless `value` is a finite number above 0, or with `zero` also 0."""
    fits = isinstance(value, Real) and not isinstance(value, bool) and 0 <= value < math.inf
    if not fits or (value == 0 and not zero):
        raise InputError(f"{name} is {value!r}: give a number above 0{', or 0' * zero}.")
