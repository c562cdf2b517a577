"""The claims ledger at a glance."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from invariance.claims import NOT_RUN, NOT_SUPPORTED, SUPPORTED, SYMBOLS
from invariance.figures.style import DISJOINT, GREY, SAME, WIDTH, detached

LOOKS = {SUPPORTED: (SAME, "o"), NOT_SUPPORTED: (DISJOINT, "X")}
"""Colour and mark by verdict; every other verdict is grey."""

REACH = 0.6
"""The axis ends here on both sides: beyond it, an interval is cut off and a mark becomes an arrow."""


@detached
def claims_overview(rows: pd.DataFrame) -> Figure:
    """One row a statement of `claims.ledger`: our interval against the threshold, with the verdict.

    The axis is the distance from the threshold, counted so that right of the line supports the statement. Hollow marks
    are the paper's values; what lies beyond the axis is an arrow at its end.
    """
    labels = [
        f"{claim}  {textwrap.fill(text, 46)}" for claim, text in zip(rows["claim"], rows["statement"], strict=True)
    ]
    lines = np.array([max(2, label.count("\n") + 1) for label in labels])
    heights = (np.cumsum(lines) - lines / 2) / 2 + np.array(rows["claim"]) * 0.35
    figure, axis = plt.subplots(figsize=(WIDTH, 0.185 * lines.sum() + 1.6), layout="constrained")
    for y, row in zip(heights, rows.to_dict("records"), strict=True):
        sign = 1 if row["direction"] == "above" else -1
        colour, marker = LOOKS.get(row["verdict"], (GREY, "D"))
        ours, low, high, paper = (sign * (row[name] - row["threshold"]) for name in ("ours", "low", "high", "paper"))
        axis.plot(np.clip([low, high], -REACH, REACH), [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
        if row["verdict"] != NOT_RUN:
            axis.plot(np.clip(ours, -REACH, REACH), y, _mark(ours, marker), color=colour, markersize=7)
        axis.plot(np.clip(paper, -REACH, REACH), y, _mark(paper, "o"), color=GREY, markersize=6.5, fillstyle="none")
        axis.text(REACH * 1.1, y, SYMBOLS[row["verdict"]], color=colour, ha="center", va="center", fontsize=12)
    axis.axvline(0, color=GREY, linewidth=1.2)
    axis.set_yticks(heights, labels, fontsize=8.5)
    axis.set(xlim=(-REACH * 1.02, REACH * 1.18), ylim=(heights[-1] + 0.8, heights[0] - 0.8))
    axis.set_xlabel("distance from the threshold, in the statement's own unit\n(right of the line supports it)")
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    for name, (colour, marker) in {**LOOKS, "undecided": (GREY, "D")}.items():
        axis.plot([], [], marker, color=colour, label=name)
    axis.plot([], [], "o", color=GREY, fillstyle="none", label="paper")
    figure.legend(loc="outside upper center", ncols=4, fontsize=9)
    return figure


def _mark(distance: float, marker: str) -> str:
    if abs(distance) <= REACH:
        return marker
    return ">" if distance > 0 else "<"
