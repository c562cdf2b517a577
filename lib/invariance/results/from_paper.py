"""The paper's values as tidy tables, with this book's names, so that a merge puts both side by side.

They have the columns of this book's own tables except `source` and `seed`: every value is a mean over the
paper's seeds.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from invariance.errors import check_known
from invariance.results.statistics import factor_rows

TRANSFERS = {"lp": "lp", "full-200": "full-few", "full-2000": "full-many", "full-0.1": "full-many"}
"""This book's name for each kind of transfer: few and many images, whatever their number at a profile."""

POSITIONS = {"fixed": "fixed_position", "translated": "translated_position"}

DATA_OF_COLUMN = {
    "image": {
        "in-distribution objects": "training objects on scenes",
        "new objects": "new objects on scenes",
        "random objects and backgrounds": "new random objects on noise",
        "cifar10": "cifar10",
        "cifar100": "cifar100",
    },
    "random": {
        "in-distribution random objects": "training random objects on noise",
        "new random objects": "new random objects on noise",
        "image objects": "new objects on scenes",
        "cifar10": "cifar10",
        "cifar100": "cifar100",
    },
}
"""Which of the ten types of data each column of the paper's table of invariance transfer is, by training data."""

READING_ERROR = 0.005
"""How far an accuracy may be off that was read from the paper's plots."""

NEAR_ONE = 0.995
"""Stands for a plotted value that could only be told to be 0.99 or more: the middle of where it can be."""


@cache
def paper() -> dict[str, Any]:
    """The paper's published values, as the package carries them."""
    return json.loads(files("invariance").joinpath("data/paper.json").read_text(encoding="utf-8"))


def paper_factors() -> pd.DataFrame:
    """The paper's accuracies for experiments A and B (its figures 2 and 3 and their appendix versions).

    `data` is t2d, cifar10 or cifar100; `transfer` lp, full-few (200 images) or full-many (2,000 images, or 10 %
    on CIFAR); `level` a string. Read off the plots, to about 0.005; values hidden behind others are left out.
    """
    rows = [
        {
            "experiment": "factors",
            "data": data,
            "factor": factor,
            "level": str(level),
            "transforms": transforms,
            "transfer": TRANSFERS[transfer],
            "model": level if factor == "architecture" else "resnet18",
            "split": "test",
            "measure": "accuracy",
            "value": value,
        }
        for data, by_transfer in paper()["factors"]["values"].items()
        for transfer, by_factor in by_transfer.items()
        for factor, entry in by_factor.items()
        for transforms in ("same", "disjoint")
        for level, value in zip(entry["levels"], entry[f"{transforms}_transforms"], strict=True)
    ]
    return pd.DataFrame(rows).dropna(subset="value", ignore_index=True)


def paper_factor(factor: str, data: str = "t2d", transfer: str = "lp") -> pd.DataFrame:
    """One factor of `paper_factors` as (level, transforms, value) rows."""
    table = paper_factors()
    for kind, name, column in (("data set of the paper", data, "data"), ("transfer", transfer, "transfer")):
        check_known(kind, name, table[column].unique())
    check_known("factor", factor, table["factor"].unique())
    return factor_rows(table, factor, data, transfer)[["level", "transforms", "value"]]


def paper_relevance() -> pd.DataFrame:
    """The paper's accuracies and sensitivities for experiment C (section 5.2, exact to the digits printed)."""
    rows = []
    for position, key in POSITIONS.items():
        published = paper()["relevance"][key]
        for measure, index in (("accuracy", "target"), ("sensitivity_l2", "exchanged")):
            for pretraining, values in published[f"{measure}_mean"].items():
                for name, value in values.items():
                    rows.append(
                        {
                            "experiment": "relevance",
                            "position": position,
                            "sweep": "",
                            "level": float("nan"),
                            "pretraining": pretraining,
                            "target": "",
                            "exchanged": "",
                            "model": "resnet18",
                            "split": "test",
                            "measure": measure,
                            "value": float(value),
                        }
                        | {index: name}
                    )
    return pd.DataFrame(rows)


def paper_relevance_correlations() -> pd.DataFrame:
    """The paper's correlation of accuracy with sensitivity as (position, exchanged, correlation) rows.

    It is Pearson's over the four models, on the target whose label is the exchanged part and which shows both
    parts; `statistics.relevance_points` gives these points.
    """
    rows = [
        {"position": position, "exchanged": exchanged, "correlation": value}
        for position, key in POSITIONS.items()
        for exchanged, value in paper()["relevance"][key]["correlation_sensitivity_accuracy"].items()
    ]
    return pd.DataFrame(rows)


def paper_invariance_transfer() -> pd.DataFrame:
    """The paper's sensitivities for experiment D, in the form of `statistics.relations` (printed table).

    `relation` is same, other or none; `spread` the printed standard deviation over transformations and seeds.
    """
    rows = [
        {
            "experiment": "invariance_transfer",
            "trained_on": trained_on,
            "relation": relation,
            "data": DATA_OF_COLUMN[trained_on][column],
            "model": model,
            "split": "pairs",
            "measure": "sensitivity_l2",
            "value": value,
            "spread": spread,
        }
        for model, by_training in paper()["invariance_transfer"].items()
        if model not in ("note", "columns")
        for trained_on in DATA_OF_COLUMN
        for relation, cells in by_training[f"{trained_on}_models"].items()
        for column, (value, spread) in zip(
            paper()["invariance_transfer"]["columns"][f"{trained_on}_models"], cells, strict=True
        )
    ]
    return pd.DataFrame(rows)


def paper_mismatch() -> pd.DataFrame:
    """The paper's accuracies for experiment E: 8 x 8 cells for each of four architectures.

    Read off the plots, to about 0.005. `is_read` is False where a mark could not be told from 1; `value` is then
    `NEAR_ONE`.
    """
    rows = [
        {
            "experiment": "mismatch",
            "trained_with": trained_with,
            "target": target,
            "model": model,
            "split": "test",
            "measure": "accuracy",
            "value": NEAR_ONE if value is None else value,
            "is_read": value is not None,
        }
        for model, grid in paper()["mismatch"]["values"].items()
        for trained_with, line in enumerate(grid, 1)
        for target, value in enumerate(line, 1)
    ]
    return pd.DataFrame(rows)
