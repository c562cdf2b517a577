"""Units of work: pretraining, linear probe, sensitivity. Each is a configuration, cached by content.

A unit's `run()` computes once and is read from the cache afterwards, in any process and for any
figure that asks for an equal unit. What a unit needs, it holds: a probe its pretraining.
"""

import hashlib
import time
from pathlib import Path
from typing import Any, ClassVar

import exca
from pydantic import Field, field_validator
from safetensors.torch import load_file, save_file

from invariance import assets, measures, models, training
from invariance.config import Config
from invariance.datasets import Split, Transforms2D
from invariance.errors import check_known
from invariance.files import cache_dir, write_aside
from invariance.models import Classifier
from invariance.training.inference import features_of_keys

VERSION = f"1-{assets.VERSION}"
"""Raise the number when a change of code changes results: older cache entries are then left alone."""

Result = dict[str, Any]


def _infra() -> exca.TaskInfra:
    return exca.TaskInfra(version=VERSION, mode="retry")


def _weights_file(name: str) -> Path:
    return cache_dir() / "weights" / name


class Unit(Config):
    """A cached computation. `device` says where it runs and is not part of its identity."""

    _exclude_from_cls_uid: ClassVar[tuple[str, ...]] = ("device",)

    device: str = "auto"

    def __init__(self, **fields: Any) -> None:
        fields.setdefault("infra", {"folder": cache_dir() / "units"})
        super().__init__(**fields)

    def needs(self) -> list["Unit"]:
        """Units whose results this one reads."""
        return []

    def cost(self) -> float:
        """Rough amount of work, as images that pass through a network; it weighs the progress bar."""
        return 1.0

    def is_whole(self, result: Result) -> bool:
        """Whether the files that a result names are there."""
        return True


class Pretraining(Unit):
    """A model trained on a data set from random weights; `epochs=0` leaves it untrained."""

    data: Transforms2D
    model: str
    samples: int = Field(ge=1)
    validation_samples: int = Field(ge=1)
    epochs: int = Field(ge=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    seed: int = 0
    infra: exca.TaskInfra = _infra()

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str) -> str:
        check_known("model", name, models.MODELS)
        return name

    def cost(self) -> float:
        """Training counts three times: forwards, and backwards for inputs and for weights."""
        return self.epochs * (3 * self.samples + self.validation_samples)

    def is_whole(self, result: Result) -> bool:
        file = _weights_file(result["weights"])
        return file.exists() and file.stat().st_size == result["bytes"]

    def _build(self) -> Classifier:
        return models.build(self.model, len(self.data.class_names()), self.seed)

    @infra.apply
    def run(self) -> Result:
        """Train and save the weights; gives the learning curve, the seconds and the weights' file."""
        from invariance.datasets.module import ImageData  # Lightning takes seconds to load
        from invariance.training.fit import fit

        device = training.pick_device(self.device)
        started, model = time.perf_counter(), self._build()
        source = self.data.generator(device)
        splits = (
            Split(source, self.seed, "pretraining/train", self.samples),
            Split(source, self.seed, "pretraining/validation", self.validation_samples),
        )
        curve = []
        if self.epochs:
            data = ImageData(*splits, self.batch_size, self.seed)
            curve = fit(model, data, self.epochs, self.learning_rate, device)
        name = hashlib.sha256(self.infra.uid().encode()).hexdigest()[:24] + ".safetensors"
        with write_aside(_weights_file(name)) as aside:
            save_file({k: v.contiguous() for k, v in model.state_dict().items()}, aside)
        seconds = time.perf_counter() - started
        size = _weights_file(name).stat().st_size
        return {"curve": curve, "seconds": seconds, "weights": name, "bytes": size, "device": str(device)}

    def trained(self) -> Classifier:
        """The model with its best weights, in evaluation mode, on this unit's device."""
        model = self._build()
        model.load_state_dict(load_file(_weights_file(self.run()["weights"])))
        return model.to(training.pick_device(self.device)).eval()


class LinearProbe(Unit):
    """The accuracy of a new linear head for a target data set on a pretrained backbone."""

    pretraining: Pretraining
    target: Transforms2D
    samples: int = Field(ge=1)
    validation_samples: int = Field(ge=1)
    test_samples: int = Field(ge=1)
    method: str = "adam"
    epochs: int = Field(default=200, ge=1)
    seed: int = 0
    infra: exca.TaskInfra = _infra()

    def needs(self) -> list[Unit]:
        return [self.pretraining]

    def cost(self) -> float:
        return self.samples + self.validation_samples + self.test_samples

    @infra.apply
    def run(self) -> Result:
        """Fit the probe; gives test and validation accuracy as shares, and the seconds."""
        device = training.pick_device(self.device)
        started, model = time.perf_counter(), self.pretraining.trained()
        source = self.target.generator(device)
        counts = {
            "train": self.samples,
            "validation": self.validation_samples,
            "test": self.test_samples,
        }
        data = {
            name: training.features(model, Split(source, self.seed, f"target/{name}", count))
            for name, count in counts.items()
        }
        probe = training.linear_probe(
            data["train"],
            data["validation"],
            classes=len(self.target.class_names()),
            seed=self.seed,
            method=self.method,
            epochs=self.epochs,
        )
        return {
            "accuracy": probe.accuracy(data["test"]),
            "validation_accuracy": probe.validation_accuracy,
            "seconds": time.perf_counter() - started,
            "device": str(device),
        }


class SensitivityTo(Unit):
    """The l2 sensitivity of a model to the transformations of a data set."""

    pretraining: Pretraining
    data: Transforms2D
    pairs: int = Field(ge=2)
    seed: int = 0
    infra: exca.TaskInfra = _infra()

    def needs(self) -> list[Unit]:
        return [self.pretraining]

    def cost(self) -> float:
        return 2 * self.pairs

    @infra.apply
    def run(self) -> Result:
        """Measure; gives the value with its 95 % bootstrap interval, and the seconds."""
        device = training.pick_device(self.device)
        started, model = time.perf_counter(), self.pretraining.trained()
        source = self.data.generator(device)
        content, first, second = measures.pair_keys(source, self.pairs, self.seed)
        x = features_of_keys(model, source, content, transformation=first)
        x_prime = features_of_keys(model, source, content, transformation=second)
        found = measures.sensitivity(x, x_prime, self.seed)
        return {
            "sensitivity": found.value,
            "low": found.low,
            "high": found.high,
            "seconds": time.perf_counter() - started,
            "device": str(device),
        }
