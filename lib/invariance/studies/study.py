"""What a study is: a question, sizes for each budget, a design, effects with the paper's values, statements.

A study knows nothing of notebooks. `Study.find` gives its findings, which figures, tables, prose and the ledger read.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from pydantic import Field

from invariance import models, plots, statistics, units
from invariance.config import Config
from invariance.errors import InputError, check_known
from invariance.files import packaged, write_aside
from invariance.protocol import CORRECTED, Protocol, name_of
from invariance.statistics import NOTHING, Estimate, Estimates, PerSeed
from invariance.units import record, store
from invariance.units.run import Design, Outcome
from invariance.units.unit import Values

BUDGETS = {
    "smoke": "seconds; checks that everything runs, its numbers mean nothing",
    "quick": "minutes on two CPU cores: the main effects, with small networks",
    "night": "hours on two CPU cores: small networks trained on many images",
    "paper": "the paper's protocol; needs a GPU",
}
"""The budgets from small to large, and what each is for."""

Count = Annotated[int, Field(ge=1)]
PAPERS_SEEDS = 10


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


# --- statements --------------------------------------------------------------------------------------------

SUPPORTED, NOT_SUPPORTED, NOT_RUN = "supported", "not supported", "not run"
UNDECIDED = "undecided: interval includes the threshold"
ONE_SEED = "undecided: one seed gives no interval"
SYMBOLS = {SUPPORTED: "✓", NOT_SUPPORTED: "✗", UNDECIDED: "?", ONE_SEED: "?", NOT_RUN: "–"}
ANY = "any effect counts: the claim names no size"


@dataclass(frozen=True)
class Statement:
    """One testable part of a claim (1 to 7) of the paper: a named estimate and the threshold that it has to pass.

    It is *supported* if the whole 95 % interval over seeds is on the right side, *not supported* if the whole interval
    is on the wrong side, and undecided otherwise. Without an interval there is no verdict.
    """

    claim: int
    text: str
    estimate: str
    quantity: str
    direction: Literal["above", "below"] = "above"
    threshold: float = 0.0
    reason: str = ANY

    @property
    def rule(self) -> str:
        """The rule in words and signs."""
        return f"{self.quantity} {'>' if self.direction == 'above' else '<'} {self.threshold:g}"

    def holds(self, value: float) -> bool:
        """Whether a value is on the right side of the threshold."""
        return value > self.threshold if self.direction == "above" else value < self.threshold

    def verdict(self, found: Estimate) -> str:
        """The verdict on an estimate."""
        if math.isnan(found.low):
            return ONE_SEED if found.n else NOT_RUN
        sign = 1 if self.direction == "above" else -1
        ends = [sign * (end - self.threshold) for end in (found.low, found.high)]
        return SUPPORTED if min(ends) > 0 else NOT_SUPPORTED if max(ends) < 0 else UNDECIDED


# --- studies and their findings --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Study:
    """One study, named like its module.

    Functions take a tidy table, ours or the paper's, so that both are read by the same rules. `design(sizes)` lists the
    units with the columns of their rows; `effects(table)` gives named effects, one value a seed; `texts(findings)`
    sentences and names for the chapter's prose. NAME.yaml beside the module has its sizes, its statements and
    effects that the paper prints itself; paper/NAME.csv has the paper's values.
    """

    name: str
    sizes: Mapping[str, Sizes]
    design: Callable[[Any], Design]
    effects: Callable[[pd.DataFrame], Mapping[str, PerSeed]]
    figures: Mapping[str, Callable[["Findings"], Figure]] = field(default_factory=dict)
    tables: Mapping[str, Callable[["Findings"], HTML]] = field(default_factory=dict)
    texts: Callable[["Findings"], Mapping[str, str]] = lambda found: {}

    @property
    def statements(self) -> list[Statement]:
        """Its statements; a study may make none."""
        return [Statement(**one) for one in packaged(f"studies/{self.name}.yaml").get("statements", ())]

    @cached_property
    def paper(self) -> pd.DataFrame:
        """The paper's values as a tidy table, perhaps without rows; NaN where its plots hide a mark."""
        file = resources.files("invariance.studies") / "paper" / f"{self.name}.csv"
        return pd.read_csv(file, comment="#") if file.is_file() else pd.DataFrame({"value": []})

    def at(self, budget: str, seeds: int | str = 0, model: str = "", **changes: Any) -> Sizes:
        """The sizes of a budget with some of them changed; 0, "" and None change nothing.

        `seeds` is how many, or "paper" for the paper's ten; `model` stands in for all of the paper's; `protocol` may be
        given by its name. Raises `InputError` for an unknown budget, model, protocol or size.
        """
        check_known("budget", budget, BUDGETS)
        if seeds == "paper":
            seeds, changes = PAPERS_SEEDS, {**changes, "tasks": "paper"}
        given = {name: value for name, value in {"seeds": seeds, **changes}.items() if value not in (0, "", None)}
        if model:
            given["models"] = (model,) * 5
        sizes = type(self.sizes[budget])(**{**self.sizes[budget].model_dump(), **given})
        for name in sizes.models:
            check_known("model", name, models.MODELS)
        return sizes

    def find(self, sizes: Sizes, device: str = "auto", show: str = "auto") -> "Findings":
        """The findings that a chapter shows.

        `show` is "own" (run, or read what was run before), "published" (the record, the largest budget first) or
        "auto": what was published at the budget `paper`, where there is that and the sizes are those of `quick`, else
        the reader's own run. Raises `InputError` for another word, and where nothing of it is to be had.
        """
        check_known("value of show", show, ("auto", "own", "published"))
        usual = sizes == self.at("quick", protocol=sizes.protocol)
        wanted = {"own": (), "published": tuple(BUDGETS)[:0:-1]}.get(show, ("paper",) * usual)
        for budget in wanted:
            found = self.published(budget, sizes.protocol)
            if found.runs:
                return found
        if show == "published":
            raise InputError(f"Nothing of {self.name!r} is published in {record.results_dir()}: run it (show='own').")
        return self.own(sizes, device)

    def own(
        self, sizes: Sizes, device: str = "auto", known: Mapping[str, Values] | None = None, **where: Any
    ) -> "Findings":
        """Run what is missing, as `units.run` does; results that are `known`, by digest, are taken as they are."""
        design, known = self.design(sizes), known or {}
        outcome = units.run((unit for _, unit in design), device, known=known, **where)
        return self._read(sizes, design, lambda unit: known.get(unit.digest) or store.read(unit), outcome)

    def published(self, budget: str, protocol: Protocol = CORRECTED) -> "Findings":
        """What the record has at a budget under a protocol, without running anything; perhaps nothing."""
        sizes, known = self.at(budget, protocol=protocol), record.read(record.path(budget, protocol))
        return self._read(sizes, self.design(sizes), lambda unit: known.get(unit.digest), Outcome())

    def _read(self, sizes: Sizes, design: Design, result: Callable[[units.Unit], Any], outcome: Outcome) -> "Findings":
        found = {unit.digest: result(unit) for task in units.planned(unit for _, unit in design) for unit in task}
        return Findings(self, sizes, design, {digest: run for digest, run in found.items() if run}, outcome)

    def papers(self) -> Mapping[str, PerSeed]:
        """The paper's effects, of one value each."""
        table, printed = self.paper.dropna(subset="value"), packaged(f"studies/{self.name}.yaml").get("paper", {})
        found = dict(self.effects(table)) if len(table) else {}
        return found | {name: pd.Series({0: value}) for name, value in printed.items()}


@dataclass(frozen=True)
class Findings:
    """A study's results at one size: the tidy table, named estimates, and where they come from."""

    study: Study
    sizes: Any  # the study's own kind of `Sizes`
    design: Design
    runs: record.Record
    outcome: Outcome

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tidy table: a row a value, of the units whose results are there.

        Where the design gives a value to a column of a unit's own rows, it means the rows with that value.
        """
        protocol = name_of(self.sizes.protocol)
        rows = [
            {"study": self.study.name, "protocol": protocol, **columns, **part, "seed": unit.seed}
            for columns, unit in self.design
            if unit.digest in self.runs
            for part in unit.rows(self.runs[unit.digest]["values"])
            if all(part[name] == value for name, value in columns.items() if name in part)
        ]
        if not rows:
            raise InputError(f"Nothing of {self.study.name} could be computed. {self.outcome}")
        return pd.DataFrame(rows)

    @cached_property
    def estimates(self) -> Estimates:
        """Every effect of the study with its interval, beside the paper's value what ours is if taken as that was."""
        pooled = self.study.effects(with_pooled(self.table))
        ours = pooled if self.sizes.protocol.pooled_accuracy else self.study.effects(self.table)
        return statistics.estimates(ours, self.study.papers(), pooled)

    @cached_property
    def papers_alone(self) -> Estimates:
        """The paper's effects that this run has not: they have no value of ours."""
        every = {name: statistics.estimate(values).value for name, values in self.study.papers().items()}
        return {name: replace(NOTHING, paper=value) for name, value in every.items() if name not in self.estimates}

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates.get(name) or self.papers_alone.get(name, NOTHING)

    def verdicts(self) -> dict[Statement, tuple[Estimate, str]]:
        """Each statement of the study with its estimate and verdict."""
        return {s: (self[s.estimate], s.verdict(self[s.estimate])) for s in self.study.statements}

    def figure(self, name: str, **options: Any) -> Figure:
        """One of the study's figures, in the book's look."""
        check_known("figure", name, self.study.figures)
        return plots.detached(self.study.figures[name])(self, **options)

    def save_table(self, path: Path) -> None:
        """Write the table as CSV, whole or not at all."""
        with write_aside(path) as aside:
            self.table.to_csv(aside, index=False, float_format="%.6g")

    def show(self, name: str) -> HTML:
        """One of the study's tables, for readers."""
        check_known("table", name, self.study.tables)
        return self.study.tables[name](self)

    @property
    def missing(self) -> int:
        """How many of the study's units have no result."""
        return len({unit.digest for _, unit in self.design} - self.runs.keys())

    @property
    def seconds(self) -> float:
        """Computing time of all results, as one process alone would need it."""
        return sum(run["seconds"] for run in self.runs.values())

    @property
    def hardware(self) -> str:
        """What the results were computed on."""
        return " and ".join(sorted({run["facts"]["hardware"] for run in self.runs.values()}))

    def caption(self, rows: pd.DataFrame | None = None) -> str:
        """Budget, seeds, hardware and pictures in a line, for the rows that a figure shows, by default all."""
        seeds = (self.table if rows is None else rows)["seed"].nunique()
        lack = f", {self.missing} of {len(self.design)} units missing" if self.missing else ""
        pictures = {"embedded": "drawn pictures", "paper": "the paper's pictures"}[self.sizes.pictures]
        count = f"{seeds} seed{'s' * (seeds != 1)}"
        protocol = f"protocol {name_of(self.sizes.protocol)}"
        return f"budget {self.sizes.budget}, {protocol}, {count}, {self.hardware}, {pictures}{lack}"

    def numbers(self) -> dict[str, str]:
        """Everything that prose can name, as text: estimates, sizes, the paper's sizes, and the study's own texts.

        For each estimate: `name` with its interval, `name.value` and `name.paper` alone; what only the paper has, too.
        """
        found = {}
        for name, one in {**self.papers_alone, **self.estimates}.items():
            found |= {name: str(one), f"{name}.value": f"{one:.{one.digits}f}", f"{name}.paper": f"{one:.2p}"}
        for beginning, sizes in (("sizes", self.sizes), ("paper", self.study.sizes["paper"])):
            found |= {f"{beginning}.{name}": _shown(value) for name, value in sizes.model_dump().items()}
        about = {"protocol": name_of(self.sizes.protocol), "run": self.caption(), "model": self.sizes.model}
        about["seconds"] = f"{self.seconds:,.0f}"
        return {**found, **about, **self.study.texts(self)}


def with_pooled(table: pd.DataFrame) -> pd.DataFrame:
    """The table with accuracies as the published code has them: of all splits' images together, mean over classes."""
    if "macro" not in table:
        return table
    pooled = table[table["split"] == "pooled"]
    rest = table[~table["split"].isin(["test", "pooled"])]
    return pd.concat([rest, pooled.assign(split="test", value=pooled["macro"])])


def _shown(value: Values) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def overview(study: Study) -> HTML:
    """The budgets of a study side by side, for readers."""
    rows = [
        {"budget": name, "model": sizes.model, "pretraining": f"{sizes.samples:,} images", "epochs": f"{sizes.epochs}"}
        | {"seeds": f"{sizes.seeds}", "what it is for": BUDGETS[name]}
        for name, sizes in study.sizes.items()
    ]
    return plots.table(rows)
