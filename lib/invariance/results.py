"""Results as tidy tables: the paper's, this book's, and what both say about a gap.

A tidy table has one row per (experiment, configuration, seed, split, measure, value).
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
from IPython.display import HTML
from scipy.special import stdtrit

from invariance import tables
from invariance.errors import check_known


@cache
def paper() -> dict[str, Any]:
    """The paper's published values, as the package carries them."""
    return json.loads(files("invariance").joinpath("data/paper.json").read_text(encoding="utf-8"))


def paper_factor(factor: str, data: str = "t2d", transfer: str = "lp") -> pd.DataFrame:
    """The paper's accuracies for one factor of experiment A as (level, transforms, value) rows.

    `data` is t2d, cifar10 or cifar100; `transfer` is lp, full-200, full-2000 or full-0.1. Values
    were read off the published plots, to about 0.005; hidden ones are missing.
    """
    by_data = paper()["factors"]["values"]
    check_known("data set of the paper", data, by_data)
    check_known("transfer", transfer, by_data[data])
    check_known("factor", factor, by_data[data][transfer])
    entry = by_data[data][transfer][factor]
    rows = [
        {"level": level, "transforms": transforms, "value": value}
        for transforms in ("same", "disjoint")
        for level, value in zip(entry["levels"], entry[f"{transforms}_transforms"], strict=True)
        if value is not None
    ]
    return pd.DataFrame(rows)


def mean_interval(values: pd.Series) -> tuple[float, float, float]:
    """Mean and its 95 % interval (Student's t over seeds); the interval is NaN for one seed."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(stdtrit(len(values) - 1, 0.975) * values.sem())
    return mean, mean - half, mean + half


def by_seed(table: pd.DataFrame) -> pd.DataFrame:
    """One value a (level, transforms, seed): the mean over whatever else a table varies, such as targets."""
    return table.groupby(["level", "transforms", "seed"], sort=False, as_index=False)["value"].mean()


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """What the right transformations are worth at each level: same minus disjoint, paired by seed.

    Columns: level, gap, standard_error, low, high (95 %), seeds. `table` has the columns level,
    transforms, seed, value.
    """
    wide = table.pivot(index=["level", "seed"], columns="transforms", values="value")
    rows = []
    for level in dict.fromkeys(table["level"]):
        difference = (wide["same"] - wide["disjoint"]).loc[level]
        mean, low, high = mean_interval(difference)
        error = float(difference.sem()) if len(difference) > 1 else float("nan")
        rows.append(
            {
                "level": level,
                "gap": mean,
                "standard_error": error,
                "low": low,
                "high": high,
                "seeds": len(difference),
            }
        )
    return pd.DataFrame(rows)


def compared(ours: pd.DataFrame, paper: pd.DataFrame) -> HTML:
    """Means of this run beside the paper's, level by level, with this run's gap and its uncertainty."""
    mean = ours.groupby(["level", "transforms"])["value"].mean()
    published = paper.set_index(["level", "transforms"])["value"]
    rows = []
    for gap in gaps(ours).to_dict("records"):
        level = gap["level"]
        rows.append(
            {
                "classes": level,
                "same": f"{mean[level, 'same']:.3f}",
                "same, paper": f"{published.get((level, 'same'), float('nan')):.3f}",
                "other": f"{mean[level, 'disjoint']:.3f}",
                "other, paper": f"{published.get((level, 'disjoint'), float('nan')):.3f}",
                "gap": f"{gap['gap']:.3f} ± {gap['standard_error']:.3f}",
                "95 % interval": f"{gap['low']:.3f} to {gap['high']:.3f}",
            }
        )
    return tables.show(rows)


def summary(values: pd.DataFrame) -> dict[str, float]:
    """The three bars of the paper's summary figure for one factor, from (level, transforms, value).

    `gap`: difference between the two means over levels; `range_same` and `range_disjoint`:
    largest minus smallest mean over levels within each.
    """
    by_level = values.groupby(["transforms", "level"])["value"].mean()
    same, disjoint = by_level["same"], by_level["disjoint"]
    return {
        "gap": float(same.mean() - disjoint.mean()),
        "range_same": float(same.max() - same.min()),
        "range_disjoint": float(disjoint.max() - disjoint.min()),
    }
