"""The package's parts and who imports whom, drawn when the book is built: a Sphinx extension with one directive.

The parts and their order are those of the contract in `pyproject.toml`; the imports are read from the code.
"""

import ast
import html
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grimp
from docutils import nodes
from docutils.parsers.rst import Directive

from invariance.book.pages import find_root

PACKAGE = "invariance"
LABELS, CELL, TOP = 92, 11, 92
"""Width of the names at the left, side of a square, and height of the names above, in pixels."""


def parts() -> list[str]:
    """The parts of the package from top to bottom, as the contract has them."""
    text = (find_root(None, Path(__file__)) / "pyproject.toml").read_text("utf-8")
    (contract,) = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return list(contract["layers"])


def imports(known: Sequence[str]) -> Counter[tuple[str, str]]:
    """How many modules of one part import how many of another: (who, whom) -> the number of imports."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    pairs = [(who, whom) for who in graph.modules for whom in graph.find_modules_directly_imported_by(who)]
    between = Counter((_part(who), _part(whom)) for who, whom in pairs)
    return Counter({pair: count for pair, count in between.items() if {*pair} <= {*known} and pair[0] != pair[1]})


def _part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def summary(part: str) -> str:
    """The first sentence of a part's docstring, without its full stop."""
    base = Path(__file__).parents[1] / part
    source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text("utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").rstrip(".:")


def drawing(known: Sequence[str], used: Mapping[tuple[str, str], int]) -> str:
    """A square for each part that a part imports, as SVG: rows import columns, marked by how often."""
    side = CELL * len(known)
    found = "".join(_row(known, used, at) for at in range(len(known)))
    columns = "".join(
        f'<text transform="translate({LABELS + CELL * (at + 0.75):g} {TOP - 5}) rotate(-90)">{name}</text>'
        for at, name in enumerate(known)
    )
    return (
        f'<svg class="architecture" viewBox="0 0 {LABELS + side} {TOP + side}" role="img" '
        f'aria-label="{len(known)} parts of the package and {len(used)} kinds of imports between them, all downwards" '
        'style="max-width:34rem;width:100%;font-size:11px;fill:currentColor;font-family:inherit">'
        f"{columns}{found}</svg>"
    )


def _row(known: Sequence[str], used: Mapping[tuple[str, str], int], at: int) -> str:
    name, y = known[at], TOP + CELL * at
    cells = [
        f'<rect x="{LABELS + CELL * k + 0.5}" y="{y + 0.5}" width="{CELL - 1}" height="{CELL - 1}" '
        f'opacity="{_shade(used.get((name, whom), 0), k == at)}"><title>{_told(name, whom, used)}</title></rect>'
        for k, whom in enumerate(known)
        if k >= at
    ]
    return f'<text x="{LABELS - 5}" y="{y + CELL - 1.5}" text-anchor="end">{name}</text>{"".join(cells)}'


def _shade(count: int, own: bool) -> float:
    return 0.3 if own else 0.05 if not count else 0.65 if count < 4 else 1.0


def _told(who: str, whom: str, used: Mapping[tuple[str, str], int]) -> str:
    count = used.get((who, whom), 0)
    return who if who == whom else f"{who} imports {whom}: {count or 'never'}"


def table(known: Sequence[str], used: Mapping[tuple[str, str], int]) -> str:
    """The same for who reads or hears it: each part, what it is, and what it imports."""
    rows = ""
    for name in known:
        whom = ", ".join(part for part in known if (name, part) in used) or "nothing"
        about = html.escape(summary(name)).replace("`", "")
        rows += f"<tr><td><code>{name}</code></td><td>{about}<br><small>imports {whom}</small></td></tr>"
    return f'<table class="table"><thead><tr><th>part</th><th>what it is</th></tr></thead><tbody>{rows}</tbody></table>'


class Architecture(Directive):  # type: ignore[misc]
    """`{architecture}` in a page: the drawing, and the table below it."""

    def run(self) -> list[nodes.Node]:
        known = parts()
        used = imports(known)
        return [nodes.raw("", drawing(known, used) + table(known, used), format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Make the directive known to Sphinx."""
    app.add_directive("architecture", Architecture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
