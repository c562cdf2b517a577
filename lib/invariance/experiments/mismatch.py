"""Experiment E: too few and too many transformations (section 8 of the paper).

A seed draws 8 of the 18 transformations in random order. Models are trained on the first 1, 2, ..., 8
of them and probed on targets with the first 1, 2, ..., 8, on the same classes: an 8 x 8 table for each
architecture.

Chapter: book/08_mismatch.py.
"""

from itertools import product

from invariance import sampling
from invariance.datasets import Transforms2D
from invariance.experiments.design import Design, pretraining, probe
from invariance.experiments.profiles import Profile
from invariance.pictures import class_names
from invariance.transforms import PAPER_NAMES

CLASSES, COUNT = 30, 8


def order(seed: int) -> tuple[str, ...]:
    """The 8 transformations of one seed, in the order in which they are added and applied."""
    return tuple(sampling.choose(seed, "mismatch order", PAPER_NAMES, COUNT))


def data(profile: Profile, seed: int, count: int) -> Transforms2D:
    """The data set of one seed with its first `count` transformations."""
    names = sampling.choose(seed, "mismatch classes", list(class_names(profile.foregrounds)), CLASSES)
    return Transforms2D(
        foregrounds=profile.foregrounds,
        backgrounds=profile.backgrounds,
        classes=tuple(names),
        transforms=order(seed)[:count],
    )


def design(profile: Profile, device: str = "auto") -> Design:
    """One row a (model, number of transformations trained with, number in the target, seed).

    The first model has `seed_factor` times the seeds of the others.
    """
    sizes = profile.mismatch
    count = min(COUNT, sizes.transforms)
    four = list(dict.fromkeys(profile.models[k] for k in (0, 3, 2, 4)))[: sizes.models]
    planned = []
    for model, seed, used in product(four, range(profile.seeds * sizes.seed_factor), range(1, count + 1)):
        if seed >= profile.seeds and model != four[0]:
            continue
        unit = pretraining(sizes, data(profile, seed, used), model, seed, device)
        for wanted in range(1, count + 1):
            row = {
                "experiment": "mismatch",
                "trained_with": used,
                "target": wanted,
                "order": ",".join(order(seed)),
                "model": model,
                "seed": seed,
                "split": "test",
            }
            planned.append((row, probe(profile, sizes, unit, data(profile, seed, wanted))))
    return planned
