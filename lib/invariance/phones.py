"""Figures for narrow screens: the same drawing, with panels below each other and text that fits."""

import base64
import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

PHONE = 3.7
"""Inches: a figure as wide as the text on a phone, with letters of the same size."""

HEADLINE = {"size": 10, "weight": "bold"}
"""Letters of the sentence above a figure."""

_on_phone = ContextVar("_on_phone", default=False)


def in_lines(text: str, most: int) -> str:
    """A sentence in as few lines of at most so many letters as it needs, about equally long."""
    words = " ".join(text.split())
    needed = len(textwrap.wrap(words, most))
    return next("\n".join(lines) for width in range(1, most + 1) if len(lines := textwrap.wrap(words, width)) == needed)


def on_phone() -> bool:
    """Whether a figure is being drawn for a narrow screen: it may then choose another layout itself."""
    return _on_phone.get()


@contextmanager
def drawing() -> Iterator[None]:
    """Within it, `on_phone` holds."""
    token = _on_phone.set(True)
    try:
        yield
    finally:
        _on_phone.reset(token)


def narrow(figure: Figure) -> None:
    """Give a figure that was drawn for a page a phone's width: panels below each other, and what is wide in lines."""
    if figure.get_layout_engine():  # else it chose its layout itself
        _stack(figure)
        _fit(figure)


PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]{20000,})")
"""Pictures inside a figure that are large enough to be packed more tightly; small ones stay exact."""


def as_svg(figure: Figure) -> str:
    """A figure as SVG, with its layout for phones as metadata, which the rendered book takes out again."""
    text, phone = _svg(figure), getattr(figure, "for_phones", None)
    if phone is None:
        return text
    start, end = text.rsplit("</svg>", 1)
    return f'{start}<metadata id="phone"><![CDATA[{_svg(phone())}]]></metadata></svg>{end}'


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    # A date would change the file at every run.
    figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None})
    return PNG.sub(_as_webp, stream.getvalue())


def _as_webp(found: re.Match) -> str:
    """A picture inside a figure, at a fifth of the size."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(found[1]))).save(stream, "WEBP", quality=90, method=4)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _stack(figure: Figure) -> None:
    """Panels below each other, in as many columns as there is room for; the figure grows by that."""
    panels = [axis for axis in figure.axes if axis.get_subplotspec()]
    width, height = figure.get_size_inches()
    figure.set_size_inches(PHONE, height)
    rows, columns = panels[0].get_gridspec().get_geometry()
    if columns == 1 or width <= PHONE:
        return
    kept = min(columns, 2) if width / columns < 1.6 else 1
    grid = GridSpec(-(-rows * columns // kept), kept, figure)
    for panel in panels:
        place = panel.get_subplotspec()
        many = len(range(place.num1, place.num2 + 1))
        panel.set_subplotspec(grid[place.num1 // kept, place.num1 % kept] if many == 1 else grid[place.num1 // kept, :])
        panel.tick_params(labelleft=True, labelbottom=True)
    # Heights stay in proportion: panels keep theirs, or the shape they had where that is flatter.
    figure.set_size_inches(PHONE, height / rows * grid.nrows * (1 if kept == 1 else PHONE / kept / (width / columns)))


def _fit(figure: Figure) -> None:
    """Legends, titles and labels that are wider than a phone get more lines; crowded labels are turned."""
    for axis in figure.axes:
        _shorten(axis, figure)
    figure.draw_without_rendering()
    for old in list(figure.legends):
        if old.get_window_extent().width > figure.bbox.width:
            _narrow_legend(figure, old)
    for text in figure.texts:
        _wrap(text, figure.bbox.width)
    for axis in figure.axes:
        _wrap(axis.title, axis.bbox.width)
        _wrap(axis.xaxis.label, axis.bbox.width)
        _wrap(axis.yaxis.label, axis.bbox.height, upright=True)
        boxes = [label.get_window_extent() for label in axis.get_xticklabels() if label.get_text()]
        if any(after.x0 < before.x1 + 2 for before, after in pairwise(boxes)):
            axis.tick_params(axis="x", labelrotation=90)


def _narrow_legend(figure: Figure, old: Legend) -> None:
    named = dict(pair[::-1] for axis in figure.axes for pair in zip(*axis.get_legend_handles_labels(), strict=True))
    labels = [text.get_text() for text in old.get_texts()]
    handles = [named.get(label, mark) for label, mark in zip(labels, old.legend_handles, strict=True)]
    old.remove()
    columns = 2 if max(map(len, labels)) < 20 else 1
    look = {"loc": "outside upper center", "ncols": columns, "fontsize": 9, "title_fontproperties": HEADLINE}
    title = in_lines(old.get_title().get_text(), 40)
    figure.legend(handles, labels, title=title, **look)
    figure.set_size_inches(PHONE, figure.get_figheight() + 0.18 * (len(labels) // columns - 1 + title.count("\n")))


def _shorten(axis: Axes, figure: Figure) -> None:
    """Long names of rows get more lines, and the figure the height for them."""
    labels = [label.get_text() for label in axis.get_yticklabels()]
    most = 24  # letters: half of the width
    if max(map(len, "\n".join(labels).split("\n"))) <= most:
        return
    wrapped = [textwrap.fill(" ".join(label.split()), most) for label in labels]
    axis.set_yticks(axis.get_yticks(), wrapped)
    lines, before = ("\n".join(each).count("\n") + 1 for each in (wrapped, labels))
    figure.set_size_inches(PHONE, figure.get_figheight() * max(1, lines / before))


def _wrap(text: Text, room: float, upright: bool = False) -> None:
    box = text.get_window_extent()
    taken = box.height if upright else box.width
    if text.get_text() and taken > room:
        letters = max(map(len, text.get_text().split("\n")))
        text.set_text(textwrap.fill(text.get_text(), max(8, int(letters * room / taken))))
