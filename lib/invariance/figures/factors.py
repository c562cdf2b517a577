"""Experiments A and B: levels of a factor, the summary of gaps and ranges, the check of learning rates."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invariance.figures.style import (
    BAR_ALPHA,
    DISJOINT,
    FOURTH,
    GREY,
    SAME,
    WIDTH,
    by_level,
    detached,
    legend,
    level_name,
    on_seeds,
)
from invariance.results import (
    PRETRAINING_FACTORS,
    TRANSFER_NAMES,
    factor_rows,
    has_numbers,
    mean_interval,
    ordered,
    paper_levels,
    summary,
    summary_by_seed,
)

LABELS = {"same": "same transformations", "disjoint": "other transformations"}
COLOURS = {"same": SAME, "disjoint": DISJOINT}
MARKERS = {"same": "o", "disjoint": "s"}

FACTOR_LABELS = {
    "class_relationship": "pretraining classes, compared with the target's",
    "architecture": "architecture",
    "pretraining_samples": "pretraining images",
    "finetuning_samples": "images for transfer",
}


@detached
def factor_levels(ours: pd.DataFrame, paper: pd.DataFrame | None = None, factor: str = "class_relationship") -> Figure:
    """Accuracy over the levels of one factor, for the same and other transformations (figure 2).

    `ours` has level, transforms, seed, value; seeds are small marks, their mean a large one with
    its 95 % interval. `paper`, with level, transforms, value, adds the paper's means as hollow marks; where
    its levels are other numbers, these stand in brackets; each architecture has its counterpart beside it.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.9), layout="constrained")
    _draw_levels(axis, ours, paper)
    axis.set(xlabel=FACTOR_LABELS[factor], ylabel="accuracy on the target", ylim=(0, 1.03))
    legend(figure, axis, 2)
    return figure


@detached
def factor_panels(ours: Mapping[str, pd.DataFrame], paper: Mapping[str, pd.DataFrame] | None = None) -> Figure:
    """`factor_levels` for several factors side by side, two in a row; both hold tables by the factor's name."""
    lines = -(-len(ours) // 2)
    figure, axes = plt.subplots(
        lines, 2, figsize=(WIDTH, 3.1 * lines + 0.6), sharey=True, layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(ours) :]:
        axis.remove()
    for axis, (factor, table) in zip(axes.flat, ours.items(), strict=False):
        _draw_levels(axis, table, (paper or {}).get(factor), size=0.8)
        axis.set_xlabel(FACTOR_LABELS[factor].split(",")[0])
        axis.tick_params(axis="x", labelsize=8)
    axes[0, 0].set_ylim(0, 1.03)
    figure.supylabel("accuracy on the target", fontsize=10.5)
    legend(figure, axes[0, 0], 2)
    return figure


def _draw_levels(axis: Axes, ours: pd.DataFrame, paper: pd.DataFrame | None, size: float = 1.0) -> None:
    levels = ordered(ours["level"])
    theirs = {} if paper is None else paper_levels(ours, paper)
    for transforms, offset in (("same", -0.11), ("disjoint", 0.11)):
        colour, marker = COLOURS[transforms], MARKERS[transforms]
        part = ours[ours["transforms"] == transforms]
        places = part["level"].map(levels.index) + offset
        axis.plot(places, part["value"], marker, color=colour, alpha=0.35, markersize=4)
        on_seeds(
            axis,
            np.arange(len(levels)) + offset,
            by_level(part, "level", levels),
            colour,
            marker,
            f"{LABELS[transforms]}, this run",
            markersize=8 * size,
        )
        if paper is not None:
            published = paper[paper["transforms"] == transforms].set_index("level")["value"]
            axis.plot(
                np.arange(len(levels)) + offset * 2.4,
                [published.get(theirs.get(level), np.nan) for level in levels],
                marker,
                color=colour,
                markersize=7 * size,
                fillstyle="none",
                label=f"{LABELS[transforms]}, paper",
            )
    axis.set_xticks(range(len(levels)), [_with_papers(level, theirs.get(level, level)) for level in levels])


def _with_papers(level: str, theirs: str) -> str:
    mine, other = level_name(level), level_name(theirs)
    return mine if mine == other or not has_numbers([level]) else f"{mine}\n({other})"


BARS = {
    "gap": ("gap between transformations", SAME, "o"),
    "range_same": ("range over the factor, same", DISJOINT, "s"),
    "range_disjoint": ("range over the factor, other", FOURTH, "D"),
}
STEP = 0.26
"""From one bar of a factor to the next."""


@detached
def factor_summary(ours: pd.DataFrame, paper: Mapping[str, float]) -> Figure:
    """What changes accuracy more: the transformations, or the classes (figure 3).

    `ours` is as `results.summary_by_seed` gives it, `paper` as `results.summary` does.
    """
    names = ("gap between\ntransformations", "range over classes,\nsame transformations")
    figure, axis = plt.subplots(figsize=(WIDTH, 2.6), layout="constrained")
    _draw_bars(axis, 0, ours, paper)
    axis.set_yticks([STEP, 0, -STEP], [*names, "range over classes,\nother transformations"])
    axis.set(xlabel="difference in accuracy")
    return figure


def _draw_bars(axis: Axes, place: float, seeds: pd.DataFrame | None, paper: Mapping[str, float] | None) -> None:
    # Gap and ranges of one factor: means over seeds as bars with intervals, seeds as dots, the paper's as hollow marks.
    for k, (name, (label, colour, marker)) in enumerate(BARS.items()):
        y = place + (1 - k) * STEP
        if seeds is not None:
            mean, low, high = mean_interval(seeds[name])
            axis.barh(y, mean, 0.23, color=colour, alpha=BAR_ALPHA, label=label)
            axis.plot([low, high], [y, y], color=colour, linewidth=2)
            axis.plot(seeds[name], [y] * len(seeds), ".", color=colour, markersize=3.5)
        if paper is not None:
            axis.plot(paper[name], y, marker, color=colour, markersize=6.5, fillstyle="none")
    axis.axvline(0, color=GREY, linewidth=0.8)  # an interval that crosses it is to be seen
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)


@detached
def factor_summaries(
    ours: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    data: str = "t2d",
    transfers: Sequence[str] = tuple(TRANSFER_NAMES),
    factors: Sequence[str] = PRETRAINING_FACTORS,
) -> Figure:
    """The gap and both ranges for several factors, one panel a kind of transfer (figure 3).

    `ours` and `paper` are whole tables of experiments A or B. Bars are means over seeds with 95 % intervals, hollow
    marks the paper. A combination that a table lacks is left out.
    """
    figure, axes = plt.subplots(
        1,
        len(transfers),
        figsize=(WIDTH, 0.95 * len(factors) + 1.5),
        sharey=True,
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for axis, transfer in zip(axes[0], transfers, strict=True):
        for place, factor in enumerate(reversed(factors)):
            where = (factor, data, transfer)
            seeds = summary_by_seed(factor_rows(ours, *where)) if _has(ours, *where) else None
            theirs = summary(factor_rows(paper, *where)) if paper is not None and _has(paper, *where) else None
            _draw_bars(axis, place, seeds, theirs)
        axis.set_title(TRANSFER_NAMES[transfer].replace(", ", ",\n"), fontsize=10)
    axes[0, 0].set_yticks(range(len(factors)), [name.replace("_", "\n") for name in reversed(factors)])
    figure.supxlabel("difference in accuracy", fontsize=10.5)
    if paper is not None:
        axes[0, 0].plot([], [], "o", color=GREY, fillstyle="none", label="paper (hollow)")
    legend(figure, axes[0, 0], 2)
    return figure


def _has(table: pd.DataFrame, factor: str, data: str, transfer: str) -> bool:
    return bool(((table["factor"] == factor) & (table["data"] == data) & (table["transfer"] == transfer)).any())


@detached
def learning_rates(table: pd.DataFrame) -> Figure:
    """Accuracy after full fine-tuning over the learning rate, for the same and other transformations.

    `table` has learning_rate, transforms, seed, value.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4), layout="constrained")
    rates = sorted(set(table["learning_rate"]))
    for transforms, shift in (("same", 0.97), ("disjoint", 1.03)):
        part = table[table["transforms"] == transforms]
        colour, marker = COLOURS[transforms], MARKERS[transforms]
        axis.plot(part["learning_rate"] * shift, part["value"], marker, color=colour, alpha=0.35, markersize=4)
        stats = by_level(part, "learning_rate", rates)
        on_seeds(axis, np.array(rates) * shift, stats, colour, marker, LABELS[transforms])
    axis.set(xscale="log", xlabel="learning rate of fine-tuning", ylabel="accuracy on the target", ylim=(0, 1.03))
    legend(figure, axis, 2)
    return figure
