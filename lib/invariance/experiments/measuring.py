"""The sensitivity of an untrained model and two trained ones, on the target of experiment A.

The trained models are experiment A's own (same classes; the target's transformations, or three
others), so that this costs no training of its own. Chapter: book/02_measuring_invariance.py.
"""

import pandas as pd

from invariance.datasets import Transforms2D
from invariance.experiments import factors
from invariance.experiments.execute import run as run_units
from invariance.experiments.profiles import Profile
from invariance.experiments.units import Pretraining, SensitivityTo

KINDS = {
    "untrained": None,
    "trained with others": "disjoint",
    "trained with it": "same",
}
"""The three models by the name that figures show, and the transformations they were trained with."""


def model(profile: Profile, seed: int, kind: str, device: str = "auto") -> Pretraining:
    """The pretraining of one of `KINDS` for one seed."""
    trained = factors.pretraining(profile, seed, "disjoint", KINDS[kind] or "same", device)
    if KINDS[kind] is None:
        return Pretraining(**{**trained.model_dump(exclude={"infra"}), "epochs": 0})
    return trained


def measurement(profile: Profile, seed: int, kind: str, transformation: str, device: str = "auto") -> SensitivityTo:
    """The sensitivity of one of `KINDS` to one transformation, on the target's classes."""
    data = Transforms2D(classes=factors.task(seed).classes["same"], transforms=(transformation,))
    return SensitivityTo(
        pretraining=model(profile, seed, kind, device),
        data=data,
        pairs=profile.pairs,
        seed=seed,
        device=device,
    )


def sensitivities(profile: Profile, device: str = "auto", cluster: str | None = None) -> pd.DataFrame:
    """Tidy table of the sensitivity of each kind of model to each of its target's transformations.

    `category` is the transformation's place in the target: one of each category.
    """
    design = [
        (kind, category, name, seed, measurement(profile, seed, kind, name, device))
        for seed in range(profile.seeds)
        for category, name in zip(factors.CATEGORIES, factors.task(seed).transforms["same"], strict=True)
        for kind in KINDS
    ]
    run_units((unit for *_, unit in design), cluster)
    rows = []
    for kind, category, name, seed, unit in design:
        found = unit.run()
        rows.append(
            {
                "experiment": "measuring",
                "kind": kind,
                "category": category,
                "transformation": name,
                "model": profile.model,
                "seed": seed,
                "split": "pairs",
                "measure": "sensitivity_l2",
                "value": found["sensitivity"],
                "low": found["low"],
                "high": found["high"],
            }
        )
    return pd.DataFrame(rows)
