"""What experiments A and B share: factors, their levels and units, effects, figures and tables (section 5).

One target task; models are pretrained under its transformations (*matched*) or three others (*mismatched*), and one
*factor* varies at a time. Transfer is by linear probe ("probe"), by full fine-tuning on "few" and on "many" images, and
("tuned") on as many as the level says. A *place* is a level's number in its order: by it ours stand beside the paper's.

Probes are done in both directions, fine-tuning in the paper's alone: "probe-first" are effects of probes in that one.
Studies: `other_factors` (Transforms-2D) and `natural_images`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import Field

from invariance import plots, statistics
from invariance.statistics import Estimate, PerSeed
from invariance.studies.sizes import Count, Sizes
from invariance.studies.study import Findings
from invariance.studies.tasks import (
    CLASSES,
    SETS,
    T2D,
    TRANSFORMS,
    Setting,
    pretrained,
    probed,
    targets,
    with_transforms,
)
from invariance.units import FineTuning, Pretraining
from invariance.units.run import Design

PRETRAINING = {
    "class_relationship": "pretraining classes",
    "architecture": "architecture",
    "pretraining_samples": "pretraining images",
}
"""What varies in pretraining, as figures name it: the paper compares the gap with the ranges over these."""
FACTORS = {**PRETRAINING, "finetuning_samples": "images for transfer"}
TRANSFERS = {"probe-first": "linear probe", "few": "fine-tuning, few images", "many": "fine-tuning, many images"}


class FactorSizes(Sizes):
    """Sizes of experiments A and B.

    `architectures` are places in `models`. Pretraining takes `epochs` passes, or as many as it takes to see
    `least_images`; fine-tuning likewise. Fine-tuned are the subclass's `finetuning_levels`, and of `few` and `many`
    those that `tuned` names.
    """

    architectures: tuple[int, ...] = (0, 1, 2, 3, 4)
    tuned: tuple[Literal["few", "many"], ...] = ("few", "many")
    least_images: int = Field(default=0, ge=0)
    tuning_epochs: Count = 50
    tuning_least_images: int = Field(default=0, ge=0)
    tuning_batch_size: Count = 512
    tuning_validation_samples: Count
    tuning_learning_rate: float = Field(default=1e-3, gt=0)

    def as_level(self, images: int, setting: Setting) -> int:
        """A number of images of as many classes as the target has, counted as levels are (`Setting.count`)."""
        return images

    def sample_levels(self, setting: Setting) -> tuple[int, ...]:
        """The levels of the pretraining images."""
        return self.pretraining_levels


class Level(NamedTuple):
    """One level of a factor: what it changes. `images` are those for transfer; 0 means few, many and the probe's.

    A `learning_rate` is that of fine-tuning on few images, the only transfer then.
    """

    factor: str
    place: int
    level: str
    classes: str = "disjoint"
    model: str = ""
    samples: int = 0
    images: float = 0
    learning_rate: float = 0


def levels(sizes: FactorSizes, setting: Setting) -> Iterator[Level]:
    """Every factor's levels, in the paper's order."""
    yield from (Level("class_relationship", place, name, classes=name) for place, name in enumerate(CLASSES))
    by_name = {sizes.models[place]: place for place in reversed(sizes.architectures)}
    yield from (Level("architecture", place, name, model=name) for name, place in reversed(by_name.items()))
    for place, count in enumerate(sizes.sample_levels(setting)):
        yield Level("pretraining_samples", place, f"{count}", samples=count)
    for place, images in enumerate(sizes.finetuning_levels):
        yield Level("finetuning_samples", place, f"{images}", classes="same", images=images)


def design(sizes: FactorSizes, setting: Setting, more: Iterable[Level] = ()) -> Design:
    """Pretraining with either set of transformations at each level, and every way of transfer from there."""
    planned: Design = []
    for seed, level, used in product(range(sizes.seeds), (*levels(sizes, setting), *more), SETS):
        trained = pretrained_at(sizes, seed, level, used, setting)
        columns = {"setting": setting.name, "source": setting.source(sizes)}
        columns |= {name: getattr(level, name) for name in ("factor", "level", "place", "classes")}
        columns |= {"model": trained.model, "pretrained_on": used}
        planned += [({**columns, **how}, unit) for how, unit in _transfers(sizes, level, trained, setting)]
    return planned


def pretrained_at(sizes: FactorSizes, seed: int, level: Level, used: str, setting: Setting) -> Pretraining:
    """The pretraining of one level with one set of transformations."""
    samples = level.samples or sizes.as_level(sizes.samples, setting)
    model = level.model or sizes.model
    once = pretrained(sizes, seed, level.classes, used, setting, samples=samples, model=model)
    return once.model_copy(update={"epochs": _passes(sizes.epochs, sizes.least_images, once.samples)})


def _passes(epochs: int, least: int, samples: int) -> int:
    return max(epochs, -(-least // samples))


def _transfers(sizes: FactorSizes, level: Level, trained: Pretraining, setting: Setting) -> Design:
    target = targets(sizes, trained.seed, setting)["first"]
    if level.images:  # all levels' probes are one unit: of its rows those with this number are meant
        count = setting.count(target, level.images)
        every = probed(sizes, trained, setting, sizes.finetuning_levels)
        tuned = tuning(sizes, trained, setting, level.images, level)
        return [({"transfer": "probe", "samples": count}, every), ({"transfer": "tuned", "probed_on": "first"}, tuned)]
    if level.learning_rate:
        return [({"transfer": "few", "probed_on": "first"}, tuning(sizes, trained, setting, sizes.few, level))]
    probe = probed(sizes, trained, setting, (sizes.as_level(sizes.probe_samples, setting),))
    few_and_many = [
        ({"transfer": name, "probed_on": "first"}, tuning(sizes, trained, setting, getattr(sizes, name), level))
        for name in sizes.tuned
    ]
    return [({"transfer": "probe"}, probe), *few_and_many]


def tuning(sizes: FactorSizes, trained: Pretraining, setting: Setting, images: float, level: Level) -> FineTuning:
    """Full fine-tuning on images of the target under the first set, from the head of a probe on the same images.

    The published code's head is one of a probe on all, save where the number of images varies.
    """
    target = targets(sizes, trained.seed, setting)["first"]
    samples = setting.count(target, images)
    many = sizes.protocol.head_from_many and not level.images and sizes.as_level(sizes.probe_samples, setting)
    names = ("test_samples", "probe_method", "probe_epochs", "redraws")
    return FineTuning(
        pretraining=trained,
        target=target,
        samples=samples,
        head_samples=setting.count(target, many) if many else 0,
        validation_samples=sizes.tuning_validation_samples,
        probe_batch_size=sizes.batch_size,
        tuning_epochs=_passes(sizes.tuning_epochs, sizes.tuning_least_images, samples),
        batch_size=sizes.tuning_batch_size,
        learning_rate=level.learning_rate or sizes.tuning_learning_rate,
        seed=trained.seed,
        **{name: getattr(sizes, name) for name in names},
    )


# --- effects ---------------------------------------------------------------------------------------------------


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """Effects of one setting by name, where KIND is matched or mismatched.

    For each TRANSFER and FACTOR: `accuracy.TRANSFER.FACTOR.PLACE.KIND`, `gap.TRANSFER.FACTOR.PLACE` and their mean
    `gap.TRANSFER.FACTOR`, in which a level without values takes no part. What varies in pretraining also has
    `range.TRANSFER.FACTOR.KIND` and `gap-range.TRANSFER.FACTOR.KIND`, if it has two levels.
    """
    rows, found = with_transforms(table), {}
    for (transfer, factor), part in rows.groupby(["transfer", "factor"], sort=False):
        both = _both(part)
        found |= _of_levels(both, f"{transfer}.{factor}") | _of_factor(both, f"{transfer}.{factor}")
    probes = rows[rows["transfer"] == "probe"]
    first = probes[probes["probed_on"] == "first"] if "probed_on" in probes else probes
    for factor, part in first.groupby("factor", sort=False):
        found |= _of_factor(_both(part), f"probe-first.{factor}")
    return found


def _both(rows: pd.DataFrame) -> pd.DataFrame:
    # A row a seed; a column for matched and for mismatched at each place, NaN where the table has none.
    wide = statistics.per_seed(rows, ["transforms", "place"])
    return wide.reindex(columns=pd.MultiIndex.from_product((TRANSFORMS, sorted(rows["place"].unique()))))


def _of_levels(both: pd.DataFrame, name: str) -> dict[str, PerSeed]:
    gaps = both["matched"] - both["mismatched"]
    found = {f"accuracy.{name}.{place}.{kind}": both[kind, place] for kind, place in both.columns}
    return found | {f"gap.{name}.{place}": gaps[place] for place in gaps}


def _of_factor(both: pd.DataFrame, name: str) -> dict[str, PerSeed]:
    gaps = (both["matched"] - both["mismatched"]).dropna(axis=1, how="all")
    found = {f"gap.{name}": gaps.mean(axis=1, skipna=False)}
    if name.split(".")[-1] in PRETRAINING and len(both["matched"].columns) > 1:
        for kind in TRANSFORMS:
            known = both[kind].dropna(axis=1, how="all")
            spread = statistics.spread_of_levels(known) if known.size else pd.Series(dtype=float)
            found |= {f"range.{name}.{kind}": spread, f"gap-range.{name}.{kind}": found[f"gap.{name}"] - spread}
    return found


# --- what the chapters show ------------------------------------------------------------------------------------


def shown(level: str) -> str:
    """A level as readers see it: 10,000 or 5 % or a network's name."""
    if not level[0].isdigit():
        return plots.MODEL_NAMES.get(level, level)
    number = float(level)
    return f"{100 * number:g} %" if number <= 1 else f"{number:,.0f}"


def papers_levels(paper: pd.DataFrame, setting: Setting, factor: str) -> list[str]:
    """The paper's levels of a factor as readers see them, in its order."""
    rows = paper[(paper["setting"] == setting.name) & (paper["factor"] == factor)]
    return [shown(level) for level in rows["level"].unique()]


def labels(found: Findings, setting: Setting, factor: str) -> dict[int, str]:
    """A factor's levels by place; where the paper's is another number, that stands below in brackets."""
    labels, theirs = {}, dict(enumerate(papers_levels(found.study.paper, setting, factor)))
    for level in levels(found.sizes, setting):
        if level.factor == factor:
            mine, beside = shown(level.level), theirs.get(level.place, "")
            labels[level.place] = f"{mine}\n({beside})" if beside[:1].isdigit() and beside != mine else mine
    return labels


class Show(NamedTuple):
    """What a part of a table shows; `name` is TRANSFER.FACTOR."""

    title: str
    name: str
    texts: Mapping[int, str]


def show(found: Findings, setting: Setting, name: str, title: str = "") -> Show:
    """The levels of TRANSFER.FACTOR in one setting; where there are several, its name stands before that in effects."""
    factor, prefix = name.split(".")[1], "" if setting == T2D else f"{setting.name}."
    return Show(title or FACTORS[factor], prefix + name, labels(found, setting, factor))


def compared(found: Findings, setting: str = T2D.name) -> dict[str, float]:
    """Accuracies that transfer is compared with, by what they are called in figures."""
    where = "first" if setting == T2D.name else setting
    names = {"untrained": "untrained", "alone": "target alone"}
    known = {text: found.baselines.get(f"accuracy.{name}.{where}") for name, text in names.items()}
    return {text: one.value for text, one in known.items() if one}


def matched_and_not(
    axis: Axes, levels: Mapping[str, Sequence[Estimate]], labels: Iterable[str], paper: bool = True, **line: Any
) -> None:
    """Accuracies over levels in the two looks of `TRANSFORMS`."""
    for kind, offset in zip(TRANSFORMS, (-0.1, 0.1), strict=True):
        label = f"{kind} transformations"
        plots.points(axis, levels[kind], plots.LOOKS[kind], offset, label, paper=paper, **line)
    if not any(one.n for of in levels.values() for one in of):
        axis.text(0.5, 0.93, "not run at this size", ha="center", va="center", transform=axis.transAxes)
    axis.set_xticks(range(len(levels[kind])), labels)
    axis.set_ylim(0, 1.03)


BARS = {
    "gap between transformations": "third",
    "range over the factor, matched": "matched",
    "range over the factor, mismatched": "mismatched",
}


def bars(found: Findings, groups: Mapping[str, Sequence[str]], headline: str = "") -> Figure:
    """Gap and ranges (figure 3): names of effects by label, in the order of `BARS`; the paper's as hollow marks.

    The headline by default has the gap and the range, matched, of each group.
    """
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 0.9 * len(groups) + 1.3), layout="constrained")
    for group, names in enumerate(groups.values()):
        for k, (name, look) in enumerate(zip(names, BARS.values(), strict=True)):
            _bar(axis, -group - 0.28 * (k - 1), found[name], plots.LOOKS[look])
    for text, look in BARS.items():
        axis.barh([0], [0], color=plots.LOOKS[look].colour, alpha=plots.BAR_ALPHA, label=text)
    axis.plot([], [], "o", color=plots.GREY, fillstyle="none", label="paper (hollow)")
    axis.set_yticks([-group for group in range(len(groups))], list(groups))
    axis.set(xlabel="difference in accuracy")
    axis.axvline(0, color=plots.GREY, linewidth=0.8)  # an interval that crosses it is to be seen
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)
    plots.legend(figure, axis, 2)
    known = ((label.replace("\n", " "), found[gap], found[spread]) for label, (gap, spread, *_) in groups.items())
    each = "; ".join(f"{label} {spread:.2f}, transformations {gap:.2f}" for label, gap, spread in known)
    plots.headline(figure, headline or f"Worth in accuracy: {each}.")
    return figure


def _bar(axis: Axes, y: float, one: Estimate, look: plots.Look) -> None:
    axis.barh(y, one.value, 0.24, color=look.colour, alpha=plots.BAR_ALPHA)
    axis.plot([one.low, one.high], [y, y], color=look.colour, linewidth=2)
    axis.plot(one.seeds, [y] * len(one.seeds), ".", color=look.colour, markersize=3.5)
    axis.plot(one.paper, y, look.marker, color=look.colour, markersize=6.5, fillstyle="none")
    plots.crosses(axis, [one.own], [y + 0.09], look)


def gap_and_ranges(name: str) -> list[str]:
    """The names of the effects for one group of `bars`, of a TRANSFER.FACTOR."""
    return [f"gap.{name}", *(f"range.{name}.{kind}" for kind in TRANSFORMS)]


def level_table(found: Findings, shows: Sequence[Show]) -> HTML:
    """This run's means (the paper's in brackets), level by level; a factor of one level is left out."""
    rows = [
        {"factor": title, "level (paper)": text.replace("\n", " ")}
        | {kind: f"{found[f'accuracy.{name}.{place}.{kind}']:.3b}" for kind in TRANSFORMS}
        | {"gap (95 % interval)": f"{found[f'gap.{name}.{place}']:.3i}"}
        | {"paper's gap": f"{found[f'gap.{name}.{place}']:.3p}"}
        for title, name, texts in shows
        if len(texts) > 1
        for place, text in texts.items()
    ]
    return plots.table(rows)


def summary_table(found: Findings) -> HTML:
    """Gap and ranges by factor of pretraining and transfer, in the first direction: this run's (the paper's)."""
    rows = []
    for (transfer, how), (factor, title) in product(TRANSFERS.items(), PRETRAINING.items()):
        name = f"{transfer}.{factor}"
        if found[f"range.{name}.matched"].n:
            ranges = {f"range, {kind}": f"{found[f'range.{name}.{kind}']:.2b}" for kind in TRANSFORMS}
            gap = {"gap (95 % interval)": f"{found[f'gap.{name}']:.2i}", "paper's gap": f"{found[f'gap.{name}']:.2p}"}
            rows.append({"transfer": how, "factor": title, **gap, **ranges})
    return plots.table(rows)
