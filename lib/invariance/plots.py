"""The look of the book's figures, and what several of them share.

Backgrounds are transparent and axes a neutral grey, so that one picture serves light and dark pages. The colours
(after Okabe and Ito) can be told apart by colour-blind readers, and never stand alone: marks differ too.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython import get_ipython
from IPython.display import HTML
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import ArrayLike
from torch import Tensor

from invariance import phones, sampling, transforms
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D, paste
from invariance.phones import HEADLINE, PHONE, on_phone
from invariance.statistics import Estimate

GREY = "#808791"
"""Of axes and text; the rendered book has a darker one on light pages and a lighter one on dark pages."""
MATCHED, MISMATCHED, THIRD, FOURTH = "#2a8fd0", "#e0801a", "#1fa37a", "#c065a8"
WIDTH = 6.6
"""Inches: a figure as wide as the page's text."""
COLOUR_MAP = "viridis"
"""Grows lighter with the value, and suits colour-blind readers."""


@dataclass(frozen=True)
class Look:
    """How one kind of thing is drawn: never by colour alone."""

    colour: str
    marker: str


LOOKS = {
    "matched": Look(MATCHED, "o"),
    "mismatched": Look(MISMATCHED, "s"),
    "third": Look(THIRD, "^"),
    "fourth": Look(FOURTH, "D"),
    "neutral": Look(GREY, "o"),
}

MODEL_NAMES = {
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "densenet121": "DenseNet",
    "vgg11": "VGG-11",
    "vit": "ViT",
    "small": "small",
    "small_resnet": "small\nResNet",
    "small_densenet": "small\nDenseNet",
    "small_vgg": "small\nVGG",
    "small_vit": "small\nViT",
}

RELATIONS = {
    "same": "trained with it",
    "other": "trained with another",
    "none": "trained with none",
    "untrained": "untrained",
}
"""How training relates to the measured transformation, and what readers call it."""

BAR_ALPHA = 0.35
"""Bars are pale, so that the marks on them stand out."""

STYLE = rc_params_from_file(Path(__file__).with_name("book.mplstyle"), use_default_template=False)


def use_book_style() -> None:
    """Draw a notebook's figures as SVG, which stays sharp, in the book's look, with a layout for phones inside."""
    plt.rcParams.update(STYLE)
    set_matplotlib_formats("svg")
    shell = get_ipython()
    if shell:
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, phones.as_svg)


def detached(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the book's look, and let pyplot forget the figure, or a notebook's cell would show it a second time.

    The figure gets a function `for_phones`, which draws it again in a layout for narrow screens.
    """

    @wraps(draw)
    def drawn(*args: Any, **options: Any) -> Figure:
        with plt.rc_context(STYLE):
            figure = draw(*args, **options)
        plt.close(figure)
        figure.for_phones = partial(_for_phones, drawn, *args, **options)
        return figure

    return drawn


def _for_phones(drawn: Callable[..., Figure], *args: Any, **options: Any) -> Figure:
    with phones.drawing():
        figure = drawn(*args, **options)
    with plt.rc_context(STYLE):
        phones.narrow(figure)
    return figure


# --- estimates ---------------------------------------------------------------------------------------------


OWN = "own run"
"""What the legend calls a reader's own results beside published ones."""


def points(
    axis: Axes,
    estimates: Sequence[Estimate],
    look: Look,
    offset: float = 0.0,
    label: str | None = None,
    places: Sequence[float] | None = None,
    paper: bool = True,
    **line: Any,
) -> None:
    """Estimates at `places`, else 0, 1, ..., + offset: marks with intervals, seeds as small and the paper's as hollow.

    Where the estimates have values of a reader's own run, these are crosses.
    `line` is passed on to the marks, such as `linestyle`.
    """
    at = np.asarray(range(len(estimates)) if places is None else places) + offset
    for place, one in zip(at, estimates, strict=True):
        axis.plot([place] * len(one.seeds), one.seeds, look.marker, color=look.colour, alpha=0.35, markersize=4)
    value, low, high, published = np.array([(e.value, e.low, e.high, e.paper) for e in estimates]).T
    error = np.nan_to_num([value - low, high - value]).clip(0)  # one seed gives no interval: a mark without bars
    line = {"markersize": 7, "capsize": 3, "linewidth": 1.4, **line}
    axis.errorbar(at, value, yerr=error, color=look.colour, marker=look.marker, label=label, **line)
    if paper and not np.isnan(published).all():
        hollow = {"color": look.colour, "fillstyle": "none", "markersize": 7}
        axis.plot(at + 1.3 * offset, published, look.marker, label=label and f"{label}, paper", **hollow)
    apart = np.diff(np.unique(at)).min(initial=1)  # so that a cross stays with its mark
    crosses(axis, at + math.copysign(0.08 * apart, offset), [e.own for e in estimates], look)


def crosses(axis: Axes, x: ArrayLike, y: ArrayLike, look: Look) -> None:
    """Values of a reader's own run, where there are any; the legend names them once."""
    if np.isnan(np.asarray([x, y], dtype=float)).any(axis=0).all():
        return
    axis.plot(x, y, "x", color=look.colour, markersize=5.5, markeredgewidth=1.6)
    if OWN not in axis.get_legend_handles_labels()[1]:
        axis.plot([], [], "x", color=GREY, markersize=5.5, markeredgewidth=1.6, label=OWN)


def references(axis: Axes, values: Mapping[str, float]) -> None:
    """Thin lines across at these values, named at the right edge, where names keep their distance."""
    known = sorted((value, name) for name, value in values.items() if not np.isnan(value))
    low, high = axis.get_ylim()
    last = -np.inf
    for (value, name), style in zip(known, (":", "--", "-."), strict=False):
        axis.axhline(value, color=GREY, linestyle=style, linewidth=1, zorder=0)
        last = max(value, last + 0.055 * (high - low))
        place = {"transform": axis.get_yaxis_transform(), "va": "center", "fontsize": 7.5, "color": GREY}
        axis.text(1.01, last, name, **place)


def table(rows: Sequence[Mapping[str, str]]) -> HTML:
    """Rows of text as an HTML table that does not change from run to run; keys are the column names."""
    html = pd.DataFrame(rows).to_html(index=False, border=0, justify="left")
    return HTML(re.sub(r"(?<=\d) (±|to) (?=[-−\d])", "\u00a0\\1\u00a0", html))  # a number stays with its interval


def headline(figure: Figure, text: str) -> None:
    """What a figure shows, in a sentence with its numbers, above its legend if it has one."""
    lines = phones.in_lines(text, 80)
    if figure.legends:
        figure.legends[0].set_title(lines, prop=HEADLINE)
    else:
        figure.suptitle(lines, fontproperties=HEADLINE)


def legend(figure: Figure, axis: Axes, columns: int, **look: Any) -> None:
    """One legend above the figure for all its panels: the marks of results first, then the paper's and a reader's."""
    drawn = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    labels = sorted(drawn, key=lambda label: (label == OWN, "paper" in label))
    figure.legend(
        [drawn[label] for label in labels], labels, loc="outside upper center", ncols=columns, fontsize=9, **look
    )


def heat_map(
    axis: Axes,
    values: pd.DataFrame,
    label: str,
    most: float = 1,
    texts: pd.DataFrame | None = None,
    shrink: float = 0.8,
) -> None:
    """A heat map of rows and columns from 0 to `most`, its `label` at a bar of colours, with the texts in its cells.

    A missing value leaves a gap with a dash. A text is black or white, whichever stands out more against its cell.
    """
    shown = axis.imshow(values, vmin=0, vmax=most, cmap=COLOUR_MAP, interpolation="nearest", aspect="auto")
    crowded = texts is not None and on_phone() and not _fits(texts)
    for r, c in np.ndindex(values.shape if texts is not None else (0, 0)):
        missing = np.isnan(values.iat[r, c])
        text, colour = ("–", GREY) if missing else (texts.iat[r, c], text_colour(shown.to_rgba(values.iat[r, c])))
        text = text.split("\n")[0] if crowded else text
        axis.text(c, r, text, ha="center", va="center", color=colour, fontsize=8 if on_phone() else 9.5)
    axis.set_xticks(range(values.shape[1]), map(str, values.columns))
    axis.set_yticks(range(values.shape[0]), map(str, values.index))
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    look = {"orientation": "horizontal"} if on_phone() else {"shrink": shrink}
    axis.figure.colorbar(shown, ax=axis, label=label, **look).outline.set_visible(False)


def _fits(texts: pd.DataFrame) -> bool:
    letters = 34 / texts.shape[1]  # of that size, in a cell on a phone
    return all(len(line) <= letters for text in texts.to_numpy().flat for line in text.split("\n"))


def text_colour(background: tuple[float, ...]) -> str:
    """Black or white, whichever has the higher contrast (WCAG 2) against a colour."""
    channels = np.array(to_rgb(background))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    light = float(linear @ (0.2126, 0.7152, 0.0722)) + 0.05
    return "white" if 1.05 / light > light / 0.05 else "black"


# --- small pictures ----------------------------------------------------------------------------------------


def _sheet(lines: Sequence[np.ndarray], inches: float, gap: float, left: float = 0.0) -> tuple[Figure, Axes, int]:
    # One picture out of many, for a figure with a hundred axes takes seconds to draw, with room for text on the left.
    # A picture's side is `inches` wide, the gap below it a share of that. Also gives the step from line to line.
    side = lines[0].shape[1]
    across, down = round(side * 1.08), round(side * (1 + gap))
    sheet = np.zeros((down * len(lines), across * max(map(len, lines)), 4), np.uint8)
    for r, line in enumerate(lines):
        for c, picture in enumerate(line):
            place = sheet[r * down : r * down + side, c * across : c * across + side]
            place[..., 3] = 255
            place[..., : picture.shape[-1]] = picture
    height, width = (n * inches / side for n in sheet.shape[:2])
    figure = plt.figure(figsize=(width + left, height))
    axis = figure.add_axes((left / (width + left), 0, width / (width + left), 1))
    axis.set_axis_off()
    axis.imshow(sheet, interpolation="none", aspect="auto")  # pixel by pixel, which the reader's screen enlarges
    return figure, axis, down


@detached
def picture_grid(rows: Mapping[str, np.ndarray], cell: float = 0.72) -> Figure:
    """Rows of small pictures with a label before each row.

    Each row is uint8 (n, H, H, 3 or 4), with the same H in all; `cell` is a picture's side in inches.
    """
    if on_phone():
        return _grid_for_phones(rows)
    figure, axis, down = _sheet([*rows.values()], cell, 0.08, left=0.085 * max(map(len, rows)) + 0.1)
    side = next(iter(rows.values())).shape[1]
    for r, label in enumerate(rows):
        axis.text(-0.12 * side, r * down + side / 2, label, ha="right", va="center")
    return figure


def _grid_for_phones(rows: Mapping[str, np.ndarray]) -> Figure:
    # Labels stand above their rows, and take no room from the pictures.
    side, most = next(iter(rows.values())).shape[1], max(map(len, rows.values()))
    cell = min(0.72, PHONE / (1.08 * most))
    gap = 0.24 / cell
    figure, axis, down = _sheet([*rows.values()], cell, gap)
    top, bottom = -gap * side, figure.axes[0].get_ylim()[0]
    axis.set_ylim(bottom - gap * side, top)
    for r, label in enumerate(rows):
        axis.text(0, r * down - 0.12 * side, label, va="bottom")
    return figure


@detached
def contact_sheet(pictures: np.ndarray, names: Sequence[str], columns: int = 8, cell: float = 0.86) -> Figure:
    """Pictures uint8 (n, H, H, 3 or 4) in a sheet, each with its name below; `cell` is a side in inches."""
    side = pictures.shape[1]
    columns = 4 if on_phone() else columns
    figure, axis, down = _sheet(np.split(pictures, range(columns, len(pictures), columns)), cell, 0.32)
    for k, name in enumerate(names):
        x, y = k % columns * round(side * 1.08) + side / 2, k // columns * down + side * 1.06
        axis.text(x, y, name.replace("_", " "), ha="center", va="top", fontsize=7.5)
    return figure


# --- images to look at --------------------------------------------------------------------------------------


def as_pictures(images: Tensor) -> np.ndarray:
    """Float images (B, C, H, W) in [0, 1] as uint8 (B, H, W, C)."""
    return (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def examples(data: Transforms2D | NaturalImages | ObjectsOnImages, count: int, seed: int = 0) -> np.ndarray:
    """The first `count` images of a data set's split of examples, uint8 (n, H, W, 3); equal seeds, equal contents."""
    return as_pictures(Split(data.renderer("cpu"), seed, "examples/test", count).batch()[0])


def draws(data: Transforms2D, label: int, count: int, seed: int = 0) -> np.ndarray:
    """One object of class `label` under `count` draws of the transformations, on changing backgrounds."""
    renderer = data.renderer()
    content = sampling.keys(sampling.stream(seed, "gallery"), torch.arange(count))
    parameters = transforms.draw(data.transforms, sampling.fold(content, "transforms"), data.size)
    plain = renderer.foregrounds(content, torch.full((count,), label))
    moved = transforms.apply(data.transforms, plain, parameters, renderer.box.expand(count, 4))
    return as_pictures(paste(moved, renderer.backgrounds(content)))
