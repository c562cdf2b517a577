"""A profile as a table, figures, notes and files."""

import hashlib
import re
from contextlib import ExitStack
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invariance.files import write_aside
from invariance.plots import GREY, MATCHED, MISMATCHED, THIRD, WIDTH, detached, headline
from invariance.profiling.backbones import Loaded
from invariance.transforms import CATEGORIES

FIXED_IN_PIXELS = {"blur", "elastic", "erasing", "noise"}
"""Transformations whose strength is a number of pixels, chosen for images of 32 x 32."""
COLOURS = dict(zip(CATEGORIES, (MATCHED, MISMATCHED, THIRD), strict=True))
L2 = "sensitivity_l2"


def report(table: pd.DataFrame, loaded: Loaded) -> list[str]:
    """A profile for a terminal: l2 sensitivities by layer, or of a single layer with intervals and CKA, and `notes`."""
    alone = table["layer"].nunique() == 1
    cka = (table["measure"] == "cka") & (table["kind"] == "given") & alone
    rows = table[(table["measure"] == L2) | cka]
    shown = [f"{one.value:.2f}" + f" ({one.low:.2f} to {one.high:.2f})" * alone for one in rows.itertuples()]
    column = rows["layer"] + rows["kind"].map({"given": "", "untrained": ", untrained"})
    rows = rows.assign(shown=shown, column=column.where(rows["measure"] == L2, "CKA"))
    rows = rows.pivot_table("shown", ["category", "transformation"], "column", "first", sort=False).reset_index()
    size = f"{table['pairs'].iloc[0]} pairs of {loaded.size} x {loaded.size} pixels"
    return [
        f"\n{loaded.name} on {table['images'].iloc[0]}: {size}",
        f"Images normalised with mean {loaded.mean} and deviation {loaded.std}.\n",
        rows.to_string(index=False),
        "\nsensitivity: 0 = invariant, 1 = as different as random images\n",
        *(f"Note: {note}" for note in notes(table, loaded)),
    ]


def notes(table: pd.DataFrame, loaded: Loaded) -> list[str]:
    """What a reader of this profile should know, a sentence each."""
    dead = table[(table["measure"] == L2) & table["value"].isna()].drop_duplicates(["kind", "layer"]).itertuples()
    said = [f"The {one.kind} model tells no images apart at layer {one.layer!r}: its weights are dead." for one in dead]
    if loaded.size != 32 and (fixed := ", ".join(sorted(FIXED_IN_PIXELS & set(table["transformation"])))):
        said.append(f"The strength of {fixed} is set in pixels, for 32 x 32: do not compare these across sizes.")
    if loaded.untrained is None:
        said.append("This model is untrained: give trained weights with --weights FILE (or --pretrained, from timm).")
    elif "untrained" not in set(table["kind"]):
        said.append("No untrained copy to compare with, since some weights of this model cannot be drawn afresh.")
    return said


def folder_for(model: str, weights: str | Path | None, pretrained: bool, images: str, settings: str = "") -> Path:
    """Where the profile of a model on some images goes, so that it overwrites no other's.

    Files and settings that are not the usual ones are told apart by a digest at the end of the name.
    """
    source = Path(weights).stem if weights else "pretrained" if pretrained else ""
    files = [str(Path(path).resolve()) for path in (weights, images) if path and Path(path).exists()]
    digest = hashlib.sha256("\n".join([*files, settings]).encode()).hexdigest()[:6] if files or settings else ""
    parts = [part for part in (model, source, Path(images).name, digest) if part]
    return Path("profile") / re.sub(r"[^\w.-]+", "_", "-".join(parts)).strip("_.")


def save(table: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write profile.csv, profile.png and profile.svg into a folder, all of them or none; gives their paths."""
    paths = [Path(folder) / f"profile.{suffix}" for suffix in ("csv", "png", "svg")]
    sheet = sensitivity_profile(table)
    with ExitStack() as stack:  # the files get their names when all of them are written
        csv, png, svg = (stack.enter_context(write_aside(path)) for path in paths)
        table.to_csv(csv, index=False)
        sheet.savefig(png, dpi=160, transparent=False, facecolor="white")
        sheet.savefig(svg, metadata={"Date": None})
    return paths


@detached
def sensitivity_profile(table: pd.DataFrame) -> Figure:
    """Bars of l2 sensitivity with 95 % intervals by transformation, one panel a layer.

    Diamonds are the untrained copy; the dotted line at 1 is the distance of random images. `table` is what
    `profile_model` gives.
    """
    table, names, layers = table[table["measure"] == L2], table["transformation"].unique(), table["layer"].unique()
    places = pd.Series(range(len(names))[::-1], index=names)
    shape = (max(WIDTH, 1.6 * len(layers)), 1 + 0.27 * len(names))
    figure, axes = plt.subplots(1, len(layers), figsize=shape, sharey=True, layout="constrained", squeeze=False)
    for axis, layer in zip(axes[0], layers, strict=True):
        part = table[table["layer"] == layer]
        for category, given in part[part["kind"] == "given"].groupby("category", sort=False):
            error = np.abs(given[["low", "high"]].to_numpy().T - given["value"].to_numpy())
            look = {"color": COLOURS.get(category, GREY), "alpha": 0.8, "error_kw": {"ecolor": GREY, "capsize": 2}}
            axis.barh(places[given["transformation"]], given["value"], 0.64, xerr=error, label=category, **look)
        if len(fresh := part[part["kind"] == "untrained"]):
            # Dark with a light edge: it stands out on a bar, and on light and dark pages.
            look = {"color": "#22262b", "markeredgecolor": "white", "markersize": 6.5, "label": "untrained copy"}
            axis.plot(fresh["value"], places[fresh["transformation"]], "D", **look)
        axis.axvline(1, color=GREY, linewidth=1, linestyle=":")
        axis.set(xlabel="sensitivity", xlim=(0, max(1.05, 1.05 * part["high"].max())))
        axis.set_title(layer if len(layers) > 1 else "")
        axis.grid(visible=False, axis="y")
        axis.grid(visible=True, axis="x")
    axes[0, 0].set_yticks(places, [name.replace("_", " ") for name in names])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
    headline(figure, _extremes(table))
    return figure


def _extremes(table: pd.DataFrame) -> str:
    # Of the last layer.
    last = table[(table["layer"] == table["layer"].iloc[-1]) & (table["kind"] == "given")].sort_values("value")
    ends = [f"{last['transformation'].iloc[k].replace('_', ' ')} ({last['value'].iloc[k]:.2f})" for k in (0, -1)]
    return f"The model ignores {ends[0]} most, and is most sensitive to {ends[1]}."


@detached
def sensitivity_by_depth(table: pd.DataFrame) -> Figure:
    """l2 sensitivity through the layers of a model, one panel a transformation, with 95 % bands.

    `table` is what `profile_model` gives for several layers, in their order.
    """
    table, names = table[table["measure"] == L2], table["transformation"].unique()
    columns, rows = min(3, len(names)), -(-len(names) // 3)
    shape, options = (WIDTH, 0.9 + 1.7 * rows), {"layout": "constrained", "squeeze": False}
    figure, axes = plt.subplots(rows, columns, figsize=shape, sharex=True, sharey=True, **options)
    looks = {
        "given": {"color": MATCHED, "marker": "o", "label": "trained"},
        "untrained": {"color": GREY, "marker": "D", "linestyle": "--", "fillstyle": "none", "label": "untrained copy"},
    }
    for axis, name in zip(axes.flat, names, strict=False):
        for kind, part in table[table["transformation"] == name].groupby("kind"):
            axis.plot(part["layer"], part["value"], markersize=5, linewidth=1.4, **looks[kind])
            axis.fill_between(part["layer"], part["low"], part["high"], color=looks[kind]["color"], alpha=0.2, lw=0)
        axis.set_title(name.replace("_", " "))
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    axes[0, 0].set_ylim(0, 1.05 * table["high"].max())
    for axis in axes[-1]:
        axis.tick_params("x", rotation=45)
    figure.supylabel("sensitivity", fontsize=10.5, color=GREY)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    given = table[table["kind"] == "given"].groupby("layer", sort=False)["value"].mean()
    ends = f"{given.iloc[0]:.2f} in the first layer to {given.iloc[-1]:.2f} in the last"
    headline(figure, f"The mean sensitivity to these transformations goes from {ends}.")
    return figure
