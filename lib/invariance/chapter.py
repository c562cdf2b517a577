"""What a chapter needs of a notebook: numbers in its prose, figures at their places, links to the data.

`begin` sets the look of figures, `glue` puts every number of some findings at the prose's disposal in one call, and
`show` draws one of their figures.
"""

import base64
import gzip
from collections.abc import Mapping
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots
from invariance.statistics import fixed
from invariance.studies.study import Findings

LARGE = 100_000
"""Bytes from which a linked table is compressed."""


def glue(found: Findings | Mapping[str, Any], prefix: str = "", digits: int | None = None) -> None:
    """Make the numbers of findings (or other values by name) known to `{glue:text}` in the chapter's prose."""
    from myst_nb import glue as glue_one  # the book's own package, which the library does without

    plots.use_book_style()
    numbers: Mapping[str, Any] = found.numbers() if isinstance(found, Findings) else found
    for name, value in numbers.items():
        glue_one(prefix + name, str(value) if digits is None else fixed(value, digits), display=False)


def show(found: Findings, name: str, **options: Any) -> None:
    """Draw a figure of the findings here, and make it known to `{glue:figure}`."""
    glue_figure(name, found.figure(name, **options))


def glue_figure(name: str, figure: Figure) -> None:
    """Show a figure here, and make it known to `{glue:figure}`."""
    from myst_nb import glue as glue_one

    plots.use_book_style()
    glue_one(name, figure)


def link(found: Findings) -> HTML:
    """A link that saves the table of the findings as a CSV file."""
    return link_table(found.table, found.study.name)


def link_table(table: pd.DataFrame, name: str) -> HTML:
    """A link that saves a table as NAME.csv (compressed if large); the file is in the page."""
    content, suffix = table.to_csv(index=False, float_format="%.5g").encode(), ".csv"
    if len(content) > LARGE:
        content, suffix = gzip.compress(content, mtime=0), ".csv.gz"
    data = base64.b64encode(content).decode()
    file, size = name + suffix, f"{len(table):,} rows, {len(content) / 1000:,.0f} kB"
    return HTML(
        f'<a download="{file}" href="data:application/octet-stream;base64,{data}">'
        f"Download the data behind this ({file}: {size})</a>"
    )
