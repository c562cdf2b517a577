"""Experiment A: invariance against other factors (section 5 and figures 2 and 3 of the paper).

One target task, 30 classes under three transformations, one of each category. Models are
pretrained twice: with the target's transformations (*same*) and with three others, again one of
each category (*disjoint*). One factor varies at a time; here the relationship between the
pretraining's classes and the target's. Transfer is measured by a linear probe.

The two sets of transformations also swap roles: the same pretrained models are probed on the target
with the other three. So both kinds of pretraining face the same targets, easy and hard, at the price
of a second probe. The paper probes in the first direction only (`target == "first"` in the table).

Chapter: book/03_invariances_or_classes.py.
"""

from dataclasses import dataclass
from itertools import product

import pandas as pd

from invariance import sampling
from invariance.assets import class_names
from invariance.datasets import Transforms2D
from invariance.experiments.execute import run as run_units
from invariance.experiments.profiles import Profile
from invariance.experiments.units import LinearProbe, Pretraining
from invariance.transforms import CATEGORIES, names_of

TARGET_CLASSES, SUBSET_CLASSES, SUPERSET_CLASSES = 30, 10, 60
CLASS_RELATIONSHIPS = ("subset", "disjoint", "same", "superset")
TRANSFORMATIONS = ("same", "disjoint")
TARGETS = {"first": "same", "swapped": "disjoint"}
"""The two directions, and which of a task's sets of transformations is the target's."""


@dataclass(frozen=True)
class Task:
    """What a seed fixes: the target's transformations and classes, and the alternatives to them."""

    transforms: dict[str, tuple[str, ...]]
    classes: dict[str, tuple[str, ...]]


def task(seed: int, foregrounds: str = "glyphs") -> Task:
    """The target task and its alternatives for one seed.

    `transforms` has "same" and "disjoint", `classes` the four class relationships; "same" is the
    target's own in both.
    """
    same, disjoint = [], []
    for category in CATEGORIES:
        known = names_of(category)
        # Every block of six seeds makes each transformation the target's once: few seeds, yet a fair sample.
        block, place = divmod(seed, len(known))
        first = sampling.choose(block, f"factors target {category}", known, len(known))[place]
        rest = [name for name in known if name != first]
        same.append(first)
        disjoint += sampling.choose(seed, f"factors other {category}", rest, 1)
    names = sampling.choose(seed, "factors classes", list(class_names(foregrounds)), SUPERSET_CLASSES)
    target = names[:TARGET_CLASSES]
    classes = {
        "subset": target[:SUBSET_CLASSES],
        "disjoint": names[TARGET_CLASSES : 2 * TARGET_CLASSES],
        "same": target,
        "superset": names,
    }
    return Task(
        {"same": tuple(same), "disjoint": tuple(disjoint)},
        {relationship: tuple(chosen) for relationship, chosen in classes.items()},
    )


def pretraining(profile: Profile, seed: int, classes: str, transforms: str, device: str = "auto") -> Pretraining:
    """The pretraining for one class relationship and one choice of transformations."""
    chosen = task(seed)
    data = Transforms2D(classes=chosen.classes[classes], transforms=chosen.transforms[transforms])
    return Pretraining(
        data=data,
        model=profile.model,
        samples=profile.pretraining_samples,
        validation_samples=profile.validation_samples,
        epochs=profile.pretraining_epochs,
        batch_size=profile.batch_size,
        learning_rate=profile.learning_rate,
        seed=seed,
        device=device,
    )


def target(seed: int, direction: str = "first") -> Transforms2D:
    """The target data set of one seed, in one of the two directions of `TARGETS`."""
    chosen = task(seed)
    return Transforms2D(classes=chosen.classes["same"], transforms=chosen.transforms[TARGETS[direction]])


def probe(profile: Profile, trained: Pretraining, direction: str = "first", device: str = "auto") -> LinearProbe:
    """The linear probe of a pretrained model on its seed's target."""
    return LinearProbe(
        pretraining=trained,
        target=target(trained.seed, direction),
        samples=profile.probe_samples,
        validation_samples=profile.validation_samples,
        test_samples=profile.test_samples,
        method=profile.probe_method,
        epochs=profile.probe_epochs,
        seed=trained.seed,
        device=device,
    )


def class_relationship(profile: Profile, device: str = "auto", cluster: str | None = None) -> pd.DataFrame:
    """Run the class-relationship half of experiment A; gives its tidy table.

    One row a (level, transforms, target, seed): `level` is the class relationship, `transforms` says
    whether pretraining used the target's, `target` is the direction, `value` the probe's test
    accuracy (a share).
    """
    design = []
    for level, trained_with, direction, seed in product(
        CLASS_RELATIONSHIPS, TRANSFORMATIONS, TARGETS, range(profile.seeds)
    ):
        trained = pretraining(profile, seed, level, trained_with, device)
        row = {
            "experiment": "factors",
            "factor": "class_relationship",
            "level": level,
            "transforms": "same" if trained_with == TARGETS[direction] else "disjoint",
            "target": direction,
            "model": profile.model,
            "transfer": "linear probe",
            "seed": seed,
            "split": "test",
            "measure": "accuracy",
        }
        design.append((row, probe(profile, trained, direction, device)))
    run_units((unit for _, unit in design), cluster)
    return pd.DataFrame([{**row, "value": unit.run()["accuracy"]} for row, unit in design])
