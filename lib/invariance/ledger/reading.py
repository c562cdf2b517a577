"""What the paper's numbers contain: the images that its "test" accuracy is of, and what that does to its conclusions.

The published code takes accuracy over training, validation and test images together. Every transfer of this book
records it that way beside the accuracy on test images, so the same models show both. Chapter:
book/14_the_papers_numbers.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd
from IPython.display import HTML

from invariance import plots
from invariance.statistics import Estimate, column, estimate, fixed, per_seed
from invariance.studies import all_studies
from invariance.studies.statements import Statement
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import with_transforms
from invariance.units import FineTuning, Probes

SPLITS = ("train", "validation", "test", "pooled")


def shares(studies: Iterable[Study] = ()) -> HTML:
    """Which share of the images behind a published accuracy are training images, for every size of a transfer."""
    found: dict[tuple[str, str], set[tuple[int, int, int]]] = {}
    for study in studies or all_studies():
        for _, unit in study.design(study.at("paper", seeds=1)):
            if isinstance(unit, (Probes, FineTuning)):
                kind = "linear probe" if isinstance(unit, Probes) else "fine-tuning"
                counts = unit.samples if isinstance(unit, Probes) else (unit.samples,)
                sizes = {(n, unit.validation_samples, unit.test_samples) for n in counts}
                found.setdefault((study.name.replace("_", " "), kind), set()).update(sizes)
    rows = [
        {"study": study, "transfer": kind, "training : validation : test": " : ".join(f"{n:,}" for n in sizes)}
        | {"share of training images": f"{sizes[0] / sum(sizes):.1%}"}
        for (study, kind), every in found.items()
        for sizes in sorted(every)
    ]
    return plots.table(rows)


def accuracies(found: Findings, **chosen: str) -> dict[str, Estimate]:
    """Accuracy of matched models by split, and over all images: the mean over seeds of the rows that have `chosen`."""
    every = {}
    for split in SPLITS:
        rows = with_transforms(found.table, split)
        rows = rows[(rows[list(chosen)] == pd.Series(chosen)).all(axis=1)]
        wide = per_seed(rows, ["transforms"], "macro" if split == "pooled" else "value")
        every[split] = estimate(column(wide, "matched"), "share")
    return every


def beside(statements: Iterable[tuple[Statement, Estimate]]) -> HTML:
    """Every statement's quantity on test images and pooled, from the same models, and whether each meets the rule."""
    rows = []
    for statement, one in statements:
        if one.value != one.pooled:
            cells = {"on test images": one.value, "pooled": one.pooled, "paper (pooled)": one.paper}
            said = {name: _with_mark(statement, value) for name, value in cells.items()}
            about = {"claim: statement": f"{statement.claim}: {statement.text}", "rule": statement.rule}
            rows.append({**about, **said})
    return plots.table(rows)


def on_test_images(findings: Iterable[Findings]) -> list[tuple[Statement, Estimate]]:
    """What was run, claim by claim, with values on test images whatever accuracy the protocol reports."""
    every = []
    for found in findings:
        protocol = found.sizes.protocol.model_copy(update={"pooled_accuracy": False})
        on_test = replace(found, sizes=found.sizes.model_copy(update={"protocol": protocol}))
        every += [(statement, one) for statement, (one, _) in on_test.verdicts().items() if one.n]
    return sorted(every, key=lambda row: row[0].claim)


def _with_mark(statement: Statement, value: float) -> str:
    return f"{fixed(value, 3)} {'meets' if statement.holds(value) else 'misses'} the rule" if value == value else "–"


def turned(statements: Iterable[tuple[Statement, Estimate]]) -> list[Statement]:
    """Statements whose rule is met by one of the two accuracies and missed by the other, on the same models."""
    return [s for s, one in statements if s.holds(one.value) != s.holds(one.pooled)]


def turned_in_words(statements: Sequence[tuple[Statement, Estimate]]) -> str:
    """How many statements `turned` names, in a sentence."""
    count, of = len(turned(statements)), f"{len(statements)} statements of this book that were run"
    if not count:
        return f"Each of the {of} meets its rule by both accuracies, or misses it by both."
    verb = "meets its rule" if count == 1 else "meet their rules"
    return f"Of the {of}, {count} {verb} by one of the two accuracies and not by the other."
