"""Experiment D: does learned invariance carry over to other data? (section 7 of the paper)

One model for each of the 18 transformations, one without any, on image objects and on random ones;
an untrained model beside them. Each one's sensitivity to each transformation is measured on ten
types of data, from the training objects to natural images.

Chapter: book/07_invariance_transfer.py.
"""

from invariance import sampling
from invariance.datasets import NaturalImages, Transforms2D
from invariance.experiments.design import Design, pretraining, untrained
from invariance.experiments.profiles import Profile
from invariance.experiments.units import Data, Pretraining, Sensitivity
from invariance.pictures import class_names
from invariance.transforms import PAPER_NAMES

CLASSES = 30
TRAINED_ON = ("image", "random")
WITHOUT = ("none", "untrained")
"""What stands beside a transformation as what a model was trained with."""
DATA_TYPES = (
    "training objects on scenes",
    "training objects on noise",
    "new objects on scenes",
    "new objects on noise",
    "training random objects on scenes",
    "training random objects on noise",
    "new random objects on scenes",
    "new random objects on noise",
    "cifar10",
    "cifar100",
)
"""The ten types of data. "Training" objects are those of the models that were trained on this kind."""


def _classes(profile: Profile, kind: str, which: str, seed: int) -> tuple[str, ...]:
    known = list(class_names(profile.foregrounds if kind == "image" else "random"))
    names = sampling.choose(seed, f"transfer {kind} objects", known, 2 * CLASSES)
    return tuple(names[:CLASSES] if which == "training" else names[CLASSES:])


def data(profile: Profile, name: str, seed: int) -> Data:
    """One of `DATA_TYPES` for one seed, without transformations."""
    if name in profile.natural:
        return NaturalImages(source=profile.natural[name])
    which, rest = name.split(" ", 1)
    objects, backgrounds = rest.split(" on ")
    kind = "image" if objects == "objects" else "random"
    return Transforms2D(
        foregrounds=profile.foregrounds if kind == "image" else "random",
        backgrounds=profile.backgrounds if backgrounds == "scenes" else "random",
        classes=_classes(profile, kind, which, seed),
    )


def trained(
    profile: Profile, model: str, kind: str, transformation: str, seed: int, device: str = "auto"
) -> Pretraining:
    """The model trained on one kind of objects with one transformation, "none" or not at all."""
    base = data(profile, f"training {'objects on scenes' if kind == 'image' else 'random objects on noise'}", seed)
    transforms = (transformation,) if transformation in PAPER_NAMES else ()
    unit = pretraining(
        profile.invariance_transfer, base.model_copy(update={"transforms": transforms}), model, seed, device
    )
    return untrained(unit) if transformation == "untrained" else unit


def design(profile: Profile, device: str = "auto") -> Design:
    """One row a (model, kind of training, transformation trained with, data, transformation measured, measure)."""
    sizes = profile.invariance_transfer
    names = PAPER_NAMES[:: len(PAPER_NAMES) // sizes.transforms][: sizes.transforms]
    four = list(dict.fromkeys(profile.models[k] for k in (0, 2, 3, 4)))[: sizes.models]
    return [
        (
            {
                "experiment": "invariance_transfer",
                "trained_on": kind,
                "trained_with": transformation,
                "model": model,
                "seed": seed,
                "split": "pairs",
            },
            Sensitivity(
                pretraining=trained(profile, model, kind, transformation, seed, device),
                data={name: data(profile, name, seed) for name in DATA_TYPES},
                transforms=names,
                measured=("l2",),
                intervals=False,
                pairs=sizes.pairs,
                seed=seed,
                device=device,
            ),
        )
        for model in four
        for seed in range(profile.seeds)
        for kind in TRAINED_ON
        for transformation in (*names, *WITHOUT)
    ]
