"""The paper's claims as testable statements, each with a rule that is fixed in code, before any run.

A statement is about one number: an effect, estimated from an experiment's table for each seed. It is *supported* if
the whole 95 % interval over seeds is on the right side of its threshold, *not supported* if the whole interval
is on the wrong side, and undecided otherwise. Without an interval there is no verdict.
Chapter: book/10_claims.py.
"""

from collections.abc import Mapping
from functools import cache

import pandas as pd
from IPython.display import HTML

from invariance import results, tables
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
from invariance.claims.statements import STATEMENTS
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


def show(rows: pd.DataFrame) -> HTML:
    """The ledger for readers; a paper's value that does not meet the rule itself is marked."""
    return tables.show(
        [
            {
                "claim": str(row["claim"]),
                "statement": row["statement"],
                "verdict": f"{SYMBOLS[row['verdict']]} {row['verdict']}",
                "this run": number(row["ours"]),
                "95 % interval": interval(row["low"], row["high"]),
                "paper": number(row["paper"]) + ("" if row["paper_holds"] else " (misses the rule)"),
                "rule": row["rule"],
                "seeds": str(row["seeds"]),
            }
            for row in rows.to_dict("records")
        ]
    )
