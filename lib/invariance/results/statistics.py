"""What tables say: means and intervals over seeds, paired gaps, correlations, ranks, costs of a mismatch.

A seed is the unit of repetition: everything else that a table varies is averaged within a seed first.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from invariance.errors import InputError

COUNTERPARTS = {
    "small": "resnet18",
    "small_resnet": "resnet50",
    "small_densenet": "densenet121",
    "small_vgg": "vgg11",
    "small_vit": "vit",
}
"""The paper's model beside which each of the small models stands."""

LEVELS = ("subset", "disjoint", "same", "superset", *COUNTERPARTS, *COUNTERPARTS.values())
"""The order of levels that are not numbers."""

RELATIONS = ("same", "other", "none", "untrained")
"""How a model's training relates to the transformation that is measured on it."""


def mean_interval(values: pd.Series | Iterable[float]) -> tuple[float, float, float]:
    """Mean and its 95 % interval (Student's t over seeds that have a value); the interval is NaN for one seed."""
    values = pd.Series(values, dtype=float).dropna()
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(stdtrit(len(values) - 1, 0.975) * values.sem())
    return mean, mean - half, mean + half


def correlation_interval(correlations: pd.Series | Iterable[float]) -> tuple[float, float, float]:
    """Mean correlation over seeds and its 95 % interval, both formed after Fisher's transformation."""
    z = np.arctanh(np.clip(np.asarray(correlations, dtype=float), -0.9999, 0.9999))
    return tuple(float(np.tanh(v)) for v in mean_interval(z))


def fixed(value: float, digits: int) -> str:
    """A number with so many decimals, and no minus before a zero."""
    return f"{round(float(value), digits) + 0:.{digits}f}"  # a numpy number would be rounded otherwise


def in_words(values: pd.Series | Iterable[float], digits: int = 2) -> str:
    """Mean over seeds with its interval as prose has it: "0.21 (95 % interval 0.18 to 0.24)"."""
    return said(*mean_interval(values), digits)


def said(value: float, low: float, high: float, digits: int = 2) -> str:
    """A number with its interval as `in_words` has it."""
    about = f"95 % interval {fixed(low, digits)} to {fixed(high, digits)}"
    return f"{fixed(value, digits)} ({'one seed, no interval' if np.isnan(low) else about})"


def in_order(table: pd.DataFrame, column: str, order: Iterable[object]) -> pd.DataFrame:
    """The rows sorted by one column in a given order: tables come in any, published ones sorted by name."""
    places = {value: place for place, value in enumerate(order)}
    return table.sort_values(column, key=lambda values: values.map(places), kind="stable", ignore_index=True)


def seeded(table: pd.DataFrame) -> pd.DataFrame:
    """The table itself, or with a single seed 0 where it holds means over seeds, as the paper's tables do."""
    return table if "seed" in table else table.assign(seed=0)


def main_model(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one model: ResNet-18, the paper's main one, or what stands for it, or else the first one's."""
    models = list(dict.fromkeys(table["model"]))
    name = next((name for name in ("resnet18", "small") if name in models), models[0] if models else None)
    return table[table["model"] == name]


def spread(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean and 95 % interval over seeds for each value of `keys`: keys, value, low, high, seeds.

    What a table varies beside keys and seeds is averaged within a seed first.
    """
    per_seed = seeded(table).groupby([*keys, "seed"], sort=False, as_index=False)["value"].mean()
    rows = []
    for found, part in per_seed.groupby(keys, sort=False):
        mean, low, high = mean_interval(part["value"])
        rows.append((*found, mean, low, high, len(part)))
    return pd.DataFrame(rows, columns=[*keys, "value", "low", "high", "seeds"])


# Experiments A and B: factors


def ordered(levels: Iterable[str]) -> list[str]:
    """Levels of a factor in the order of the paper: numbers by size, names as in `LEVELS`, others last as given."""
    levels = list(dict.fromkeys(levels))
    if all(_is_number(level) for level in levels):
        return sorted(levels, key=float)
    return sorted(levels, key=lambda level: LEVELS.index(level) if level in LEVELS else len(LEVELS))


def _is_number(level: str) -> bool:
    try:
        float(level)
    except ValueError:
        return False
    return True


def has_numbers(levels: Iterable[str]) -> bool:
    """Whether a factor's levels are numbers."""
    return all(_is_number(level) for level in levels)


def are_shares(levels: Iterable[str]) -> bool:
    """Whether a factor's levels are shares of the images there are, such as "0.05"."""
    return all(_is_number(level) and 0 < float(level) <= 1 for level in levels)


def factor_rows(table: pd.DataFrame, factor: str, data: str = "t2d", transfer: str = "lp") -> pd.DataFrame:
    """One factor of a table of experiments A and B, one row a (level, transforms, seed), in the order of levels.

    The levels of the fine-tuning samples are the numbers of images used, where the table names no other.
    Raises `InputError` where the table has no such rows.
    """
    rows = table[(table["factor"] == factor) & (table["data"] == data) & (table["transfer"] == transfer)]
    if rows.empty:
        raise InputError(f"The table has no rows for factor {factor!r}, data {data!r}, transfer {transfer!r}.")
    if "samples" in rows:
        rows = rows.assign(level=rows["level"].where(rows["level"] != "", rows["samples"].astype(str)))
    rows = by_seed(seeded(rows))
    return rows.sort_values("level", key=lambda c: c.map(ordered(c).index), kind="stable", ignore_index=True)


def by_seed(table: pd.DataFrame) -> pd.DataFrame:
    """One value a (level, transforms, seed): the mean over whatever else a table varies, such as targets."""
    return table.groupby(["level", "transforms", "seed"], sort=False, as_index=False)["value"].mean()


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """What the right transformations are worth at each level: same minus disjoint, paired by seed.

    Columns: level, gap, standard_error, low, high (95 %), seeds. `table` has the columns level,
    transforms, seed, value; seeds without both values of a level do not count there. Raises `InputError` for a
    table that lacks one of the two.
    """
    _check_both(table)
    wide = table.pivot(index=["level", "seed"], columns="transforms", values="value")
    rows = []
    for level in ordered(table["level"]):
        difference = (wide["same"] - wide["disjoint"]).loc[level].dropna()
        mean, low, high = mean_interval(difference)
        error = float(difference.sem()) if len(difference) > 1 else float("nan")
        rows.append((level, mean, error, low, high, len(difference)))
    return pd.DataFrame(rows, columns=["level", "gap", "standard_error", "low", "high", "seeds"])


def _check_both(table: pd.DataFrame) -> None:
    found = list(dict.fromkeys(table["transforms"]))
    if not {"same", "disjoint"} <= set(found):
        named = ", ".join(map(repr, found)) or "none"
        raise InputError(f"A gap is between 'same' and 'disjoint' transforms: the table has rows with {named} only.")


def summary(values: pd.DataFrame) -> dict[str, float]:
    """The three bars of the paper's summary figure for one factor, from (level, transforms, value).

    `gap`: difference between the two means over the levels that have both; `range_same` and
    `range_disjoint`: largest minus smallest mean over levels within each. Raises `InputError` as `gaps` does.
    """
    _check_both(values)
    by_level = values.groupby(["transforms", "level"])["value"].mean()
    same, disjoint = by_level["same"], by_level["disjoint"]
    return {
        "gap": float((same - disjoint).mean()),
        "range_same": float(same.max() - same.min()),
        "range_disjoint": float(disjoint.max() - disjoint.min()),
    }


def rising(values: pd.DataFrame) -> list[str]:
    """Levels from the lowest to the highest accuracy, averaged over both kinds of pretraining."""
    return values.groupby(["level", "transforms"])["value"].mean().unstack().mean(axis=1).sort_values().index.tolist()


def same_line_above(ours: pd.DataFrame, paper: pd.DataFrame) -> tuple[int, int]:
    """At how many levels that both have the same kind of pretraining is above, and of how many."""
    signs = [
        np.sign((wide["same"] - wide["disjoint"]).dropna())
        for wide in (t.groupby(["level", "transforms"])["value"].mean().unstack() for t in (ours, paper))
    ]
    both = pd.concat(signs, axis=1, join="inner")
    return int((both[0] == both[1]).sum()), len(both)


def summary_by_seed(table: pd.DataFrame) -> pd.DataFrame:
    """The bars of `summary` for each seed: columns seed, gap, range_same, range_disjoint.

    Best and worst level of a range are those of the mean over seeds, so that the mean of the column is
    `summary`'s value and a range is not larger just because single seeds are noisy. Only seeds with every level count.
    Where all levels are alike, the range of their means is still above 0, by noise.
    """
    wide = seeded(table).pivot_table(index="seed", columns=["transforms", "level"], values="value", sort=False).dropna()
    if wide.empty or not {"same", "disjoint"} <= set(wide.columns.get_level_values("transforms")):
        return pd.DataFrame(columns=["seed", "gap", "range_same", "range_disjoint"], dtype=float)
    same, disjoint = wide["same"], wide["disjoint"]
    both = same.columns.intersection(disjoint.columns)
    found = {"gap": (same[both] - disjoint[both]).mean(axis=1)}
    for name, part in (("range_same", same), ("range_disjoint", disjoint)):
        mean = part.mean()
        found[name] = part[mean.idxmax()] - part[mean.idxmin()]
    return pd.DataFrame(found).reset_index()


# Experiment C: relevance

TASKS = ("cifar_only", "cifar_mixed", "objects_mixed", "objects_only")
"""The four tasks in the paper's order."""

READERS_NAMES = {
    "cifar_only": "image only",
    "cifar_mixed": "both, label: image",
    "objects_mixed": "both, label: object",
    "objects_only": "object only",
    "cifar": "images",
    "objects": "objects",
    "cifar10": "natural images, 10 classes",
    "cifar100": "natural images, 100 classes",
}
"""What figures and tables call tasks, parts of an image and data that other pictures than CIFAR may stand for."""

LABEL_TARGETS = {"cifar": "cifar_mixed", "objects": "objects_mixed"}
"""For each part of an image the target that shows both parts and whose label is that part."""


def relevance_values(table: pd.DataFrame, position: str = "fixed") -> pd.Series:
    """Values outside the sweeps, one a seed, by (pretraining, what is measured).

    What is measured is a target, for the accuracy on it, or "cifar" or "objects", for the sensitivity to it.
    """
    rows = table[(table["position"] == position) & (table["sweep"] == "")]
    rows = rows[rows["measure"].isin(["accuracy", "sensitivity_l2"])]
    rows = rows.assign(measured=rows["target"] + rows["exchanged"])
    return rows.set_index(["pretraining", "measured"])["value"].sort_index()


def sweep_values(table: pd.DataFrame, sweep: str, measured: str) -> pd.DataFrame:
    """Values of one of experiment C's sweeps: one row a seed, one column a level, from the lowest to the highest.

    `measured` is as in `relevance_values`.
    """
    rows = table[(table["sweep"] == sweep) & table["measure"].isin(["accuracy", "sensitivity_l2"])]
    rows = rows[rows["target"] + rows["exchanged"] == measured]
    return rows.pivot(index="seed", columns="level", values="value").sort_index(axis=1)


def relevance_points(table: pd.DataFrame, position: str = "fixed") -> pd.DataFrame:
    """Sensitivity to a part against accuracy where that part is the label: the points of the paper's correlation.

    One row a (exchanged, pretraining, seed) with `sensitivity` and `accuracy`; only rows outside the sweeps.
    """
    rows = seeded(table)
    rows = rows[(rows["position"] == position) & (rows["sweep"] == "")]
    keys = ["pretraining", "seed"]
    parts = []
    for exchanged, target in LABEL_TARGETS.items():
        sensitivity = rows[(rows["measure"] == "sensitivity_l2") & (rows["exchanged"] == exchanged)]
        accuracy = rows[(rows["measure"] == "accuracy") & (rows["target"] == target)]
        both = sensitivity.rename(columns={"value": "sensitivity"})[[*keys, "sensitivity"]].merge(
            accuracy.rename(columns={"value": "accuracy"})[[*keys, "accuracy"]], on=keys
        )
        parts.append(both.assign(exchanged=exchanged))
    return pd.concat(parts, ignore_index=True)[["exchanged", *keys, "sensitivity", "accuracy"]]


def relevance_correlations(table: pd.DataFrame, position: str = "fixed") -> pd.DataFrame:
    """Pearson's correlation of `relevance_points` over the models, one row a (exchanged, seed).

    NaN where a seed has fewer than three models or one that never changes.
    """
    rows = []
    for (exchanged, seed), part in relevance_points(table, position).groupby(["exchanged", "seed"], sort=False):
        varies = len(part) > 2 and part["sensitivity"].std() > 0 and part["accuracy"].std() > 0
        found = part["sensitivity"].corr(part["accuracy"]) if varies else float("nan")
        rows.append((exchanged, seed, found))
    return pd.DataFrame(rows, columns=["exchanged", "seed", "correlation"])


# Experiment D: invariance transfer


def relations(table: pd.DataFrame, measure: str = "sensitivity_l2") -> pd.DataFrame:
    """Mean of a measure by how training relates to the transformation: same, other, none, untrained.

    `table` is experiment D's. One row a (model, trained_on, relation, data, seed): the mean over transformations.
    """
    rows = table[table["measure"] == measure]
    relation = rows["trained_with"].where(rows["trained_with"].isin(["none", "untrained"]), "other")
    relation = relation.mask(rows["trained_with"] == rows["transformation"], "same")
    keys = ["model", "trained_on", "relation", "data", "seed"]
    found = rows.assign(relation=relation).groupby(keys, sort=False, as_index=False)["value"].mean()
    return in_order(found, "relation", RELATIONS)


def ranks(table: pd.DataFrame) -> pd.DataFrame:
    """Where the model trained with a transformation stands among all trained ones, by sensitivity to it.

    One row a (model, trained_on, data, transformation, seed): `rank` 1 is the most invariant (ties share their mean
    rank), `of` the number of models. Without any transfer of invariance the mean rank is (of + 1) / 2.
    """
    rows = table[(table["measure"] == "sensitivity_l2") & (table["trained_with"] != "untrained")]
    keys = ["model", "trained_on", "data", "transformation", "seed"]
    groups = rows.groupby(keys, sort=False)["value"]
    ranked = rows.assign(rank=groups.rank(method="average"), of=groups.transform("size"))
    same = ranked["trained_with"] == ranked["transformation"]
    return ranked.loc[same, [*keys, "rank", "of"]].reset_index(drop=True)


# Experiment E: mismatch


def mismatch_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each cell minus that of the matching model on the same target (trained_with == target).

    One row a (model, trained_with, target, seed) off the diagonal. `missing` counts the target's transformations that
    pretraining lacked; it is negative where pretraining had more. `difference` is in shares.
    """
    keys = ["model", "target", "seed"]
    rows = seeded(table)
    match = rows.loc[rows["trained_with"] == rows["target"], [*keys, "value"]].rename(columns={"value": "matching"})
    rows = rows[rows["trained_with"] != rows["target"]].merge(match, on=keys)
    rows["missing"] = rows["target"] - rows["trained_with"]
    rows["difference"] = rows["value"] - rows["matching"]
    return rows[["model", "trained_with", "target", "seed", "missing", "difference"]]


def mismatch_costs(table: pd.DataFrame) -> pd.DataFrame:
    """Mean of `mismatch_differences` by number of missing (negative: extra) transformations.

    One row a (model, missing, seed) with `value`, the mean difference in accuracy over targets.
    """
    differences = mismatch_differences(table).rename(columns={"difference": "value"})
    return differences.groupby(["model", "missing", "seed"], as_index=False)["value"].mean()


def extra_minus_missing(table: pd.DataFrame, count: int) -> pd.Series:
    """What `count` extra transformations cost more than as many missing ones: one accuracy a (model, seed)."""
    costs = mismatch_costs(table).set_index(["model", "seed", "missing"])["value"].unstack()
    return costs[count] - costs[-count]
