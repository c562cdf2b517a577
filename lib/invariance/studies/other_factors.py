"""Are the right transformations worth more than another network, more images, or training all weights?

Experiment A of the paper (section 5.1, figures 2 and 3) without what chapter 3 has, the class relationship by linear
probe: architecture, pretraining images and images for transfer, and every factor by full fine-tuning; and the paper's
check that the learning rate of fine-tuning is not to blame. Design, effects and figures: `studies.factors`.

Chapter: book/04_other_factors.py.
"""

from collections.abc import Mapping
from itertools import product
from typing import Annotated

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from pydantic import Field

from invariance import statistics
from invariance.statistics import PerSeed
from invariance.studies import factors
from invariance.studies.factors import FACTORS, PRETRAINING, FactorSizes, Level, Show, show
from invariance.studies.sizes import Count, sizes_of
from invariance.studies.statements import NOT_RUN, NOT_SUPPORTED, SUPPORTED
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import T2D, TRANSFORMS, compared_with, drawn, with_transforms
from invariance.units.run import Design

Rate = Annotated[float, Field(gt=0)]
RATE = "learning_rate"
ENOUGH = 0.95


class OtherFactorsSizes(FactorSizes):
    """Sizes of this study; levels, `few` and `many` are numbers of images, `rates` the learning rates to compare."""

    pretraining_levels: tuple[Count, ...]
    finetuning_levels: tuple[Count, ...]
    few: Count
    many: Count
    rates: tuple[Rate, ...]


SIZES = sizes_of(OtherFactorsSizes, "other_factors")


def design(sizes: OtherFactorsSizes) -> Design:
    """All factors with every kind of transfer, and fine-tuning on few images at every learning rate."""
    rates = [Level(RATE, place, f"{rate:g}", learning_rate=rate) for place, rate in enumerate(sizes.rates)]
    return factors.design(sizes, T2D, rates)


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """The effects of `factors.effects`, what narrows the gap, the most images' values, and the check of rates."""
    found = dict(factors.effects(table))
    nothing = pd.Series(dtype=float)
    places = table.loc[table["factor"] == "finetuning_samples", "place"]
    last = 0 if places.empty else places.max()
    probe = "probe.finetuning_samples"
    found["gap.most"] = found.get(f"gap.{probe}.{last}", nothing)
    found |= {f"accuracy.most.{kind}": found.get(f"accuracy.{probe}.{last}.{kind}", nothing) for kind in TRANSFORMS}
    for name, wider, narrower in (
        ("tuning", "probe-first.finetuning_samples", "tuned.finetuning_samples"),
        ("more-tuning", "few.class_relationship", "many.class_relationship"),
        ("more-probing", f"{probe}.0", "most"),
    ):
        found[f"narrowing.{name}"] = found.get(f"gap.{wider}", nothing) - found.get(f"gap.{narrower}", nothing)
    best = best_rates(table)
    matched, mismatched = (found.get(f"accuracy.few.{RATE}.{best.get(kind)}.{kind}", nothing) for kind in TRANSFORMS)
    found["gap.best-rates"] = matched - mismatched
    found["narrowing.best-rates"] = found.get("gap.few.class_relationship.1", nothing) - found["gap.best-rates"]
    return found


def best_rates(table: pd.DataFrame) -> dict[str, int]:
    """The place of the learning rate that is best on validation images, matched and mismatched, as far as was run."""
    rows = with_transforms(table[table["factor"] == RATE], "validation")
    wide = statistics.per_seed(rows, ["transforms", "place"]) if len(rows) else {}
    return {kind: wide[kind].mean().idxmax() for kind in TRANSFORMS if kind in wide}


# --- what the chapter shows ------------------------------------------------------------------------------------


def _probe(found: Findings) -> list[Show]:
    names = ("architecture", "pretraining_samples", "finetuning_samples")
    return [show(found, T2D, f"probe.{name}") for name in names]


def bars(found: Findings) -> Figure:
    """The gap and the ranges over architectures and pretraining images, by linear probe (figure 3)."""
    names = {PRETRAINING[factor]: f"probe.{factor}" for factor in ("architecture", "pretraining_samples")}
    run = {title: name for title, name in names.items() if found[f"range.{name}.matched"].n}
    return factors.bars(found, {title.replace(" ", "\n"): factors.gap_and_ranges(run[title]) for title in run})


def probe_levels(found: Findings) -> HTML:
    """Accuracies by linear probe over the factors that chapter 3 does not have (figure 2)."""
    return factors.level_table(found, _probe(found))


def tuning_levels(found: Findings) -> HTML:
    """All accuracies by full fine-tuning."""
    shows = [
        show(found, T2D, f"{name}.{factor}", f"{getattr(found.sizes, name):,} images: {title}")
        for name, (factor, title) in product(("few", "many"), PRETRAINING.items())
    ]
    return factors.level_table(found, [*shows, show(found, T2D, "tuned.finetuning_samples")])


def texts(found: Findings) -> dict[str, str]:
    """Names of what was drawn, levels here and in the paper, and sentences that depend on the results."""
    named = drawn(found.sizes)
    for factor in FACTORS:
        own = [factors.shown(one.level) for one in factors.levels(found.sizes, T2D) if one.factor == factor]
        papers = factors.papers_levels(STUDY.paper, T2D, factor)
        named[f"levels.{factor}"] = ", ".join(own).replace("\n", " ")
        named |= {f"level.{factor}.{k}": text for k, text in enumerate(own)}
        named |= {f"paper.level.{factor}.{k}": text for k, text in enumerate(papers)}
        named |= {f"most.{factor}": own[-1], f"paper.most.{factor}": papers[-1]}
    best = {kind: found.sizes.rates[place] for kind, place in best_rates(found.table).items()}
    return {
        **named,
        **{f"best_rate.{kind}": f"{best[kind]:g}" if kind in best else NOT_RUN for kind in TRANSFORMS},
        "blame": _blame(found, best),
        "care": _care(found),
        "decided": _decided(found),
        "worth": _worth(found),
        "answer": f"{_worth(found)} {_decided(found)}",
    }


def _blame(found: Findings, best: Mapping[str, float]) -> str:
    if best and set(best.values()) == {found.sizes.tuning_learning_rate}:
        return "Both kinds do best at the rate of this chapter, so among these rates it was not."
    return found["narrowing.best-rates"].told(
        f"With {found['narrowing.best-rates'].n} seeds we cannot tell.",
        "Yes, in part.",
        "No: the best rates even widen the gap.",
    )


def _worth(found: Findings) -> str:
    # Each factor's gap and range by linear probe, and which of the two weighs more.
    told, lacking = [], []
    for factor in ("architecture", "pretraining_samples"):
        gap, spread, both = (
            found[name.format(f"probe.{factor}")] for name in ("gap.{}", "range.{}.matched", "gap-range.{}.matched")
        )
        if spread.n:
            weighed = both.told(
                "which is too close to call",
                "so the transformations weigh more",
                f"so the {PRETRAINING[factor]} weigh more",
            )
            told.append(
                f"With matched transformations the best choice of the {PRETRAINING[factor]} is worth {spread:.2f} of "
                f"accuracy against the worst, and the right transformations are worth {gap:.2f}, {weighed}."
            )
        else:
            lacking.append(f"For the {PRETRAINING[factor]} this run has one choice only.")
    return " ".join((*told, *lacking))


def _care(found: Findings) -> str:
    reached = found["accuracy.most.matched"]
    if reached.value >= ENOUGH:
        return f"Matched ones do reach it, with {reached}, so a verdict on mismatched ones means something."
    return f"Matched ones do not reach it either, with {reached}, so a verdict on mismatched ones says little."


def _decided(found: Findings) -> str:
    verdicts = [verdict for _, verdict in found.verdicts().values()]
    done = sum(verdict in (SUPPORTED, NOT_SUPPORTED) for verdict in verdicts)
    missing = verdicts.count(NOT_RUN)
    lack = f"; {missing} need levels that it leaves out" if missing else ""
    left = len(verdicts) - done - missing
    return f"This run decides {done} of the {len(verdicts)} statements and leaves {left} open{lack}."


STUDY = Study(
    name="other_factors",
    sizes=SIZES,
    design=design,
    effects=effects,
    baselines=compared_with,
    figures={"bars": bars},
    tables={"probe_levels": probe_levels, "tuning_levels": tuning_levels, "summary": factors.summary_table},
    texts=texts,
)
