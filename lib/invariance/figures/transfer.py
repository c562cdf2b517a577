"""Experiment D: sensitivities by how training relates to the transformation, and model x transformation maps."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from invariance.experiments.invariance_transfer import DATA_TYPES
from invariance.figures.style import (
    BAR_ALPHA,
    COLOUR_MAP,
    DISJOINT,
    FOURTH,
    GREY,
    SAME,
    THIRD,
    WIDTH,
    by_level,
    detached,
    heat_map,
    legend,
    on_seeds,
)
from invariance.results import READERS_NAMES, main_model, paper_model, relations
from invariance.transforms import PAPER, PAPER_NAMES

RELATIONS = {
    "same": ("trained with it", SAME, "o"),
    "other": ("trained with another", DISJOINT, "s"),
    "none": ("trained with none", THIRD, "^"),
    "untrained": ("untrained", FOURTH, "D"),
}
LABELS = {name: READERS_NAMES[name].replace(", ", ",\n") for name in ("cifar10", "cifar100")}


@detached
def transfer_bars(ours: pd.DataFrame, paper: pd.DataFrame, trained_on: str = "image") -> Figure:
    """Mean sensitivity on each type of data by how training relates to the transformation, with 95 % intervals.

    `ours` is experiment D's table, of which the main model is shown; hollow marks are the paper's values for
    the model beside which ours stands.
    """
    mine = main_model(ours)
    theirs = paper_model(paper, mine["model"].iloc[0])
    found = relations(mine)
    found = found[found["trained_on"] == trained_on]
    types = [name for name in DATA_TYPES if (found["data"] == name).any()]
    kinds = [name for name in RELATIONS if (found["relation"] == name).any()]
    figure, axis = plt.subplots(figsize=(WIDTH, 0.52 * len(types) + 1.5), layout="constrained")
    height = 0.84 / len(kinds)
    for k, (name, (label, colour, marker)) in enumerate((kind, RELATIONS[kind]) for kind in kinds):
        part = found[found["relation"] == name]
        places = np.arange(len(types)) - 0.42 + (k + 0.5) * height
        stats = by_level(part, "data", types)
        axis.barh(places, stats["value"], height * 0.92, color=colour, alpha=BAR_ALPHA, label=label)
        on_seeds(axis, places, stats, colour, "", horizontal=True, linestyle="none", capsize=2)
        axis.plot(
            part["value"], part["data"].map(types.index) - 0.42 + (k + 0.5) * height, ".", color=colour, markersize=3
        )
        rows = theirs[(theirs["trained_on"] == trained_on) & (theirs["relation"] == name)]
        axis.plot(
            rows.set_index("data")["value"].reindex(types), places, marker, color=colour, fillstyle="none", markersize=7
        )
    axis.plot([], [], "o", color=GREY, fillstyle="none", label="paper (hollow)")
    axis.set_yticks(range(len(types)), [LABELS.get(name, name).replace(" on ", "\non ") for name in types], fontsize=9)
    axis.set(xlabel="sensitivity (lower is more invariant)", xlim=(0, None), ylim=(len(types) - 0.5, -0.5))
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)
    legend(figure, axis, 3)
    return figure


def _map(table: pd.DataFrame, data: str, trained_on: str, measure: str = "sensitivity_l2") -> pd.DataFrame:
    # What training used (rows) by what is measured (columns), with every transformation in the order of categories.
    rows = main_model(table)
    rows = rows[(rows["data"] == data) & (rows["trained_on"] == trained_on) & (rows["measure"] == measure)]
    extra = [name for name in ("none", "untrained") if (rows["trained_with"] == name).any()]
    values = rows.pivot_table(index="trained_with", columns="transformation", values="value")
    return values.reindex(index=[*PAPER_NAMES, *extra], columns=PAPER_NAMES)


@detached
def transfer_maps(table: pd.DataFrame, trained_on: str = "image") -> Figure:
    """`transfer_map` on every type of data, without names: rows, columns and colours are the same in all panels."""
    types = [name for name in DATA_TYPES if (table["data"] == name).any()]
    columns = -(-len(types) // 2)
    figure, axes = plt.subplots(2, columns, figsize=(WIDTH, 3.6), layout="constrained", squeeze=False)
    # On scenes (and the first natural images) above, on noise (and the second) below.
    for axis, name in zip(axes.flat, [*types[::2], *types[1::2]], strict=False):
        values = _map(table, name, trained_on)
        shown = axis.imshow(values, vmin=0, vmax=1, cmap=COLOUR_MAP, interpolation="nearest")
        axis.set_title(LABELS.get(name, name).replace(" objects on ", "\nobjects on "), fontsize=8)
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
    for axis in axes.flat[len(types) :]:
        axis.remove()
    figure.supxlabel("measured transformation", fontsize=10)
    figure.supylabel("trained with", fontsize=10)
    figure.colorbar(shown, ax=figure.axes, label="sensitivity", shrink=0.7).outline.set_visible(False)
    return figure


@detached
def transfer_map(table: pd.DataFrame, data: str, trained_on: str = "image", measure: str = "sensitivity_l2") -> Figure:
    """Each model (rows, by the transformation it was trained with) measured on each transformation (columns).

    `table` is experiment D's, of which the main model is shown, as means over seeds. Categories are set apart, cells
    of the trained transformation have a frame.
    """
    values = _map(table, data, trained_on, measure)
    extra = len(values) > len(PAPER_NAMES)
    names = PAPER_NAMES
    figure, axis = plt.subplots(figsize=(WIDTH, WIDTH * 0.98), layout="constrained")
    boxes = heat_map(axis, values, (0, max(1.0, float(np.nanmax(values)))))
    axis.set_xticks(axis.get_xticks(), [name.replace("_", " ") for name in names], rotation=90, fontsize=9)
    axis.set_yticks(axis.get_yticks(), [name.replace("_", " ") for name in values.index], fontsize=9)
    for k in range(len(names)):
        axis.add_patch(Rectangle((k - 0.5, k - 0.5), 1, 1, fill=False, edgecolor=DISJOINT, linewidth=1.6))
    ends = np.cumsum([len(group) for group in PAPER.values()])
    for end in ends[:-1]:
        axis.axvline(end - 0.5, color=GREY, linewidth=1)
    for end in ends if extra else ends[:-1]:
        axis.axhline(end - 0.5, color=GREY, linewidth=1)
    for end, (category, group) in zip(ends, PAPER.items(), strict=True):
        axis.text(end - len(group) / 2 - 0.5, -0.75, category, ha="center", va="bottom", fontsize=9.5)
    axis.set(xlabel="measured transformation", ylabel="trained with")
    name = "sensitivity" if measure.startswith("sensitivity") else measure.upper()
    figure.colorbar(boxes, ax=axis, label=name, shrink=0.7).outline.set_visible(False)
    return figure
