"""Designs: which units an experiment consists of, and what each one's row in the tidy table says.

An experiment is a function of (profile, device) that gives a design, a list of (row, unit); nothing
runs yet. `collect` runs the units and joins each row with its unit's values.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from invariance.experiments import execute
from invariance.experiments.profiles import Profile, Sizes
from invariance.experiments.units import Data, FineTuning, LinearProbe, Pretraining, Unit

Design = list[tuple[dict[str, Any], Unit]]
Experiment = Callable[[Profile, str], Design]


def collect(design: Design, cluster: str | None = None, options: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Run a design's units, on a cluster if one is named; gives its tidy table."""
    execute.run((unit for _, unit in design), cluster, options)
    return pd.DataFrame([{**row, **part} for row, unit in design for part in unit.rows()])


def pretraining(
    sizes: Sizes, data: Data, model: str, seed: int, device: str, samples: int | None = None
) -> Pretraining:
    """The pretraining of one model on one data set."""
    samples = samples or sizes.samples
    return Pretraining(
        data=data,
        model=model,
        samples=samples,
        validation_samples=_at_most(sizes.validation_samples, data),
        epochs=sizes.epochs_for(samples),
        batch_size=sizes.batch_size,
        learning_rate=sizes.learning_rate,
        seed=seed,
        device=device,
    )


def _at_most(wanted: int, data: Data) -> int:
    # Few classes of a data set of fixed size have fewer validation images than all of them.
    return min(wanted, data.available("validation")) if hasattr(data, "available") else wanted


def untrained(trained: Pretraining) -> Pretraining:
    """The same model before its training."""
    return Pretraining(**{**trained.model_dump(exclude={"infra"}), "epochs": 0})


def probe(
    profile: Profile, sizes: Sizes, trained: Pretraining, target: Data, samples: tuple[int, ...] = ()
) -> LinearProbe:
    """The linear probe of a pretrained model on a target, for each number of samples."""
    return LinearProbe(
        pretraining=trained,
        target=target,
        samples=samples or (sizes.probe_samples,),
        validation_samples=sizes.validation_samples,
        test_samples=sizes.test_samples,
        probe_method=profile.probe_method,
        probe_epochs=sizes.probe_epochs,
        probe_batch_size=sizes.batch_size,
        views=sizes.views,
        seed=trained.seed,
        device=trained.device,
    )


def finetuning(
    profile: Profile,
    sizes: Sizes,
    trained: Pretraining,
    target: Data,
    samples: int,
    learning_rate: float | None = None,
) -> FineTuning:
    """Full fine-tuning of a pretrained model on some samples of a target."""
    return FineTuning(
        pretraining=trained,
        target=target,
        samples=samples,
        validation_samples=sizes.tuning_validation_samples,
        test_samples=sizes.test_samples,
        probe_method=profile.probe_method,
        probe_epochs=sizes.probe_epochs,
        probe_batch_size=sizes.batch_size,
        tuning_epochs=sizes.tuning_epochs_for(samples),
        batch_size=sizes.tuning_batch_size,
        learning_rate=learning_rate or sizes.tuning_learning_rate,
        seed=trained.seed,
        device=trained.device,
    )
