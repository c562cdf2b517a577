"""How invariant is a representation? Three models, measured on one target (section 5 of the paper).

An untrained network, one pretrained on mismatched and one on matched transformations, all on other classes than the
target's, are measured on the target's classes: how sensitive is each to the target's three transformations? The trained
models are those of the next chapter, so that this costs no training of its own. Chapter:
book/02_measuring_invariance.py.
"""

from collections.abc import Mapping
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from pydantic import Field

from invariance import measures, models, plots, statistics
from invariance.datasets.pairs import pair_keys, paired_images
from invariance.statistics import PerSeed
from invariance.studies.sizes import Sizes, sizes_of
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import SETS, T2D, pretrained, task
from invariance.training import pick_device
from invariance.training.inference import features_of_keys
from invariance.transforms import CATEGORIES, TRANSFORMATIONS, names_of
from invariance.units import Pretraining, Sensitivity, untrained
from invariance.units.run import Design

KINDS = ("untrained", "mismatched", "matched")
"""The three models, by the transformations that they were trained with, compared with those that are measured."""
NAMES = {"untrained": "untrained", "mismatched": "trained with others", "matched": "trained with it"}
MEASURES = {
    "sensitivity_l2": "l2 sensitivity",
    "sensitivity_cosine": "cosine",
    "sensitivity_dot": "dot product",
    "cka": "CKA",
}


class PairSizes(Sizes):
    """Sizes, and the number of pairs of images."""

    pairs: int = Field(default=10_000, ge=2)


SIZES = sizes_of(PairSizes, "invariances_or_classes", "measuring_invariance")


def model(sizes: Sizes, seed: int, kind: str, target: str = "first") -> Pretraining:
    """One of `KINDS` for a seed, where the target has one of the task's two sets of transformations."""
    other = SETS[1 - SETS.index(target)]
    trained = pretrained(sizes, seed, "disjoint", {"matched": target, "mismatched": other}.get(kind, "first"))
    return untrained(trained) if kind == "untrained" else trained


def trained_model(budget: str = "quick", seed: int = 0, device: str = "auto") -> models.Classifier:
    """The model of `KINDS` that was trained with the first set of transformations; for chapters that need one."""
    return model(SIZES[budget], seed, "matched").trained(device)


def design(sizes: PairSizes) -> Design:
    """Sensitivities of every seed's models: to each of the target's transformations, and to exchanging the object."""
    planned: Design = []
    for seed, target, kind in product(range(sizes.seeds), SETS, KINDS):
        for exchanged, measured in {"": to_transforms, "object": to_objects}.items():
            columns = {"kind": kind, "target": target, "exchanged": exchanged}
            planned.append((columns, measured(sizes, seed, kind, target)))
    return planned


def to_transforms(sizes: PairSizes, seed: int, kind: str, target: str) -> Sensitivity:
    """The sensitivity of one of `KINDS` to each transformation of the target."""
    chosen = task(sizes, seed)
    plain = {"target": T2D.data(sizes, chosen.classes["same"], ())}
    used = {"pretraining": model(sizes, seed, kind, target), "pairs": sizes.pairs, "seed": seed}
    return Sensitivity(data=plain, transforms=chosen.transforms[target], **used)


def to_objects(sizes: PairSizes, seed: int, kind: str, target: str) -> Sensitivity:
    """The sensitivity of one of `KINDS` to another object on the same background, under the same transformations.

    A network that is blind moves little for any exchange; an invariant one moves for this one, and not for the others.
    """
    chosen = task(sizes, seed)
    moved = {"target": T2D.data(sizes, chosen.classes["same"], chosen.transforms[target])}
    used = {"pretraining": model(sizes, seed, kind, target), "pairs": sizes.pairs, "seed": seed}
    return Sensitivity(data=moved, vary="object", measured=("l2",), intervals=False, **used)


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """Sensitivities by kind of model, measure and category; a seed's mean over both targets. And the advantage.

    `relative.KIND` is the l2 sensitivity as a share of that to exchanging the object.
    """
    objects = None
    if "exchanged" in table:
        objects = statistics.per_seed(table[table["exchanged"] == "object"], ["kind"])
        table = table[table["exchanged"] == ""]
    if "category" not in table:
        table = table.assign(category=table["transformation"].map(lambda name: TRANSFORMATIONS[name].category))
    wide = statistics.per_seed(table, ["measure", "kind"])
    by_category = statistics.per_seed(table[table["measure"] == "sensitivity_l2"], ["kind", "category"])
    found = statistics.named(wide, MEASURES, KINDS)
    found |= statistics.named(by_category, KINDS, CATEGORIES, prefix="sensitivity.")
    found["advantage"] = found["sensitivity_l2.mismatched"] - found["sensitivity_l2.matched"]
    if objects is not None:
        to_object = {kind: statistics.column(objects, kind) for kind in KINDS}
        found |= {f"sensitivity.objects.{kind}": values for kind, values in to_object.items()}
        found |= {f"relative.{kind}": found[f"sensitivity_l2.{kind}"] / values for kind, values in to_object.items()}
    return found


# --- what the chapter shows ------------------------------------------------------------------------------------


def one_category(sizes: Sizes, seed: int, category: str) -> str:
    """The target's transformation of this category for a seed."""
    return next(name for name in task(sizes, seed).transforms["first"] if name in names_of(category))


def by_hand(sizes: PairSizes, seed: int, category: str, device: str = "auto") -> dict[str, measures.Sensitivity]:
    """Each model's sensitivity to the target's transformation of one category, step by step."""
    data = T2D.data(sizes, task(sizes, seed).classes["same"], (one_category(sizes, seed, category),))
    renderer = data.renderer(pick_device(device))
    content, first, second = pair_keys(renderer, sizes.pairs, seed)
    found = {}
    for kind in KINDS:
        backbone = model(sizes, seed, kind).trained(device)
        x, x_prime = (features_of_keys(backbone, renderer, content, transformation=k) for k in (first, second))
        found[NAMES[kind]] = measures.sensitivity(x, x_prime, seed)
    return found


@plots.detached
def distances(found: Mapping[str, measures.Sensitivity]) -> Figure:
    """Histograms of distances between representations, one panel a model: pairs of one content, and random pairs."""
    figure, axes = plt.subplots(1, len(found), figsize=(2.6 * len(found) + 0.6, 2.6), layout="constrained")
    for axis, (name, one) in zip(axes, found.items(), strict=True):
        scale, bins = one.between.mean(), np.linspace(0, 2.2, 45)
        for values, colour, label in (
            (one.within, plots.MATCHED, "same content"),
            (one.between, plots.MISMATCHED, "random pairs"),
        ):
            axis.hist((values / scale).numpy(), bins, color=colour, alpha=0.65, density=True, label=label)
            axis.axvline(float(values.mean() / scale), color=colour, linewidth=1.6)
        axis.set(title=name, yticks=[], xlabel="distance / mean random distance")
        axis.spines["left"].set_visible(False)
        axis.grid(visible=False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    each = ", ".join(f"{one.value:.2f} ({name})" for name, one in found.items())
    plots.headline(figure, f"The mean distance of a pair, as a share of that of random images: {each}.")
    return figure


def pairs(found: Findings, seed: int = 0, category: str = "geometric") -> Figure:
    """Nine pairs of images of the target's classes that differ in one transformation."""
    chosen = task(found.sizes, seed)
    data = T2D.data(found.sizes, chosen.classes["same"], (one_category(found.sizes, seed, category),))
    both = paired_images(data.renderer(), 9, seed)
    return plots.picture_grid({name: plots.as_pictures(x) for name, x in zip(("x", "x'"), both, strict=True)})


def bars(found: Findings) -> Figure:
    """Sensitivity of each kind of model by category: seeds as small marks, means with intervals."""
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 3.4), layout="constrained")
    for kind, word, offset in zip(KINDS, ("neutral", "mismatched", "matched"), (-0.25, 0.0, 0.25), strict=True):
        look, means = plots.LOOKS[word], [found[f"sensitivity.{kind}.{category}"] for category in CATEGORIES]
        places = np.arange(len(means)) + offset
        axis.bar(places, [one.value for one in means], 0.23, color=look.colour, alpha=plots.BAR_ALPHA)
        plots.points(axis, means, look, offset, NAMES[kind], linestyle="none")
    axis.axhline(1, color=plots.GREY, linewidth=1, linestyle=":")
    axis.set_xticks(range(len(CATEGORIES)), CATEGORIES)
    axis.set(ylabel="sensitivity", xlabel="category of the transformation", ylim=(0, None))
    plots.legend(figure, axis, 3)
    known = {text: found[f"sensitivity_l2.{kind}"] for kind, text in HEADLINE.items()}
    plots.headline(figure, f"Sensitivity {', '.join(f'{text} {one:.2f}' for text, one in known.items())}.")
    return figure


HEADLINE = {"matched": "after training with the transformation", "mismatched": "with others", "untrained": "untrained"}


def all_measures(found: Findings) -> HTML:
    """The four measures side by side for each kind of model, with 95 % intervals."""
    cells = {kind: {title: str(found[f"{name}.{kind}"]) for name, title in MEASURES.items()} for kind in KINDS}
    return plots.table([{"model": NAMES[kind]} | line for kind, line in cells.items()])


def texts(found: Findings) -> dict[str, str]:
    """The width of the network, the answer of the chapter, and whether low means invariant or blind."""
    matched, mismatched, untrained = (
        found[f"sensitivity_l2.{kind}"] for kind in ("matched", "mismatched", "untrained")
    )
    learned = found["advantage"].told(
        "With so few seeds we cannot tell whether training with a transformation lowers it",
        "Training with a transformation lowers it clearly",
        "Training with a transformation does not lower it but raise it",
    )
    return {
        "width": str(models.build(found.sizes.model, 1, 0).width),
        "answer": f"By how far a transformation moves the representation, counted in distances of random images: "
        f"{matched:.2f} for networks that were trained with the transformation, {mismatched:.2f} for networks trained "
        f"with others, {untrained:.2f} for untrained ones. {learned} (a difference of {found['advantage']}).",
        "blind": _blind(found),
        "agreement": _agreement(found),
    }


def _agreement(found: Findings) -> str:
    # CKA is high where a model is invariant, the sensitivities are low.
    more = {name: found[f"{name}.mismatched"].value - found[f"{name}.matched"].value for name in MEASURES}
    other = [MEASURES[name] for name, by in more.items() if (by < 0) != (name == "cka")]
    if not other:
        return "All of them find the networks more invariant that were trained with the transformations."
    return (
        f"These do not find the networks more invariant that were trained with the transformations: {', '.join(other)}."
    )


def _blind(found: Findings) -> str:
    if not found["relative.matched"].n:
        return "These results do not have it yet."
    each = (f"{found[f'relative.{kind}']:.2f} for those {NAMES[kind]}" for kind in ("matched", "mismatched"))
    return f"It is {', '.join(each)}, and {found['relative.untrained']:.2f} for untrained networks."


STUDY = Study(
    name="measuring_invariance",
    sizes=SIZES,
    design=design,
    effects=effects,
    figures={"pairs": pairs, "bars": bars},
    tables={"measures": all_measures},
    texts=texts,
)
