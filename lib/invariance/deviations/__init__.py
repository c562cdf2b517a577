"""The deviation log: every known difference between the paper's text, its published code and this book.

`LOG` is a flat list; where a difference can be measured in about a second, its effect is.
Chapter: book/11_deviations.py.
"""

import pandas as pd
from IPython.display import HTML

from invariance import tables
from invariance.deviations.effects import glyph_objects, noise_variants, random_objects
from invariance.deviations.log import KINDS, LOG, Deviation
from invariance.errors import check_known

__all__ = ["KINDS", "LOG", "Deviation", "glyph_objects", "noise_variants", "random_objects", "show", "table"]


def table(kind: str = "") -> pd.DataFrame:
    """The log, or its entries of one kind, with the effects measured now: topic, kind, paper, code, book, effect.

    Raises `InputError` for an unknown kind.
    """
    if kind:
        check_known("kind of deviation", kind, KINDS)
    chosen = [entry for entry in LOG if kind in ("", entry.kind)]
    return pd.DataFrame(
        [
            {
                "topic": entry.topic,
                "kind": entry.kind,
                "paper": entry.paper,
                "code": entry.code,
                "book": entry.book,
                "effect": entry.measured(),
            }
            for entry in chosen
        ]
    )


def show(kind: str) -> HTML:
    """The entries of one kind for readers; a dash where nothing is said or measured."""
    names = {"paper": "the paper says", "code": "its code does", "book": "this book does", "effect": "measured effect"}
    found = table(kind).drop(columns="kind").rename(columns=names)
    return tables.show(found.replace("", "–").to_dict("records"))
