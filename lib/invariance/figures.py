"""The book's figures: one function each, from tidy tables to a matplotlib figure.

Backgrounds are transparent and axes a neutral grey, so that one picture serves light and dark
pages. The colours (after Okabe and Ito) can be told apart by colour-blind readers.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

from invariance.results import mean_interval

GREY = "#808791"
SAME, DISJOINT, THIRD = "#2a8fd0", "#e0801a", "#1fa37a"
LABELS = {"same": "same transformations", "disjoint": "other transformations"}
COLOURS = {"same": SAME, "disjoint": DISJOINT}
MARKERS = {"same": "o", "disjoint": "s"}

STYLE = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": GREY,
    "axes.titlesize": 11,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.transparent": True,
    "font.size": 10.5,
    "grid.alpha": 0.3,
    "grid.color": GREY,
    "legend.frameon": False,
    "legend.labelcolor": GREY,
    "svg.hashsalt": "invariance",  # an unchanged figure gives an unchanged file
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def use_book_style() -> None:
    """Draw a notebook's figures as SVG, which stays sharp, in the book's look."""
    plt.rcParams.update(STYLE)
    set_matplotlib_formats("svg", metadata={"Date": None})  # a date would change the file at every run


def _detached(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    # A figure that pyplot still holds would be shown a second time at the end of a notebook's cell.
    @wraps(draw)
    def drawn(*args, **options) -> Figure:
        with plt.rc_context(STYLE):
            figure = draw(*args, **options)
        plt.close(figure)
        return figure

    return drawn


def _rgba(picture: np.ndarray) -> np.ndarray:
    if picture.shape[-1] == 4:
        return picture
    return np.concatenate((picture, np.full_like(picture[..., :1], 255)), axis=-1)


def _mosaic(lines: Sequence[np.ndarray], gap_x: float, gap_y: float) -> np.ndarray:
    # One picture out of many: a figure with a hundred axes takes seconds to draw. Gaps in shares of a side.
    side = lines[0].shape[1]
    across, down = round(side * (1 + gap_x)), round(side * (1 + gap_y))
    columns = max(len(line) for line in lines)
    sheet = np.zeros((down * len(lines), across * columns, 4), np.uint8)
    for r, line in enumerate(lines):
        for c, picture in enumerate(line):
            sheet[r * down : r * down + side, c * across : c * across + side] = _rgba(picture)
    return sheet


def _picture_axis(sheet: np.ndarray, inches: float, side: int, left: float = 0.0) -> tuple:
    # A figure that shows the sheet with a picture's side at `inches`, and room for text on the left.
    height, width = (n * inches / side for n in sheet.shape[:2])
    figure = plt.figure(figsize=(width + left, height))
    axis = figure.add_axes((left / (width + left), 0, width / (width + left), 1))
    axis.set_axis_off()
    axis.imshow(sheet, interpolation="nearest", aspect="auto")
    return figure, axis


@_detached
def picture_grid(rows: Sequence[np.ndarray], row_labels: Sequence[str], cell: float = 0.72) -> Figure:
    """Rows of small pictures with a label before each row.

    Each row is uint8 (n, H, H, 3 or 4), with the same H in all; `cell` is a picture's side in inches.
    """
    side = rows[0].shape[1]
    sheet = _mosaic(rows, 0.08, 0.08)
    left = 0.085 * max(len(label) for label in row_labels) + 0.1
    figure, axis = _picture_axis(sheet, cell, side, left)
    step = round(side * 1.08)
    for r, label in enumerate(row_labels):
        axis.text(-0.12 * side, r * step + side / 2, label, ha="right", va="center")
    return figure


@_detached
def contact_sheet(pictures: np.ndarray, names: Sequence[str], columns: int = 8, cell: float = 0.86) -> Figure:
    """Pictures uint8 (n, H, H, 3 or 4) in a sheet, each with its name below; `cell` is a side in inches."""
    side = pictures.shape[1]
    lines = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    sheet = _mosaic(lines, 0.08, 0.32)
    figure, axis = _picture_axis(sheet, cell, side)
    across, down = round(side * 1.08), round(side * 1.32)
    for k, name in enumerate(names):
        row, column = divmod(k, columns)
        x, y = column * across + side / 2, row * down + side * 1.06
        axis.text(x, y, name.replace("_", " "), ha="center", va="top", fontsize=7.5)
    return figure


@_detached
def factor_levels(
    ours: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    xlabel: str = "pretraining classes, compared with the target's",
) -> Figure:
    """Accuracy over the levels of one factor, for the same and other transformations (figure 2).

    `ours` has level, transforms, seed, value; seeds are small marks, their mean a large one with
    its 95 % interval. `paper`, with level, transforms, value, adds the paper's means as hollow marks.
    """
    levels = list(dict.fromkeys(ours["level"]))
    figure, axis = plt.subplots(figsize=(7.2, 3.9), layout="constrained")
    for transforms, offset in (("same", -0.1), ("disjoint", 0.1)):
        colour, marker = COLOURS[transforms], MARKERS[transforms]
        part = ours[ours["transforms"] == transforms]
        places = part["level"].map(levels.index) + offset
        axis.plot(places, part["value"], marker, color=colour, alpha=0.35, markersize=4)
        mean, error = _mean_and_error(part, levels)
        axis.errorbar(
            np.arange(len(levels)) + offset,
            mean,
            error,
            color=colour,
            marker=marker,
            markersize=8,
            capsize=3,
            linewidth=1.4,
            label=f"{LABELS[transforms]}, this run",
        )
        if paper is not None:
            theirs = paper[paper["transforms"] == transforms]
            axis.plot(
                theirs["level"].map(levels.index) + offset * 2.2,
                theirs["value"],
                marker,
                color=colour,
                markersize=7,
                fillstyle="none",
                label=f"{LABELS[transforms]}, paper",
            )
    axis.set_xticks(range(len(levels)), levels)
    axis.set(xlabel=xlabel, ylabel="accuracy on the target", ylim=(0, 1.03))
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    return figure


def _mean_and_error(part: pd.DataFrame, levels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    stats = np.array([mean_interval(part.loc[part["level"] == level, "value"]) for level in levels])
    return stats[:, 0], np.nan_to_num(np.abs(stats[:, 1:].T - stats[:, 0]))


@_detached
def factor_summary(ours: Mapping[str, float], paper: Mapping[str, float]) -> Figure:
    """What changes accuracy more: the transformations, or the factor (figure 3).

    Both hold `gap`, `range_same` and `range_disjoint`, as `results.summary` gives them.
    """
    bars = {
        "gap": "right instead of other\ntransformations",
        "range_same": "best instead of worst classes,\nsame transformations",
        "range_disjoint": "best instead of worst classes,\nother transformations",
    }
    figure, axis = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
    places = np.arange(len(bars))[::-1]
    for offset, values, colour, label in ((0.19, ours, SAME, "this run"), (-0.19, paper, GREY, "paper")):
        lengths = [values[name] for name in bars]
        drawn = axis.barh(places + offset, lengths, 0.34, color=colour, label=label)
        axis.bar_label(drawn, fmt="%.2f", padding=4)
    axis.set_yticks(places, bars.values())
    axis.set(xlabel="difference in accuracy", xlim=(0, None))
    axis.margins(x=0.12)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)
    axis.legend(loc="lower right")
    return figure


@_detached
def distances(within: Mapping[str, np.ndarray], between: Mapping[str, np.ndarray]) -> Figure:
    """Histograms of representation distances, one panel a model: pairs under a transformation and random pairs."""
    figure, axes = plt.subplots(
        1, len(within), figsize=(2.6 * len(within) + 0.6, 2.6), layout="constrained", squeeze=False
    )
    for axis, name in zip(axes[0], within, strict=True):
        scale = np.mean(between[name])
        bins = np.linspace(0, 2.2, 45)
        axis.hist(within[name] / scale, bins, color=SAME, alpha=0.75, density=True, label="same content")
        axis.hist(between[name] / scale, bins, color=DISJOINT, alpha=0.6, density=True, label="random pairs")
        axis.axvline(np.mean(within[name]) / scale, color=SAME, linewidth=1.6)
        axis.axvline(1, color=DISJOINT, linewidth=1.6)
        axis.set(title=name, yticks=[], xlabel="distance / mean random distance")
        axis.spines["left"].set_visible(False)
        axis.grid(visible=False)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    return figure


@_detached
def sensitivity_bars(table: pd.DataFrame) -> Figure:
    """Sensitivity of each kind of model by category, with seeds as marks and their mean as a bar.

    `table` has kind, category, seed, value.
    """
    names = list(dict.fromkeys(table["category"]))
    kinds = list(dict.fromkeys(table["kind"]))
    figure, axis = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
    width = 0.8 / len(kinds)
    for k, (kind, colour) in enumerate(zip(kinds, (GREY, DISJOINT, SAME), strict=False)):
        part = table[table["kind"] == kind]
        places = np.arange(len(names)) + (k - (len(kinds) - 1) / 2) * width
        means = [part.loc[part["category"] == name, "value"].mean() for name in names]
        axis.bar(places, means, width * 0.92, color=colour, alpha=0.8, label=kind)
        seeds = part["category"].map(names.index)
        axis.plot(places[seeds], part["value"], ".", color=colour, markeredgecolor="white", markersize=7)
    axis.axhline(1, color=GREY, linewidth=1, linestyle=":")
    axis.set_xticks(range(len(names)), names)
    axis.set(ylabel="sensitivity", xlabel="category of the transformation")
    figure.legend(loc="outside upper center", fontsize=9, ncols=3)
    return figure
