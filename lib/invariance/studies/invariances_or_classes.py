"""Which matters more, the right invariances or the right classes? (section 5 of the paper, figure 2)

A target has 30 classes of Transforms-2D under three transformations, one of each category. Models are pretrained on
classes that relate to the target's in four ways, under the target's transformations (*matched*) or three others
(*mismatched*), and probed on the target. The *gap* is matched minus mismatched; a *range* is the best class
relationship minus the worst.

Chapter: book/03_invariances_or_classes.py.
"""

import re
from collections.abc import Mapping
from itertools import product

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots
from invariance.statistics import PerSeed
from invariance.studies import factors
from invariance.studies.sizes import Sizes, sizes_of
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import CLASSES, SETS, T2D, TRANSFORMS, compared_with, drawn, pretrained, probed, task
from invariance.units.run import Design

SIZES = sizes_of(Sizes, "invariances_or_classes")


def design(sizes: Sizes) -> Design:
    """One unit of probes for each seed, class relationship and set of transformations of the pretraining."""
    return [
        ({"classes": classes, "pretrained_on": used}, probed(sizes, pretrained(sizes, seed, classes, used)))
        for seed, classes, used in product(range(sizes.seeds), CLASSES, SETS)
    ]


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """Those of `factors.effects`, by shorter names: a place is a class relationship, and the only factor.

    So `accuracy.matched.same`, `gap.same`, `gap`, `range.matched`, `gap-range.matched`.
    """
    named = factors.effects(table.assign(transfer="probe", factor="class_relationship", place=table["classes"]))
    short = {name.replace(".probe.class_relationship", ""): values for name, values in named.items()}
    found = {re.sub(r"^accuracy\.(\w+)\.(\w+)", r"accuracy.\2.\1", name): values for name, values in short.items()}
    return {name: values for name, values in found.items() if "probe-first" not in name}


# --- what the chapter shows ------------------------------------------------------------------------------------


def levels(found: Findings, paper: bool = True) -> Figure:
    """Accuracy by class relationship, matched and mismatched: seeds, means with intervals, the paper's hollow."""
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 3.9), layout="constrained")
    means = {kind: [found[f"accuracy.{kind}.{classes}"] for classes in CLASSES] for kind in TRANSFORMS}
    factors.matched_and_not(axis, means, CLASSES, paper)
    plots.references(axis, {"guessing": 1 / T2D.target, **factors.compared(found)})
    axis.set(xlabel="pretraining classes, compared with the target's", ylabel="accuracy on the target")
    plots.legend(figure, axis, 2)
    new, old = found["accuracy.matched.disjoint"], found["accuracy.mismatched.same"]
    plots.headline(
        figure, f"Other classes, same transformations: {new:.2f}. Same classes, other transformations: {old:.2f}."
    )
    return figure


def bars(found: Findings) -> Figure:
    """What changes accuracy more: the gap between transformations, or either range over classes (figure 3)."""
    gap, matched, mismatched = (found[name] for name in ("gap", "range.matched", "range.mismatched"))
    headline = (
        f"Transformations are worth {gap:.2f}, classes {matched:.2f} (matched) and {mismatched:.2f} (mismatched)."
    )
    return factors.bars(found, {"pretraining\nclasses": ["gap", "range.matched", "range.mismatched"]}, headline)


def examples(found: Findings, seed: int = 0) -> Figure:
    """One class of a seed's target under both sets of transformations."""
    chosen = task(found.sizes, seed)
    specs = (T2D.data(found.sizes, chosen.classes["same"], chosen.transforms[name]) for name in SETS)
    return plots.picture_grid({label: plots.draws(next(specs), 0, 9) for label in ("target's", "others")})


def comparison(found: Findings) -> HTML:
    """This run's means (the paper's in brackets) by class relationship, with the gap and its interval."""
    rows = [
        {"classes": classes}
        | {kind: f"{found[f'accuracy.{kind}.{classes}']:.3b}" for kind in TRANSFORMS}
        | {"gap (95 % interval)": f"{found[f'gap.{classes}']:.3i}", "paper's gap": f"{found[f'gap.{classes}']:.3p}"}
        for classes in CLASSES
    ]
    return plots.table(rows)


def texts(found: Findings) -> dict[str, str]:
    """Names of what was drawn, and the order of the classes here and in the paper."""
    orders = {
        "rising": {c: sum(found[f"accuracy.{kind}.{c}"].value for kind in TRANSFORMS) for c in CLASSES},
        "rising.paper": {c: sum(found[f"accuracy.{kind}.{c}"].paper for kind in TRANSFORMS) for c in CLASSES},
    }
    rising = {name: ", ".join(sorted(values, key=values.get)) for name, values in orders.items()}
    return drawn(found.sizes) | rising | {"answer": _answer(found)}


def _answer(found: Findings) -> str:
    ours, gap, spread = (found[name] for name in ("accuracy.matched.disjoint", "gap", "range.matched"))
    weighed = found["gap-range.matched"].told(
        "this run cannot tell which weighs more",
        "the transformations weigh more",
        "the classes weigh more",
    )
    return (
        "A model that saw the task's transformations, but none of its classes, reaches an accuracy of "
        f"{ours:.2f}; one that saw its classes under other transformations {found['accuracy.mismatched.same']:.2f}. On "
        f"the whole the right transformations are worth {gap:.2f} and the best classes, against the worst, "
        f"{spread:.2f}: {weighed}."
    )


STUDY = Study(
    name="invariances_or_classes",
    sizes=SIZES,
    design=design,
    effects=effects,
    baselines=compared_with,
    figures={"levels": levels, "bars": bars, "examples": examples},
    tables={"comparison": comparison},
    texts=texts,
)
