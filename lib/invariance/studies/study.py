"""What a study is: a question, sizes for each budget, a design, effects with the paper's values, statements.

A study knows nothing of notebooks. `Study.find` gives its findings, which figures, tables, prose and the ledger read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import models, plots, statistics, units
from invariance.errors import InputError, check_known
from invariance.files import packaged, write_aside
from invariance.protocol import CORRECTED, Protocol, name_of
from invariance.statistics import NOTHING, Estimate, Estimates, PerSeed
from invariance.studies.sizes import BUDGETS, PAPERS_SEEDS, Sizes
from invariance.studies.statements import Statement
from invariance.units import record, store
from invariance.units.run import Design, Outcome
from invariance.units.unit import Values

LARGER = ("paper", "night")
"""The budgets that are shown in the place of `quick`, the largest first."""


@dataclass(frozen=True)
class Study:
    """One study, named like its module.

    Functions take a tidy table, ours or the paper's, so that both are read by the same rules. `design(sizes)` lists the
    units with the columns of their rows; `baselines(sizes)` those of what the results are to be compared with, told
    apart by a column `baseline`; `effects(table)` gives named effects, one value a seed; `texts(findings)` sentences
    and names for the chapter's prose. NAME.yaml beside the module has its sizes, its statements and effects that the
    paper prints itself; paper/NAME.csv has the paper's values.
    """

    name: str
    sizes: Mapping[str, Sizes]
    design: Callable[[Any], Design]
    effects: Callable[[pd.DataFrame], Mapping[str, PerSeed]]
    baselines: Callable[[Any], Design] = lambda sizes: []
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

    def all_units(self, sizes: Sizes) -> list[units.Unit]:
        """Every unit of the study at these sizes."""
        return [unit for _, unit in (*self.design(sizes), *self.baselines(sizes))]

    def find(self, sizes: Sizes, device: str = "auto", show: str = "auto") -> "Findings":
        """The findings that a chapter shows.

        `show` is "own" (run, or read what was run before), "published" (the record, the largest budget first) or
        "auto": the reader's own run, and where the sizes are those of `quick` and a larger budget was published, that
        with the reader's run beside it. Raises `InputError` for another word, and where nothing of it is to be had.
        """
        check_known("value of show", show, ("auto", "own", "published"))
        if show == "published":
            found = self.largest(("paper", "night", "quick", "smoke"), sizes.protocol)
            if not found:
                where = record.results_dir()
                raise InputError(f"Nothing of {self.name!r} is published in {where}: run it (show='own').")
            return found
        own = self.own(sizes, device)
        if show == "auto" and self.is_usual(sizes) and (found := self.largest(LARGER, sizes.protocol)):
            return replace(found, beside_it=own)
        return own

    def is_usual(self, sizes: Sizes) -> bool:
        """Whether these are the sizes of `quick`, in whose place a larger budget is shown where one was published."""
        return sizes == self.at("quick", protocol=sizes.protocol)

    def largest(self, budgets: Iterable[str], protocol: Protocol = CORRECTED) -> "Findings | None":
        """What is published whole at the first of these budgets that has it, or None."""
        for budget in budgets:
            found = self.published(budget, protocol)
            if found.runs and found.whole:
                return found
        return None

    def own(
        self, sizes: Sizes, device: str = "auto", known: Mapping[str, Values] | None = None, **where: Any
    ) -> "Findings":
        """Run what is missing, as `units.run` does; results that are `known`, by digest, are taken as they are."""
        known, design, beside = known or {}, self.design(sizes), self.baselines(sizes)
        outcome = units.run([unit for _, unit in (*design, *beside)], device, known=known, **where)
        found = Findings(self, sizes, design, {}, outcome, beside)
        return found.read(lambda unit: known.get(unit.digest) or store.read(unit))

    def published(self, budget: str, protocol: Protocol = CORRECTED) -> "Findings":
        """What the record has at a budget under a protocol, without running anything; perhaps nothing."""
        sizes, known = self.at(budget, protocol=protocol), record.read(record.path(budget, protocol))
        design, beside = (self.design(sizes), self.baselines(sizes)) if known else ([], [])
        return Findings(self, sizes, design, {}, Outcome(), beside).read(lambda unit: known.get(unit.digest))

    @cached_property
    def papers(self) -> Mapping[str, PerSeed]:
        """The paper's effects, of one value each."""
        table, printed = self.paper.dropna(subset="value"), packaged(f"studies/{self.name}.yaml").get("paper", {})
        found = dict(self.effects(table)) if len(table) else {}
        return found | {name: pd.Series({0: value}) for name, value in printed.items()}


@dataclass(frozen=True)
class Findings:
    """A study's results at one size: the tidy table, named estimates, and where they come from.

    `beside_it` is the reader's own run, where another one is shown.
    """

    study: Study
    sizes: Any  # the study's own kind of `Sizes`
    design: Design
    runs: record.Record
    outcome: Outcome
    compared_with: Design = field(default_factory=list)
    beside_it: "Findings | None" = None

    def read(self, result: Callable[[units.Unit], Any]) -> "Findings":
        """These findings with what `result` gives for each unit and for what it needs."""
        planned = units.planned(unit for _, unit in (*self.design, *self.compared_with))
        found = {unit.digest: result(unit) for task in planned for unit in task}
        return replace(self, runs={digest: run for digest, run in found.items() if run})

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tidy table: a row a value, of the units whose results are there.

        Where the design gives a value to a column of a unit's own rows, it means the rows with that value.
        """
        rows = self._rows(self.design)
        if not rows:
            raise InputError(f"Nothing of {self.study.name} could be computed. {self.outcome}")
        return pd.DataFrame(rows)

    def _rows(self, design: Design) -> list[dict[str, Any]]:
        about = {"study": self.study.name, "protocol": name_of(self.sizes.protocol)}
        return [
            {**about, **columns, **part, "seed": unit.seed}
            for columns, unit in design
            if unit.digest in self.runs
            for part in unit.rows(self.runs[unit.digest]["values"])
            if all(part[name] == value for name, value in columns.items() if name in part)
        ]

    @cached_property
    def baselines(self) -> Estimates:
        """Accuracies on test images of what the results are compared with: "accuracy.untrained", "accuracy.alone".

        Those of one target, or of one setting, are "accuracy.untrained.NAME"; what was not run is left out.
        """
        rows = self._rows(self.compared_with)
        rows = [{**row, "where": row.get("setting", row["probed_on"])} for row in rows if row["split"] == "test"]
        if not rows:
            return {}
        wide = [statistics.per_seed(pd.DataFrame(rows), keys) for keys in (["baseline"], ["baseline", "where"])]
        named = {".".join([name] if isinstance(name, str) else name): of[name] for of in wide for name in of}
        return statistics.estimates({f"accuracy.{name}": values for name, values in named.items()}, {})

    @cached_property
    def estimates(self) -> Estimates:
        """Every effect of the study with its interval, beside the paper's value, what ours is if taken as that was,
        and that of the reader's own run."""
        pooled = self.study.effects(with_pooled(self.table))
        ours = pooled if self.sizes.protocol.pooled_accuracy else self.study.effects(self.table)
        own = self.study.effects(self.beside_it.table) if self.beside_it else {}
        return statistics.estimates(ours, self.study.papers, pooled, own)

    @cached_property
    def papers_alone(self) -> Estimates:
        """The paper's effects that this run has not: they have no value of ours."""
        every = {name: statistics.estimate(values).value for name, values in self.study.papers.items()}
        return {name: replace(NOTHING, paper=value) for name, value in every.items() if name not in self.estimates}

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates.get(name) or self.papers_alone.get(name, NOTHING)

    def verdicts(self) -> dict[Statement, tuple[Estimate, str]]:
        """Each statement of the study with its estimate and verdict."""
        return {s: (self[s.estimate], s.verdict(self[s.estimate], self[s.needs])) for s in self.study.statements}

    @property
    def empty(self) -> bool:
        """Whether there is no row, though perhaps pretrainings that another study shares."""
        return not self._rows(self.design)

    @property
    def whole(self) -> bool:
        """Whether every unit has a result, or every statement all its seeds."""
        if self.empty:
            return False
        decided = [self[s.estimate].n for s in self.study.statements]
        return not self.missing or (bool(decided) and all(n == self.sizes.seeds for n in decided))

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
        return len({unit.digest for _, unit in (*self.design, *self.compared_with)} - self.runs.keys())

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
        planned = len(self.design) + len(self.compared_with)
        lack = f", {self.missing:,} of {planned:,} units missing" if self.missing else ""
        lack = f", complete for every statement{lack}" if lack and self.whole else lack
        pictures = {"embedded": "drawn pictures", "paper": "the paper's pictures"}[self.sizes.pictures]
        count = f"{seeds} seed{'s' * (seeds != 1)}"
        protocol = f"protocol {name_of(self.sizes.protocol)}"
        about = f"budget {self.sizes.budget}, {protocol}, {count}, {self.hardware}, {pictures}{lack}"
        if not self.beside_it:
            return about
        own = self.beside_it.sizes
        return f"{about}; crosses: own run, made along with this page, budget {own.budget}, {own.seeds} seeds"

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
        about["own.budget"] = (self.beside_it or self).sizes.budget
        about |= {f"said.{name}": words for name, words in self.sizes.wording.items()}
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
