"""Experiments A and B: invariance against other factors (section 5, figures 2 and 3 of the paper).

One target task, half of the classes under three transformations, one of each category. Models are
pretrained twice: with the target's transformations (*same*) and with three others, again one of
each category (*disjoint*). One factor varies at a time: the relationship between the pretraining's
classes and the target's, the architecture, the number of pretraining samples, the number of
fine-tuning samples. Transfer is measured by a linear probe and by full fine-tuning on few and on
many samples. Experiment A does this on Transforms-2D, experiment B on augmented natural images.

The two sets of transformations also swap roles for the probe: the same pretrained models are probed
on the target with the other three. So both kinds of pretraining face the same targets, easy and hard,
at the price of a second probe. The paper probes in the first direction only (`target == "first"`).

Chapters: book/03_invariances_or_classes.py, book/04_other_factors.py, book/05_natural_images.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from invariance import sampling
from invariance.datasets import NaturalImages, Transforms2D
from invariance.experiments.design import Design, finetuning, pretraining, probe
from invariance.experiments.profiles import Profile, Sizes
from invariance.experiments.units import Data, Pretraining
from invariance.pictures import class_names
from invariance.transforms import CATEGORIES, PAPER

CLASS_RELATIONSHIPS = ("subset", "disjoint", "same", "superset")
TRANSFORMATIONS = ("same", "disjoint")
FACTORS = ("class_relationship", "architecture", "pretraining_samples", "finetuning_samples")
TARGETS = {"first": "same", "swapped": "disjoint"}
"""The two directions, and which of a task's sets of transformations is the target's."""
OTHER = {"same": "disjoint", "disjoint": "same"}
PAPERS_LEARNING_RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True)
class Setting:
    """One kind of data on which the factors are compared, and its numbers of classes."""

    role: str
    subset: int
    target: int
    superset: int

    def sizes(self, profile: Profile) -> Sizes:
        """This setting's sizes in a profile."""
        return {"t2d": profile.factors, "cifar10": profile.natural10, "cifar100": profile.natural100}[self.role]

    def source(self, profile: Profile) -> str:
        """Where the pictures come from."""
        return profile.foregrounds if self.role == "t2d" else profile.natural[self.role]

    def data(self, profile: Profile, classes: tuple[str, ...] | None, transforms: tuple[str, ...]) -> Data:
        """The data set with these classes (None means all) and transformations."""
        source = self.source(profile)
        if self.role == "t2d":
            return Transforms2D(
                foregrounds=source, backgrounds=profile.backgrounds, classes=classes, transforms=transforms
            )
        return NaturalImages(source=source, classes=classes, transforms=transforms)

    def count(self, data: Data, level: float) -> int:
        """Images for a level: on natural images a number or a share of each class's."""
        return int(level) if self.role == "t2d" else data.samples(level)


SETTINGS = {
    setting.role: setting
    for setting in (Setting("t2d", 10, 30, 60), Setting("cifar10", 2, 5, 10), Setting("cifar100", 17, 50, 100))
}


@dataclass(frozen=True)
class Task:
    """What a seed fixes: the target's transformations and classes, and the alternatives to them."""

    transforms: dict[str, tuple[str, ...]]
    classes: dict[str, tuple[str, ...]]


def task(profile: Profile, seed: int, role: str = "t2d") -> Task:
    """The target task and its alternatives for one seed.

    `transforms` has "same" and "disjoint", `classes` the four class relationships; "same" is the
    target's own in both.
    """
    setting, same, disjoint = SETTINGS[role], [], []
    for category in CATEGORIES:
        known = PAPER[category]
        # Every block of six seeds makes each transformation the target's once: few seeds, yet a fair sample.
        block, place = divmod(seed, len(known))
        first = sampling.choose(block, f"factors target {category}", known, len(known))[place]
        rest = [name for name in known if name != first]
        same.append(first)
        disjoint += sampling.choose(seed, f"factors other {category}", rest, 1)
    known = class_names(profile.foregrounds) if role == "t2d" else setting.data(profile, None, ()).class_names()
    names = tuple(sampling.choose(seed, "factors classes", list(known), setting.superset))
    target = names[: setting.target]
    classes = {
        "subset": target[: setting.subset],
        "disjoint": names[setting.target : 2 * setting.target],
        "same": target,
        "superset": names,
    }
    return Task({"same": tuple(same), "disjoint": tuple(disjoint)}, classes)


def trained(
    profile: Profile,
    seed: int,
    classes: str,
    transforms: str,
    device: str = "auto",
    role: str = "t2d",
    model: str | None = None,
    level: float | None = None,
) -> Pretraining:
    """The pretraining for one class relationship and choice of transformations; `level` changes its samples."""
    setting, chosen = SETTINGS[role], task(profile, seed, role)
    sizes = setting.sizes(profile)
    data = setting.data(profile, chosen.classes[classes], chosen.transforms[transforms])
    samples = setting.count(data, sizes.samples if level is None else level)
    return pretraining(sizes, data, model or profile.model, seed, device, samples)


def target(profile: Profile, seed: int, direction: str = "first", role: str = "t2d") -> Data:
    """The target data set of one seed, in one of the two directions of `TARGETS`."""
    chosen = task(profile, seed, role)
    return SETTINGS[role].data(profile, chosen.classes["same"], chosen.transforms[TARGETS[direction]])


def levels(profile: Profile, factor: str, role: str = "t2d") -> Iterator[tuple[str, dict[str, Any]]]:
    """The levels of a factor by name, each with the arguments of `trained` that it changes."""
    sizes = SETTINGS[role].sizes(profile)
    if factor == "class_relationship":
        yield from ((name, {"classes": name}) for name in CLASS_RELATIONSHIPS)
    elif factor == "architecture":
        yield from ((name, {"model": name}) for name in profile.models[: sizes.models])
    elif factor == "pretraining_samples":
        yield from ((f"{level:g}", {"level": level}) for level in sizes.pretraining_levels)
    else:
        yield "", {"classes": "same"}


def design(profile: Profile, device: str = "auto", role: str = "t2d", factors: tuple[str, ...] = FACTORS) -> Design:
    """The units of one setting and their rows in the tidy table.

    One row a (factor, level, transforms, target, transfer, seed, number of samples); `transforms` says
    whether pretraining used the target's transformations, `target` is the direction, `transfer` is "lp",
    "full-few" or "full-many", `value` the test accuracy (a share).
    """
    planned = []
    more = SETTINGS[role].sizes(profile).seed_factor
    for factor, seed, used in product(factors, range(profile.seeds * more), TRANSFORMATIONS):
        if seed >= profile.seeds and factor != "class_relationship":
            continue
        for level, changes in levels(profile, factor, role):
            model = trained(
                profile, seed, **{"classes": "disjoint", **changes}, transforms=used, device=device, role=role
            )
            row = {"factor": factor, "level": level, "seed": seed}
            planned += _transfers(profile, role, row, model, used)
    return planned


def _transfers(profile: Profile, role: str, row: dict[str, Any], model: Pretraining, used: str) -> Design:
    setting = SETTINGS[role]
    sizes = setting.sizes(profile)
    own_levels = row["factor"] == "finetuning_samples"
    planned = []
    for direction, right in TARGETS.items():
        data = target(profile, row["seed"], direction, role)
        columns = {
            "experiment": "factors",
            "data": role,
            "source": setting.source(profile),
            **row,
            "transforms": "same" if used == right else "disjoint",
            "target": direction,
            "model": model.model,
            "split": "test",
        }
        counts = tuple(setting.count(data, level) for level in sizes.finetuning_levels if own_levels)
        full = setting.count(data, sizes.probe_samples)
        planned.append(({**columns, "transfer": "lp"}, probe(profile, sizes, model, data, counts or (full,))))
        if direction == "first" and row["seed"] < profile.seeds:
            tuned = [("full-few", n) for n in counts] or [
                (f"full-{name}", setting.count(data, getattr(sizes, name))) for name in ("few", "many")
            ]
            for transfer, n in tuned:
                planned.append(({**columns, "transfer": transfer}, finetuning(profile, sizes, model, data, n)))
    return planned


def class_relationship(profile: Profile, device: str = "auto") -> Design:
    """The class relationship alone, by linear probe: the experiment of the third chapter."""
    planned = design(profile, device, factors=("class_relationship",))
    return [(row, unit) for row, unit in planned if row["transfer"] == "lp"]


def learning_rates(profile: Profile, device: str = "auto") -> Design:
    """Full fine-tuning on few samples over a grid of learning rates, after pretraining on disjoint classes."""
    sizes, planned = profile.factors, []
    for seed, used, rate in product(range(profile.seeds), TRANSFORMATIONS, PAPERS_LEARNING_RATES):
        model = trained(profile, seed, "disjoint", used, device)
        unit = finetuning(profile, sizes, model, target(profile, seed), int(sizes.few), rate)
        row = {
            "experiment": "learning_rates",
            "learning_rate": rate,
            "transforms": used,
            "transfer": "full-few",
            "model": profile.model,
            "seed": seed,
            "split": "test",
        }
        planned.append((row, unit))
    return planned
