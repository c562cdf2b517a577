"""The one error that a reader's own input can cause, and the message for an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that cannot work: the message names the thing and the remedy, in one line."""


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
