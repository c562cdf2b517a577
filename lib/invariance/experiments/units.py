"""Units of work: pretraining, linear probe, fine-tuning, sensitivity. Each is a configuration, cached by content.

A unit's `run()` computes once and is read from the cache afterwards, in any process and for any
figure that asks for an equal unit. What a unit needs, it holds: a probe its pretraining.
"""

import hashlib
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import exca
import torch
from pydantic import Field, field_validator, model_validator
from safetensors.torch import load_file, save

from invariance import measures, models, pictures, training, transforms
from invariance.config import Config
from invariance.datasets import NaturalImages, ObjectsOnImages, Renderer, Split, Transforms2D
from invariance.errors import InputError, check_known
from invariance.files import cache_dir, write_aside
from invariance.models import Classifier
from invariance.training.inference import features_of_keys
from invariance.training.probe import Probe

VERSION = f"4-{pictures.VERSION}"
"""Raise the number when a change of code changes results: older cache entries are then left alone."""

Result = dict[str, Any]
Data = Annotated[Transforms2D | NaturalImages | ObjectsOnImages, Field(discriminator="kind")]


def _infra() -> exca.TaskInfra:
    return exca.TaskInfra(version=VERSION, mode="retry")


def _weights_file(name: str) -> Path:
    return cache_dir() / "weights" / name


def _weights_name(content: bytes) -> str:
    # By content: where two processes train the same model, each result names what it was made with.
    return hashlib.sha256(content).hexdigest() + ".safetensors"


def _is_as_named(file: Path) -> bool:
    return file.exists() and _weights_name(file.read_bytes()) == file.name


def _digest(result: Result) -> str:
    return hashlib.sha256(repr(sorted((k, v) for k, v in result.items() if k != "digest")).encode()).hexdigest()


def _check_available(data: Data, **counts: int) -> None:
    # Some data sets have so many images and no more; found out now, not after a training.
    for part, count in counts.items():
        if hasattr(data, "available") and count > data.available(part):
            raise InputError(
                f"{count:,} {part} images are asked for, and there are {data.available(part):,}: take fewer."
            )


def stored(entry: Path) -> Result:
    """The result in a `job.pkl` of the cache."""
    return pickle.loads(entry.read_bytes()).results()[0]


class Unit(Config):
    """A cached computation. `device` says where it runs and is not part of its identity.

    `made_from` is the fingerprint of the files and of a user's own transformations behind the data: others under the
    same name make another unit.
    """

    _exclude_from_cls_uid: ClassVar[tuple[str, ...]] = ("device",)

    device: str = "auto"
    made_from: str = ""

    def __init__(self, **fields: Any) -> None:
        fields.setdefault("infra", {"folder": cache_dir() / "units"})
        super().__init__(**fields)

    @model_validator(mode="after")
    def _with_fingerprint(self) -> "Unit":
        found = self._fingerprint()
        if self.made_from and self.made_from != found:
            raise InputError("The picture files or transformations changed since this unit was planned: plan it again.")
        if self.made_from != found:  # a unit that has run is frozen
            self.made_from = found
        return self

    @model_validator(mode="after")
    def _possible(self) -> "Unit":
        self._check()
        return self

    def _check(self) -> None:
        """Raise `InputError` for what could only fail, and would after the units that this one needs."""

    def _fingerprint(self) -> str:
        names = {name for part in (self, *self.specs()) for name in getattr(part, "transforms", ())}
        found = [pictures.fingerprint(source) for source in self.sources()] + [transforms.fingerprint(sorted(names))]
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16] if any(found) else ""

    def specs(self) -> list[Data]:
        """The data sets that the unit works on."""
        data = self.target if hasattr(self, "target") else self.data
        return list(data.values()) if isinstance(data, dict) else [data]

    def sources(self) -> list[str]:
        """Where their pictures come from, such as "glyphs" or "folder:PATH"."""
        fields = ("foregrounds", "backgrounds", "images", "source")
        return [getattr(spec, name) for spec in self.specs() for name in fields if hasattr(spec, name)]

    @classmethod
    @cache
    def model_json_schema(cls) -> dict[str, Any]:
        """The schema, made once a class: exca asks for it at every unit, and making it takes tens of milliseconds."""
        return super().model_json_schema()

    def needs(self) -> list["Unit"]:
        """Units whose results this one reads."""
        return []

    def cost(self) -> float:
        """Rough amount of work, as images that pass through a network; it weighs the progress bar."""
        return 1.0

    def configuration(self) -> str:
        """A digest of all fields, defaults included: exca's uid leaves defaults out, and code may change them."""
        fields = self.model_dump_json(exclude={"infra": True, "device": True, "pretraining": {"infra", "device"}})
        return hashlib.sha256(fields.encode()).hexdigest()[:16]

    def is_whole(self, result: Result) -> bool:
        """Whether a result is undamaged and of this very configuration, and its files are there as written."""
        return result["configuration"] == self.configuration() and result["digest"] == _digest(result)

    def result(self) -> Result:
        """What `run` gives.

        What is in the cache is read directly: `run` also parses the configurations there, which takes far longer.
        """
        if self.infra.status() != "completed":
            return self.run()
        return stored(self.infra.uid_folder() / "job.pkl")

    def rows(self) -> list[dict[str, Any]]:
        """The result as parts of tidy rows: measure, value and what tells the rows apart."""
        return []


class Pretraining(Unit):
    """A model trained on a data set from random weights; `epochs=0` leaves it untrained."""

    data: Data
    model: str
    samples: int = Field(ge=1)
    validation_samples: int = Field(ge=1)
    epochs: int = Field(ge=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    seed: int = 0
    infra: exca.TaskInfra = _infra()

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str) -> str:
        check_known("model", name, models.MODELS)
        return name

    def _check(self) -> None:
        _check_available(self.data, train=self.samples, validation=self.validation_samples)

    def cost(self) -> float:
        """Training counts three times: forwards, and backwards for inputs and for weights."""
        return self.epochs * (3 * self.samples + self.validation_samples)

    def is_whole(self, result: Result) -> bool:
        file = _weights_file(result["weights"])
        untouched = file.exists() and file.stat().st_mtime_ns == result["written"]
        return super().is_whole(result) and (untouched or _is_as_named(file))

    def _build(self) -> Classifier:
        return models.build(self.model, len(self.data.class_names()), self.seed)

    @infra.apply
    def run(self) -> Result:
        """Train and save the weights; gives the learning curve, the seconds and the weights' file."""
        from invariance.datasets.module import ImageData  # Lightning takes seconds to load
        from invariance.training.fit import fit, schedule_for

        with _at_work(self) as (device, finished):
            model, source, curve = self._build(), self.data.renderer(device), []
            splits = (
                Split(source, self.seed, "pretraining/train", self.samples),
                Split(source, self.seed, "pretraining/validation", self.validation_samples),
            )
            if self.epochs:
                data = ImageData(*splits, self.batch_size, self.seed)
                curve = fit(model, data, self.epochs, self.learning_rate, device, **schedule_for(self.model))
            content = save({k: v.contiguous() for k, v in model.state_dict().items()})
            file = _weights_file(_weights_name(content))
            with write_aside(file) as aside:
                aside.write_bytes(content)
            return finished(curve=curve, weights=file.name, written=file.stat().st_mtime_ns)

    def trained(self) -> Classifier:
        """The model with its best weights, in evaluation mode, on the unit's device; lost weights are trained again."""
        model, result = self._build(), self.result()
        if not _is_as_named(_weights_file(result["weights"])):
            self.infra.clear_job()
            result = self.run()
        model.load_state_dict(load_file(_weights_file(result["weights"])))
        return model.to(training.pick_device(self.device)).eval()


class Transfer(Unit):
    """Base of what transfers a pretrained model to a target data set and gives its test accuracy."""

    pretraining: Pretraining
    target: Data
    validation_samples: int = Field(ge=1)
    test_samples: int = Field(ge=1)
    probe_method: Literal["adam", "lbfgs"] = "adam"
    probe_epochs: int = Field(default=200, ge=1)
    probe_batch_size: int = Field(default=512, ge=1)
    views: int = Field(default=1, ge=1)
    seed: int = 0

    def _check(self) -> None:
        most = max(self.samples) if isinstance(self.samples, tuple) else self.samples
        _check_available(self.target, train=most, validation=self.validation_samples, test=self.test_samples)

    def needs(self) -> list[Unit]:
        return [self.pretraining]

    def _split(self, part: str, count: int) -> Split:
        return Split(self.target.renderer(training.pick_device(self.device)), self.seed, f"target/{part}", count)

    def _probes(self, model: Classifier, counts: tuple[int, ...]) -> list[Probe]:
        # The first n images of a split are the split of n images, so all counts share their features.
        train = [training.features(model, self._split("train", max(counts)), view) for view in range(self.views)]
        validation = training.features(model, self._split("validation", self.validation_samples))
        classes = len(self.target.class_names())
        trains = [[(x[:n], y[:n]) for x, y in train] for n in counts]
        return training.linear_probes(
            trains,
            [validation] * len(counts),
            classes,
            self.seed,
            method=self.probe_method,
            epochs=self.probe_epochs,
            batch_size=self.probe_batch_size,
        )


class LinearProbe(Transfer):
    """The accuracy of a new linear head for a target data set, for each number of training `samples`."""

    samples: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    infra: exca.TaskInfra = _infra()

    def cost(self) -> float:
        return self.views * max(self.samples) + self.validation_samples + self.test_samples

    @infra.apply
    def run(self) -> Result:
        """Fit the probes; gives test accuracies as shares, one per number of samples."""
        with _at_work(self) as (_, finished):
            model = self.pretraining.trained()
            probes = self._probes(model, self.samples)
            test = training.features(model, self._split("test", self.test_samples))
            return finished(accuracy=[probe.accuracy(test) for probe in probes])

    def rows(self) -> list[dict[str, Any]]:
        found = zip(self.samples, self.result()["accuracy"], strict=True)
        return [{"samples": n, "measure": "accuracy", "value": value} for n, value in found]


class FineTuning(Transfer):
    """The accuracy after training all weights (or low-rank updates) from the linear probe's head."""

    samples: int = Field(ge=1)
    tuning: Literal["full", "lora"] = "full"
    rank: int = Field(default=4, ge=1)
    tuning_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    infra: exca.TaskInfra = _infra()

    def cost(self) -> float:
        passes = self.tuning_epochs * (3 * self.samples + self.validation_samples)
        return passes + self.samples + self.validation_samples + self.test_samples

    @infra.apply
    def run(self) -> Result:
        """Fine-tune; gives the test accuracy as a share."""
        with _at_work(self) as (device, finished):
            model = self.pretraining.trained()
            (probe,) = self._probes(model, (self.samples,))
            tuned = training.finetune(
                model,
                probe.head,
                self._split("train", self.samples),
                self._split("validation", self.validation_samples),
                epochs=self.tuning_epochs,
                learning_rate=self.learning_rate,
                batch_size=self.batch_size,
                device=device,
                seed=self.seed,
                method=self.tuning,
                rank=self.rank,
            )
            return finished(accuracy=training.accuracy(tuned, self._split("test", self.test_samples)))

    def rows(self) -> list[dict[str, Any]]:
        return [{"samples": self.samples, "measure": "accuracy", "value": self.result()["accuracy"]}]


class Sensitivity(Unit):
    """How far a representation moves when one part of the image is exchanged, by every measure.

    `data` are data sets by name, for the column `data` of the rows. `transforms` measures each of these
    alone on each data set; left empty, the data's own transformations (or the part that `vary` names)
    are measured together. `intervals` says whether the rows hold the 95 % intervals over pairs.
    """

    pretraining: Pretraining
    data: dict[str, Data] = Field(min_length=1)
    transforms: tuple[str, ...] = ()
    vary: str = "transformation"
    measured: tuple[Literal["l2", "cosine", "dot", "cka"], ...] = ("l2", "cosine", "dot", "cka")
    intervals: bool = True
    pairs: int = Field(ge=2)
    seed: int = 0
    infra: exca.TaskInfra = _infra()

    def _check(self) -> None:
        transforms.find(self.transforms)
        if "cka" in self.measured and self.pairs < measures.SMALLEST:
            raise InputError(f"CKA of {self.pairs} pairs: it needs at least {measures.SMALLEST}.")
        for data in self.data.values():
            check_known("part", self.vary, data.parts)
            _check_available(data, test=self.pairs)

    def needs(self) -> list[Unit]:
        return [self.pretraining]

    def cost(self) -> float:
        return 2 * self.pairs * len(self.data) * max(len(self.transforms), 1)

    @infra.apply
    def run(self) -> Result:
        """Measure; gives (data, transformation, measure, value, low, high), with "" for the data's own."""
        with _at_work(self) as (device, finished):
            model, rows = self.pretraining.trained(), []
            for (name, data), alone in product(self.data.items(), self.transforms or ("",)):
                chosen = data.model_copy(update={"transforms": (alone,)}) if alone else data
                found = self._measure(model, chosen.renderer(device))
                rows += [(name, alone, _column(k), found[k].value, found[k].low, found[k].high) for k in self.measured]
            return finished(measured=rows)

    def _measure(self, model: Classifier, source: Renderer) -> dict[str, measures.Measured]:
        content, first, second = measures.pair_keys(source, self.pairs, self.seed, self.vary)
        exchanged = {self.vary: torch.cat((first, second))}
        x, x_prime = features_of_keys(model, source, torch.cat((content, content)), **exchanged).chunk(2)
        return measures.measure_all(x, x_prime, self.seed, self.measured, self.intervals)

    def rows(self) -> list[dict[str, Any]]:
        columns = ("data", "transformation", "measure", "value", "low", "high")[: None if self.intervals else 4]
        return [dict(zip(columns, found, strict=False)) for found in self.result()["measured"]]


def _column(measure: str) -> str:
    return measure if measure == "cka" else f"sensitivity_{measure}"


@contextmanager
def _at_work(unit: Unit) -> Iterator[tuple[torch.device, Callable[..., Result]]]:
    """The unit's device, and a function that makes the result from values: also what was computed, where, how long.

    On a CPU there is one thread, so that a unit gives the same result in a pool of processes, alone, and as a job of
    a cluster.
    """
    started, device = time.perf_counter(), training.pick_device(unit.device)

    def finished(**values: Any) -> Result:
        about = {"configuration": unit.configuration(), "hardware": training.hardware(device)}
        result = {**values, **about, "seconds": time.perf_counter() - started}
        return {**result, "digest": _digest(result)}

    with training.threads(device, 1):
        yield device, finished
