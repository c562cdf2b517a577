"""One module per experiment of the paper: what to run and the tidy rows it gives; and the profiles."""

from functools import partial

from invariance.experiments import factors, invariance_transfer, measuring, mismatch, relevance
from invariance.experiments.design import Design, Experiment, collect

EXPERIMENTS: dict[str, Experiment] = {
    "class_relationship": factors.class_relationship,
    "measuring": measuring.design,
    "factors": factors.design,
    "learning_rates": factors.learning_rates,
    "factors_cifar10": partial(factors.design, role="cifar10"),
    "factors_cifar100": partial(factors.design, role="cifar100"),
    "relevance": relevance.design,
    "invariance_transfer": invariance_transfer.design,
    "mismatch": mismatch.design,
}
"""Every experiment by name: (profile, device) to its design."""

CHAPTERS = {
    "00_intro": ("class_relationship",),
    "02_measuring_invariance": ("measuring",),
    "03_invariances_or_classes": ("class_relationship",),
    "04_other_factors": ("factors", "learning_rates"),
    "05_natural_images": ("factors_cifar10", "factors_cifar100"),
    "06_when_invariance_harms": ("relevance",),
    "07_invariance_transfer": ("invariance_transfer",),
    "08_mismatch": ("mismatch",),
    "09_profile_your_model": ("measuring",),
    "10_claims": ("factors", "factors_cifar10", "factors_cifar100", "relevance", "invariance_transfer", "mismatch"),
    "13_reproducibility": tuple(EXPERIMENTS),
}
"""The experiments that a chapter of the book reads."""

__all__ = ["CHAPTERS", "EXPERIMENTS", "Design", "Experiment", "collect"]
