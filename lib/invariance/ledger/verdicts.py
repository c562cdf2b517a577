"""The statements of all studies with their verdicts, as a table and as a figure. Chapter: book/10_claims.py."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots
from invariance.statistics import Estimate, fixed
from invariance.studies import all_studies
from invariance.studies.study import ANY, BUDGETS, NOT_RUN, NOT_SUPPORTED, SUPPORTED, SYMBOLS, Findings, Statement

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
    found = [study.published(budget) for study in all_studies() for budget in BUDGETS]
    return list({one.study.name: one for one in found if one.runs}.values())


def counts(found: Sequence[Row]) -> dict[str, int]:
    """How many statements there are, how many have which verdict, and how many rules the paper's value misses."""
    verdicts = Counter(verdict.split(":")[0].replace(" ", "_") for _, _, verdict in found)
    kinds = ("supported", "not_supported", "undecided", "not_run")
    missed = sum(misses(s, one) for s, one, _ in found)
    return {"statements": len(found), **{kind: verdicts[kind] for kind in kinds}, "paper_misses": missed}


def misses(statement: Statement, one: Estimate) -> bool:
    """Whether the paper's own value fails the rule."""
    return not np.isnan(one.paper) and not statement.holds(one.paper)


def papers(statement: Statement, one: Estimate) -> str:
    """The paper's value, marked where it misses the rule; where any effect counts, how much of it this run has.

    Both are taken the same way: over the images of all splits.
    """
    text = fixed(one.paper, 3)
    if misses(statement, one):
        return f"{text} (misses the rule)"
    if statement.reason == ANY and one.n and abs(one.paper) > 0.01:
        return f"{text} (this run: {fixed(one.pooled / one.paper, 2)} of it)"
    return text


def show(found: Iterable[Row]) -> HTML:
    """The ledger for readers: each statement with its rule, the verdict, this run's value and the paper's."""
    rows = [
        {"claim: statement [rule]": f"{s.claim}: {s.text} [{s.rule}]"}
        | {"verdict": f"{SYMBOLS[verdict]} {verdict.split(':')[0]}"}
        | {"this run (95 % interval)": f"{one:.3i}, {one.n} seed{'s' * (one.n != 1)}" if one.n else "–"}
        | {"this run, pooled": fixed(one.pooled, 3), "paper (pooled)": papers(s, one)}
        for s, one, verdict in found
    ]
    return plots.table(rows)


def evidence(findings: Iterable[Findings]) -> HTML:
    """What each study's verdicts rest on: budget, seeds, hardware and pictures, and the seconds they took."""
    columns = ("study", "evidence", "worker seconds")
    cells = ((one.study.name, one.caption(), f"{one.seconds:,.0f}") for one in findings)
    return plots.table([dict(zip(columns, line, strict=True)) for line in cells])


def reasons(found: Iterable[Row]) -> HTML:
    """Every statement's rule with the reason for its threshold."""
    rows = [{"claim: statement": f"{s.claim}: {s.text}", "rule": s.rule, "why": s.reason} for s, _, _ in found]
    return plots.table(rows)


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
    axis.set_xlabel("distance from the threshold,\nin the statement's own unit\n(right of the line supports it)")
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
    hollow: dict[str, Any] = {"color": plots.GREY, "markersize": 6.5, "fillstyle": "none"}
    axis.plot(np.clip(paper, -REACH, REACH), y + 0.28, _mark(paper, "o"), **hollow)  # below ours, not behind it
    axis.text(REACH * 1.1, y, SYMBOLS[verdict], color=look.colour, ha="center", va="center", fontsize=12)


def _mark(distance: float, marker: str) -> str:
    if not abs(distance) > REACH:
        return marker
    return ">" if distance > 0 else "<"
