"""Does it matter as much on natural images that pretraining shows the transformations of the task?

Experiment B of the paper (section 5.1, figures 2 and 3): experiment A on augmented CIFAR-10 and CIFAR-100, or on the
drawn scenes that stand in for them. A target is half of the classes. Images are given, not made: pretraining takes so
many of each class, transfer a share of each class's. Design, effects and figures: `studies.factors`.

Chapter: book/05_natural_images.py.
"""

from collections.abc import Mapping
from functools import partial
from itertools import product
from typing import Annotated, Literal

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from pydantic import Field

from invariance import plots, statistics
from invariance.statistics import NOTHING, Estimate, PerSeed
from invariance.studies import factors, other_factors
from invariance.studies.factors import FACTORS, PRETRAINING, FactorSizes, Show, show
from invariance.studies.sizes import Count, sizes_of
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import CIFAR10, CIFAR100, TRANSFORMS, Setting, compared_with, drawn, task
from invariance.units.run import Design

SETTINGS = {CIFAR10: "ten classes", CIFAR100: "a hundred classes"}
CLASSES = "class_relationship"
Share = Annotated[float, Field(gt=0, le=1)]


class NaturalSizes(FactorSizes):
    """Sizes of this study. `samples` and `probe_samples` are images of half of the classes, the target's number.

    `settings` are the data: ten classes, a hundred, or both. `levels10` and `levels100` are pretraining images a class,
    empty where these do not vary; `finetuning_levels`, `few` and `many` are shares of a class's images.
    """

    settings: tuple[Literal["cifar10", "cifar100"], ...] = ("cifar10", "cifar100")
    levels10: tuple[Count, ...] = ()
    levels100: tuple[Count, ...] = ()
    finetuning_levels: tuple[Share, ...]
    few: Share = 0.01
    many: Share = 0.1

    def as_level(self, images: int, setting: Setting) -> int:
        """A number of images a class."""
        return images // setting.target

    def sample_levels(self, setting: Setting) -> tuple[int, ...]:
        """The levels of the pretraining images a class."""
        return self.levels10 if setting == CIFAR10 else self.levels100


SIZES = sizes_of(NaturalSizes, "natural_images")


def design(sizes: NaturalSizes) -> Design:
    """All factors with every kind of transfer, for ten and for a hundred classes."""
    chosen = [setting for setting in SETTINGS if setting.name in sizes.settings]
    return [planned for setting in chosen for planned in factors.design(sizes, setting)]


def baselines(sizes: NaturalSizes) -> Design:
    """What the probes are compared with, on the target of each setting (column `setting`)."""
    chosen = [setting for setting in SETTINGS if setting.name in sizes.settings]
    return [
        ({"setting": setting.name, **columns}, unit)
        for setting in chosen
        for columns, unit in compared_with(sizes, setting, partial(sizes.as_level, setting=setting))
    ]


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """The effects of `factors.effects` for each setting, whose name stands after the first word: `gap.cifar10...`."""
    found = {}
    for setting, rows in table.groupby("setting", sort=False):
        for name, values in factors.effects(rows).items():
            kind, rest = name.split(".", 1)
            found[f"{kind}.{setting}.{rest}"] = values
    return found


# --- what the chapter shows ------------------------------------------------------------------------------------


def examples(found: Findings, seed: int = 0) -> Figure:
    """Images of the target's classes as they are and under both sets of transformations; images of all 100 classes."""
    chosen = task(found.sizes, seed, CIFAR10)
    rows = {"as it is": (), "target": chosen.transforms["first"], "others": chosen.transforms["second"]}
    specs = {label: CIFAR10.data(found.sizes, chosen.classes["same"], names) for label, names in rows.items()}
    specs["100 classes"] = CIFAR100.data(found.sizes, None, ())
    return plots.picture_grid({label: plots.examples(spec, 9, seed) for label, spec in specs.items()}, 0.64)


def _probe(found: Findings, setting: Setting) -> list[Show]:
    return [show(found, setting, f"probe.{factor}") for factor in FACTORS]


def probe_levels(found: Findings, setting: Setting) -> HTML:
    """Accuracies by linear probe over all factors in one setting (figure 2)."""
    return factors.level_table(found, _probe(found, setting))


def tuning_levels(found: Findings) -> HTML:
    """All accuracies by full fine-tuning."""
    shows = []
    for setting, named in SETTINGS.items():
        for name, (factor, title) in product(("few", "many"), PRETRAINING.items()):
            share = factors.shown(f"{getattr(found.sizes, name):g}")
            shows.append(show(found, setting, f"{name}.{factor}", f"{named}, {share}: {title}"))
        shows.append(show(found, setting, "tuned.finetuning_samples", f"{named}: images"))
    return factors.level_table(found, shows)


def bars(found: Findings) -> Figure:
    """The gap and the ranges over the class relationship by linear probe, in both settings (figure 3)."""
    names = {named: factors.gap_and_ranges(f"{setting.name}.probe.{CLASSES}") for setting, named in SETTINGS.items()}
    known = ((named, found[gap], found[spread]) for named, (gap, spread, *_) in names.items() if found[gap].n)
    each = "; ".join(f"{named}: classes {spread:.2f}, transformations {gap:.2f}" for named, gap, spread in known)
    return factors.bars(found, {named.replace(" ", "\n"): of for named, of in names.items()}, f"Worth with {each}.")


def texts(found: Findings) -> dict[str, str]:
    """Names and numbers of what was drawn, and sentences that depend on the results."""
    papers = other_factors.STUDY.papers
    types = CIFAR10.data(found.sizes, None, ()).class_names()
    named = drawn(found.sizes, CIFAR10) | {
        "some_types": ", ".join(types[:4]).replace("_", " "),
        "share_few": factors.shown(f"{found.sizes.few:g}"),
        "share_many": factors.shown(f"{found.sizes.many:g}"),
        "t2d.gap.paper": f"{statistics.estimate(papers[f'gap.probe.{CLASSES}']):.2f}",
        "t2d.range.paper": f"{statistics.estimate(papers[f'range.probe.{CLASSES}.matched']):.2f}",
    }
    few = (f"gap.{setting.name}.few.{CLASSES}" for setting in SETTINGS)  # neither a small run nor the paper has it
    named |= {name: str(found[name]) for name in few}
    named |= {"answer": " ".join(_answer(found, setting) for setting in SETTINGS)}
    named |= {"stand_in": STANDS_IN if found.sizes.pictures == "embedded" else "This run used CIFAR itself."}
    return named | {f"{s.name}.{name}": text for s in SETTINGS for name, text in _of_setting(found, s).items()}


STANDS_IN = "The statements say CIFAR as the paper does; this run used landscapes that the book draws."


def _answer(found: Findings, setting: Setting) -> str:
    gap, spread = (found[name.format(f"{setting.name}.probe.{CLASSES}")] for name in ("gap.{}", "range.{}.matched"))
    if not gap.n:
        return f"With {SETTINGS[setting]} there is no result at this size."
    return (
        f"With {SETTINGS[setting]} the right transformations are worth {gap:.2f} of accuracy and the best kind of "
        f"classes, against the worst, {spread:.2f}, {_order(found, setting)}."
    )


def _order(found: Findings, setting: Setting) -> str:
    return found[f"gap-range.{setting.name}.probe.{CLASSES}.matched"].told(
        "so this run cannot tell which weighs more",
        "so here the transformations weigh more",
        "so here the classes weigh more",
    )


def _of_setting(found: Findings, setting: Setting) -> dict[str, str]:
    papers = STUDY.papers
    target = setting.data(found.sizes, task(found.sizes, 0, setting).classes["same"], ())
    names = [f"accuracy.{setting.name}.probe.{CLASSES}.{place}.{kind}" for place in range(4) for kind in TRANSFORMS]
    accuracies = [found[name] for name in names if found[name].n]
    lowest, highest = (end(accuracies, key=lambda one: one.value, default=NOTHING) for end in (min, max))
    return {
        "source": setting.source(found.sizes),
        **drawn(found.sizes, setting),
        "per_class": f"{found.sizes.as_level(found.sizes.samples, setting):,}",
        "all_per_class": f"{target.samples(1.0) // setting.target:,}",
        "n_few": f"{target.samples(found.sizes.few):,}",
        "n_many": f"{target.samples(found.sizes.many):,}",
        "chance": f"{1 / setting.target:.2f}",
        "lie": _lie(lowest, highest, 1 / setting.target),
        "weighed": _weighed(found, setting),
        "gap.fewest.paper": f"{statistics.estimate(papers[f'gap.{setting.name}.probe.pretraining_samples.0']):.2f}",
        "gap.most.paper": f"{statistics.estimate(papers[f'gap.{setting.name}.probe.pretraining_samples.4']):.2f}",
    }


def _lie(lowest: Estimate, highest: Estimate, chance: float) -> str:
    if not highest.n:
        return "there are no results at this size; the budgets night and paper have them."
    told = f"they lie between {lowest:.2f} and {highest:.2f}; guessing gives {chance:.2f}."
    if highest.value - chance < (1 - chance) / 4:
        return f"{told} So near to guessing, neither the gap nor the range can be large."
    return f"{told} That leaves room for both."


def _weighed(found: Findings, setting: Setting) -> str:
    names = ("gap.{}.probe.{}", "range.{}.probe.{}.matched", "gap-range.{}.probe.{}.matched")
    gap, spread, both = (found[name.format(setting.name, CLASSES)] for name in names)
    if not gap.n:
        return "there is no result at this size."
    return (
        f"the gap is {gap} and the range with matched transformations {spread}. The gap minus the range, formed within "
        f"each seed, is {both}, {_order(found, setting)}."
    )


STUDY = Study(
    name="natural_images",
    sizes=SIZES,
    design=design,
    effects=effects,
    baselines=baselines,
    figures={
        "examples": examples,
        "bars": bars,
    },
    tables={
        "levels10": partial(probe_levels, setting=CIFAR10),
        "levels100": partial(probe_levels, setting=CIFAR100),
        "tuning_levels": tuning_levels,
    },
    texts=texts,
)
