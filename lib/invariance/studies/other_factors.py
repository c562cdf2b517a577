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

from invariance import plots, statistics
from invariance.statistics import PerSeed
from invariance.studies import factors
from invariance.studies.factors import ARCHITECTURES, FACTORS, PRETRAINING, FactorSizes, Level, Show, show
from invariance.studies.study import NOT_RUN, NOT_SUPPORTED, SUPPORTED, Count, Findings, Statement, Study, sizes_of
from invariance.studies.tasks import SETS, T2D, TRANSFORMS, task, with_transforms
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


_PAPERS_LEVELS = {
    "pretraining_levels": (1_000, 10_000, 50_000, 100_000, 500_000),
    "finetuning_levels": (50, 200, 500, 2_000, 5_000),
    "few": 200,
    "many": 2_000,
    "rates": (1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
}
SIZES = sizes_of(
    OtherFactorsSizes,
    {
        "smoke": {
            "architectures": ARCHITECTURES[:1],
            "pretraining_levels": (64, 256),
            "finetuning_levels": (16, 32),
            "few": 32,
            "many": 32,
            "rates": (1e-3, 1e-2),
            "tuning_epochs": 1,
            "tuning_batch_size": 64,
            "tuning_validation_samples": 64,
        },
        "quick": {
            "architectures": ARCHITECTURES[:1],
            "pretraining_levels": (200, 2_000, 10_000),  # the same shares of the default as the paper's
            "least_images": 6_000,
            "finetuning_levels": (50, 200, 500, 2_000),
            "few": 200,
            "many": 2_000,
            "rates": (1e-3, 1e-2),
            "tuning_epochs": 1,
            "tuning_least_images": 1_200,
            "tuning_batch_size": 64,
            "tuning_validation_samples": 150,
        },
        "night": {
            **_PAPERS_LEVELS,
            "least_images": 30_000,
            "tuning_epochs": 10,
            "tuning_least_images": 6_000,
            "tuning_batch_size": 64,
            "tuning_validation_samples": 500,
        },
        "paper": {**_PAPERS_LEVELS, "tuning_validation_samples": 10_000},
    },
)


def design(sizes: OtherFactorsSizes) -> Design:
    """All factors with every kind of transfer, and fine-tuning on few images at every learning rate."""
    return factors.design(sizes, T2D) + _rates(sizes)


def _rates(sizes: OtherFactorsSizes) -> Design:
    planned: Design = []
    for seed, used, (place, rate) in product(range(sizes.seeds), SETS, enumerate(sizes.rates)):
        trained = factors.pretrained_at(sizes, seed, Level(RATE, place, f"{rate:g}"), used, T2D)
        about = {"factor": RATE, "level": f"{rate:g}", "place": place, "classes": "disjoint", "model": trained.model}
        where = {"setting": "t2d", "source": sizes.foregrounds, "pretrained_on": used, "probed_on": "first"}
        unit = factors.tuning(sizes, trained, T2D, sizes.few, rate)
        planned.append(({**where, **about, "transfer": "few"}, unit))
    return planned


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
    """The place of the learning rate that is best on validation images, matched and mismatched; "" if none was run."""
    rows = table[table["factor"] == RATE]
    if rows.empty:
        return {}
    wide = statistics.per_seed(with_transforms(rows, "validation"), ["transforms", "place"])
    return {kind: statistics.best_level(wide[kind]) for kind in TRANSFORMS if kind in wide}


# --- what the chapter shows ------------------------------------------------------------------------------------


def examples(found: Findings, seed: int = 0) -> Figure:
    """The default pretraining data under both sets of transformations, and the target."""
    chosen = task(found.sizes, seed)
    rows = {
        "pretraining, matched": ("disjoint", "first"),
        "pretraining, mismatched": ("disjoint", "second"),
        "target": ("same", "first"),
    }
    specs = [T2D.data(found.sizes, chosen.classes[classes], chosen.transforms[used]) for classes, used in rows.values()]
    return plots.picture_grid([plots.examples(spec, 9, seed) for spec in specs], list(rows), 0.6)


def _probe(found: Findings) -> list[Show]:
    names = ("architecture", "pretraining_samples", "finetuning_samples")
    return [show(found, T2D, f"probe.{name}") for name in names]


def probe(found: Findings) -> Figure:
    """Accuracy by linear probe over the factors that chapter 3 does not have (figure 2)."""
    return factors.panels(found, _probe(found))


def tuning(found: Findings) -> Figure:
    """Accuracy by full fine-tuning: over the class relationship on few and on many images, and over their number."""
    few, many = (f"pretraining classes; {count:,} images" for count in (found.sizes.few, found.sizes.many))
    names = {
        "few.class_relationship": few,
        "many.class_relationship": many,
        "tuned.finetuning_samples": "images for fine-tuning",
    }
    return factors.panels(found, [show(found, T2D, name, title) for name, title in names.items()])


def bars(found: Findings) -> Figure:
    """The gap and the ranges over architectures and pretraining images, by linear probe (figure 3)."""
    names = {f"probe.{factor}": title for factor, title in PRETRAINING.items() if factor != "class_relationship"}
    run = {title.replace(" ", "\n"): name for name, title in names.items() if found[f"range.{name}.matched"].n}
    return factors.bars(found, run)


def rates(found: Findings) -> Figure:
    """Accuracy after full fine-tuning on few images, by learning rate."""
    labels = {place: f"{rate:g}" for place, rate in enumerate(found.sizes.rates)}
    return factors.panels(found, [Show("learning rate of fine-tuning", f"few.{RATE}", labels, 1 / T2D.target)])


def probe_levels(found: Findings) -> HTML:
    """The numbers behind `probe`."""
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
    chosen, named = task(found.sizes, 0), {}
    for factor in FACTORS:
        own = [factors.shown(one.text) for one in factors.levels(found.sizes, T2D) if one.factor == factor]
        papers = list(map(factors.shown, factors.paper_levels(T2D, factor)))
        named[f"levels.{factor}"] = ", ".join(own).replace("\n", " ")
        named |= {f"level.{factor}.{k}": text for k, text in enumerate(own)}
        named |= {f"paper.level.{factor}.{k}": text for k, text in enumerate(papers)}
        named |= {f"most.{factor}": own[-1], f"paper.most.{factor}": papers[-1]}
    best = {kind: found.sizes.rates[place] for kind, place in best_rates(found.table).items()}
    return {
        **named,
        **{f"best_rate.{kind}": f"{best[kind]:g}" if kind in best else NOT_RUN for kind in TRANSFORMS},
        "n_target": str(T2D.target),
        "target_names": ", ".join(chosen.transforms["first"]),
        "other_names": ", ".join(chosen.transforms["second"]),
        "blame": _blame(found),
        "care": _care(found),
        "decided": _decided(found),
    }


def _blame(found: Findings) -> str:
    change = found["narrowing.best-rates"]
    if not change.excludes(0):
        return "We cannot tell: the interval includes 0."
    return (
        "Yes, in part: 0 lies outside the interval." if change.value > 0 else "No: the best rates even widen the gap."
    )


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


STATEMENTS = (
    *(
        Statement(
            1,
            f"The gap is as large as the range over {name} ({kind} transformations)",
            f"gap-range.probe.{factor}.{kind}",
            f"mean gap − range within {kind}",
            reason="“as large as, or larger”: the difference must not be negative",
        )
        for factor, name in (
            ("architecture", "architectures"),
            ("pretraining_samples", "numbers of pretraining images"),
        )
        for kind in TRANSFORMS
    ),
    Statement(
        2,
        "At the same number of images, full fine-tuning narrows the gap",
        "narrowing.tuning",
        "gap by linear probe − gap by fine-tuning, first direction",
    ),
    Statement(
        2,
        "Fine-tuning on more images narrows the gap",
        "narrowing.more-tuning",
        "gap with few − gap with many images, first direction",
    ),
    Statement(
        2,
        "A linear probe with more images has a smaller gap",
        "narrowing.more-probing",
        "gap with fewest − gap with most images",
    ),
    Statement(
        2,
        "Full fine-tuning on few images does not close the gap",
        "gap.few.class_relationship",
        "mean gap with few images, first direction",
        reason="“does not vanish” means more than zero",
    ),
    Statement(
        3,
        "With matched transformations about 200 images suffice for near-perfect accuracy",
        "accuracy.probe.finetuning_samples.1.matched",
        "accuracy at the second number of images",
        threshold=ENOUGH,
        reason="“near-perfect” is taken as at most one error in twenty",
    ),
    Statement(
        3,
        "With mismatched transformations even the most images do not suffice",
        "accuracy.most.mismatched",
        "accuracy at the last number of images",
        "below",
        ENOUGH,
        "the same mark as for matched transformations",
    ),
)

STUDY = Study(
    name="other_factors",
    question="Are the right transformations worth more than another network, more images, or training all weights?",
    sizes=SIZES,
    design=design,
    effects=effects,
    kinds={"accuracy": "share"},
    paper=lambda: factors.paper(T2D),
    statements=STATEMENTS,
    figures={"examples": examples, "probe": probe, "tuning": tuning, "bars": bars, "rates": rates},
    tables={"probe_levels": probe_levels, "tuning_levels": tuning_levels, "summary": factors.summary_table},
    texts=texts,
)
