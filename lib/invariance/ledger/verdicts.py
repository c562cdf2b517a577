"""The statements of all studies with their verdicts, as a table and as a figure. Chapter: book/10_claims.py."""

import textwrap
from collections import Counter
from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots
from invariance.statistics import Estimate, fixed
from invariance.studies import all_studies
from invariance.studies.study import BUDGETS, NOT_RUN, NOT_SUPPORTED, SUPPORTED, SYMBOLS, Findings, Statement

Row = tuple[Statement, Estimate, str]
"""A statement, its estimate and its verdict."""

LOOKS = {SUPPORTED: plots.LOOKS["matched"], NOT_SUPPORTED: plots.Look(plots.MISMATCHED, "X")}
"""Colour and mark by verdict; every other verdict is grey."""
REACH = 0.6
"""The axis of the figure ends here on both sides: beyond it, a mark becomes an arrow."""


def rows(findings: Iterable[Findings]) -> list[Row]:
    """The statements of these findings, claim by claim."""
    found = [(s, *about) for one in findings for s, about in one.verdicts().items()]
    return sorted(found, key=lambda row: row[0].claim)


def published() -> list[Findings]:
    """The published findings of every study, each at the largest budget that the record has."""
    found = [study.published(budget) for study in all_studies() for budget in reversed(BUDGETS)]
    largest = {one.study.name: one for one in reversed(found) if one.runs}
    return list(largest.values())


def counts(found: Iterable[Row]) -> dict[str, int]:
    """How many statements there are, and how many are supported, not supported and open."""
    verdicts = Counter(verdict for _, _, verdict in found)
    known = {"supported": verdicts[SUPPORTED], "not_supported": verdicts[NOT_SUPPORTED]}
    return {"statements": verdicts.total(), **known, "open": verdicts.total() - sum(known.values())}


def show(found: Iterable[Row]) -> HTML:
    """The ledger for readers, each statement with its rule; a paper's value that does not meet the rule is marked."""
    return plots.table(
        [
            {
                "claim: statement [rule]": f"{s.claim}: {s.text} [{s.rule}]",
                "verdict": f"{SYMBOLS[verdict]} {verdict.split(':')[0]}",
                "this run (95 % interval)": f"{one:.3i}, {one.n} seed{'s' * (one.n != 1)}" if one.n else "–",
                "paper": fixed(one.paper, 3) + ("" if s.holds(one.paper) else " (misses the rule)"),
            }
            for s, one, verdict in found
        ]
    )


@plots.detached
def overview(found: list[Row]) -> Figure:
    """One row a statement: our interval against the threshold, with the verdict; hollow marks are the paper's values.

    The axis is the distance from the threshold, counted so that right of the line supports the statement.
    """
    labels = [f"{s.claim}  {textwrap.fill(s.text, 46)}" for s, _, _ in found]
    lines = np.array([max(2, label.count("\n") + 1) for label in labels])
    heights = (np.cumsum(lines) - lines / 2) / 2 + np.array([s.claim for s, _, _ in found]) * 0.35
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 0.185 * lines.sum() + 1.6), layout="constrained")
    for y, row in zip(heights, found, strict=True):
        _draw(axis, y, *row)
    axis.axvline(0, color=plots.GREY, linewidth=1.2)
    axis.set_yticks(heights, labels, fontsize=8.5)
    axis.set(xlim=(-REACH * 1.02, REACH * 1.18), ylim=(heights[-1] + 0.8, heights[0] - 0.8))
    axis.set_xlabel("distance from the threshold, in the statement's own unit\n(right of the line supports it)")
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    for name, look in {**LOOKS, "undecided": plots.Look(plots.GREY, "D")}.items():
        axis.plot([], [], look.marker, color=look.colour, label=name)
    axis.plot([], [], "o", color=plots.GREY, fillstyle="none", label="paper")
    figure.legend(loc="outside upper center", ncols=4, fontsize=9)
    return figure


def _draw(axis: plt.Axes, y: float, statement: Statement, one: Estimate, verdict: str) -> None:
    sign = 1 if statement.direction == "above" else -1
    look = LOOKS.get(verdict, plots.Look(plots.GREY, "D"))
    ours, low, high, paper = (sign * (v - statement.threshold) for v in (one.value, one.low, one.high, one.paper))
    axis.plot(np.clip([low, high], -REACH, REACH), [y, y], color=look.colour, linewidth=2.2, solid_capstyle="butt")
    if verdict != NOT_RUN:
        axis.plot(np.clip(ours, -REACH, REACH), y, _mark(ours, look.marker), color=look.colour, markersize=7)
    hollow = {"color": plots.GREY, "markersize": 6.5, "fillstyle": "none"}
    axis.plot(np.clip(paper, -REACH, REACH), y, _mark(paper, "o"), **hollow)
    axis.text(REACH * 1.1, y, SYMBOLS[verdict], color=look.colour, ha="center", va="center", fontsize=12)


def _mark(distance: float, marker: str) -> str:
    if not abs(distance) > REACH:
        return marker
    return ">" if distance > 0 else "<"
