"""The sensitivity of an untrained model and two trained ones, on the target of experiment A.

The trained models are experiment A's own (disjoint classes; the target's transformations, or three
others), so that this costs no training of its own. Chapter: book/02_measuring_invariance.py.
"""

import pandas as pd

from invariance.experiments import factors
from invariance.experiments.design import Design, untrained
from invariance.experiments.profiles import Profile
from invariance.experiments.units import Pretraining, Sensitivity
from invariance.transforms import CATEGORIES, names_of

KINDS = {
    "untrained": None,
    "trained with others": "disjoint",
    "trained with it": "same",
}
"""The three models by the name that figures show, and the transformations they were trained with."""


def model(profile: Profile, seed: int, kind: str, device: str = "auto") -> Pretraining:
    """The pretraining of one of `KINDS` for one seed."""
    trained = factors.trained(profile, seed, "disjoint", KINDS[kind] or "same", device)
    return trained if KINDS[kind] else untrained(trained)


def measurement(profile: Profile, seed: int, kind: str, device: str = "auto") -> Sensitivity:
    """The sensitivity of one of `KINDS` to each of the target's transformations, on the target's classes."""
    chosen = factors.task(profile, seed)
    return Sensitivity(
        pretraining=model(profile, seed, kind, device),
        data={"target": factors.SETTINGS["t2d"].data(profile, chosen.classes["same"], ())},
        transforms=chosen.transforms["same"],
        pairs=profile.factors.pairs,
        seed=seed,
        device=device,
    )


def design(profile: Profile, device: str = "auto") -> Design:
    """One row a (kind of model, seed, transformation of the target, measure)."""
    return [
        (
            {"experiment": "measuring", "kind": kind, "model": profile.model, "seed": seed, "split": "pairs"},
            measurement(profile, seed, kind, device),
        )
        for seed in range(profile.seeds)
        for kind in KINDS
    ]


def with_categories(table: pd.DataFrame, measure: str = "sensitivity_l2") -> pd.DataFrame:
    """The rows of one measure, with the category of each row's transformation as a further column."""
    categories = {name: category for category in CATEGORIES for name in names_of(category)}
    rows = table[table["measure"] == measure]
    return rows.assign(category=rows["transformation"].map(categories)).reset_index(drop=True)
