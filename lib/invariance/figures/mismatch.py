"""Experiment E: too few and too many transformations in pretraining."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invariance.figures.style import (
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
    level_name,
    on_seeds,
)
from invariance.results import beside, mismatch_costs, ordered, paper_model
from invariance.results.comparisons import number, papers_accuracy

LOOKS = ((SAME, "o"), (DISJOINT, "s"), (THIRD, "^"), (FOURTH, "D"))


def _title(model: str) -> str:
    return level_name(model).replace("\n", " ")


@detached
def mismatch_map(ours: pd.DataFrame, paper: pd.DataFrame, model: str) -> Figure:
    """The 8 x 8 accuracies of one model, means over seeds; the paper's for its counterpart stand below in brackets."""
    found = beside(ours[ours["model"] == model], paper_model(paper, model), ["trained_with", "target"])
    found["text"] = [
        number(mine, 2) + ("" if np.isnan(theirs) else f"\n({papers_accuracy(theirs)})")
        for mine, theirs in found[["value", "paper"]].to_numpy()
    ]
    values, texts = (found.pivot(index="trained_with", columns="target", values=name) for name in ("value", "text"))
    figure, axis = plt.subplots(figsize=(WIDTH, 5.2), layout="constrained")
    boxes = heat_map(axis, values, (0, 1), texts, fontsize=9.5)
    axis.set(title=_title(model), xlabel="transformations in the target", ylabel="transformations in pretraining")
    figure.colorbar(boxes, ax=axis, label="accuracy", shrink=0.8).outline.set_visible(False)
    return figure


@detached
def mismatch_maps(ours: pd.DataFrame) -> Figure:
    """The 8 x 8 accuracies (in percent) of every model, means over seeds, one panel a model."""
    models = ordered(ours["model"])
    lines, columns = -(-len(models) // 2), min(2, len(models))
    figure, axes = plt.subplots(
        lines, columns, figsize=(WIDTH, 6.0 if columns == 1 else 3.2 * lines), layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(models) :]:
        axis.remove()
    for axis, model in zip(axes.flat, models, strict=False):
        values = ours[ours["model"] == model].pivot_table(index="trained_with", columns="target", values="value")
        boxes = heat_map(axis, values, (0, 1), values.map(lambda v: f"{100 * v:.0f}"), fontsize=8)
        axis.set_title(_title(model))
    figure.supxlabel("transformations in the target", fontsize=10.5)
    figure.supylabel("transformations in pretraining", fontsize=10.5)
    figure.colorbar(boxes, ax=figure.axes, label="accuracy", shrink=0.6).outline.set_visible(False)
    return figure


@detached
def mismatch_curves(ours: pd.DataFrame, paper: pd.DataFrame | None = None) -> Figure:
    """Accuracy over the number of transformations in pretraining, one curve a target, one panel a model.

    Bands are 95 % intervals over seeds, small marks seeds, dashed lines the paper. The mark on a curve is where
    pretraining and target match.
    """
    models = ordered(ours["model"])
    lines = -(-len(models) // 2)
    columns = min(2, len(models))
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(WIDTH, 2.9 * lines + 0.8 if columns == 2 else 4.4),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for axis in axes.flat[len(models) :]:
        axis.remove()
    targets = sorted(set(ours["target"]))
    # The ends of the colour map are too near to the background of a dark or a light page.
    colours = plt.get_cmap("plasma")(np.linspace(0.32, 0.84, len(targets)))
    for axis, model in zip(axes.flat, models, strict=False):
        for target, colour in zip(targets, colours, strict=True):
            part = ours[(ours["model"] == model) & (ours["target"] == target)]
            stats = by_level(part, "trained_with", sorted(set(part["trained_with"])))
            axis.fill_between(stats.index, stats["low"], stats["high"], color=colour, alpha=0.09, linewidth=0)
            axis.plot(stats.index, stats["value"], color=colour, linewidth=1.7, label=str(target))
            axis.plot(part["trained_with"], part["value"], ".", color=colour, alpha=0.35, markersize=3)
            match = stats["value"].reindex([target])
            axis.plot(match.index, match, "o", color=colour, markersize=5.5)
            if paper is not None:
                theirs = paper_model(paper, model)
                theirs = theirs[theirs["target"] == target]
                axis.plot(theirs["trained_with"], theirs["value"], "--", color=colour, linewidth=1, alpha=0.9)
        axis.set_title(_title(model), fontsize=10)
        axis.set(ylim=(0, 1.03), xticks=sorted(set(ours["trained_with"])))
    figure.supxlabel("transformations in pretraining", fontsize=10.5)
    figure.supylabel("accuracy on the target", fontsize=10.5)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if paper is not None:
        handles += axes[0, 0].plot([], [], "--", color=GREY, linewidth=1)
        labels += ["paper"]
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=5,
        fontsize=9,
        title="transformations in the target",
        title_fontsize=9,
    )
    return figure


@detached
def mismatch_cost(ours: pd.DataFrame, paper: pd.DataFrame | None = None) -> Figure:
    """Mean difference from the matching model over the number of missing or extra transformations.

    One line a model with 95 % intervals over seeds; dashed lines are the paper.
    """
    costs = _with_match(mismatch_costs(ours))
    published = None if paper is None else _with_match(mismatch_costs(paper))
    figure, axis = plt.subplots(figsize=(WIDTH, 4.0), layout="constrained")
    models = ordered(costs["model"])
    for k, (model, (colour, marker)) in enumerate(zip(models, LOOKS, strict=False)):
        part = costs[costs["model"] == model]
        steps = sorted(set(part["missing"]))
        offset = (k - (len(models) - 1) / 2) * 0.08
        axis.plot(part["missing"] + offset, part["value"], marker, color=colour, alpha=0.3, markersize=3)
        stats = by_level(part, "missing", steps)
        on_seeds(axis, np.array(steps) + offset, stats, colour, marker, f"{_title(model)}", markersize=5.5)
        if published is not None:
            theirs = paper_model(published, model)
            axis.plot(theirs["missing"], theirs["value"], "--", color=colour, linewidth=1)
    if published is not None:
        axis.plot([], [], "--", color=GREY, linewidth=1, label="paper")
    axis.axhline(0, color=GREY, linewidth=1)
    axis.axvline(0, color=GREY, linewidth=1, linestyle=":")
    ticks = sorted(set(costs["missing"]))
    axis.set_xticks(ticks, [str(abs(tick)) for tick in ticks])
    axis.set(xlabel="←  extra          transformations          missing  →", ylabel="difference in accuracy")
    legend(figure, axis, 5)
    return figure


def _with_match(costs: pd.DataFrame) -> pd.DataFrame:
    # The matching model differs from itself by nothing; it is where the two sides of the curve meet.
    match = costs[["model", "seed"]].drop_duplicates().assign(missing=0, value=0.0)
    return pd.concat([costs, match]).sort_values("missing")
