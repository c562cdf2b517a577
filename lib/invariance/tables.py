"""Small tables for readers, as HTML that does not change from run to run."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import HTML


def show(rows: Sequence[Mapping[str, str]]) -> HTML:
    """Rows of text as a table; the keys of the first row are the column names. A number stays with its interval."""
    html = pd.DataFrame(rows).to_html(index=False, border=0, justify="left")
    return HTML(re.sub(r"(?<=\d) (±|to) (?=[-−\d])", "\u00a0\\1\u00a0", html))
