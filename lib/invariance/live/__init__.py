"""Explorers: what readers move, in a page and in a notebook.

`explorer("transformations")` is the visible call of a chapter: in the built book a page that runs exported graphs of
the library's own functions, in a notebook with a kernel controls that call the library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from IPython import get_ipython
from IPython.display import HTML
from torch import nn

from invariance.errors import InputError, check_known
from invariance.live.description import EXPLORERS, Explorer, with_start

TRANSFER = "transfer"
RELEVANCE = "relevance"
"""The explorers of chapters 3 and 6, which move nothing by a slider: they have no `Explorer` description."""

NESTED = "nested"
"""The explorer of chapter 8, which shows numbers of the record."""


def explorer(name: str, transforms: Sequence[str] = (), object_class: str | None = None) -> object:
    """One of the book's explorers, which displays itself: "transformations", "invariance", "story", "transfer" or
    "relevance".

    It begins with these `transforms`, and this object. Where somebody sits before a running notebook, it is the one
    with widgets (`notebook`), else a piece of a page. Raises `InputError` for an unknown name.
    """
    if _attended():
        return notebook(name, transforms, object_class)
    from invariance.live import guess, page, relevance

    own = {TRANSFER: guess.as_html, RELEVANCE: relevance.as_html}
    return HTML(own[name]() if name in own else page.as_html(_chosen(name, transforms, object_class)))


def chart(name: str, found: object) -> object:
    """Results that readers question, which display themselves: "factors", "relations", "pairs", "nested", "profile".

    `found` are the findings of a study, or for "profile" the table of `profile_model`. Raises `InputError` for an
    unknown name.
    """
    from invariance.live import charts, nested

    check_known("chart", name, [*charts.CHARTS, NESTED])
    if name == NESTED:
        return nested.show(found, _attended())
    return charts.chart(name, found, _attended())


def notebook(
    name: str,
    transforms: Sequence[str] = (),
    object_class: str | None = None,
    picture: str | Path | None = None,
    models: Mapping[str, nn.Module] | None = None,
) -> object:
    """The same explorer for a running notebook: its controls call the library in the kernel.

    There it knows every entry of `TRANSFORMATIONS`, your own included. `picture` is a file whose picture is the object;
    `models` are networks of your own by name, from images (B, 3, 32, 32) in [-1, 1] to representations (B, D), the
    first of which it begins with. Needs ipywidgets. Raises `InputError` where that is not installed, for an unknown
    name, and for a file that is no picture.
    """
    from invariance.live import guess, networks, relevance
    from invariance.live.widgets import Widgets, object_from

    if name in (TRANSFER, RELEVANCE):
        return guess.notebook() if name == TRANSFER else relevance.notebook()
    chosen = _chosen(name, transforms, object_class)
    if models:
        networks.add(models)
        chosen = replace(chosen, start=replace(chosen.start, networks=(next(iter(models)), *chosen.start.networks[1:])))
    if picture is not None and not Path(picture).is_file():
        raise InputError(f"There is no file {picture}.")
    return Widgets(chosen, None if picture is None else object_from(Path(picture).read_bytes()))


def _chosen(name: str, transforms: Sequence[str], object_class: str | None) -> Explorer:
    check_known("explorer", name, [*EXPLORERS, TRANSFER, RELEVANCE])
    return with_start(EXPLORERS[name], transforms, object_class)


def _attended() -> bool:
    # Programs that run notebooks say that nobody can be asked for input; what people sit before says that they can.
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin"))
