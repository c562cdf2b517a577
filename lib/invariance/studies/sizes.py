"""How large a study is: sizes by budget, and the pretraining, probes and baselines at these sizes."""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from invariance import units
from invariance.config import Config
from invariance.files import packaged
from invariance.protocol import CORRECTED, Protocol
from invariance.units.run import Design

BUDGETS = {
    "smoke": "seconds; checks that everything runs, its numbers mean nothing",
    "quick": "minutes on two CPU cores: the main effects, with small networks",
    "night": "hours on two CPU cores: small networks trained on many images",
    "paper": "the paper's protocol; needs a GPU",
}
"""The budgets from small to large, and what each is for."""

Count = Annotated[int, Field(ge=1)]
PAPERS_SEEDS = 10


SEEDS_WORDING = {
    "dealt": (
        "Transformations are dealt like cards, so that six seeds in a row make each of the 18 a target's once; the "
        "paper draws them independently.",
        "The seeds are the paper's: each has the transformations that the paper's code drew for it.",
    ),
    "directions": (
        "So the two sets of transformations also swap roles, and every model is probed on both. A seed's number is the "
        "mean of both directions; the paper probes in the first one only.",
        "Where seeds are dealt, as at the budget quick, the two sets of transformations therefore also swap roles. The "
        "paper's seeds, which these results have, are probed in the first direction only, as in the paper.",
    ),
    "both": (
        "every pair of models is probed in both directions, and a seed's number is the mean of both",
        "every pair of models is probed in the first direction only, since the seeds are the paper's",
    ),
}
"""What prose says of seeds that are dealt, and of the paper's."""


class Sizes(Config):
    """Sizes that all studies share; samples are numbers of images. A budget changes these, never the logic.

    `models` stands for the paper's five, in the order ResNet-18, ResNet-50, DenseNet-121, VGG-11, ViT. `pictures` is
    "embedded" (drawn by code) or "paper" (its objects and photographs, and CIFAR). `redraws` is how many draws of the
    transformations the features of a probe's training images cover. `protocol` says which slips of the published code
    are repeated. `tasks` are "dealt", so that every transformation has its turn, or those of the "paper"'s ten seeds.
    """

    budget: Literal["smoke", "quick", "night", "paper"]
    seeds: int = Field(ge=1, le=10_000)
    models: tuple[str, str, str, str, str]
    pictures: Literal["embedded", "paper"] = "embedded"
    protocol: Protocol = CORRECTED
    tasks: Literal["dealt", "paper"] = "dealt"
    samples: Count
    validation_samples: Count
    epochs: Count
    batch_size: Count
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "linear"]
    probe_samples: Count
    test_samples: Count
    probe_method: Literal["adam", "lbfgs"]
    probe_epochs: Count = 200
    redraws: Count = 1

    @property
    def apart(self) -> Protocol:
        """The protocol of experiments C, D and E, whose splits have draws of their own in the published code, too."""
        return self.protocol.model_copy(update={"shared_draws": False})

    @property
    def wording(self) -> dict[str, str]:
        """What prose says of this protocol and these seeds, by what it is about."""
        words = {
            "counted": ("pooled_accuracy", "test images alone", "training, validation and test images together"),
            "kept": ("last_epoch", "its best validation epoch", "its last epoch"),
            "redrawn": ("repeated_draws", "drawn anew", "those of the first epoch again, given to other images,"),
        }
        said = {name: either[getattr(self.protocol, flag)] for name, (flag, *either) in words.items()}
        return said | {name: either[self.tasks == "paper"] for name, either in SEEDS_WORDING.items()}

    @property
    def model(self) -> str:
        """The main model, in the place of ResNet-18."""
        return self.models[0]

    @property
    def foregrounds(self) -> str:
        """Where objects come from."""
        return {"embedded": "glyphs", "paper": "hub:tillspeicher/transforms_2d_base"}[self.pictures]

    @property
    def backgrounds(self) -> str:
        """Where backgrounds come from."""
        return {"embedded": "scenes", "paper": "hub:tillspeicher/transforms_2d_base"}[self.pictures]

    def natural(self, name: str) -> str:
        """The natural images that play CIFAR-10 ("cifar10") or CIFAR-100 ("cifar100")."""
        return {"cifar10": "scenes10", "cifar100": "scenes100"}[name] if self.pictures == "embedded" else name


SMALL_MODELS = ("small", "small_resnet", "small_densenet", "small_vgg", "small_vit")
PAPERS_MODELS = ("resnet18", "resnet50", "densenet121", "vgg11", "vit")
COUNTERPARTS = dict(zip(SMALL_MODELS, PAPERS_MODELS, strict=True))
"""The paper's model beside which each of the small models stands."""


def sizes_of(kind: type[Sizes], *studies: str) -> dict[str, Sizes]:
    """The sizes of each budget: the shared ones of sizes.yaml, changed as the studies' own files say."""
    files = [packaged(f"studies/{name}.yaml")["sizes"] for name in ("sizes", *studies)]
    given = {name: {field: value for file in files for field, value in file.get(name, {}).items()} for name in BUDGETS}
    return {name: kind(budget=name, **fields) for name, fields in given.items()}


def pretraining(sizes: Sizes, data: units.Data, model: str, seed: int, **changes: Any) -> units.Pretraining:
    """The pretraining of one model on one data set at these sizes."""
    fields = {name: getattr(sizes, name) for name in ("samples", "epochs", "batch_size", "learning_rate", "schedule")}
    if sizes.budget == "paper" and model == "vit":
        schedule = "slow_cosine" if sizes.protocol.slow_vit else "warmup_cosine"
        fields |= {"schedule": schedule, "weight_decay": 5e-5}  # the text says 1e-5, its code 5e-5
    available = data.available("validation") if hasattr(data, "available") else math.inf
    fields["validation_samples"] = min(sizes.validation_samples, available)
    return units.Pretraining(data=data, model=model, seed=seed, **{**fields, **changes})


def probes(
    sizes: Sizes,
    trained: units.Pretraining,
    targets: Mapping[str, units.Data],
    samples: Iterable[int] = (),
    **changes: Any,
) -> units.Probes:
    """Linear probes of a pretrained model on targets, for each number of samples; `changes` are to other fields."""
    names = ("validation_samples", "test_samples", "probe_method", "probe_epochs", "redraws")
    fields = {name: getattr(sizes, name) for name in names} | {"probe_batch_size": sizes.batch_size}
    fields |= {"samples": tuple(samples) or (sizes.probe_samples,), "seed": trained.seed, **changes}
    return units.Probes(pretraining=trained, targets=dict(targets), **fields)


ALONE = 20


def baselines(
    sizes: Sizes, start: units.Pretraining, targets: Mapping[str, units.Data], samples: int = 0, **changes: Any
) -> Design:
    """What transfer is compared with, for each target: column `baseline` and, for the target, `probed_on`.

    "untrained" is a probe on a network before its training; "alone" is training from random weights on the images for
    probes, for as many steps as a pretraining has, and at most `ALONE` epochs. The published code's short decay would
    not let that train.
    """
    before, samples = start.model_copy(update={"epochs": 0}), samples or sizes.probe_samples
    planned: Design = [({"baseline": "untrained"}, probes(sizes, before, targets, (samples,), **changes))]
    if sizes.protocol.short_decay:
        return planned
    names = ("validation_samples", "test_samples", "probe_method", "probe_epochs", "batch_size", "learning_rate")
    fields = {name: getattr(sizes, name) for name in names} | changes
    fields |= {"samples": samples, "tuning_epochs": min(ALONE, math.ceil(start.epochs * start.samples / samples))}
    for name, target in targets.items():
        unit = units.FineTuning(pretraining=before, target=target, seed=start.seed, **fields)
        planned.append(({"baseline": "alone", "probed_on": name}, unit))
    return planned
