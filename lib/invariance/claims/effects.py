"""Effects that the statements are about: each takes a table and gives one value a seed.

A seed that lacks part of an effect has no value, or NaN. Functions with other arguments give such an effect.
"""

import pandas as pd

from invariance import results
from invariance.claims.rules import PerSeed
from invariance.results.from_paper import DATA_OF_COLUMN


def mean_gap(factor: str, data: str = "t2d", transfer: str = "lp", first_only: bool = False) -> PerSeed:
    """Same minus disjoint, mean over the levels of a factor.

    `first_only`: in the first direction alone. Full fine-tuning runs only there, so a probe beside it is taken there.
    """

    def effect(table: pd.DataFrame) -> pd.Series:
        rows = table[table["target"] == "first"] if first_only and "target" in table else table
        return _gaps(rows, factor, data, transfer).mean(axis=1, skipna=False)

    return effect


def gap_at(level: str | int, factor: str = "class_relationship", data: str = "t2d") -> PerSeed:
    """Same minus disjoint by linear probe at one level of a factor: its name, or its place."""

    def effect(table: pd.DataFrame) -> pd.Series:
        gaps = _gaps(table, factor, data, "lp")
        name = _at(results.ordered(gaps), level) if isinstance(level, int) else level
        return gaps.reindex(columns=[name])[name]

    return effect


def _at(levels: list[str], place: int) -> str | None:
    return levels[place] if -len(levels) <= place < len(levels) else None


def _gaps(table: pd.DataFrame, factor: str, data: str, transfer: str) -> pd.DataFrame:
    # One row a seed, one column a level that has both kinds of pretraining.
    rows = results.factor_rows(table, factor, data, transfer)
    wide = rows.pivot(index=["level", "seed"], columns="transforms", values="value")
    wide = wide.reindex(columns=["same", "disjoint"])
    return (wide["same"] - wide["disjoint"]).unstack("level").dropna(axis=1, how="all")


def gap_minus_range(factor: str, within: str, data: str = "t2d") -> PerSeed:
    """Mean gap minus the range over the factor `within` same or disjoint, by linear probe (the bars of figure 3)."""

    def effect(table: pd.DataFrame) -> pd.Series:
        rows = results.factor_rows(table, factor, data, "lp")
        if rows["level"].nunique() < 2:  # one level has no range
            return pd.Series(dtype=float)
        bars = results.summary_by_seed(rows).set_index("seed")
        return bars["gap"] - bars[f"range_{within}"]

    return effect


def probe_accuracy(transforms: str, place: int) -> PerSeed:
    """Accuracy of a linear probe at one place among the numbers of fine-tuning samples."""

    def effect(table: pd.DataFrame) -> pd.Series:
        rows = results.factor_rows(table, "finetuning_samples")
        level = _at(results.ordered(rows["level"]), place)
        return rows[(rows["level"] == level) & (rows["transforms"] == transforms)].set_index("seed")["value"]

    return effect


def relevance(measure: str, index: str, name: str, trained: str, than: str) -> PerSeed:
    """Difference between two pretrainings in an accuracy or a sensitivity, with objects at their fixed position."""

    def effect(table: pd.DataFrame) -> pd.Series:
        rows = table[(table["position"] == "fixed") & (table["sweep"] == "") & (table["measure"] == measure)]
        wide = rows[rows[index] == name].pivot(index="seed", columns="pretraining", values="value")
        wide = wide.reindex(columns=[trained, than])
        return wide[trained] - wide[than]

    return effect


def relevance_correlation(exchanged: str) -> PerSeed:
    """Correlation of accuracy with sensitivity over the four pretrainings."""

    def effect(table: pd.DataFrame) -> pd.Series:
        found = results.relevance_correlations(table).set_index("seed")
        return found.loc[found["exchanged"] == exchanged, "correlation"]

    return effect


def advantage(trained_on: str, *columns: str) -> PerSeed:
    """Sensitivity of models trained with another transformation minus that of models trained with it.

    `columns` are those of the paper's table; several are averaged.
    """
    data = [DATA_OF_COLUMN[trained_on][column] for column in columns]

    def effect(table: pd.DataFrame) -> pd.Series:
        rows = results.main_model(table)
        rows = rows if "relation" in rows else results.relations(rows)
        wide = rows[rows["trained_on"] == trained_on].pivot_table(
            index="seed", columns=["relation", "data"], values="value"
        )
        wanted = pd.MultiIndex.from_product([["same", "other"], data])
        wide = wide.reindex(columns=wanted)
        return (wide["other"] - wide["same"]).mean(axis=1, skipna=False)

    return effect


def minus(first: PerSeed, second: PerSeed) -> PerSeed:
    """Difference of two effects within each seed."""
    return lambda table: first(table) - second(table)


def superset_cost(table: pd.DataFrame) -> pd.Series:
    """Accuracy of the matching model minus that of models trained with more, mean over all such cells."""
    differences = results.mismatch_differences(results.main_model(table))
    return -differences[differences["missing"] < 0].groupby("seed")["difference"].mean()


def slope_per_missing(table: pd.DataFrame) -> pd.Series:
    """Slope of the difference from the matching model over the number of missing transformations."""
    costs = results.mismatch_costs(results.main_model(table)).query("missing > 0")
    product, square = costs["missing"] * costs["value"], costs["missing"] ** 2
    # Least squares through (0, 0): nothing missing, no difference.
    return product.groupby(costs["seed"]).sum() / square.groupby(costs["seed"]).sum()


def smallest_step(table: pd.DataFrame) -> pd.Series:
    """Least accuracy lost by one more missing transformation: the k-th on the same target, mean over targets.

    The k is that of the mean over seeds, so that the noise of single seeds does not choose it.
    """
    lost = results.mismatch_differences(results.main_model(table)).query("missing > 0")
    lost = lost.sort_values("missing")
    before = lost.groupby(["target", "seed"])["difference"].shift(fill_value=0.0)
    steps = lost.assign(step=before - lost["difference"]).pivot_table(index="seed", columns="missing", values="step")
    return steps.dropna()[steps.mean().idxmin()] if len(steps) else pd.Series(dtype=float)
