"""Too few invariances, or too many? (section 8 of the paper)

A seed draws 8 of the 18 transformations in an order. Models are pretrained on the first 1, 2, ..., 8 of them and probed
on targets with the first 1, 2, ..., 8, on the same 30 classes. A model is compared with the *matching* one, which was
pretrained on just the target's transformations: what does it lose by those it lacks, and by those it has too many?

Chapter: book/08_mismatch.py.
"""

from collections.abc import Iterable, Mapping
from itertools import product

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from pydantic import Field

from invariance import plots, sampling, statistics
from invariance.datasets import Transforms2D
from invariance.pictures import class_names
from invariance.statistics import NAN, NOTHING, Estimate, Estimates, PerSeed, fixed
from invariance.studies.papers_values import NEAR_ONE, published
from invariance.studies.study import PAPERS_MODELS, Findings, Sizes, Statement, Study, pretraining, probes, sizes_of
from invariance.transforms import PAPER_NAMES
from invariance.units.run import Design

CLASSES, MOST = 30, 8
COUNTS = range(1, MOST + 1)
STEPS = range(1, MOST)
"""How many transformations can be missing, or too many."""
MAIN = "resnet18"
PLACES = (0, 3, 2, 4)
"""The paper's four architectures (ResNet-18, VGG-11, DenseNet-121, ViT) among the five of `Sizes.models`."""


class MismatchSizes(Sizes):
    """`architectures` is how many of the paper's four are run, `transformations` how many a seed has, at most 8."""

    architectures: int = Field(default=1, ge=1, le=4)
    transformations: int = Field(default=MOST, ge=2, le=MOST)


_TINY = dict.fromkeys(("samples", "validation_samples", "probe_samples", "test_samples"), 64)
SIZES = sizes_of(
    MismatchSizes,
    {
        "smoke": {**_TINY, "transformations": 3},
        "quick": {"samples": 7_000, "probe_samples": 800, "test_samples": 700},
        "night": {"architectures": 4},
        "paper": {"architectures": 4, "epochs": 100, "batch_size": 256},
    },
)


def order(seed: int) -> tuple[str, ...]:
    """The 8 transformations of one seed, in the order in which they are added and applied."""
    return tuple(sampling.choose(seed, "mismatch order", PAPER_NAMES, MOST))


def data(sizes: Sizes, seed: int, count: int) -> Transforms2D:
    """The data set of one seed with its first `count` transformations."""
    names = sampling.choose(seed, "mismatch classes", list(class_names(sizes.foregrounds)), CLASSES)
    return Transforms2D(
        foregrounds=sizes.foregrounds,
        backgrounds=sizes.backgrounds,
        classes=tuple(names),
        transforms=order(seed)[:count],
    )


def design(sizes: MismatchSizes) -> Design:
    """One unit of probes, on all targets, for each architecture, seed and number of transformations of the pretraining.

    `counterpart` is the paper's model whose place an architecture takes.
    """
    counterparts = {sizes.models[place]: PAPERS_MODELS[place] for place in reversed(PLACES)}  # the first one wins
    chosen = list(reversed(counterparts))[: sizes.architectures]
    counts, planned = COUNTS[: sizes.transformations], []
    for model, seed, count in product(chosen, range(sizes.seeds), counts):
        trained = pretraining(sizes, data(sizes, seed, count), model, seed)
        targets = {str(wanted): data(sizes, seed, wanted) for wanted in counts}
        columns = {"counterpart": counterparts[model], "model": model, "pretrained_on": count}
        planned.append(({**columns, "order": ",".join(order(seed))}, probes(sizes, trained, targets)))
    return planned


# --- effects ---------------------------------------------------------------------------------------------------


def accuracies(table: pd.DataFrame, counterpart: str = MAIN) -> pd.DataFrame:
    """Accuracies of one architecture: a row a seed, columns (number in pretraining, number in the target)."""
    rows = table[(table["counterpart"] == counterpart) & (table["split"] == "test")]
    return statistics.per_seed(rows.astype({"pretrained_on": int, "probed_on": int}), ["pretrained_on", "probed_on"])


def differences(wide: pd.DataFrame) -> dict[int, dict[int, PerSeed]]:
    """Accuracy minus that of the matching model, by what is missing and target; extra ones are missing less than 0."""
    most = max([2, *(count for pair in wide for count in pair)])
    counts, found = range(1, most + 1), {k: {} for k in range(1 - most, most)}
    for i, j in product(counts, counts):
        found[j - i][j] = statistics.column(wide, i, j) - statistics.column(wide, j, j)
    return found


def changes(wide: pd.DataFrame) -> dict[str, PerSeed]:
    """The change of accuracy by how many transformations are missing or extra, a seed's mean over the targets."""
    known = differences(wide)
    places = {f"{name}.{k}": sign * k for name, sign in (("extra", -1), ("missing", 1)) for k in STEPS}
    nothing = pd.Series(NAN, index=wide.index)  # where a budget has fewer transformations
    return {name: _mean(known[place].values()) if place in known else nothing for name, place in places.items()}


def steps(wide: pd.DataFrame) -> pd.DataFrame:
    """What the k-th missing transformation costs more than k - 1 do, on the same target: a row a seed, a column a k."""
    known = differences(wide)
    lost = {k: [known[k - 1][j] - one for j, one in known[k].items()] for k in known if k > 0}
    return pd.DataFrame({k: _mean(parts) for k, parts in lost.items()})


def _mean(parts: Iterable[PerSeed]) -> PerSeed:
    # A seed that lacks one of the parts has no value.
    return pd.concat(list(parts), axis=1).mean(axis=1, skipna=False)


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """Of the main architecture: changes, the cost of a superset, slope and least step of a subset, extra - missing."""
    wide = accuracies(table)
    known, found = differences(wide), changes(wide)
    lacking = [k for k in known if k > 0]
    return {
        **found,
        "superset_cost": -_mean(one for k, by_target in known.items() if k < 0 for one in by_target.values()),
        # Least squares through (0, 0): nothing missing, no difference.
        "slope": sum(k * found[f"missing.{k}"] for k in lacking) / sum(k * k for k in lacking),
        "smallest_step": statistics.smallest_level(steps(wide)),
        **{f"extra-missing.{k}": found[f"missing.{k}"] - found[f"extra.{k}"] for k in (1, MOST - 1)},
        "accuracy.matching": statistics.column(wide, MOST, MOST),
    }


def paper() -> pd.DataFrame:
    """The paper's accuracies, read off its plots to about 0.005; one that cannot be told from 1 is `NEAR_ONE`."""
    return pd.DataFrame(
        [
            {"counterpart": model, "pretrained_on": count, "probed_on": wanted, "split": "test"}
            | {"value": NEAR_ONE if value is None else value}
            for model, grid in published("mismatch")["values"].items()
            for count, line in enumerate(grid, 1)
            for wanted, value in enumerate(line, 1)
        ]
    )


# --- what the chapter shows ------------------------------------------------------------------------------------


def architectures(found: Findings) -> dict[str, str]:
    """The architectures that were run, by the paper's model in whose place they stand."""
    return dict(zip(found.table["counterpart"], found.table["model"], strict=True))


def cells(found: Findings, counterpart: str = MAIN) -> dict[tuple[int, int], Estimate]:
    """The 8 x 8 accuracies of one architecture beside the paper's, by the numbers in pretraining and in the target."""
    ours, theirs = (
        {f"accuracy.{i}.{j}": wide[i, j] for i, j in wide}
        for wide in (accuracies(found.table, counterpart), accuracies(paper(), counterpart))
    )
    estimates = statistics.estimates(ours, {"accuracy": "share"}, theirs)
    return {pair: estimates.get("accuracy.{}.{}".format(*pair), NOTHING) for pair in product(COUNTS, COUNTS)}


def by_counterpart(found: Findings) -> dict[str, tuple[dict[str, PerSeed], Estimates]]:
    """The changes of accuracy of each architecture, seed by seed and as estimates beside the paper's."""
    known = {}
    for counterpart in architectures(found):
        ours, theirs = (changes(accuracies(table, counterpart)) for table in (found.table, paper()))
        known[counterpart] = (ours, statistics.estimates(ours, found.study.kinds, theirs))
    return known


def steps_of_a_seed(found: Findings, seed: int = 0) -> Figure:
    """One class of a seed under its first 1, 2, ..., 8 transformations."""
    rows = [plots.draws(data(found.sizes, seed, count), 0, 7, seed) for count in COUNTS]
    names = [f"{'+ ' if k else ''}{name.replace('_', ' ')}" for k, name in enumerate(order(seed))]
    return plots.picture_grid(rows, names, cell=0.6)


def accuracy_map(found: Findings) -> Figure:
    """The 8 x 8 accuracies of the main architecture, the paper's below in brackets."""
    frame = pd.Series(cells(found)).unstack()
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 5.6), layout="constrained")
    texts = frame.map(lambda one: f"{one:.2f}\n({_near_one(one.paper)})")
    boxes = plots.heat_map(axis, frame.map(lambda one: one.value), (0, 1), texts, fontsize=10)
    axis.set(xlabel="transformations in the target", ylabel="transformations in pretraining")
    figure.colorbar(boxes, ax=axis, label="accuracy", shrink=0.8).outline.set_visible(False)
    return figure


def _near_one(value: float) -> str:
    return "≥ .99" if value >= 0.99 else fixed(value, 2)  # the paper's plots do not tell these apart


def costs(found: Findings) -> Figure:
    """Change of accuracy over the number of extra and of missing transformations, a line an architecture."""
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 4.2), layout="constrained")
    known, looks = by_counterpart(found), [plots.LOOKS[name] for name in ("matched", "mismatched", "third", "fourth")]
    names = architectures(found)
    places = [*(-k for k in reversed(STEPS)), 0, *STEPS]
    for k, (counterpart, (per_seed, estimates)) in enumerate(known.items()):
        shift = (k - (len(known) - 1) / 2) * 0.1
        columns = [f"{'extra' if place < 0 else 'missing'}.{abs(place)}" for place in places]
        plots.seeds(axis, [per_seed.get(name, []) for name in columns], looks[k], shift - MOST + 1)
        line = [estimates.get(name, Estimate(0.0, 0.0, 0.0, paper=0.0)) for name in columns]
        label = plots.MODEL_NAMES.get(names[counterpart], names[counterpart]).replace("\n", " ")
        x = [place + shift for place in places]
        plots.marks(axis, line, looks[k], label=label, places=x, paper=False, linestyle="-", markersize=5.5)
        axis.plot(x, [one.paper for one in line], "--", color=looks[k].colour, linewidth=1.2)
    axis.plot([], [], "--", color=plots.GREY, linewidth=1.2, label="paper")
    axis.axhline(0, color=plots.GREY, linewidth=0.8)
    axis.axvline(0, color=plots.GREY, linewidth=0.8, linestyle=":")
    axis.set_xticks(places, [str(abs(place)) for place in places])
    axis.set(xlabel="←  extra          transformations          missing  →", ylabel="change of accuracy")
    plots.legend(figure, axis, 5 if len(known) < 4 else 3)
    return figure


def changes_table(found: Findings) -> HTML:
    """The changes of accuracy ± half their interval, and the paper's in brackets: a row a number, a column a model."""
    names = architectures(found)
    known = {names[counterpart]: estimates for counterpart, (_, estimates) in by_counterpart(found).items()}

    def line(name: str, k: int) -> dict[str, str]:
        of = {model: estimates[f"{name}.{k}"] for model, estimates in known.items()}
        return {model: f"{one:.3f} ± {fixed(one.half, 3)} {_near_zero(one.paper)}" for model, one in of.items()}

    places = product(("missing", "extra"), STEPS)
    return plots.table([{"transformations": f"{k} {name}", **line(name, k)} for name, k in places])


def _near_zero(value: float) -> str:
    return "(≈ 0)" if abs(value) <= 0.005 else f"({fixed(value, 2)})"


def accuracies_table(found: Findings) -> HTML:
    """All accuracies of every architecture, the paper's in brackets."""
    rows = []
    for counterpart, model in architectures(found).items():
        known = cells(found, counterpart)
        for i in COUNTS:
            line = {f"target: {j}": f"{known[i, j]:.2f} ({_near_one(known[i, j].paper)})" for j in COUNTS}
            rows.append({"model": model, "pretraining": str(i), **line})
    return plots.table(rows)


def texts(found: Findings) -> dict[str, str]:
    """What a seed drew, and in words which mistake is the dearer one."""
    words = {k: _dearer(found[f"extra-missing.{k}"]) for k in (1, MOST - 1)}
    return {
        "order": ", ".join(name.replace("_", " ") for name in order(0)),
        "run.main": found.caption(found.table[found.table["counterpart"] == MAIN]),
        "guessing": f"{1 / CLASSES:.2f}",
        **{f"dearer.{k}": word for k, word in words.items()},
    }


def _dearer(extra_minus_missing: Estimate) -> str:
    if not extra_minus_missing.excludes(0):
        return "costs neither clearly more nor clearly less than"
    return "costs more than" if extra_minus_missing.value > 0 else "costs less than"


STUDY = Study(
    name="mismatch",
    question="Too few invariances, or too many?",
    sizes=SIZES,
    design=design,
    effects=effects,
    kinds={"accuracy": "share"},
    paper=paper,
    statements=(
        Statement(
            7,
            "Pretraining on a superset of the target's transformations costs nearly nothing",
            "superset_cost",
            "mean loss of accuracy against the matching model",
            "below",
            0.02,
            "“nearly nothing” is taken as two points of accuracy, a third of what the paper's missing one costs",
        ),
        Statement(
            7,
            "On a subset, accuracy falls with the number of missing transformations",
            "slope",
            "slope of accuracy per missing transformation",
            "below",
        ),
        Statement(
            7,
            "Each further missing transformation costs accuracy on the same target "
            "(mean over the targets that can lack so many)",
            "smallest_step",
            "smallest loss by one more missing transformation",
        ),
    ),
    figures={"steps": steps_of_a_seed, "map": accuracy_map, "costs": costs},
    tables={"changes": changes_table, "accuracies": accuracies_table},
    texts=texts,
)
