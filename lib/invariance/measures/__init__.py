"""What a representation is invariant to, as numbers."""

from collections.abc import Sequence

from invariance.errors import check_known
from invariance.measures.base import Measured, Numbers, Undefined
from invariance.measures.cka import SMALLEST, cka
from invariance.measures.layers import layer_extractor, spread_layers
from invariance.measures.sensitivity import KINDS, Sensitivity, sensitivities, sensitivity

__all__ = ["MEASURES", "SMALLEST", "Measured", "Sensitivity", "Undefined", "cka", "layer_extractor"]
__all__ += ["measure_all", "sensitivity", "spread_layers"]

MEASURES = (*KINDS, "cka")


def measure_all(
    x: Numbers, x_prime: Numbers, seed: int = 0, kinds: Sequence[str] = MEASURES, intervals: bool = True
) -> dict[str, Measured]:
    """The measures "l2", "cosine", "dot" (0 invariant, 1 as random images) and "cka" (1 invariant) of (N, D) pairs.

    `kinds` asks for some of them alone; without `intervals` those of the sensitivities are NaN. Raises `InputError`
    for an unknown one, and where a measure does.
    """
    for kind in kinds:
        check_known("measure", kind, MEASURES)
    distances = [kind for kind in kinds if kind != "cka"]
    found = dict[str, Measured](sensitivities(x, x_prime, seed, distances, intervals) if distances else {})
    return {**found, "cka": cka(x, x_prime)} if "cka" in kinds else found
