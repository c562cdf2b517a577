"""The deviation log: every known difference between the paper's text, its code and this book.

The log is deviations.yaml beside this; {names} in its effects are functions of `effects`, which measure them when it is
shown. Chapter: book/11_deviations.py.
"""

from collections.abc import Mapping
from string import Formatter

from IPython.display import HTML
from matplotlib.figure import Figure
from torch import Tensor

from invariance import plots, studies
from invariance.errors import check_known
from invariance.files import packaged
from invariance.ledger import effects
from invariance.studies import slips
from invariance.studies.study import LARGER

KINDS = ("quirk", "text", "choice")
COLUMNS = {
    "topic": "topic",
    "paper": "the paper says",
    "code": "its code does",
    "book": "this book does",
    "effect": "effect",
}


def log() -> list[dict[str, str]]:
    """The entries: topic, kind and book, and where known paper, code, effect and the flag of a protocol."""
    return packaged("ledger/deviations.yaml")


def effect(entry: Mapping[str, str]) -> str:
    """The effect of an entry, with what can be measured measured now; "" where there is none."""
    text = entry.get("effect", "")
    names = {field.split("[")[0] for _, field, *_ in Formatter().parse(text) if field}
    return text.format(**{name: getattr(effects, name)() for name in names})


def _book(entry: Mapping[str, str]) -> str:
    return f"{entry['book']} (as the code: {entry['flag']})" if "flag" in entry else entry["book"]


def show(kind: str) -> HTML:
    """The entries of a kind for readers; a dash where nothing is said. Raises `InputError` for an unknown kind."""
    check_known("kind of deviation", kind, KINDS)
    chosen = [
        entry | {"effect": effect(entry) or "–", "book": _book(entry)} for entry in log() if entry["kind"] == kind
    ]
    return plots.table([{title: entry.get(name, "–") for name, title in COLUMNS.items()} for entry in chosen])


def experiments() -> HTML:
    """What each flag changes in the experiment that it touches, from the record at the largest budget that has it."""
    found = studies.get("slips").largest(LARGER)
    return found.show("changes") if found else HTML("<p>These experiments have not been run yet.</p>")


def tried() -> str:
    """Whether the slips were tried one at a time, in a sentence."""
    found = studies.get("slips").largest(LARGER)
    if not found:
        return "Which of them change a result has not been tried yet."
    clear = ", ".join(flag.replace("_", " ") for flag in slips.clear_flags(found))
    return (
        "In the last table each slip was tried on what it touches. Beside the way in which accuracies are taken, these "
        f"change an accuracy clearly: {clear or 'none'}."
    )


def pictures(meant: Tensor, published: Tensor) -> Figure:
    """Images float (n, C, H, W) in [0, 1] in two rows."""
    return plots.picture_grid({"as meant": plots.as_pictures(meant), "as published": plots.as_pictures(published)})
