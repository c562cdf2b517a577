"""The rule of a statement: an effect, its interval over seeds, a threshold, a verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from invariance import results
from invariance.errors import InputError

SUPPORTED, NOT_SUPPORTED, NOT_RUN = "supported", "not supported", "not run"
UNDECIDED = "undecided: interval includes the threshold"
ONE_SEED = "undecided: one seed gives no interval"
SYMBOLS = {SUPPORTED: "✓", NOT_SUPPORTED: "✗", UNDECIDED: "?", ONE_SEED: "?", NOT_RUN: "–"}

PerSeed = Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class Estimate:
    """An effect with its 95 % interval over seeds; NaN where there is none."""

    value: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Statement:
    """One testable part of a claim (1 to 7). `per_seed` gives the effect for each seed of the experiment's table.

    `correlation` names the part of the image ("cifar" or "objects") where the effect is experiment C's correlation.
    """

    claim: int
    text: str
    experiment: str
    quantity: str
    direction: Literal["above", "below"]
    threshold: float
    reason: str
    per_seed: PerSeed
    correlation: str = ""

    @property
    def rule(self) -> str:
        """The rule in words and signs."""
        return f"{self.quantity} {'>' if self.direction == 'above' else '<'} {self.threshold:g}"

    def estimate(self, table: pd.DataFrame) -> Estimate:
        """The effect in a table; with no seeds where the table has not all rows for it."""
        try:
            effects = self.per_seed(results.seeded(table)).dropna()
        except InputError:  # the factor or the kind of transfer was not run
            effects = pd.Series(dtype=float)
        if effects.empty:
            return Estimate(float("nan"), float("nan"), float("nan"), 0)
        over_seeds = results.correlation_interval if self.correlation else results.mean_interval
        return Estimate(*over_seeds(effects), len(effects))

    def holds(self, value: float) -> bool:
        """Whether a value is on the right side of the threshold."""
        return value > self.threshold if self.direction == "above" else value < self.threshold

    def verdict(self, found: Estimate) -> str:
        """The verdict on an estimate."""
        if found.seeds < 2:
            return ONE_SEED if found.seeds else NOT_RUN
        if self.holds(found.low) and self.holds(found.high):
            return SUPPORTED
        wrong = found.high < self.threshold if self.direction == "above" else found.low > self.threshold
        return NOT_SUPPORTED if wrong else UNDECIDED
