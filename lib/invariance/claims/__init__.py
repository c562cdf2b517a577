"""The paper's claims as testable statements, each with a rule that is fixed in code, before any run.

A statement is about one number: an effect, estimated from an experiment's table for each seed. It is *supported* if
the whole 95 % interval over seeds is on the right side of its threshold, *not supported* if the whole interval
is on the wrong side, and undecided otherwise. Without an interval there is no verdict.
Chapter: book/10_claims.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pandas as pd
from IPython.display import HTML

from invariance import results, tables
from invariance.claims import effects
from invariance.claims.rules import (
    NOT_RUN,
    NOT_SUPPORTED,
    ONE_SEED,
    SUPPORTED,
    SYMBOLS,
    UNDECIDED,
    Estimate,
    Statement,
)
from invariance.claims.statements import NOT_SUFFICIENT, STATEMENTS
from invariance.results.comparisons import interval, number

__all__ = [
    "NOT_RUN",
    "NOT_SUPPORTED",
    "ONE_SEED",
    "STATEMENTS",
    "SUPPORTED",
    "SYMBOLS",
    "UNDECIDED",
    "Estimate",
    "Statement",
    "also_missed",
    "finding",
    "ledger",
    "paper_tables",
    "show",
]


def paper_tables() -> dict[str, pd.DataFrame]:
    """The paper's own values by experiment, in the form that the statements read."""
    factors = results.paper_factors()
    return {
        "factors": factors[factors["data"] == "t2d"],
        "factors_cifar10": factors[factors["data"] == "cifar10"],
        "factors_cifar100": factors[factors["data"] == "cifar100"],
        "relevance": results.paper_relevance(),
        "invariance_transfer": results.paper_invariance_transfer(),
        "mismatch": results.paper_mismatch(),
    }


@cache
def _paper_value(statement: Statement) -> float:
    if statement.correlation:  # printed, and so free of the rounding of the values that it is of
        printed = results.paper_relevance_correlations().set_index(["position", "exchanged"])["correlation"]
        return float(printed["fixed", statement.correlation])
    return statement.estimate(paper_tables()[statement.experiment]).value


def ledger(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Every statement with the paper's value, ours with its interval, and the verdict.

    `found` holds the tables by the experiment's name; what is missing is "not run". Columns: claim, statement,
    experiment, rule, direction, threshold, reason, paper, paper_holds, ours, low, high, seeds, verdict.
    """
    rows = []
    for statement in STATEMENTS:
        nothing = Estimate(float("nan"), float("nan"), float("nan"), 0)
        table = found.get(statement.experiment)
        ours = nothing if table is None else statement.estimate(table)
        paper = _paper_value(statement)
        rows.append(
            {
                "claim": statement.claim,
                "statement": statement.text,
                "experiment": statement.experiment,
                "rule": statement.rule,
                "direction": statement.direction,
                "threshold": statement.threshold,
                "reason": statement.reason,
                "paper": paper,
                "paper_holds": statement.holds(paper),
                "ours": ours.value,
                "low": ours.low,
                "high": ours.high,
                "seeds": ours.seeds,
                "verdict": statement.verdict(ours),
            }
        )
    return pd.DataFrame(rows)


def finding(rows: pd.DataFrame, statement: str, digits: int = 3) -> str:
    """A statement of the ledger as prose has it: "0.21 (95 % interval 0.18 to 0.24): supported"."""
    (row,) = rows[rows["statement"] == statement].to_dict("records")
    verdict = row["verdict"].split(":")[0]
    if verdict == NOT_RUN:
        return verdict
    return f"{results.said(row['ours'], row['low'], row['high'], digits)}: {verdict}"


def also_missed(table: pd.DataFrame) -> str:
    """A caveat on claim 3, where a probe misses its mark after the same transformations too; empty elsewhere.

    `table` is that of experiment A.
    """
    (last,) = [statement for statement in STATEMENTS if statement.text == NOT_SUFFICIENT]
    accuracy = replace(last, per_seed=effects.probe_accuracy("same", -1)).estimate(table).value
    if last.verdict(last.estimate(table)) != SUPPORTED or not last.holds(accuracy):
        return ""
    return (
        f"At this size that is weak support for “{last.text}”: after the same transformations the most images give "
        f"{accuracy:.2f}, and so do not reach {last.threshold:g} either."
    )


def show(rows: pd.DataFrame) -> HTML:
    """The ledger for readers, each statement with its rule; a paper's value that does not meet the rule is marked."""
    return tables.show(
        [
            {
                "claim: statement [rule]": f"{row['claim']}: {row['statement']} [{row['rule']}]",
                "verdict": f"{SYMBOLS[row['verdict']]} {row['verdict'].split(':')[0]}",
                "this run (95 % interval)": _ours(row),
                "paper": number(row["paper"]) + ("" if row["paper_holds"] else " (misses the rule)"),
            }
            for row in rows.to_dict("records")
        ]
    )


def _ours(row: Mapping) -> str:
    if not row["seeds"]:
        return number(row["ours"])
    seeds = "1\u00a0seed" if row["seeds"] == 1 else f"{row['seeds']}\u00a0seeds"
    return f"{number(row['ours'])} ({interval(row['low'], row['high'])}), {seeds}"
