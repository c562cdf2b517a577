"""Experiments A and B as the chapters show them: each factor beside the paper's, the bars of figure 3, rates."""

from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import HTML

from invariance import tables
from invariance.results.comparisons import DASH, comparison_rows, number
from invariance.results.statistics import by_seed, factor_rows, mean_interval, summary, summary_by_seed

PRETRAINING_FACTORS = ("class_relationship", "architecture", "pretraining_samples")
"""What figure 3 compares with the gap: what varies in pretraining."""

TRANSFER_NAMES = {
    "lp": "linear probe",
    "full-few": "fine-tuning, few images",
    "full-many": "fine-tuning, many images",
}


def by_factor(table: pd.DataFrame, data: str = "t2d", transfer: str = "lp") -> dict[str, pd.DataFrame]:
    """`factor_rows` of each factor that varies, in the order of figure 2: the panels of one kind of transfer.

    Fine-tuning on a varied number of images is one experiment, whatever the other panels' number. It stands where
    the paper shows it: beside few images on Transforms-2D, beside many on CIFAR.
    """
    shown = "full-few" if data == "t2d" else "full-many"
    varied = (table["factor"] == "finetuning_samples") & (table["transfer"] != "lp")
    rows = table.assign(transfer=table["transfer"].mask(varied, shown))
    rows = rows[(rows["data"] == data) & (rows["transfer"] == transfer)]
    found = {
        factor: factor_rows(rows, factor, data, transfer)
        for factor in (*PRETRAINING_FACTORS, "finetuning_samples")
        if (rows["factor"] == factor).any()
    }
    return {factor: part for factor, part in found.items() if part["level"].nunique() > 1}


def with_shares(table: pd.DataFrame, shares: Mapping[int, float]) -> pd.DataFrame:
    """Experiment B's table with shares as levels of the fine-tuning samples; `shares` are by number of images."""
    level = table["level"].mask(table["factor"] == "finetuning_samples", table["samples"].map(shares).astype(str))
    return table.assign(level=level)


def compared_factors(ours: Mapping[str, pd.DataFrame], paper: Mapping[str, pd.DataFrame]) -> HTML:
    """`compared` for several factors in one table; both are as `by_factor` gives them, the paper's may lack factors."""
    nothing = pd.DataFrame(columns=["level", "transforms", "value"])
    rows = [
        {"factor": factor.replace("_", " "), **row}
        for factor, table in ours.items()
        for row in comparison_rows(table, paper.get(factor, nothing))
    ]
    return tables.show(_once(rows, "factor"))


def _once(rows: Sequence[dict[str, str]], column: str) -> list[dict[str, str]]:
    # A text that repeats the one above it is left out.
    above = ["", *(row[column] for row in rows)]
    return [{**row, column: "" if row[column] == last else row[column]} for row, last in zip(rows, above, strict=False)]


def compared_bars(
    ours: pd.DataFrame, paper: pd.DataFrame, data: str = "t2d", transfers: Sequence[str] = tuple(TRANSFER_NAMES)
) -> HTML:
    """Figure 3 in numbers, for each factor and transfer: this run ± half its 95 % interval (the paper's).

    `ours` and `paper` are whole tables of experiments A or B.
    """
    rows = []
    for transfer in transfers:
        theirs = by_factor(paper, data, transfer)
        for factor, table in by_factor(ours, data, transfer).items():
            if factor in PRETRAINING_FACTORS:
                bars, published = summary_by_seed(table), summary(theirs[factor]) if factor in theirs else {}
                rows.append(
                    {
                        "transfer": TRANSFER_NAMES[transfer],
                        "factor": factor.replace("_", " "),
                        "gap": _bar(bars["gap"], published.get("gap")),
                        "range, same": _bar(bars["range_same"], published.get("range_same")),
                        "range, other": _bar(bars["range_disjoint"], published.get("range_disjoint")),
                    }
                )
    return tables.show(_once(rows, "transfer"))


def _bar(seeds: pd.Series, paper: float | None) -> str:
    mean, low, _ = mean_interval(seeds)
    half = "" if pd.isna(low) else f" ± {number(mean - low, 2)}"
    return f"{number(mean, 2)}{half} ({DASH if paper is None else number(paper, 2)})"


# The check of learning rates


def rate_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The learning rates as levels: (level, transforms, seed, value), as `gaps` and `compared` take them."""
    return by_seed(table.assign(level=table["learning_rate"].map("{:g}".format)))


def best_rates(rows: pd.DataFrame) -> dict[str, str]:
    """The learning rate with the highest mean accuracy for each kind of pretraining, "same" and "disjoint"."""
    mean = rows.groupby(["transforms", "level"], sort=False)["value"].mean()
    return {kind: mean[kind].idxmax() for kind in ("same", "disjoint")}


def gap_at_best_rates(rows: pd.DataFrame) -> pd.Series:
    """Same minus disjoint for each seed, each kind of pretraining with its own best rate; `rows` from `rate_rows`."""
    best = best_rates(rows)
    wide = rows.pivot(index="seed", columns=["transforms", "level"], values="value")
    return (wide["same", best["same"]] - wide["disjoint", best["disjoint"]]).dropna()


def compared_rates(rows: pd.DataFrame) -> HTML:
    """Mean accuracy by learning rate and the gap between the two kinds of pretraining, with its 95 % interval."""
    lines = comparison_rows(rows, None)
    return tables.show([{"learning rate": line.pop("level"), **line} for line in lines])
