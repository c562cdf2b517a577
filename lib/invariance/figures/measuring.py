"""Chapter 2: distances between representations, and sensitivity by category."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invariance.experiments.measuring import KINDS
from invariance.figures.style import BAR_ALPHA, DISJOINT, GREY, SAME, WIDTH, by_level, detached, on_seeds
from invariance.transforms import CATEGORIES


@detached
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


@detached
def sensitivity_bars(table: pd.DataFrame) -> Figure:
    """Sensitivity of each kind of model by category, with seeds as dots, their mean as a bar and its 95 % interval.

    `table` has kind, category, seed, value: one row for each of the first three, as `measuring.by_category` gives it.
    """
    names = list(CATEGORIES)
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4), layout="constrained")
    width = 0.8 / len(KINDS)
    for k, (kind, colour) in enumerate(zip(KINDS, (GREY, DISJOINT, SAME), strict=True)):
        part = table[table["kind"] == kind]
        places = np.arange(len(names)) + (k - (len(KINDS) - 1) / 2) * width
        stats = by_level(part, "category", names)
        axis.bar(places, stats["value"], width * 0.92, color=colour, alpha=BAR_ALPHA, label=kind)
        on_seeds(axis, places, stats, colour, "_", linestyle="none", markersize=12)
        seeds = part["category"].map(names.index)
        axis.plot(places[seeds] - width * 0.3, part["value"], ".", color=colour, markersize=5)
    axis.axhline(1, color=GREY, linewidth=1, linestyle=":")
    axis.set_xticks(range(len(names)), names)
    axis.set(ylabel="sensitivity", xlabel="category of the transformation")
    axis.set_ylim(bottom=0)  # an interval may reach below, a ratio of distances cannot
    figure.legend(loc="outside upper center", fontsize=9, ncols=3)
    return figure
