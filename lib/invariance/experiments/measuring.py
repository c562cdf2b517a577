"""The sensitivity of an untrained model and two trained ones, on the target of experiment A.

The trained models are experiment A's own (disjoint classes; the target's transformations, or three
others), so that this costs no training of its own. As in experiment A, the other three serve as a
target too, and there the two models change places. Chapter: book/02_measuring_invariance.py.
"""

from itertools import product

import pandas as pd

from invariance.experiments import factors
from invariance.experiments.design import Design, untrained
from invariance.experiments.profiles import Profile
from invariance.experiments.units import Pretraining, Sensitivity
from invariance.transforms import TRANSFORMATIONS

KINDS = ("untrained", "trained with others", "trained with it")
"""The three models, by what they were trained with. "It" are the target's transformations."""


def model(profile: Profile, seed: int, kind: str, device: str = "auto", direction: str = "first") -> Pretraining:
    """The pretraining of one of `KINDS` for one seed and one of experiment A's directions (`factors.TARGETS`)."""
    right = factors.TARGETS[direction]
    used = {"trained with it": right, "trained with others": factors.OTHER[right]}.get(kind, "same")
    trained = factors.trained(profile, seed, "disjoint", used, device)
    return untrained(trained) if kind == "untrained" else trained


def measurement(profile: Profile, seed: int, kind: str, device: str = "auto", direction: str = "first") -> Sensitivity:
    """The sensitivity of one of `KINDS` to each of the target's transformations, on the target's classes."""
    chosen = factors.task(profile, seed)
    return Sensitivity(
        pretraining=model(profile, seed, kind, device, direction),
        data={"target": factors.SETTINGS["t2d"].data(profile, chosen.classes["same"], ())},
        transforms=chosen.transforms[factors.TARGETS[direction]],
        pairs=profile.factors.pairs,
        seed=seed,
        device=device,
    )


def design(profile: Profile, device: str = "auto") -> Design:
    """One row a (kind of model, direction, seed, transformation of the target, measure)."""
    seeds = range(profile.seeds * profile.factors.seed_factor)
    return [
        (
            {
                "experiment": "measuring",
                "kind": kind,
                "target": direction,
                "model": profile.model,
                "seed": seed,
                "split": "pairs",
            },
            measurement(profile, seed, kind, device, direction),
        )
        for seed, direction, kind in product(seeds, factors.TARGETS, KINDS)
    ]


def by_category(table: pd.DataFrame, measure: str = "sensitivity_l2") -> pd.DataFrame:
    """One measure by kind, category of transformation and seed: the mean of the two directions."""
    rows = table[table["measure"] == measure]
    rows = rows.assign(category=rows["transformation"].map(lambda name: TRANSFORMATIONS[name].category))
    return rows.groupby(["kind", "category", "seed"], as_index=False)["value"].mean()


def advantage(table: pd.DataFrame) -> pd.Series:
    """How much less sensitive than "trained with others" the models "trained with it" are: a number for each seed.

    `table` is as `by_category` gives it.
    """
    means = table.groupby(["kind", "seed"])["value"].mean()
    return means["trained with others"] - means["trained with it"]
