"""The four kinds of units: pretraining, linear probes, fine-tuning, sensitivity.

The last three need a pretraining, and read its model, which stays in memory from one to the next.
"""

from functools import lru_cache
from itertools import groupby, product
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, field_validator

from invariance import measures, models, training, transforms
from invariance.datasets import Renderer, Split
from invariance.datasets.pairs import pair_keys
from invariance.errors import InputError, check_known
from invariance.models import Classifier
from invariance.protocol import Protocol, name_of
from invariance.training.inference import features_of_keys
from invariance.training.probe import Labelled, Probe
from invariance.units import store
from invariance.units.unit import Data, Unit, Values, check_available

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
SPLITS = ("train", "validation", "test")
COMPILED = 1e6
"""Trainings that cost as much are compiled on a GPU: smaller ones are over before the compiler is."""


class Pretraining(Unit, frozen=True):
    """A model trained on a data set from random weights; `epochs=0` leaves it untrained."""

    data: Data
    model: str
    samples: Count
    validation_samples: Count
    epochs: int = Field(ge=0)
    batch_size: Count
    learning_rate: Rate
    schedule: Literal["constant", "linear", "warmup_cosine", "slow_cosine"] = "constant"
    weight_decay: float = Field(default=0.0, ge=0)

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str) -> str:
        check_known("model", name, models.MODELS)
        return name

    def model_post_init(self, context: object) -> None:
        check_available(self.data, train=self.samples, validation=self.validation_samples)

    def data_sets(self) -> list[Data]:
        return [self.data]

    def cost(self) -> float:
        """Training counts three times: forwards, and backwards for inputs and for weights."""
        return self.epochs * (3 * self.samples + self.validation_samples)

    def build(self) -> Classifier:
        """The model before its training."""
        return models.build(self.model, len(self.data.class_names()), self.seed)

    def compute(self, device: torch.device) -> Values:
        """The learning curve, and the name of the weights that are kept."""
        from invariance.datasets.module import ImageData  # Lightning takes seconds to load
        from invariance.training.fit import fit

        model, curve = self.build(), []
        if self.epochs:
            renderer = self.data.renderer(device)
            train = Split(renderer, self.seed, "pretraining/train", self.samples)
            validation = Split(renderer, self.seed, "pretraining/validation", self.validation_samples)
            how: dict[str, Any] = {
                "schedule": self.schedule,
                "weight_decay": self.weight_decay,
                "keep": _kept(self.data.protocol),
                **_fast(self, device),
            }
            data = ImageData(train, validation, self.batch_size, self.seed)
            curve = fit(model, data, self.epochs, self.learning_rate, device, **how)
        kept = ("epoch", "loss", "accuracy", "learning_rate")  # what another run would repeat
        curve = [{name: row[name] for name in kept} for row in curve]
        return {"curve": curve, "weights": store.write_weights(model.state_dict())}

    def trained(self, device: str | torch.device = "auto") -> Classifier:
        """The model after its training, in evaluation mode: read where it is kept, else trained now."""
        return trained_model(self, training.pick_device(device))

    def rows(self, values: Values) -> list[Values]:
        return [{"measure": "validation_accuracy", "value": values["curve"][-1]["accuracy"]}] if self.epochs else []


def _fast(unit: Unit, device: torch.device) -> dict[str, bool]:
    # What of `fit` makes a training faster on a GPU; its results are compared within a tolerance anyway.
    return {"compile": device.type == "cuda" and unit.cost() >= COMPILED, "bitwise": False}


def _kept(protocol: Protocol) -> str:
    return "last" if protocol.last_epoch else "best"


def untrained(trained: Pretraining) -> Pretraining:
    """The same model before its training."""
    return trained.model_copy(update={"epochs": 0})


def trained_model(unit: Pretraining, device: torch.device) -> Classifier:
    """The model of a pretraining, in evaluation mode. What is kept is read, what is not is trained."""
    return _trained_model(unit, unit.digest, device)  # equal units may hang on transformations that have changed


@lru_cache(maxsize=1)  # what hangs on one pretraining runs together
def _trained_model(unit: Pretraining, digest: str, device: torch.device) -> Classifier:
    from invariance.units.run import compute  # it runs every kind of unit, and this is in two of them

    model = unit.build()
    if unit.epochs:
        try:
            weights = store.read_weights(compute(unit, device)["values"]["weights"])
        except (OSError, ValueError):  # lost or damaged: trained again
            store.result_file(unit).unlink()
            weights = store.read_weights(compute(unit, device)["values"]["weights"])
        model.load_state_dict(weights)
    return model.to(device).eval()


class _Transfer(Unit, frozen=True):
    # What linear probes and fine-tuning share: a pretrained model, sizes of the splits, how a probe is fitted.
    pretraining: Pretraining
    validation_samples: Count
    test_samples: Count
    probe_method: Literal["adam", "lbfgs"] = "adam"
    probe_epochs: Count = 200
    probe_batch_size: Count = 512
    redraws: Count = 1
    """How many draws of the transformations the features of the training images cover."""

    def model_post_init(self, context: object) -> None:
        for target in self.data_sets():
            if target.protocol != self.protocol:
                names = " and ".join(name_of(protocol) for protocol in (self.protocol, target.protocol))
                raise InputError(f"Pretraining and target follow different protocols, {names}: use one.")
            check_available(target, train=self._most(), validation=self.validation_samples, test=self.test_samples)

    @property
    def protocol(self) -> Protocol:
        """That of the pretraining's data, which the targets share."""
        return self.pretraining.data.protocol

    def needs(self) -> Pretraining:
        return self.pretraining

    def _most(self) -> int:
        # The largest number of training images of a target.
        raise NotImplementedError

    def _slow(self) -> Values:
        # The published code's ViT trains everywhere as in pretraining, and by batches in probes too.
        trained = self.pretraining
        if not (self.protocol.slow_vit and trained.schedule == "slow_cosine"):
            return {}
        return {"schedule": trained.schedule, "weight_decay": trained.weight_decay}

    def _split(self, target: Data, split: str, count: int, device: torch.device) -> Split:
        return Split(target.renderer(device), self.seed, f"target/{split}", count)

    def _features(self, model: Classifier, target: Data, count: int, device: torch.device) -> dict[str, list[Labelled]]:
        train = self._split(target, "train", count, device)
        validation = self._split(target, "validation", self.validation_samples, device)
        test = self._split(target, "test", self.test_samples, device)
        found = {"train": [training.features(model, train, redraw) for redraw in range(self.redraws)]}
        return found | {s.name.split("/")[1]: [training.features(model, s)] for s in (validation, test)}

    def _fit(self, features: list[dict[str, list[Labelled]]], counts: list[int], classes: int) -> list[Probe]:
        # The first n images of a split are the split of n images, so all counts share their features.
        trains = [[(x[:n], y[:n]) for x, y in of["train"]] for of, n in zip(features, counts, strict=True)]
        validations = [of["validation"][0] for of in features]
        how: dict[str, Any] = {
            "method": self.probe_method,
            "epochs": self.probe_epochs,
            "batch_size": self.probe_batch_size,
        }
        how |= {"keep": _kept(self.protocol), **self._slow()}
        return training.linear_probes(trains, validations, classes, self.seed, **how)


class Probes(_Transfer, frozen=True):
    """Accuracies of new linear heads on one pretrained model: one for each target and number of `samples`."""

    targets: dict[str, Data] = Field(min_length=1)
    samples: tuple[Count, ...] = Field(min_length=1)

    def data_sets(self) -> list[Data]:
        return list(self.targets.values())

    def _most(self) -> int:
        return max(self.samples)

    def cost(self) -> float:
        each = self.redraws * max(self.samples) + self.validation_samples + self.test_samples
        return each * len(self.targets)

    def compute(self, device: torch.device) -> Values:
        """Accuracies (shares) by target, number of samples and split: micro, and macro over classes.

        The split "pooled" is the images of the three together.
        """
        model = trained_model(self.pretraining, device)
        found = []
        by_classes = groupby(sorted(self.targets, key=self._classes), self._classes)  # these are fitted together
        for classes, names in ((classes, list(group)) for classes, group in by_classes):
            seen = {
                (name, n): self._features(model, self.targets[name], n, device)
                for name, n in product(names, {self._images_behind(n) for n in self.samples})
            }
            heads = list(product(names, self.samples))
            features = [seen[name, self._images_behind(n)] for name, n in heads]
            probes = self._fit(features, [n for _, n in heads], classes)
            for (name, n), of, probe in zip(heads, features, probes, strict=True):
                first = {split: redraws[0] for split, redraws in of.items()}
                first["train"] = first["train"][0][:n], first["train"][1][:n]
                found += [[name, n, *row] for row in _accuracies(probe, first)]
        return {"accuracies": found}

    def _images_behind(self, count: int) -> int:
        # How many images have the features of which so many are taken: all counts share them, save where the draws of
        # the first epoch are dealt anew among the images that there are.
        dealt = self.protocol.repeated_draws and self.redraws > 1
        return count if dealt else self._most()

    def _classes(self, name: str) -> int:
        return len(self.targets[name].class_names())

    def rows(self, values: Values) -> list[Values]:
        columns = ("probed_on", "samples", "split", "value", "macro")
        return [{"measure": "accuracy", **dict(zip(columns, row, strict=True))} for row in values["accuracies"]]


def _accuracies(probe: Probe, splits: dict[str, Labelled]) -> list[list[str | float]]:
    # "pooled" takes all images together, as the published code does for what it reports as test accuracy.
    images, labels = zip(*splits.values(), strict=True)
    pooled = torch.cat(images), torch.cat(labels)
    of = {**{name: splits[name] for name in SPLITS}, "pooled": pooled}
    return [[name, probe.accuracy(data), probe.macro(data)] for name, data in of.items()]


class FineTuning(_Transfer, frozen=True):
    """The accuracy after training all weights, from the head of a linear probe on `head_samples` images.

    By default these are the same images.
    """

    target: Data
    samples: Count
    head_samples: int = Field(default=0, ge=0)
    tuning_epochs: Count
    batch_size: Count
    learning_rate: Rate

    def data_sets(self) -> list[Data]:
        return [self.target]

    def _most(self) -> int:
        return max(self.samples, self.head_samples)

    def cost(self) -> float:
        passes = self.tuning_epochs * (3 * self.samples + self.validation_samples)
        return passes + self.samples + self.validation_samples + self.test_samples

    def compute(self, device: torch.device) -> Values:
        """Accuracies (shares) on training, validation and test images and on all: micro, and macro over classes."""
        model = trained_model(self.pretraining, device)
        head_samples = self.head_samples or self.samples
        features = self._features(model, self.target, head_samples, device)
        (probe,) = self._fit([features], [head_samples], len(self.target.class_names()))
        counts = {"train": self.samples, "validation": self.validation_samples, "test": self.test_samples}
        splits = {split: self._split(self.target, split, count, device) for split, count in counts.items()}
        how: dict[str, Any] = {
            "schedule": "decay_in_5" if self.protocol.short_decay else "linear",
            "keep": _kept(self.protocol),
            **self._slow(),
            **_fast(self, device),
        }
        tuned = training.finetune(
            model,
            probe.head,
            splits["train"],
            splits["validation"],
            epochs=self.tuning_epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            device=device,
            seed=self.seed,
            **how,
        )
        end = Probe(tuned.head, probe.validation_accuracy)
        return {"accuracies": _accuracies(end, {name: training.features(tuned, s) for name, s in splits.items()})}

    def rows(self, values: Values) -> list[Values]:
        columns = ("split", "value", "macro")
        about = {"measure": "accuracy", "samples": self.samples}
        return [{**about, **dict(zip(columns, row, strict=True))} for row in values["accuracies"]]


class Sensitivity(Unit, frozen=True):
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

    def model_post_init(self, context: object) -> None:
        transforms.find(self.transforms)
        if "cka" in self.measured and self.pairs < measures.SMALLEST:
            raise InputError(f"CKA of {self.pairs} pairs: it needs at least {measures.SMALLEST}.")
        for data in self.data.values():
            check_known("part", self.vary, data.parts)
            check_available(data, test=self.pairs)

    def needs(self) -> Pretraining:
        return self.pretraining

    def data_sets(self) -> list[Data]:
        return list(self.data.values())

    def cost(self) -> float:
        return 2 * self.pairs * len(self.data) * max(len(self.transforms), 1)

    def compute(self, device: torch.device) -> Values:
        """(data, transformation, measure, value, low, high), with "" for the data's own transformations."""
        model, rows = trained_model(self.pretraining, device), []
        for (name, data), alone in product(self.data.items(), self.transforms or ("",)):
            chosen = data.model_copy(update={"transforms": (alone,)}) if alone else data
            measured = models.with_maps(model) if data.protocol.densenet_maps else model
            found = self._measure(measured, chosen.renderer(device))
            for kind in self.measured:
                ends = (found[kind].low, found[kind].high) if self.intervals else ()
                rows.append([name, alone, _column(kind), found[kind].value, *ends])
        return {"measured": rows}

    def _measure(self, model: Classifier, renderer: Renderer) -> dict[str, measures.Measured]:
        content, first, second = pair_keys(renderer, self.pairs, self.seed, self.vary)
        exchanged = {self.vary: torch.cat((first, second))}
        x, x_prime = features_of_keys(model, renderer, torch.cat((content, content)), **exchanged).chunk(2)
        return measures.measure_all(x, x_prime, self.seed, self.measured, self.intervals)

    def rows(self, values: Values) -> list[Values]:
        columns = ("data", "transformation", "measure", "value", "low", "high")
        return [{"split": "pairs", **dict(zip(columns, row, strict=False))} for row in values["measured"]]


def _column(measure: str) -> str:
    return measure if measure == "cka" else f"sensitivity_{measure}"
