"""One module per experiment of the paper: configurations, runs and tidy results; and the profiles."""

from invariance.experiments import factors, measuring

EXPERIMENTS = {
    "factors": factors.class_relationship,
    "measuring": measuring.sensitivities,
}
"""Every experiment by name: (profile, device, cluster) to its tidy table."""

CHAPTERS = {
    "00_intro": ("factors",),
    "02_measuring_invariance": ("measuring",),
    "03_invariances_or_classes": ("factors",),
}
"""The experiments that a chapter of the book reads."""
