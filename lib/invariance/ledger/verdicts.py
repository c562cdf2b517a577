"""The statements of all studies with their verdicts, as a table and as a figure. Chapter: book/10_claims.py."""

import html
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots
from invariance.statistics import NOTHING, Estimate, fixed
from invariance.studies import all_studies
from invariance.studies.sizes import BUDGETS
from invariance.studies.statements import NOT_RUN, NOT_SUPPORTED, SMALL, SUPPORTED, SYMBOLS, Statement
from invariance.studies.study import Findings
from invariance.units import record


class Row(NamedTuple):
    """A statement, its estimate and its verdict; and those of the reader's own run, where another one is shown."""

    statement: Statement
    estimate: Estimate
    verdict: str
    own: Estimate = NOTHING
    own_verdict: str = NOT_RUN


LOOKS = {
    SUPPORTED: plots.LOOKS["matched"],
    SMALL: plots.Look(plots.MATCHED, "v"),
    NOT_SUPPORTED: plots.Look(plots.MISMATCHED, "X"),
}
"""Colour and mark by verdict; every other verdict is grey."""
REACH = 0.6
"""The axis of the figure ends here on both sides: beyond it, a mark becomes an arrow."""


def rows(findings: Iterable[Findings]) -> list[Row]:
    """The statements of these findings, claim by claim."""
    found = []
    for one in findings:
        own = one.beside_it.verdicts() if one.beside_it else {}
        found += [Row(s, *about, *own.get(s, ())) for s, about in one.verdicts().items()]
    return sorted(found, key=lambda row: row.statement.claim)


def published() -> list[Findings]:
    """The published findings of every study with statements, each at the largest budget that the record has whole."""
    found = (study.largest(tuple(BUDGETS)[::-1]) for study in all_studies() if study.statements)
    return [one for one in found if one]


def counts(found: Sequence[Row]) -> dict[str, int]:
    """How many statements there are, how many of those that count have which verdict, and which need a word.

    `small` are among the supported; `shown` do not count; of `paper_misses` the paper's own value fails the rule, and
    `supported_misses` of these are supported.
    """
    counted = [row for row in found if row.statement.counted]
    verdicts = Counter(_kind(row.verdict) for row in counted)
    kinds = ("supported", "not_supported", "undecided", "not_testable", "not_run")
    missed = [row for row in counted if misses(row.statement, row.estimate)]
    return {
        "statements": len(found),
        **{kind: verdicts[kind] for kind in kinds},
        "small": sum(row.verdict == SMALL for row in counted),
        "shown": len(found) - len(counted),
        "paper_misses": len(missed),
        "supported_misses": sum(_kind(row.verdict) == "supported" for row in missed),
    }


def _kind(verdict: str) -> str:
    # "undecided: why" and "supported, but small" by what stands before the sign.
    return verdict.replace(" here", "").partition(":")[0].partition(",")[0].replace(" ", "_")


def misses(statement: Statement, one: Estimate) -> bool:
    """Whether the paper's own value fails the rule."""
    return not np.isnan(one.paper) and not statement.holds(one.paper)


def papers(statement: Statement, one: Estimate) -> str:
    """The paper's value, marked where it misses the rule."""
    return f"{fixed(one.paper, 3)}{' (misses the rule)' * misses(statement, one)}"


def show(found: Iterable[Row]) -> HTML:
    """The ledger for readers: each statement with its rule and verdict, our value and the paper's, and a reader's run.

    "Of the paper's" is how much of its effect ours is, both taken over the images of all splits, as the paper does.
    """
    rows = []
    for s, one, verdict, own, own_verdict in found:
        line = {"claim: statement [rule]": f"{s.claim}: {s.text} [{s.rule}]"}
        line["verdict"] = f"{SYMBOLS[verdict]} {verdict.split(':')[0]}{'' if s.counted else ' (not counted)'}"
        line["value (95 % interval)"] = f"{one:.3i}, {one.n} seed{'s' * (one.n != 1)}" if one.n else "–"
        line |= {"pooled": fixed(one.pooled, 3), "paper (pooled)": papers(s, one)}
        line["of the paper's"] = fixed(s.share(one), 2)
        if own.n:
            line["your run"] = f"{SYMBOLS[own_verdict]} {own:.3i}"
        rows.append(line)
    return plots.table([{name: line.get(name, "–") for name in max(rows, key=len)} for line in rows])


def agreement(row: Row) -> str:
    """Whether a reader's own run agrees with what is shown, and by how much, in a sentence; "" without one.

    It does where both values are on the same side of the threshold.
    """
    statement, shown, own = row.statement, row.estimate, row.own
    if not (shown.n and own.n):
        return ""
    agrees = statement.holds(shown.value) == statement.holds(own.value)
    verb = "Your run agrees" if agrees else "Your run does not agree"
    return f"{verb}: it has {own:.2i}, {fixed(abs(own.value - shown.value), 2)} from the {shown:.2f} shown here."


def agreements(found: Iterable[Row]) -> HTML:
    """`agreement` for each statement, as a list; says so where there is no run to compare with."""
    told = [(row.statement, sentence) for row in found if (sentence := agreement(row))]
    lines = "".join(f"<li>{html.escape(s.text)}: {html.escape(sentence)}</li>" for s, sentence in told)
    return HTML(f"<ul>{lines}</ul>" if lines else "<p>There is no run of your own beside these results.</p>")


def evidence(findings: Iterable[Findings]) -> HTML:
    """What each study's verdicts rest on: budget, seeds, hardware and pictures, and the seconds they took."""
    columns = ("study", "evidence", "worker seconds")
    cells = ((one.study.name, one.caption(), f"{one.seconds:,.0f}") for one in findings)
    return plots.table([dict(zip(columns, line, strict=True)) for line in cells])


def fixed_before(findings: Iterable[Findings]) -> str:
    """Which of these results name the plan that was fixed before them, in a sentence."""
    planned: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for one in findings:
        plan = record.plan_digest(one.sizes.budget)
        total[one.sizes.budget] += len(one.runs)
        planned[one.sizes.budget] += sum(run.get("plan") == plan for run in one.runs.values()) if plan else 0
    told = [f"{planned[budget]:,} of {count:,} at {budget}" for budget, count in total.items()]
    return f"Of the results below, these name the plan they were run under: {', '.join(told)}."


def reasons(found: Iterable[Row]) -> HTML:
    """Every statement's rule with the reason for its threshold."""
    rows = [
        {"claim: statement": f"{s.claim}: {s.text}", "rule": s.rule, "why": s.reason}
        | {"tested where": f"{s.needs} ≥ {s.floor:g}" if s.needs else "always"}
        for s, *_ in found
    ]
    return plots.table(rows)


@plots.detached
def overview(found: list[Row]) -> Figure:
    """One row a statement: our interval against the threshold, with the verdict; hollow marks are the paper's values.

    The axis is the distance from the threshold, counted so that right of the line supports the statement.
    """
    labels = [f"{s.claim}  {textwrap.fill(s.text, 46)}" for s, *_ in found]
    lines = np.array([max(2, label.count("\n") + 1) for label in labels])
    heights = (np.cumsum(lines) - lines / 2) / 2 + np.array([s.claim for s, *_ in found]) * 0.35
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 0.185 * lines.sum() + 1.6), layout="constrained")
    for y, row in zip(heights, found, strict=True):
        _draw(axis, y, row)
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


def _draw(axis: plt.Axes, y: float, row: Row) -> None:
    statement, one, verdict, *_ = row
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
