"""Profiles: the sizes at which the experiments run. They change numbers, never the logic."""

from typing import Literal

from IPython.display import HTML
from pydantic import Field

from invariance import tables
from invariance.config import Config
from invariance.errors import check_known


class Profile(Config):
    """Sizes of one profile; samples are numbers of images."""

    name: str
    cost: str
    seeds: int = Field(ge=1)
    model: str
    pretraining_samples: int = Field(ge=1)
    validation_samples: int = Field(ge=1)
    pretraining_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    probe_samples: int = Field(ge=1)
    test_samples: int = Field(ge=1)
    probe_method: Literal["adam", "lbfgs"]
    probe_epochs: int = Field(ge=1)
    pairs: int = Field(ge=2)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            cost="seconds; checks that everything runs, its numbers mean nothing",
            seeds=2,
            model="small",
            pretraining_samples=256,
            validation_samples=128,
            pretraining_epochs=1,
            batch_size=64,
            learning_rate=2e-3,
            probe_samples=256,
            test_samples=256,
            probe_method="lbfgs",
            probe_epochs=1,
            pairs=64,
        ),
        Profile(
            name="quick",
            cost="minutes on two CPU cores; small model, the paper's effects with wider intervals",
            seeds=3,
            model="small",
            pretraining_samples=15_000,
            validation_samples=1_000,
            pretraining_epochs=2,
            batch_size=96,
            learning_rate=3e-3,
            probe_samples=4_000,
            test_samples=4_000,
            probe_method="lbfgs",
            probe_epochs=1,
            pairs=2_000,
        ),
        Profile(
            name="paper",
            cost="the paper's protocol; needs a GPU",
            seeds=10,
            model="resnet18",
            pretraining_samples=50_000,
            validation_samples=10_000,
            pretraining_epochs=50,
            batch_size=512,
            learning_rate=1e-3,
            probe_samples=50_000,
            test_samples=10_000,
            probe_method="adam",
            probe_epochs=200,
            pairs=10_000,
        ),
    )
}


def profile(name: str, **changes: object) -> Profile:
    """A profile by name, with some of its sizes changed: `profile("quick", seeds=1)`."""
    check_known("profile", name, PROFILES)
    return Profile(**{**PROFILES[name].model_dump(), **changes})


def overview() -> HTML:
    """The profiles side by side, for readers."""
    rows = [
        {
            "profile": p.name,
            "model": p.model,
            "pretraining": f"{p.pretraining_samples:,} images",
            "epochs": str(p.pretraining_epochs),
            "seeds": str(p.seeds),
            "what it is for": p.cost,
        }
        for p in PROFILES.values()
    ]
    return tables.show(rows)
