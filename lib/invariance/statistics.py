"""Estimates: means over seeds with 95 % intervals. The only place that averages.

A seed is the unit of repetition. `per_seed` brings a tidy table into a frame with a row a seed and a column for what is
compared; effects are arithmetic of its columns, and so paired by seed; `estimate` turns them into estimates.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

NAN = float("nan")
LEVEL = 0.95
Kind = Literal["difference", "share", "ratio", "correlation"]
KINDS: dict[str, Kind] = {
    "accuracy": "share",
    "family": "share",
    "sensitivity": "ratio",
    "relative": "ratio",
    "correlation": "correlation",
}
"""How intervals are formed, by the first word of an effect's name; those of all others are of differences."""


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` seeds with its 95 % interval, the paper's value and every seed's; NaN for what there is none of.

    `pooled` is what stands beside the paper's value: the mean with accuracies taken as the published code takes them.
    `own` is the mean of the reader's own run, where another one is shown.
    As text, `f"{e:.2f}"` is the value, `f"{e:.2i}"` the value with its interval, `f"{e:.2p}"` the paper's value and
    `f"{e:.2b}"` the value with the paper's in brackets; `str(e)` has as many digits as the interval allows.
    """

    value: float
    low: float = NAN
    high: float = NAN
    n: int = 0
    paper: float = NAN
    pooled: float = NAN
    own: float = NAN
    seeds: tuple[float, ...] = field(default=(), compare=False, repr=False)

    def __format__(self, spec: str) -> str:
        digits, form = (int(spec[1]), spec[2]) if spec else (self.digits, "i")
        value = fixed(self.paper if form == "p" else self.value, digits)
        if form == "b":
            return f"{value} ({fixed(self.paper, digits)})"
        if form != "i" or np.isnan(self.value):
            return value
        if np.isnan(self.low):
            return f"{value} (one seed, no interval)"
        return f"{value} ({fixed(self.low, digits)} to {fixed(self.high, digits)})"

    def __str__(self) -> str:
        return format(self)

    @property
    def digits(self) -> int:
        """Decimals worth showing: three where the interval is narrow, else two."""
        return 3 if self.half < 0.02 else 2

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def excludes(self, value: float) -> bool:
        """Whether the interval leaves a value out."""
        return self.low > value or self.high < value

    def told(self, unclear: str, above: str, below: str) -> str:
        """One of three texts: for an interval that includes 0, else for a value above or below it."""
        return unclear if not self.excludes(0) else above if self.value > 0 else below


NOTHING = Estimate(NAN)
Estimates = dict[str, Estimate]
PerSeed: TypeAlias = pd.Series
"""One value a seed."""


def fixed(value: float, digits: int) -> str:
    """A number with so many decimals and no minus before a zero; a dash where there is none."""
    if np.isnan(value):
        return "–"
    return f"{round(float(value), digits) + 0:.{digits}f}".replace("-", "−")


def per_seed(table: pd.DataFrame, keys: Sequence[str], value: str = "value") -> pd.DataFrame:
    """A frame with a row a seed and a column for each value of `keys`: the mean over whatever else the table varies.

    A table without seeds, such as the paper's, whose values are means over its own, has the one row 0.
    """
    table = table if "seed" in table else table.assign(seed=0)
    index = keys[0] if len(keys) == 1 else list(keys)
    return table.pivot_table(index="seed", columns=index, values=value, aggfunc="mean", sort=False, observed=True)


def column(wide: pd.DataFrame, *key: Hashable) -> PerSeed:
    """A column of a `per_seed` frame; NaN for every seed where the frame has none."""
    name = key[0] if len(key) == 1 else key
    return wide[name] if name in wide.columns else pd.Series(NAN, index=wide.index)


def named(wide: pd.DataFrame, *levels: Iterable[str], prefix: str = "") -> dict[str, PerSeed]:
    """The columns of a `per_seed` frame for all combinations of levels, by their names with dots between."""
    return {prefix + ".".join(key): column(wide, *key) for key in product(*levels)}


def estimate(values: PerSeed | Sequence[float], kind: Kind = "difference", level: float = LEVEL) -> Estimate:
    """The mean over seeds that have a value, and its interval by Student's t; one seed has no interval.

    Of a "share" the interval is formed on the logit scale and of a "ratio" on the log scale, by the delta method, so
    that they stay within 0 and 1, and above 0; a "correlation" is averaged and bounded after Fisher's transformation.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if not len(values):
        return NOTHING
    if kind == "correlation":
        found = estimate(np.arctanh(np.clip(values, -0.9999, 0.9999)), level=level)
        return Estimate(float(np.tanh(found.value)), float(np.tanh(found.low)), float(np.tanh(found.high)), found.n)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Estimate(mean, n=n)
    half = float(stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) / n**0.5)
    return Estimate(mean, *_ends(mean, half, kind), n)


def _ends(mean: float, half: float, kind: Kind) -> tuple[float, float]:
    if kind == "share" and 0 < mean < 1:
        step = half / (mean * (1 - mean))
        return float(expit(logit(mean) - step)), float(expit(logit(mean) + step))
    if kind == "ratio" and mean > 0:
        return mean * float(np.exp(-half / mean)), mean * float(np.exp(half / mean))
    return mean - half, mean + half


def _kind(name: str) -> Kind:
    return KINDS.get(re.split("[._]", name)[0], "difference")


def together(name: str, one: Estimate, count: int) -> Estimate:
    """A named estimate with so wide an interval that `count` such intervals all hold with 95 % (Bonferroni)."""
    wide = estimate(one.seeds, _kind(name), 1 - (1 - LEVEL) / count)
    return replace(one, low=wide.low, high=wide.high)


def estimates(
    effects: Mapping[str, PerSeed],
    paper: Mapping[str, PerSeed],
    pooled: Mapping[str, PerSeed] | None = None,
    own: Mapping[str, PerSeed] | None = None,
) -> Estimates:
    """Named effects as estimates with every seed's value, each with the paper's, pooled and own value of its name."""
    found, others = {}, {"paper": paper, "pooled": pooled or {}, "own": own or {}}
    for name, values in effects.items():
        kind = _kind(name)
        beside: dict[str, Any] = {key: estimate(of.get(name, ()), kind).value for key, of in others.items()}
        found[name] = replace(estimate(values, kind), seeds=tuple(values), **beside)
    return found


def spread_of_levels(wide: pd.DataFrame) -> PerSeed:
    """Best minus worst level (column) for each seed, the two chosen by the mean of the other seeds.

    So noise does not choose what it then inflates. A single seed chooses its own; seeds that lack a level do not count.
    """
    return _by_others(wide, lambda own, mean: own[mean.idxmax()] - own[mean.idxmin()])


def smallest_level(wide: pd.DataFrame) -> PerSeed:
    """Each seed's value at the level (column) that is smallest in the mean of the other seeds."""
    return _by_others(wide, lambda own, mean: own[mean.idxmin()])


def _by_others(wide: pd.DataFrame, measure: Callable[[pd.Series, pd.Series], float]) -> PerSeed:
    # measure(own, mean): a seed's levels, and the mean of the other seeds' by which it chooses among them.
    wide = wide.dropna() if len(wide.columns) else wide.iloc[:0]
    others = {seed: wide.drop(seed) if len(wide) > 1 else wide for seed in wide.index}
    return pd.Series({seed: measure(wide.loc[seed], rest.mean()) for seed, rest in others.items()}, dtype=float)


def correlation(first: pd.DataFrame, second: pd.DataFrame) -> PerSeed:
    """Pearson's correlation over the columns that two `per_seed` frames share; NaN for fewer than three that vary."""
    both = first.columns.intersection(second.columns)

    def of(seed: int) -> float:
        x, y = first.loc[seed, both].to_numpy(float), second.loc[seed, both].to_numpy(float)
        known = ~np.isnan(x + y)
        x, y = x[known], y[known]
        return float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 and x.std() > 0 and y.std() > 0 else NAN

    return pd.Series({seed: of(seed) for seed in first.index.intersection(second.index)}, dtype=float)
