"""The statements of all studies with their verdicts, as a table and as a figure. Chapter: book/10_claims.py."""

import html
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots
from invariance.files import results_dir
from invariance.statistics import NOTHING, Estimate, fixed, together
from invariance.studies import all_studies
from invariance.studies.sizes import BUDGETS
from invariance.studies.statements import (
    LITTLE,
    NOT_RUN,
    NOT_SUPPORTED,
    NOT_TESTABLE,
    SMALL,
    SUPPORTED,
    SYMBOLS,
    Statement,
)
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
OPEN = plots.Look(plots.GREY, "D")
LINEAR = 0.1
"""Up to here the axes of the figure are linear."""


def rows(findings: Iterable[Findings]) -> list[Row]:
    """The statements of these findings, claim by claim."""
    found = []
    for one in findings:
        own = one.beside_it.verdicts() if one.beside_it else {}
        found += [Row(s, *about, *own.get(s, ())) for s, about in one.verdicts().items()]
    return sorted(found, key=lambda row: row.statement.claim)


def published() -> list[Findings]:
    """The published findings of every study with statements, each at the largest budget that the record has whole.

    Warns where there are none.
    """
    found = [study.largest(tuple(BUDGETS)[::-1]) for study in all_studies() if study.statements]
    if not any(found):
        warnings.warn(f"Nothing is published in {results_dir()}: set INVARIANCE_RESULTS to a record.", stacklevel=2)
    return [one for one in found if one]


def counts(found: Sequence[Row]) -> dict[str, int]:
    """How many statements there are, how many of those that count have which verdict, and which need a word.

    `small` are among the supported, and `together` are those that stay so with intervals so wide that all hold at once;
    `shown` do not count; of `paper_misses` the paper's own value fails the rule, and
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
        "together": sum(_stays_supported(row, len(counted)) for row in counted),
        "shown": len(found) - len(counted),
        "paper_misses": len(missed),
        "supported_misses": sum(_kind(row.verdict) == "supported" for row in missed),
    }


def _stays_supported(row: Row, count: int) -> bool:
    wider = together(row.statement.estimate, row.estimate, count)
    return _kind(row.verdict) == "supported" and _kind(replace(row.statement, needs="").verdict(wider)) == "supported"


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
    verb = "Your run is too small to tell" if row.own_verdict == NOT_TESTABLE else verb
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
    words = {budget: {0: "none", total[budget]: "all"} for budget in total}
    told = [
        f"{words[name].get(planned[name], f'{planned[name]:,} of {count:,}')} at {name}"
        for name, count in total.items()
    ]
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
def beside(found: list[Row]) -> Figure:
    """Ours over the paper's, a mark a statement, both as distances from the threshold on the right side of the rule.

    Both are taken as the paper takes accuracies. Statements without a value of the paper's have no mark. Axes are
    linear to `LINEAR` and logarithmic beyond. On the dashed line both are equal, on the dotted one ours is `LITTLE`.
    """
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 5.2), layout="constrained")
    for row in found:
        _mark(axis, row)
    along = np.linspace(0, 2, 400)  # curved on these axes
    axis.plot(along, along, "--", color=plots.GREY, linewidth=1, label="as large as the paper's")
    axis.plot(along, LITTLE * along, ":", color=plots.GREY, linewidth=1, label="a quarter of the paper's")
    for draw in (axis.axhline, axis.axvline):
        draw(0, color=plots.GREY, linewidth=0.8)
    axis.set_xscale("symlog", linthresh=LINEAR)
    axis.set_yscale("symlog", linthresh=LINEAR)
    ticks = [-1, -0.1, 0, 0.1, 1]
    axis.set_xticks(ticks, map(str, ticks))
    axis.set_yticks(ticks, map(str, ticks))
    axis.minorticks_off()
    axis.set(xlabel="the paper's distance from the threshold", ylabel="this run's distance from the threshold")
    for name, look in {**LOOKS, "undecided or not testable": OPEN}.items():
        axis.plot([], [], look.marker, color=look.colour, label=name)
    plots.legend(figure, axis, 2)
    known = [(theirs, ours) for theirs, ours in map(_distances, found) if theirs > 0 and not np.isnan(ours)]
    large = sum(ours >= LITTLE * theirs for theirs, ours in known)
    plots.headline(figure, f"{large} of {len(known)} effects reach a quarter of the paper's.")
    return figure


def _distances(row: Row) -> tuple[float, float]:
    # The paper's and ours from the threshold, on the right side of the rule.
    statement, one = row.statement, row.estimate
    sign = 1 if statement.direction == "above" else -1
    ours = one.value if np.isnan(one.pooled) else one.pooled
    return sign * (one.paper - statement.threshold), sign * (ours - statement.threshold)


def _mark(axis: plt.Axes, row: Row) -> None:
    statement, look = row.statement, LOOKS.get(row.verdict, OPEN)
    x, y = _distances(row)
    axis.plot(x, y, look.marker, color=look.colour, markersize=7, alpha=0.85)
    axis.annotate(f"{statement.claim}", (x, y), (5, 3), textcoords="offset points", fontsize=8, color=look.colour)
