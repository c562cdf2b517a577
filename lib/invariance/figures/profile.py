"""The figure of a model's profile: how sensitive it is to each transformation."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invariance import transforms
from invariance.figures.style import DISJOINT, GREY, SAME, THIRD, WIDTH, detached

COLOURS = dict(zip(transforms.CATEGORIES, (SAME, DISJOINT, THIRD), strict=True))


@detached
def sensitivity_profile(table: pd.DataFrame) -> Figure:
    """Bars of l2 sensitivity with 95 % intervals by transformation, one panel a layer.

    Diamonds are the untrained copy; the dotted line at 1 is the distance of random images. `table` is what
    `invariance.profiling.profile_model` gives.
    """
    table = table[table["measure"] == "sensitivity_l2"]
    names, layers = (list(dict.fromkeys(table[column])) for column in ("transformation", "layer"))
    places = pd.Series(range(len(names))[::-1], index=names)
    shape = (max(WIDTH, 1.6 * len(layers)), 1 + 0.27 * len(names))
    figure, axes = plt.subplots(1, len(layers), figsize=shape, sharey=True, layout="constrained", squeeze=False)
    for axis, layer in zip(axes[0], layers, strict=True):
        part = table[table["layer"] == layer]
        for category, given in part[part["kind"] == "given"].groupby("category", sort=False):
            error = np.abs(given[["low", "high"]].to_numpy().T - given["value"].to_numpy())
            bars = {"color": COLOURS.get(category, GREY), "alpha": 0.8, "label": category}
            where = places[given["transformation"]]
            axis.barh(where, given["value"], 0.64, xerr=error, **bars, error_kw={"ecolor": GREY, "capsize": 2})
        fresh = part[part["kind"] == "untrained"]
        if len(fresh):
            where = places[fresh["transformation"]]
            # Dark with a light edge: it stands out on a bar, and on light and dark pages.
            look = {"color": "#22262b", "markeredgecolor": "white", "markersize": 6.5, "linestyle": "none"}
            axis.plot(fresh["value"], where, "D", label="untrained copy", **look)
        axis.axvline(1, color=GREY, linewidth=1, linestyle=":")
        axis.set(xlabel="sensitivity", xlim=(0, max(1.05, 1.05 * part["high"].max())))
        axis.set_title(layer if len(layers) > 1 else "")
        axis.grid(axis="y", visible=False)
        axis.grid(axis="x", visible=True)
    axes[0, 0].set_yticks(places, [name.replace("_", " ") for name in names])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
    return figure


@detached
def sensitivity_by_depth(table: pd.DataFrame) -> Figure:
    """l2 sensitivity through the layers of a model, one panel a transformation, with 95 % bands.

    `table` is what `invariance.profiling.profile_model` gives for several layers, in their order.
    """
    table = table[table["measure"] == "sensitivity_l2"]
    names, layers = (list(dict.fromkeys(table[column])) for column in ("transformation", "layer"))
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, 0.9 + 1.7 * rows), sharex=True, sharey=True, layout="constrained", squeeze=False
    )
    looks = {
        "given": {"color": SAME, "marker": "o", "label": "trained"},
        "untrained": {"color": GREY, "marker": "D", "linestyle": "--", "fillstyle": "none", "label": "untrained copy"},
    }
    for axis, name in zip(axes.flat, names, strict=False):
        for kind, look in looks.items():
            part = table[(table["transformation"] == name) & (table["kind"] == kind)]
            if len(part):
                axis.plot(range(len(layers)), part["value"], markersize=5, linewidth=1.4, **look)
                axis.fill_between(range(len(layers)), part["low"], part["high"], color=look["color"], alpha=0.2, lw=0)
        axis.set_title(name.replace("_", " "))
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    axes[0, 0].set_ylim(0, 1.05 * table["high"].max())
    for axis in axes[-1]:
        axis.set_xticks(range(len(layers)), layers, rotation=45, ha="right", rotation_mode="anchor")
    figure.supylabel("sensitivity", fontsize=10.5, color=GREY)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    return figure
