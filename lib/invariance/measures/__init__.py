"""What a representation is invariant to, as numbers."""

from torch import Tensor

from invariance.measures.base import Measured
from invariance.measures.cka import CKA, cka
from invariance.measures.layers import layer_extractor, layer_features, spread_layers
from invariance.measures.sensitivity import Sensitivity, pair_keys, paired_images, sensitivities, sensitivity

__all__ = [
    "CKA",
    "Measured",
    "Sensitivity",
    "cka",
    "layer_extractor",
    "layer_features",
    "measure_all",
    "pair_keys",
    "paired_images",
    "sensitivities",
    "sensitivity",
    "spread_layers",
]


def measure_all(x: Tensor, x_prime: Tensor, seed: int = 0) -> dict[str, Measured]:
    """The measures "l2", "cosine", "dot" (0 invariant, 1 as random images) and "cka" (1 invariant) of (N, D) pairs."""
    return {**sensitivities(x, x_prime, seed), "cka": cka(x, x_prime)}
