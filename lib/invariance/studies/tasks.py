"""Target tasks of experiments A and B: what a seed fixes, and the models that are pretrained for them.

A task has two sets of three transformations, one of each category. Models are pretrained with either set, and probed on
the target's classes under either: *matched* where both are the same set, *mismatched* where not. So both kinds of
pretraining face the same targets, easy and hard. The paper probes on the first set only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from invariance import sampling
from invariance.datasets import NaturalImages, Transforms2D
from invariance.errors import InputError
from invariance.files import packaged
from invariance.pictures import class_names
from invariance.studies.sizes import Sizes, baselines, pretraining, probes
from invariance.transforms import CATEGORIES, PAPER
from invariance.units import Data, Pretraining, Probes
from invariance.units.run import Design

SETS = ("first", "second")
"""The two sets of transformations of a task; the first is the paper's target."""
TRANSFORMS = ("matched", "mismatched")
CLASSES = ("subset", "disjoint", "same", "superset")
"""How the classes of pretraining relate to the target's."""


@dataclass(frozen=True)
class Setting:
    """One kind of data, and its numbers of classes."""

    name: str
    subset: int
    target: int
    superset: int

    def source(self, sizes: Sizes) -> str:
        """Where the pictures come from."""
        return sizes.foregrounds if self.name == "t2d" else sizes.natural(self.name)

    def data(self, sizes: Sizes, classes: tuple[str, ...] | None, transforms: tuple[str, ...]) -> Data:
        """The data set with these classes (None means all) and transformations."""
        source = self.source(sizes)
        if self.name == "t2d":
            where = {"foregrounds": source, "backgrounds": sizes.backgrounds}
            return Transforms2D(classes=classes, transforms=transforms, protocol=sizes.protocol, **where)
        return NaturalImages(source=source, classes=classes, transforms=transforms, protocol=sizes.protocol)

    def count(self, data: Data, level: float) -> int:
        """Images for a level: on natural images a number or a share of each class's."""
        return int(level) if self.name == "t2d" else data.samples(level)


T2D = Setting("t2d", 10, 30, 60)
CIFAR10 = Setting("cifar10", 2, 5, 10)
CIFAR100 = Setting("cifar100", 17, 50, 100)


@dataclass(frozen=True)
class Task:
    """What a seed fixes: both sets of transformations by `SETS`, and classes by `CLASSES`."""

    transforms: dict[str, tuple[str, ...]]
    classes: dict[str, tuple[str, ...]]


def task(sizes: Sizes, seed: int, setting: Setting = T2D) -> Task:
    """The target task of one seed; its transformations are dealt, or those that the paper's seed drew."""
    first, second = papers_draw("tasks", seed) if sizes.tasks == "paper" else _dealt(seed)
    known = class_names(sizes.foregrounds) if setting is T2D else setting.data(sizes, None, ()).class_names()
    names = tuple(sampling.choose(seed, "factors classes", list(known), setting.superset))
    target = names[: setting.target]
    chosen = (target[: setting.subset], names[setting.target : 2 * setting.target], target, names)
    return Task({"first": tuple(first), "second": tuple(second)}, dict(zip(CLASSES, chosen, strict=True)))


def _dealt(seed: int) -> tuple[list[str], list[str]]:
    """Both sets: every block of six seeds makes each transformation one of a first set once, a fair sample of few."""
    first, second = [], []
    for category in CATEGORIES:
        known = PAPER[category]
        block, place = divmod(seed, len(known))
        first.append(sampling.choose(block, f"factors target {category}", known, len(known))[place])
        rest = [name for name in known if name != first[-1]]
        second += sampling.choose(seed, f"factors other {category}", rest, 1)
    return first, second


def papers_draw(name: str, seed: int) -> Any:
    """What the paper's seed drew: both sets of transformations ("tasks") or the order of eight ("orders").

    Raises `InputError` from the eleventh seed on.
    """
    known = packaged("studies/paper/seeds.yaml")[name]
    if seed >= len(known):
        raise InputError(f"The paper has {len(known)} seeds: ask for at most so many, or for seeds that are dealt.")
    return known[seed]


def drawn(sizes: Sizes, setting: Setting = T2D) -> dict[str, str]:
    """What prose says of the first seed's task: names of transformations, and numbers of classes."""
    names = zip(("target_names", "other_names"), task(sizes, 0, setting).transforms.values(), strict=True)
    counts = {f"n_{name}": str(getattr(setting, name)) for name in ("subset", "target", "superset")}
    return {name: ", ".join(those) for name, those in names} | counts


def pretrained(
    sizes: Sizes, seed: int, classes: str, pretrained_on: str, setting: Setting = T2D, **changes: Any
) -> Pretraining:
    """The pretraining on one choice of classes and one set of transformations; `changes` such as `model`, `samples`."""
    chosen = task(sizes, seed, setting)
    data = setting.data(sizes, chosen.classes[classes], chosen.transforms[pretrained_on])
    level = changes.pop("samples", sizes.samples)
    model = changes.pop("model", sizes.model)
    return pretraining(sizes, data, model, seed, samples=setting.count(data, level), **changes)


def targets(sizes: Sizes, seed: int, setting: Setting = T2D) -> dict[str, Data]:
    """The target's classes under either set of transformations, by its name; the paper's tasks have the first alone."""
    chosen, sets = task(sizes, seed, setting), SETS[:1] if sizes.tasks == "paper" else SETS
    return {name: setting.data(sizes, chosen.classes["same"], chosen.transforms[name]) for name in sets}


def probed(sizes: Sizes, trained: Pretraining, setting: Setting = T2D, samples: Iterable[float] = ()) -> Probes:
    """Linear probes on the target under both sets of transformations, for each number of images."""
    both = targets(sizes, trained.seed, setting)
    counts = [setting.count(both["first"], level) for level in samples or (sizes.probe_samples,)]
    return probes(sizes, trained, both, counts)


def compared_with(sizes: Sizes, setting: Setting = T2D, level: Callable[[int], float] = int) -> Design:
    """The baselines of every seed's targets: an untrained network, and training on the target's images alone.

    `level` says of a number of images which level that is in the setting.
    """
    planned: Design = []
    for seed in range(sizes.seeds):
        start = pretrained(sizes, seed, "same", "first", setting, samples=level(sizes.samples))
        both = targets(sizes, seed, setting)
        planned += baselines(sizes, start, both, setting.count(both["first"], level(sizes.probe_samples)))
    return planned


def with_transforms(table: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """The rows on images of a split, with `transforms`: matched where the model met in transfer what it was trained on.

    The paper's tables say `transforms` themselves.
    """
    if "transforms" in table:
        return table
    same = table["pretrained_on"] == table["probed_on"]
    return table.assign(transforms=np.where(same, *TRANSFORMS))[table["split"] == split]
