"""Statements: the testable parts of the paper's claims, with their rules, and the verdicts on them."""

import math
from dataclasses import dataclass
from typing import Literal

from invariance.statistics import NOTHING, Estimate

SUPPORTED, SMALL = "supported", "supported, but small"
NOT_SUPPORTED, NOT_RUN = "not supported", "not run"
NOT_TESTABLE = "not testable here: the matching model itself learns too little"
UNDECIDED = "undecided: interval includes the threshold"
ONE_SEED = "undecided: one seed gives no interval"
SYMBOLS = {
    SUPPORTED: "✓",
    SMALL: "✓",
    NOT_SUPPORTED: "✗",
    NOT_TESTABLE: "–",
    UNDECIDED: "?",
    ONE_SEED: "?",
    NOT_RUN: "–",
}
ANY = "any effect counts: the claim names no size"
LITTLE = 0.25
"""A supported effect below this share of the paper's is called small."""


@dataclass(frozen=True)
class Statement:
    """One testable part of a claim (1 to 7) of the paper: a named estimate and the threshold that it has to pass.

    It is *supported* if the whole 95 % interval over seeds is on the right side, *not supported* if the whole interval
    is on the wrong side, and undecided otherwise. Without an interval there is no verdict. Where the estimate that it
    `needs`, the accuracy of a model that was trained for the task, is under the `floor`, it is not testable. One that
    is not `counted` is shown and left out of the counts.
    """

    claim: int
    text: str
    estimate: str
    quantity: str
    direction: Literal["above", "below"] = "above"
    threshold: float = 0.0
    reason: str = ANY
    needs: str = ""
    floor: float = 0.0
    counted: bool = True

    @property
    def rule(self) -> str:
        """The rule in words and signs."""
        return f"{self.quantity} {'>' if self.direction == 'above' else '<'} {self.threshold:g}"

    def holds(self, value: float) -> bool:
        """Whether a value is on the right side of the threshold."""
        return value > self.threshold if self.direction == "above" else value < self.threshold

    def verdict(self, found: Estimate, ground: Estimate = NOTHING) -> str:
        """The verdict on an estimate, where `ground` is the one that it needs."""
        if not found.n:
            return NOT_RUN
        if self.needs and not ground.value >= self.floor:
            return NOT_TESTABLE
        if math.isnan(found.low):
            return ONE_SEED
        sign = 1 if self.direction == "above" else -1
        ends = [sign * (end - self.threshold) for end in (found.low, found.high)]
        if min(ends) > 0:
            return SMALL if self.share(found) < LITTLE else SUPPORTED
        return NOT_SUPPORTED if max(ends) < 0 else UNDECIDED

    def share(self, found: Estimate) -> float:
        """How much of the paper's effect this one is, both as the paper takes accuracies; NaN where that says nothing.

        It does where a rule asks for a certain size, and where the paper's own effect is below 0.01.
        """
        if self.reason != ANY or not found.n or not abs(found.paper) > 0.01:
            return math.nan
        return found.pooled / found.paper
