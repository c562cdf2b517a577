"""When does an invariance harm? (section 6 of the paper: CIFAR-10 images with pasted objects, experiment C)

Four tasks show and ask for the image, for a small object in its corner, or for one of the two in front of the other.
A model is pretrained on each task and probed on all four, and its sensitivity to exchanging the image and to exchanging
the object is measured: at the object's *fixed* place and with *translated* objects. Two sweeps pretrain on both parts
with the image's class as the label, and change how much the object says about that class (`correlation`) and the share
of images that carry an object (`availability`).

Chapter: book/06_when_invariance_harms.py.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import Field

from invariance import plots, sampling, statistics
from invariance.datasets import TASKS, ObjectsOnImages, Split
from invariance.pictures import class_names
from invariance.statistics import PerSeed
from invariance.studies.sizes import Sizes, baselines, pretraining, probes, sizes_of
from invariance.studies.study import Findings, Study
from invariance.units import Sensitivity
from invariance.units.run import Design

Share = Annotated[float, Field(ge=0, le=1)]

POSITIONS = ("fixed", "translated")
SWEEP_AXES = {"correlation": "correlation of object and class", "availability": "share of images with an object"}
SWEEPS = tuple(SWEEP_AXES)
PARTS = {"image": "background", "object": "object"}
"""What is exchanged in a pair of images, and the part of the data set that this is."""
LABELLED = {"image": "cifar_mixed", "object": "objects_mixed"}
"""For each part of an image the target that shows both parts and whose label is that part."""
IGNORED = {"object": ("cifar_mixed", "cifar_only"), "image": ("objects_mixed", "objects_only")}
"""For each part the pretraining that has reason to ignore it, and the one that never saw it."""
NAMES = {
    "cifar_only": "image only",
    "cifar_mixed": "both, label: image",
    "objects_mixed": "both, label: object",
    "objects_only": "object only",
}
"""What readers call the tasks."""
TICKS = [name.replace(" ", "\n", 1) for name in NAMES.values()]


class HarmSizes(Sizes):
    """The shared sizes, the variants and levels that are run, and the pairs of a sensitivity."""

    translated: bool = True
    correlations: tuple[Share, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.85, 0.9, 0.95, 1.0)
    availabilities: tuple[Share, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    pairs: int = Field(default=500, ge=2)


SIZES = sizes_of(HarmSizes, "when_invariance_harms")


def data(sizes: Sizes, seed: int, task: str, **changes: Any) -> ObjectsOnImages:
    """One task's data set for one seed, which chooses the ten objects."""
    known = list(class_names(sizes.foregrounds))
    objects = tuple(sampling.choose(seed, "relevance objects", known, 10))
    where = {"images": sizes.natural("cifar10"), "foregrounds": sizes.foregrounds, "protocol": sizes.apart}
    return ObjectsOnImages(objects=objects, task=task, **where, **changes)


def design(sizes: HarmSizes) -> Design:
    """Probes and sensitivities of every pretraining: the objects' fixed place, translated objects, then the sweeps."""
    planned = []
    for translate, seed, task in product((False, True)[: 1 + sizes.translated], range(sizes.seeds), TASKS):
        columns = {"setting": POSITIONS[translate], "level": np.nan, "pretraining": task}
        planned += _measured(sizes, data(sizes, seed, task, translate=translate), seed, columns)
    for seed, sweep in product(range(sizes.seeds), SWEEPS):
        for level in sizes.correlations if sweep == "correlation" else sizes.availabilities:
            columns = {"setting": sweep, "level": level, "pretraining": "cifar_mixed"}
            planned += _measured(sizes, _swept(sizes, seed, sweep, level), seed, columns)
    return planned


def compared_with(sizes: HarmSizes) -> Design:
    """The baselines of every seed's four targets, with objects at their fixed place."""
    planned: Design = []
    for seed in range(sizes.seeds):
        shown = {task: data(sizes, seed, task) for task in TASKS}
        planned += baselines(sizes, pretraining(sizes, shown["cifar_mixed"], sizes.model, seed), shown)
    return planned


def _swept(sizes: Sizes, seed: int, sweep: str, level: float) -> ObjectsOnImages:
    if (sweep, level) == ("availability", 0):  # the same images: no need to train on them twice
        return data(sizes, seed, "cifar_only")
    return data(sizes, seed, "cifar_mixed", **{sweep: level})


def _measured(sizes: HarmSizes, shown: ObjectsOnImages, seed: int, columns: dict[str, Any]) -> Design:
    trained = pretraining(sizes, shown, sizes.model, seed)
    targets = {task: data(sizes, seed, task, translate=shown.translate) for task in TASKS}
    planned: Design = [({**columns, "exchanged": ""}, probes(sizes, trained, targets))]
    how = {"measured": ("l2",), "intervals": False, "pairs": sizes.pairs, "seed": seed}
    moved = shown.translate and not sizes.protocol.pairs_at_fixed_place
    for part, vary in PARTS.items():
        both = {"both": data(sizes, seed, "cifar_mixed", translate=moved)}
        planned += [({**columns, "exchanged": part}, Sensitivity(pretraining=trained, data=both, vary=vary, **how))]
    return planned


# --- effects ---------------------------------------------------------------------------------------------------


def values(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracies on test images and sensitivities, with `part`: the target probed on, or what was exchanged.

    The paper's table says `part` itself.
    """
    if "part" in table:
        return table
    rows = table[table["split"].isin(["test", "pairs"])]
    rows = rows.reindex(columns=rows.columns.union(["probed_on", "exchanged"], sort=False))  # of a record in part
    measure = rows["measure"].replace("sensitivity_l2", "sensitivity")
    exchanged = rows["exchanged"].replace("", np.nan)
    return rows.assign(measure=measure, part=exchanged.fillna(rows["probed_on"]))


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """Accuracies, sensitivities and their correlations; what is ignored, and what that costs; the sweeps.

    `accuracy.fixed.cifar_only.objects_mixed` is the accuracy on the last task after pretraining on the one before;
    `ignored.PART` and `harm.PART` compare a model that had reason to ignore a part with one that never saw it.
    """
    rows = values(table)
    wide = statistics.per_seed(rows[rows["level"].isna()], ["measure", "setting", "pretraining", "part"])
    found = statistics.named(wide, ("accuracy",), POSITIONS, TASKS, TASKS)
    found |= statistics.named(wide, ("sensitivity",), POSITIONS, TASKS, PARTS)
    for position, (part, target) in product(POSITIONS, LABELLED.items()):
        both = (
            pd.DataFrame({trained: found[f"{measure}.{position}.{trained}.{of}"] for trained in TASKS})
            for measure, of in (("sensitivity", part), ("accuracy", target))
        )
        found[f"correlation.{position}.{part}"] = statistics.correlation(*both)
    for part, models in IGNORED.items():
        for name, measure, of in (("ignored", "sensitivity", part), ("harm", "accuracy", LABELLED[part])):
            ignoring, blind = (found[f"{measure}.fixed.{trained}.{of}"] for trained in models)
            found[f"{name}.{part}"] = ignoring - blind
    return found | dict(_sweeps(rows[rows["level"].notna()]))


def _sweeps(rows: pd.DataFrame) -> Iterator[tuple[str, PerSeed]]:
    # Each level's values, and their change from the lowest level, within seeds.
    for (sweep, measure, part), of in rows.groupby(["setting", "measure", "part"]):
        wide = statistics.per_seed(of, ["level"]).sort_index(axis=1)
        for level in wide.columns:
            yield f"{measure}.{sweep}.{part}.{level:g}", wide[level]
            yield f"change.{sweep}.{part}.{level:g}", wide[level] - wide.iloc[:, 0]


# --- what the chapter shows ------------------------------------------------------------------------------------


def images(found: Findings, seed: int = 0) -> Figure:
    """The same images of a seed as the tasks show them, with one part exchanged, and with translated objects."""
    specs = {task: data(found.sizes, seed, task) for task in TASKS}
    rows = {NAMES[task]: plots.examples(specs[task], 7, seed) for task in ("cifar_only", "objects_only")}
    both = specs["cifar_mixed"].renderer("cpu")
    content, other = (Split(both, seed, name, 7).keys() for name in ("examples/test", "examples/other/test"))
    rows["both"] = plots.as_pictures(both.images(content))
    for part, vary in PARTS.items():
        exchanged = both.differing(vary, content, other)
        rows[f"both, other {part}"] = plots.as_pictures(both.images(content, **{vary: exchanged}))
    rows["both, translated"] = plots.examples(data(found.sizes, seed, "cifar_mixed", translate=True), 7, seed)
    return plots.picture_grid(rows)


def sensitivity(found: Findings) -> Figure:
    """Sensitivity of every pretraining to exchanging the image and the object: seeds, means, the paper's hollow."""
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 3.7), layout="constrained")
    for part, look, offset in (("image", "matched", -0.1), ("object", "mismatched", 0.1)):
        means = [found[f"sensitivity.fixed.{task}.{part}"] for task in TASKS]
        plots.points(axis, means, plots.LOOKS[look], offset, f"exchanging the {part}", linestyle="none")
    axis.set_xticks(range(len(TASKS)), TICKS)
    axis.set(xlabel="pretraining", ylabel="sensitivity", ylim=(0, None))
    plots.legend(figure, axis, 2)
    ignored, kept = (found[f"sensitivity.fixed.{task}.object"] for task in ("cifar_mixed", "objects_mixed"))
    plots.headline(
        figure, f"Another object moves a network that ignores it by {ignored:.2f}, one that needs it by {kept:.2f}."
    )
    return figure


def accuracy(found: Findings) -> Figure:
    """Accuracy of every pretraining (rows) on every target (columns) with its interval, and the paper's."""
    cells = [[found[f"accuracy.fixed.{trained}.{target}"] for target in TASKS] for trained in TASKS]
    beside = {"untrained": "untrained", "alone": "target's images\nalone"}
    known = {text: [found.baselines.get(f"accuracy.{name}.{task}") for task in TASKS] for name, text in beside.items()}
    whole = {text: line for text, line in known.items() if None not in line}
    cells = pd.DataFrame([*cells, *whole.values()], [*TICKS, *whole], TICKS)
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 4.6), layout="constrained")
    plots.heat_map(axis, cells.map(lambda one: one.value), "accuracy", texts=cells.map(_cell))
    axis.set(xlabel="target", ylabel="pretraining")
    ignored, unseen = (found[f"accuracy.fixed.{task}.objects_mixed"] for task in ("cifar_mixed", "cifar_only"))
    plots.headline(
        figure, f"A network that learned to ignore objects tells {ignored:.2f} of them, one that saw none {unseen:.2f}."
    )
    return figure


def _cell(one: statistics.Estimate) -> str:
    interval = "" if np.isnan(one.low) else f"\n{statistics.fixed(one.low, 2)} to {statistics.fixed(one.high, 2)}"
    return f"{one:.2f}{interval}\npaper {one:.2p}"


def levels(found: Findings, sweep: str) -> list[str]:
    """The levels of a sweep that have results, from the lowest to the highest, as the names of effects have them."""
    rows = found.table[found.table["setting"] == sweep]
    return [f"{level:g}" for level in sorted(rows["level"].unique())]


LINES = {
    "sensitivity to the image": ("sensitivity", "image", plots.LOOKS["matched"]),
    "sensitivity to the object": ("sensitivity", "object", plots.LOOKS["mismatched"]),
    "accuracy where the image is the label": ("accuracy", "cifar_mixed", plots.LOOKS["third"]),
    "accuracy where the object is the label": ("accuracy", "objects_mixed", plots.LOOKS["fourth"]),
}


def sweeps(found: Findings) -> Figure:
    """Sensitivities (dashed) and accuracies over the levels of the sweeps that were run."""
    known = [sweep for sweep in SWEEPS if levels(found, sweep)] or [SWEEPS[0]]
    figure, axes = plt.subplots(
        1, len(known), figsize=(plots.WIDTH, 4.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, sweep in zip(axes.flat, known, strict=True):
        _sweep(axis, found, sweep)
    axes[0, 0].set(ylabel="sensitivity, accuracy", ylim=(0, None))
    plots.legend(figure, axes[0, 0], 2)
    never, always = (found[f"accuracy.correlation.objects_mixed.{level}"] for level in (0, 1))
    if never.n and always.n:
        told = f"it tells nothing {never:.2f}, where it always tells the class {always:.2f}"
        plots.headline(figure, f"Accuracy on the object after training on the picture: where {told}.")
    return figure


def _sweep(axis: Axes, found: Findings, sweep: str) -> None:
    axis.set(xlim=(-0.05, 1.05), xlabel=SWEEP_AXES[sweep])
    known = levels(found, sweep)
    if not known:
        axis.text(0.5, 0.5, "not run at this size", ha="center", va="center", transform=axis.transAxes)
        return
    for label, (measure, part, look) in LINES.items():
        means = [found[f"{measure}.{sweep}.{part}.{level}"] for level in known]
        style = "--" if measure == "sensitivity" else "-"
        plots.points(axis, means, look, label=label, places=[float(level) for level in known], linestyle=style)


def translated(found: Findings) -> HTML:
    """Everything about translated objects, a column a pretraining: this run with its interval, then the paper.

    Nothing where they were not run.
    """
    if not found[f"accuracy.translated.{TASKS[0]}.{TASKS[0]}"].n:
        return HTML("")
    quantities = [("accuracy", target, f"accuracy on {NAMES[target]}") for target in TASKS]
    quantities += [("sensitivity", part, f"sensitivity to the {part}") for part in PARTS]
    rows = []
    for measure, part, title in quantities:
        cells = {NAMES[task]: found[f"{measure}.translated.{task}.{part}"] for task in TASKS}
        rows += [{"pretraining:": title} | {name: f"{one:.2i}; {one:.2p}" for name, one in cells.items()}]
    return plots.table(rows)


# --- texts -----------------------------------------------------------------------------------------------------


def texts(found: Findings) -> dict[str, str]:
    """What was drawn, the verdicts on the harm, and the sentences on variants that not every budget runs."""
    verdicts = {s.estimate: verdict.split(":")[0] for s, (_, verdict) in found.verdicts().items()}
    return {
        "images_from": found.sizes.natural("cifar10"),
        "objects": ", ".join(name.replace("_", " ") for name in data(found.sizes, 0, "cifar_only").object_names()),
        "harm.object.verdict": verdicts["harm.object"],
        "harm.image.verdict": verdicts["harm.image"],
        "answer": " ".join(_cost(found, part) for part in ("image", "object")),
        "untrained": _untrained(found),
        "translated": _translated(found),
        **{sweep: _of_sweep(found, sweep, part) for sweep, part in zip(SWEEPS, PARTS, strict=True)},
    }


NOT_RUN = "This run leaves that out; the budgets night and paper have it."


def _cost(found: Findings, part: str) -> str:
    # What the model that had reason to ignore a part loses, where that part is asked for.
    ignoring, blind = (found[f"accuracy.fixed.{trained}.{LABELLED[part]}"] for trained in IGNORED[part])
    other = "object" if part == "image" else "image"
    told = found[f"harm.{part}"].told(
        "a difference that may be chance",
        "so ignoring it did no harm here",
        "so what it learned to ignore, it has lost",
    )
    return (
        f"A model that saw both parts and was asked for the {other} lets a probe name the {part} in a share of "
        f"{ignoring:.2f} of new images, one that never saw the {part} in {blind:.2f}: {told}."
    )


def _untrained(found: Findings) -> str:
    # What training on pictures alone already takes from a network, against one that was not trained.
    before = found.baselines.get("accuracy.untrained.objects_mixed")
    after = found["accuracy.fixed.cifar_only.objects_mixed"]
    if before is None or not after.n:
        return ""
    if before.value <= after.value:
        return f"An untrained network lets a probe name {before:.2f} of the objects: training on pictures took nothing."
    return (
        f"An untrained network lets a probe name {before:.2f} of the objects. Training on pictures alone takes that "
        f"down to {after:.2f}, before any object was there to be ignored."
    )


def _translated(found: Findings) -> str:
    names = (f"accuracy.translated.{task}.objects_mixed" for task in ("cifar_only", "cifar_mixed", "objects_mixed"))
    first, second, own = (found[name] for name in names)
    return f"Here they reach {first} and {second}, and it reaches {own}." if first.n else NOT_RUN


def _of_sweep(found: Findings, sweep: str, label: str) -> str:
    known, shown = levels(found, sweep), ("sensitivity to the object", f"accuracy where the {label} is the label")
    return " ".join(_changes(found, sweep, known, name) for name in shown) if len(known) > 1 else NOT_RUN


def _changes(found: Findings, sweep: str, known: list[str], label: str) -> str:
    measure, part, _ = LINES[label]
    shown = known if len(known) < 4 else (known[0], known[len(known) // 2], known[-1])
    each = ", ".join(f"{found[f'{measure}.{sweep}.{part}.{level}']:.2f} at {level}" for level in shown)
    changes = {level: found[f"change.{sweep}.{part}.{level}"] for level in known[1:]}
    last = f"From {known[0]} to {known[-1]} it changes by {changes[known[-1]]:.2i}"
    return f"The {label} is {each}. {last}; {_from(changes)}."


def _from(changes: Mapping[str, statistics.Estimate]) -> str:
    # From which level on the change is clear at every level, in words.
    unclear = [k for k, change in enumerate(changes.values()) if not change.excludes(0)]
    clear = list(changes)[unclear[-1] + 1 :] if unclear else list(changes)
    if not clear:
        return "at the end the change may be chance"
    if len(changes) == 1:
        return "a clear change"
    return (
        f"from {clear[0]} on it is clear in every comparison"
        if len(clear) > 1
        else f"only at {clear[0]} is the change clear"
    )


STUDY = Study(
    name="when_invariance_harms",
    sizes=SIZES,
    design=design,
    effects=effects,
    baselines=compared_with,
    figures={function.__name__: function for function in (images, sensitivity, accuracy, sweeps)},
    tables={"translated": translated},
    texts=texts,
)
