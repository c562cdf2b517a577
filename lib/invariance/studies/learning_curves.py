"""How many images does a training need until the effects show? The curves from which the sizes of `night` were chosen.

One model a seed and number of images for what each experiment rests on: the matching model's accuracy, or how much less
sensitive a model is to what it was trained with. Seeds begin at `FIRST`, so that no other study uses them again.

Chapter: the appendix of book/13_reproducibility.py.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from pydantic import Field

from invariance import plots, statistics
from invariance.statistics import PerSeed
from invariance.studies import invariance_transfer, mismatch
from invariance.studies import when_invariance_harms as harm
from invariance.studies.sizes import Count, Sizes, pretraining, probes, sizes_of
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import CIFAR10, T2D, Setting, pretrained, targets
from invariance.units import Pretraining, Sensitivity
from invariance.units.run import Design

FIRST = 9_000
"""The first seed of the curves; every other study counts its seeds from 0."""
FOUR, EIGHT = 4, 8
MEASURED = ("rotate", "hue", "blur")
"""One transformation of each category, for the curve of invariance."""
PANELS = {
    "accuracy, Transforms-2D": ("new classes", "known classes"),
    "accuracy on four and eight transformations": ("four on four", "eight on four", "eight on eight"),
    "accuracy, objects on images": ("object from object", "object from both", "object from image", "image from image"),
    "accuracy, natural images": ("natural, new classes", "natural, known classes"),
    "sensitivity": ("trained with it", "trained with another"),
    "accuracy on new classes, by network": (
        "small_resnet, new classes",
        "small_densenet, new classes",
        "small_vgg, new classes",
        "small_vit, new classes",
    ),
}
"""What the figure shows together. A curve is named after the pretraining's data and the target's."""


class CurveSizes(Sizes):
    """`samples` is the most distinct images of a training; more images than that are seen in several epochs."""

    images: tuple[Count, ...]
    natural_images: tuple[Count, ...]
    natural_samples: Count
    transfer_images: tuple[Count, ...]
    model_images: tuple[Count, ...]
    few_seeds: Count
    pairs: int = Field(ge=2)


SIZES = sizes_of(CurveSizes, "learning_curves")


def design(sizes: CurveSizes) -> Design:
    """One unit for each seed, number of images and model; `curve` is its name in `PANELS`."""
    planned: Design = []
    for place in range(sizes.seeds):
        seed, many = FIRST + place, place >= sizes.few_seeds
        planned += _classes(sizes, seed, T2D, sizes.images, "")
        if many:
            continue
        planned += _mismatch(sizes, seed)
        planned += _objects(sizes, seed)
        planned += _classes(sizes, seed, CIFAR10, sizes.natural_images, "natural, ")
        planned += _transfer(sizes, seed)
        for model in sizes.models[1:]:
            planned += _classes(sizes, seed, T2D, sizes.model_images, f"{model}, ", model=model)[::2]
    return planned


def _seen(once: Pretraining, images: int, most: int) -> Pretraining:
    # The same training on so many images, of which `most` are distinct.
    samples = min(images, most)
    return once.model_copy(update={"samples": samples, "epochs": max(round(images / samples), 1)})


def _columns(curve: str, images: int, **more: Any) -> dict[str, Any]:
    return {"curve": curve, "images": images, **more}


def _classes(
    sizes: CurveSizes, seed: int, setting: Setting, levels: tuple[int, ...], name: str, model: str = ""
) -> Design:
    # The matching model on new and on known classes.
    most = sizes.natural_samples if setting is CIFAR10 else sizes.samples
    planned, target = [], {"first": targets(sizes, seed, setting)["first"]}
    for images, classes in product(levels, ("disjoint", "same")):
        level = most // setting.target if setting is CIFAR10 else most
        once = pretrained(sizes, seed, classes, "first", setting, samples=level, model=model or sizes.model)
        curve = f"{name}{'new' if classes == 'disjoint' else 'known'} classes"
        planned.append((_columns(curve, images), probes(sizes, _seen(once, images, most), target)))
    return planned


def _mismatch(sizes: CurveSizes, seed: int) -> Design:
    planned = []
    for images, (used, probed_on) in product(sizes.images, ((FOUR, FOUR), (EIGHT, FOUR), (EIGHT, EIGHT))):
        once = pretraining(sizes, mismatch.data(sizes, seed, used), sizes.model, seed)
        words = {FOUR: "four", EIGHT: "eight"}
        both = {str(count): mismatch.data(sizes, seed, count) for count in (FOUR, EIGHT)}
        curve = f"{words[used]} on {words[probed_on]}"
        unit = probes(sizes, _seen(once, images, sizes.samples), both)
        planned.append((_columns(curve, images, probed_on=str(probed_on)), unit))
    return planned


def _objects(sizes: CurveSizes, seed: int) -> Design:
    asked = {"object": "objects_mixed", "image": "cifar_mixed"}
    learnt = {"object": "objects_only", "image": "cifar_only", "both": "objects_mixed"}
    planned = []
    for images, (part, shown) in product(sizes.natural_images, product(asked, learnt)):
        curve = f"{part} from {shown}"
        if curve in PANELS["accuracy, objects on images"]:
            shown_data = harm.data(sizes, seed, learnt[shown])
            once = pretraining(sizes, shown_data, sizes.model, seed, samples=sizes.natural_samples)
            both = {task: harm.data(sizes, seed, task) for task in asked.values()}
            unit = probes(sizes, _seen(once, images, sizes.natural_samples), both)
            planned.append((_columns(curve, images, probed_on=asked[part]), unit))
    return planned


def _transfer(sizes: CurveSizes, seed: int) -> Design:
    own, new = (invariance_transfer.data(sizes, f"{which} objects on scenes", seed) for which in ("training", "new"))
    planned, data = [], {"new": new}
    for images, used, measured in product(sizes.transfer_images, MEASURED, MEASURED):
        once = invariance_transfer.trained(sizes, sizes.model, own, used, seed)
        how = {"measured": ("l2",), "intervals": False, "pairs": sizes.pairs, "seed": seed, "transforms": MEASURED}
        unit = Sensitivity(pretraining=_seen(once, images, sizes.samples), data=data, **how)
        curve = "trained with it" if used == measured else "trained with another"
        planned.append((_columns(curve, images, transformation=measured), unit))
    return planned


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """The value of each curve at each number of images, such as `new classes.50000`."""
    rows = table[table["split"].isin(["test", "pairs"])]
    wide = statistics.per_seed(rows, ["curve", "images"])
    return {f"{curve}.{images}": wide[curve, images].dropna() for curve, images in wide}


def curves(found: Findings) -> Figure:
    """Every curve over the number of images that a training sees: seeds' means with intervals."""
    figure, axes = plt.subplots(3, 2, figsize=(plots.WIDTH, 8.4), layout="constrained")
    known = [name.rsplit(".", 1) for name in found.estimates]
    for axis, (title, names) in zip(axes.flat, PANELS.items(), strict=True):
        for name, look in zip(names, plots.LOOKS.values(), strict=False):
            levels = [int(images) for curve, images in known if curve == name]
            line = [found[f"{name}.{images}"].value for images in levels]
            axis.plot(levels, line, look.marker, linestyle="-", color=look.colour, label=name)
        axis.set(xscale="log", xlabel="images seen in training")
        axis.set_title(title, fontsize=10)
        axis.set_xticks(levels, [f"{images // 1000:,}k" if images >= 1000 else str(images) for images in levels])
        axis.minorticks_off()
        axis.set_ylim(0, 1)
        axis.legend(fontsize=8, loc="best")
    known = [one.value for name, one in found.estimates.items() if name.startswith("known classes.")]
    plots.headline(figure, f"On known classes more images lift accuracy from {known[0]:.2f} to {known[-1]:.2f}.")
    return figure


STUDY = Study(name="learning_curves", sizes=SIZES, design=design, effects=effects, figures={"curves": curves})
