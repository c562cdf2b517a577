"""Profiles: the sizes at which the experiments run. They change numbers, never the logic."""

from typing import Annotated, Literal

from IPython.display import HTML
from pydantic import Field

from invariance import models, tables
from invariance.config import Config
from invariance.errors import InputError, check_known

Count = Annotated[int, Field(ge=1)]


class Sizes(Config):
    """Sizes of one experiment. Samples are numbers of images.

    Pretraining takes `epochs` passes, or more where `least_images` would not be seen otherwise;
    fine-tuning likewise. `views` is how many draws of the transformations a probe's features cover,
    `models` and `transforms` how many of the models and of the 18 transformations take part. The main
    part of an experiment has `seed_factor` times the profile's seeds: the probes of the class relationship (and
    their models' sensitivities), objects at their fixed place on natural images, and the first model of the mismatch.
    """

    samples: Count
    validation_samples: Count
    epochs: Count
    least_images: int = Field(default=0, ge=0)
    batch_size: Count
    learning_rate: float = Field(gt=0)
    probe_samples: Count
    probe_epochs: Count = 200
    views: Count = 1
    test_samples: Count
    pretraining_levels: tuple[Count, ...] = ()
    finetuning_levels: tuple[float, ...] = ()
    few: float = 0
    many: float = 0
    tuning_epochs: Count = 50
    tuning_least_images: int = Field(default=0, ge=0)
    tuning_batch_size: Count = 512
    tuning_validation_samples: Count = 10_000
    tuning_learning_rate: float = Field(default=1e-3, gt=0)
    models: int = Field(default=5, ge=1, le=5)
    seed_factor: Count = 1
    correlations: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.85, 0.9, 0.95, 1.0)
    availabilities: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    transforms: int = Field(default=18, ge=2, le=18)
    pairs: int = Field(default=10_000, ge=2)

    def epochs_for(self, samples: int) -> int:
        """Epochs of pretraining on this many images."""
        return max(self.epochs, -(-self.least_images // samples))

    def tuning_epochs_for(self, samples: int) -> int:
        """Epochs of fine-tuning on this many images."""
        return max(self.tuning_epochs, -(-self.tuning_least_images // samples))


class Profile(Config):
    """The sizes of every experiment, the number of seeds and the models.

    `models` stands for the paper's five, in the order ResNet-18, ResNet-50, DenseNet-121, VGG-11, ViT.
    `pictures` is "embedded" (drawn by code) or "paper" (its objects and photographs, and CIFAR).
    For the factors, samples on natural images are counts and shares *per class*.
    """

    name: str
    cost: str
    seeds: Count
    models: tuple[str, str, str, str, str]
    pictures: Literal["embedded", "paper"] = "embedded"
    probe_method: Literal["adam", "lbfgs"]
    factors: Sizes
    natural10: Sizes
    natural100: Sizes
    relevance: Sizes
    invariance_transfer: Sizes
    mismatch: Sizes

    @property
    def model(self) -> str:
        """The default model, in the place of ResNet-18."""
        return self.models[0]

    @property
    def foregrounds(self) -> str:
        """Where objects come from."""
        return {"embedded": "glyphs", "paper": "hub:tillspeicher/transforms_2d_base"}[self.pictures]

    @property
    def backgrounds(self) -> str:
        """Where backgrounds come from."""
        return {"embedded": "scenes", "paper": "hub:tillspeicher/transforms_2d_base"}[self.pictures]

    @property
    def natural(self) -> dict[str, str]:
        """The natural images that play CIFAR-10 and CIFAR-100."""
        stand_in = {"cifar10": "scenes10", "cifar100": "scenes100"}
        return stand_in if self.pictures == "embedded" else {name: name for name in stand_in}


def _sizes(base: dict, **changes: object) -> Sizes:
    return Sizes(**{**base, **changes})


_SMOKE = {
    "samples": 256,
    "validation_samples": 128,
    "epochs": 1,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "probe_samples": 256,
    "probe_epochs": 1,
    "test_samples": 256,
    "tuning_epochs": 1,
    "tuning_batch_size": 64,
    "tuning_validation_samples": 64,
    "pairs": 32,
}
_SMOKE_NATURAL = {"finetuning_levels": (0.005, 0.01), "few": 0.005, "many": 0.01, "test_samples": 128, "models": 1}
_QUICK = {
    "samples": 5_000,
    "validation_samples": 400,
    "epochs": 2,
    "batch_size": 96,
    "learning_rate": 3e-3,
    "probe_samples": 2_000,
    "probe_epochs": 1,
    "test_samples": 1_500,
    "tuning_epochs": 2,
    "tuning_least_images": 1_200,
    "tuning_batch_size": 64,
    "tuning_validation_samples": 150,
    "pairs": 500,
}
_QUICK_NATURAL = {
    "epochs": 3,
    "least_images": 4_800,
    "seed_factor": 2,
    "tuning_least_images": 1_000,
    "finetuning_levels": (0.01, 0.02, 0.05, 0.1),
    "few": 0.01,
    "many": 0.05,
    "models": 1,
}
_PAPER = {
    "samples": 50_000,
    "validation_samples": 10_000,
    "epochs": 50,
    "batch_size": 512,
    "learning_rate": 1e-3,
    "probe_samples": 50_000,
    "test_samples": 10_000,
}
_PAPER_NATURAL = {
    **_PAPER,
    "validation_samples": 2_500,
    "finetuning_levels": (0.01, 0.05, 0.1, 0.5, 1.0),
    "few": 0.01,
    "many": 0.1,
    "views": 10,
    "tuning_validation_samples": 2_500,
    "test_samples": 5_000,
}

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            cost="seconds; checks that everything runs, its numbers mean nothing",
            seeds=2,
            models=("small", "small_resnet", "small_densenet", "small_vgg", "small_vit"),
            probe_method="lbfgs",
            factors=_sizes(_SMOKE, pretraining_levels=(64, 256), finetuning_levels=(16, 32), few=16, many=32, models=2),
            natural10=_sizes(_SMOKE, **_SMOKE_NATURAL, samples=20, probe_samples=20, pretraining_levels=(10, 20)),
            natural100=_sizes(_SMOKE, **_SMOKE_NATURAL, samples=2, probe_samples=2, pretraining_levels=(2,)),
            relevance=_sizes(_SMOKE, correlations=(0.0, 1.0), availabilities=(0.0, 1.0)),
            invariance_transfer=_sizes(_SMOKE, models=1, transforms=3, samples=64, pairs=8),
            mismatch=_sizes(_SMOKE, models=1, transforms=3, samples=64, probe_samples=64, test_samples=64),
        ),
        Profile(
            name="quick",
            cost="minutes on two CPU cores; small models, wide intervals, and some effects do not show: see the ledger",
            seeds=3,
            models=("small", "small_resnet", "small_densenet", "small_vgg", "small_vit"),
            probe_method="lbfgs",
            factors=_sizes(
                _QUICK,
                least_images=5_000,
                seed_factor=2,
                pretraining_levels=(100, 1_000, 5_000, 10_000),  # the same shares of the default as the paper's
                finetuning_levels=(50, 200, 500, 1_000, 2_000),
                few=200,
                many=1_000,
            ),
            natural10=_sizes(
                _QUICK, **_QUICK_NATURAL, samples=480, probe_samples=200, pretraining_levels=(8, 20, 60, 180, 480)
            ),
            natural100=_sizes(
                _QUICK, **_QUICK_NATURAL, samples=48, probe_samples=20, pretraining_levels=(2, 6, 12, 27, 48)
            ),
            relevance=_sizes(
                _QUICK,
                samples=3_000,
                epochs=3,
                probe_samples=1_000,
                test_samples=1_000,
                seed_factor=2,
                correlations=(0.0, 0.4, 0.8, 0.95, 1.0),
                availabilities=(0.0, 0.4, 1.0),
            ),
            invariance_transfer=_sizes(_QUICK, samples=2_500, pairs=48, models=1),
            mismatch=_sizes(
                _QUICK, samples=4_000, probe_samples=1_000, test_samples=800, models=2, transforms=8, seed_factor=2
            ),
        ),
        Profile(
            name="paper",
            cost="the paper's protocol; needs a GPU",
            seeds=10,
            models=("resnet18", "resnet50", "densenet121", "vgg11", "vit"),
            probe_method="adam",
            factors=_sizes(
                _PAPER,
                pretraining_levels=(1_000, 10_000, 50_000, 100_000, 500_000),
                finetuning_levels=(50, 200, 500, 2_000, 5_000),
                few=200,
                many=2_000,
            ),
            natural10=_sizes(
                _PAPER_NATURAL, samples=4_500, probe_samples=4_500, pretraining_levels=(10, 50, 200, 1_000, 4_500)
            ),
            natural100=_sizes(
                _PAPER_NATURAL, samples=450, probe_samples=450, pretraining_levels=(10, 50, 100, 250, 450)
            ),
            relevance=_sizes(
                _PAPER,
                samples=45_000,
                validation_samples=5_000,
                epochs=200,
                probe_samples=45_000,
                probe_epochs=100,
                views=10,
            ),
            invariance_transfer=_sizes(_PAPER, models=4),
            mismatch=_sizes(_PAPER, epochs=100, batch_size=256, models=4, transforms=8),
        ),
    )
}


def profile(name: str, **changes: object) -> Profile:
    """A profile by name, with some of it changed: `profile("quick", seeds=1, factors={"epochs": 5})`."""
    check_known("profile", name, PROFILES)
    fields = PROFILES[name].model_dump()
    for field, value in changes.items():
        nested = isinstance(fields.get(field), dict)
        if nested and not isinstance(value, dict):
            raise InputError(f"Profile: {field} is a group of sizes: give a dict, such as {{'epochs': 5}}.")
        fields[field] = {**fields[field], **value} if nested else value
    return Profile(**fields)


def chosen(name: str, seeds: int = 0, **changes: object) -> Profile:
    """A chapter's profile: by name, with `seeds` where it is not 0, and other changes that are not None."""
    given = {field: value for field, value in changes.items() if value is not None}
    found = profile(name, **({"seeds": seeds} if seeds else {}), **given)
    for model in found.models:
        check_known("model", model, models.MODELS)
    return found


def overview() -> HTML:
    """The profiles side by side, for readers."""
    rows = [
        {
            "profile": p.name,
            "model": p.model,
            "pretraining": f"{p.factors.samples:,} images",
            "epochs": str(p.factors.epochs),
            "seeds": str(p.seeds),
            "what it is for": p.cost,
        }
        for p in PROFILES.values()
    ]
    return tables.show(rows)
