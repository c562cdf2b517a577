"""Experiment C: accuracies and sensitivities of four pretrainings, their correlation, and the sweeps."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invariance.figures.style import (
    BAR_ALPHA,
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
from invariance.results import (
    READERS_NAMES,
    beside,
    correlation_interval,
    paper_relevance_correlations,
    relevance_correlations,
    relevance_points,
)

EXCHANGED = {"cifar": ("exchanging the image", SAME, "o"), "objects": ("exchanging the object", DISJOINT, "s")}
TASK_LOOK = {
    "cifar_only": (SAME, "o"),
    "cifar_mixed": (THIRD, "^"),
    "objects_mixed": (DISJOINT, "s"),
    "objects_only": (FOURTH, "D"),
}
TASKS = {task: READERS_NAMES[task].replace(" ", "\n", 1) for task in TASK_LOOK}


def _main_rows(table: pd.DataFrame, position: str, measure: str) -> pd.DataFrame:
    return table[(table["position"] == position) & (table["sweep"] == "") & (table["measure"] == measure)]


@detached
def relevance_accuracy(ours: pd.DataFrame, paper: pd.DataFrame, position: str = "fixed") -> Figure:
    """Accuracy of every pretraining (rows) on every target (columns), each with half its interval and the paper's."""
    keys = ["pretraining", "target"]
    found = beside(*(_main_rows(table, position, "accuracy") for table in (ours, paper)), keys)
    found["text"] = [_cell(*row) for row in found[["value", "high", "paper"]].to_numpy()]
    figure, axis = plt.subplots(figsize=(WIDTH, 4.6), layout="constrained")
    values, texts = (
        found.pivot(index="pretraining", columns="target", values=name).reindex(index=list(TASKS), columns=list(TASKS))
        for name in ("value", "text")
    )
    boxes = heat_map(axis, values, (0, 1), texts, fontsize=10)
    axis.set_xticks(range(len(TASKS)), TASKS.values())
    axis.set_yticks(range(len(TASKS)), TASKS.values())
    axis.set(xlabel="target", ylabel="pretraining")
    figure.colorbar(boxes, ax=axis, label="accuracy", shrink=0.8).outline.set_visible(False)
    return figure


def _cell(value: float, high: float, paper: float) -> str:
    half = "" if np.isnan(high) else f" ± {high - value:.2f}"
    return f"{value:.2f}{half}\n(paper {paper:.2f})"


@detached
def relevance_sensitivity(ours: pd.DataFrame, paper: pd.DataFrame, position: str = "fixed") -> Figure:
    """Sensitivity of every pretraining to exchanging the image and the object; seeds are dots, the paper hollow."""
    mine, theirs = (_main_rows(table, position, "sensitivity_l2") for table in (ours, paper))
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6), layout="constrained")
    for (name, (label, colour, marker)), offset in zip(EXCHANGED.items(), (-0.2, 0.2), strict=True):
        part = mine[mine["exchanged"] == name]
        places = np.arange(len(TASKS)) + offset
        stats = by_level(part, "pretraining", list(TASKS))
        axis.bar(places, stats["value"], 0.36, color=colour, alpha=BAR_ALPHA, label=f"{label}, this run")
        on_seeds(axis, places, stats, colour, "_", linestyle="none", markersize=12)
        seeds = part["pretraining"].map(list(TASKS).index) + offset - 0.1
        axis.plot(seeds, part["value"], ".", color=colour, markersize=5)
        published = theirs[theirs["exchanged"] == name].set_index("pretraining")["value"].reindex(list(TASKS))
        axis.plot(
            places + 0.1, published, marker, color=colour, fillstyle="none", markersize=7, label=f"{label}, paper"
        )
    axis.set_xticks(range(len(TASKS)), TASKS.values())
    axis.set(xlabel="pretraining", ylabel="sensitivity", ylim=(0, None))
    legend(figure, axis, 2)
    return figure


@detached
def relevance_correlation(ours: pd.DataFrame, paper: pd.DataFrame, position: str = "fixed") -> Figure:
    """Accuracy where a part is the label against sensitivity to that part, one panel for images, one for objects.

    Small marks are seeds, large ones means, hollow ones the paper; the title has Pearson's correlation over the four
    models (mean over seeds with its 95 % interval) and the paper's.
    """
    points, published = relevance_points(ours, position), relevance_points(paper, position)
    found = relevance_correlations(ours, position)
    theirs = paper_relevance_correlations().set_index(["position", "exchanged"])["correlation"]
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.7), sharey=True, layout="constrained")
    for axis, exchanged in zip(axes, EXCHANGED, strict=True):
        name = READERS_NAMES[exchanged]
        for task, (colour, marker) in TASK_LOOK.items():
            mine, papers = (
                table[(table["exchanged"] == exchanged) & (table["pretraining"] == task)]
                for table in (points, published)
            )
            axis.plot(mine["sensitivity"], mine["accuracy"], marker, color=colour, alpha=0.35, markersize=4)
            axis.plot(
                mine["sensitivity"].mean(),
                mine["accuracy"].mean(),
                marker,
                color=colour,
                markersize=9,
                label=READERS_NAMES[task],
            )
            axis.plot(papers["sensitivity"], papers["accuracy"], marker, color=colour, fillstyle="none", markersize=12)
        r, low, high = correlation_interval(found.loc[found["exchanged"] == exchanged, "correlation"].dropna())
        about = "" if np.isnan(low) else f" ({low:.2f} to {high:.2f})".replace("-", "−")
        text = f"{r:.2f}".replace("-", "−")
        axis.set_title(f"{name}: r = {text}{about}\npaper {theirs[position, exchanged]:.2f}", fontsize=10)
        axis.set(xlabel=f"sensitivity to {name}", xlim=(-0.05, None), ylim=(0, 1.05))
        axis.grid(visible=True, axis="both")
    axes[0].set_ylabel("accuracy where they are the label")
    axes[0].plot([], [], "o", color=GREY, fillstyle="none", markersize=11, label="paper (hollow)")
    legend(figure, axes[0], 3, title="pretraining", title_fontsize=9)
    return figure


SWEEPS = {
    "correlation": "correlation of object and image class",
    "availability": "share of images with an object",
}


@detached
def relevance_sweep(table: pd.DataFrame, sweep: str) -> Figure:
    """Accuracies and sensitivities over one of `SWEEPS`, with 95 % intervals over seeds.

    Left: accuracy on each target of the model trained with both and labelled by the image; right: its sensitivities.
    """
    rows = table[table["sweep"] == sweep]
    levels = sorted(set(rows["level"]))
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.7), layout="constrained")
    lines = [(axes[0], "accuracy", "target", task, READERS_NAMES[task], *TASK_LOOK[task]) for task in TASKS] + [
        (axes[1], "sensitivity_l2", "exchanged", name, *look) for name, look in EXCHANGED.items()
    ]
    for axis, measure, index, name, label, colour, marker in lines:
        part = rows[(rows["measure"] == measure) & (rows[index] == name)]
        if len(part):
            axis.plot(part["level"], part["value"], marker, color=colour, alpha=0.3, markersize=3.5)
            on_seeds(axis, levels, by_level(part, "level", levels), colour, marker, label, markersize=6)
    for axis, name in zip(axes, ("accuracy", "sensitivity"), strict=True):
        # Sensitivities and intervals may leave the range from 0 to 1.
        axis.set(ylabel=name, ylim=(min(0, axis.dataLim.y0), max(1.08, 1.04 * axis.dataLim.y1)))
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8.5)
    figure.supxlabel(SWEEPS[sweep], fontsize=10.5)
    return figure
