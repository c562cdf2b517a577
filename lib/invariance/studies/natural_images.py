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
from invariance.studies import factors
from invariance.studies.factors import ARCHITECTURES, FACTORS, PRETRAINING, FactorSizes, Show, show
from invariance.studies.study import Count, Findings, Statement, Study, sizes_of
from invariance.studies.tasks import CIFAR10, CIFAR100, T2D, TRANSFORMS, Setting, task
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


_PAPERS_LEVELS = {
    "levels10": (10, 50, 200, 1_000, 4_500),
    "levels100": (10, 50, 100, 250, 450),  # the paper says 500, its validation images among them
    "finetuning_levels": (0.01, 0.05, 0.1, 0.5, 1.0),
    "samples": 22_500,
    "probe_samples": 22_500,
    "test_samples": 5_000,
}
SIZES = sizes_of(
    NaturalSizes,
    {
        "smoke": {
            "architectures": ARCHITECTURES[:1],
            "samples": 200,
            "probe_samples": 100,
            "finetuning_levels": (0.005, 0.01),
            "few": 0.01,
            "many": 0.01,
            "tuning_epochs": 1,
            "tuning_batch_size": 64,
            "tuning_validation_samples": 64,
        },
        "quick": {
            "architectures": ARCHITECTURES[:1],
            "settings": ("cifar10",),
            "samples": 3_500,
            "epochs": 3,
            "finetuning_levels": (),
            "tuned": (),
            "tuning_validation_samples": 150,
        },
        "night": {
            **_PAPERS_LEVELS,
            "epochs": 5,
            "least_images": 20_000,
            "redraws": 3,
            "tuning_epochs": 5,
            "tuning_least_images": 5_000,
            "tuning_batch_size": 64,
            "tuning_validation_samples": 500,
        },
        "paper": {
            **_PAPERS_LEVELS,
            "validation_samples": 2_500,
            "redraws": 10,  # the paper draws anew in each of the probe's epochs
            "tuning_validation_samples": 2_500,
        },
    },
)


def design(sizes: NaturalSizes) -> Design:
    """All factors with every kind of transfer, for ten and for a hundred classes."""
    chosen = [setting for setting in SETTINGS if setting.name in sizes.settings]
    return [planned for setting in chosen for planned in factors.design(sizes, setting)]


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """The effects of `factors.effects` for each setting, whose name stands after the first word: `gap.cifar10...`."""
    found = {}
    for setting, rows in table.groupby("setting", sort=False):
        for name, values in factors.effects(rows).items():
            kind, rest = name.split(".", 1)
            found[f"{kind}.{setting}.{rest}"] = values
    return found


def paper() -> pd.DataFrame:
    """The paper's accuracies on CIFAR-10 and CIFAR-100."""
    return pd.concat([factors.paper(setting) for setting in SETTINGS], ignore_index=True)


# --- what the chapter shows ------------------------------------------------------------------------------------


def examples(found: Findings, seed: int = 0) -> Figure:
    """Images of the target's classes as they are and under both sets of transformations; images of all 100 classes."""
    chosen = task(found.sizes, seed, CIFAR10)
    rows = {"as it is": (), "target": chosen.transforms["first"], "others": chosen.transforms["second"]}
    specs = [CIFAR10.data(found.sizes, chosen.classes["same"], names) for names in rows.values()]
    specs.append(CIFAR100.data(found.sizes, None, ()))
    return plots.picture_grid([plots.examples(spec, 9, seed) for spec in specs], [*rows, "100 classes"], 0.64)


def _probe(found: Findings, setting: Setting) -> list[Show]:
    return [show(found, setting, f"probe.{factor}", prefix=f"{setting.name}.") for factor in FACTORS]


def probe(found: Findings, setting: Setting) -> Figure:
    """Accuracy by linear probe over all factors in one setting (figure 2)."""
    return factors.panels(found, _probe(found, setting))


def probe_levels(found: Findings, setting: Setting) -> HTML:
    """The numbers behind `probe`."""
    return factors.level_table(found, _probe(found, setting))


def tuning(found: Findings) -> Figure:
    """Accuracy by full fine-tuning in both settings: on many images by class relationship, and by their share."""
    many = f"pretraining classes; {found.sizes.many:.0%} of the images".replace("%", " %")
    names = {f"many.{CLASSES}": many, "tuned.finetuning_samples": "images for fine-tuning"}
    shows = [
        show(found, setting, name, f"{named}:\n{title}", f"{setting.name}.")
        for (name, title), (setting, named) in product(names.items(), SETTINGS.items())
    ]
    return factors.panels(found, shows)


def tuning_levels(found: Findings) -> HTML:
    """All accuracies by full fine-tuning."""
    shows = []
    for setting, named in SETTINGS.items():
        for name, (factor, title) in product(("few", "many"), PRETRAINING.items()):
            share = factors.shown(f"{getattr(found.sizes, name):g}")
            about = f"{named}, {share}: {title}"
            shows.append(show(found, setting, f"{name}.{factor}", about, f"{setting.name}."))
        shows.append(show(found, setting, "tuned.finetuning_samples", f"{named}: images", f"{setting.name}."))
    return factors.level_table(found, shows)


def bars(found: Findings) -> Figure:
    """The gap and the ranges over the class relationship by linear probe, in both settings (figure 3)."""
    return factors.bars(found, {named.replace(" ", "\n"): f"{s.name}.probe.{CLASSES}" for s, named in SETTINGS.items()})


def texts(found: Findings) -> dict[str, str]:
    """Names and numbers of what was drawn, and sentences that depend on the results."""
    chosen, published = task(found.sizes, 0, CIFAR10), factors.effects(factors.paper(T2D))
    types = CIFAR10.data(found.sizes, None, ()).class_names()
    named = {
        "some_types": ", ".join(types[:4]).replace("_", " "),
        "target_names": ", ".join(chosen.transforms["first"]),
        "other_names": ", ".join(chosen.transforms["second"]),
        "share_few": factors.shown(f"{found.sizes.few:g}"),
        "share_many": factors.shown(f"{found.sizes.many:g}"),
        "t2d.gap.paper": f"{statistics.estimate(published[f'gap.probe.{CLASSES}']):.2f}",
        "t2d.range.paper": f"{statistics.estimate(published[f'range.probe.{CLASSES}.matched']):.2f}",
    }
    return named | {f"{s.name}.{name}": text for s in SETTINGS for name, text in _of_setting(found, s).items()}


def _of_setting(found: Findings, setting: Setting) -> dict[str, str]:
    papers = factors.effects(factors.paper(setting))
    target = setting.data(found.sizes, task(found.sizes, 0, setting).classes["same"], ())
    names = [f"accuracy.{setting.name}.probe.{CLASSES}.{place}.{kind}" for place in range(4) for kind in TRANSFORMS]
    accuracies = [found[name] for name in names if found[name].n]
    lowest, highest = (end(accuracies, key=lambda one: one.value, default=NOTHING) for end in (min, max))
    return {
        "source": setting.source(found.sizes),
        "n_target": str(setting.target),
        "n_subset": str(setting.subset),
        "n_superset": str(setting.superset),
        "per_class": f"{found.sizes.as_level(found.sizes.samples, setting):,}",
        "all_per_class": f"{target.samples(1.0) // setting.target:,}",
        "n_few": f"{target.samples(found.sizes.few):,}",
        "n_many": f"{target.samples(found.sizes.many):,}",
        "chance": f"{1 / setting.target:.2f}",
        "lowest": f"{lowest:.2f}",
        "highest": f"{highest:.2f}",
        "room": _room(highest, 1 / setting.target),
        "order": _order(found, setting),
        "gap.fewest.paper": f"{statistics.estimate(papers['gap.probe.pretraining_samples.0']):.2f}",
        "gap.most.paper": f"{statistics.estimate(papers['gap.probe.pretraining_samples.4']):.2f}",
    }


def _room(highest: Estimate, chance: float) -> str:
    if highest.value - chance < (1 - chance) / 4:
        return "So near to guessing, neither the gap nor the range can be large."
    return "That leaves room for both."


def _order(found: Findings, setting: Setting) -> str:
    difference = found[f"gap-range.{setting.name}.probe.{CLASSES}.matched"]
    if not difference.excludes(0):
        return "so this run cannot tell which weighs more"
    return "so here the transformations weigh more" if difference.value > 0 else "so here too the classes weigh more"


_NATURAL = ((CIFAR10, "10 classes (CIFAR-10 in the paper)"), (CIFAR100, "100 classes (CIFAR-100 in the paper)"))
STATEMENTS = (
    *(
        Statement(
            4,
            f"On augmented natural images, {name}, the target's transformations transfer better to new classes",
            f"gap.{setting.name}.probe.{CLASSES}.1",
            "gap (matched − mismatched transformations) by linear probe",
        )
        for setting, name in _NATURAL
    ),
    *(
        Statement(
            4,
            f"On augmented natural images, {name}, the gap is smaller than the range over class relationships",
            f"gap-range.{setting.name}.probe.{CLASSES}.matched",
            "mean gap − range within matched",
            "below",
            reason="“smaller gap against the class relationship”: the difference must be negative",
        )
        for setting, name in _NATURAL
    ),
)

STUDY = Study(
    name="natural_images",
    question="Does it matter as much on natural images that pretraining shows the transformations of the task?",
    sizes=SIZES,
    design=design,
    effects=effects,
    kinds={"accuracy": "share"},
    paper=paper,
    statements=STATEMENTS,
    figures={
        "examples": examples,
        "probe10": partial(probe, setting=CIFAR10),
        "probe100": partial(probe, setting=CIFAR100),
        "tuning": tuning,
        "bars": bars,
    },
    tables={
        "levels10": partial(probe_levels, setting=CIFAR10),
        "levels100": partial(probe_levels, setting=CIFAR100),
        "tuning_levels": tuning_levels,
        "summary10": partial(factors.summary_table, prefix="cifar10."),
        "summary100": partial(factors.summary_table, prefix="cifar100."),
    },
    texts=texts,
)
