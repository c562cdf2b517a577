"""Experiment C: when invariance harms (section 6 of the paper, its CIFAR-10 images with pasted objects).

Four pretraining tasks on natural images with a small object in the corner: the image alone; both, with
the image's class as the label; both, with the object as the label; the object alone on black. All
four are probed on all four, and their sensitivity to exchanging the image and the object is
measured. Two sweeps change how much the object says about the image's class (`correlation`), and the
share of images that carry an object (`availability`).

Chapter: book/06_when_invariance_harms.py.
"""

from itertools import product

from invariance import sampling
from invariance.datasets import TASKS, ObjectsOnImages
from invariance.experiments.design import Design, pretraining, probe
from invariance.experiments.profiles import Profile
from invariance.experiments.units import Pretraining, Sensitivity
from invariance.pictures import class_names

EXCHANGED = {"cifar": "background", "objects": "object"}
"""What is exchanged in a pair of images, and the part of the data set that this is."""


def data(profile: Profile, seed: int, task: str, **changes: object) -> ObjectsOnImages:
    """One task's data set for one seed, which chooses the ten objects."""
    known = list(class_names(profile.foregrounds))
    return ObjectsOnImages(
        images=profile.natural["cifar10"],
        foregrounds=profile.foregrounds,
        objects=tuple(sampling.choose(seed, "relevance objects", known, 10)),
        task=task,
        **changes,
    )


def trained(profile: Profile, seed: int, task: str, device: str = "auto", **changes: object) -> Pretraining:
    """The pretraining on one task."""
    return pretraining(profile.relevance, data(profile, seed, task, **changes), profile.model, seed, device)


def design(profile: Profile, device: str = "auto") -> Design:
    """Accuracies of every pretraining on every task, and sensitivities; the two tables first, then the sweeps.

    The table of objects at their fixed place has `seed_factor` times the profile's seeds.
    """
    sizes, planned = profile.relevance, []
    for translate, more in ((False, sizes.seed_factor), (True, 1)):
        for seed, task in product(range(profile.seeds * more), TASKS):
            model = trained(profile, seed, task, device, translate=translate)
            row = {"position": "translated" if translate else "fixed", "sweep": "", "level": float("nan")}
            planned += _measured(profile, model, {**row, "pretraining": task}, TASKS, translate)
    sweeps = {"correlation": sizes.correlations, "availability": sizes.availabilities}
    for seed, (sweep, values) in product(range(profile.seeds), sweeps.items()):
        for value in values:
            model = trained(profile, seed, "cifar_mixed", device, **{sweep: value})
            row = {"position": "fixed", "sweep": sweep, "level": value, "pretraining": "cifar_mixed"}
            planned += _measured(profile, model, row, TASKS[:3])
    return planned


def _measured(
    profile: Profile, model: Pretraining, row: dict, targets: tuple[str, ...], translate: bool = False
) -> Design:
    seed, sizes = model.seed, profile.relevance
    if not translate:  # every view of an object at its fixed place is the same
        sizes = sizes.model_copy(update={"views": 1})
    row = {"experiment": "relevance", **row, "model": model.model, "seed": seed}
    accuracies = [
        (
            {**row, "target": task, "exchanged": "", "split": "test"},
            probe(profile, sizes, model, data(profile, seed, task, translate=translate)),
        )
        for task in targets
    ]
    both = data(profile, seed, "cifar_mixed", translate=translate)
    sensitivities = [
        (
            {**row, "target": "", "exchanged": name, "split": "pairs"},
            Sensitivity(
                pretraining=model,
                data={"cifar_mixed": both},
                vary=part,
                pairs=profile.relevance.pairs,
                seed=seed,
                device=model.device,
            ),
        )
        for name, part in EXCHANGED.items()
    ]
    return accuracies + sensitivities
