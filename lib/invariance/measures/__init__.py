"""What a representation is invariant to, as numbers."""

from invariance.measures.sensitivity import Sensitivity, pair_keys, paired_images, sensitivity

__all__ = ["Sensitivity", "pair_keys", "paired_images", "sensitivity"]
