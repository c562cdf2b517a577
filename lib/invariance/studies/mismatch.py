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
from invariance.studies.sizes import PAPERS_MODELS, Sizes, baselines, pretraining, probes, sizes_of
from invariance.studies.statements import NOT_TESTABLE
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import papers_draw
from invariance.transforms import PAPER_NAMES
from invariance.units.run import Design

CLASSES, MOST = 30, 8
COUNTS = range(1, MOST + 1)
STEPS = range(1, MOST)
"""How many transformations can be missing, or too many."""
MAIN = "resnet18"
WAYS = "←  extra          transformations          missing  →"
PLACES = (0, 3, 2, 4)
"""The paper's four architectures (ResNet-18, VGG-11, DenseNet-121, ViT) among the five of `Sizes.models`."""


class MismatchSizes(Sizes):
    """`architectures` is how many of the paper's four are run, `transformations` how many a seed has, at most 8.

    Other architectures than the first have `other_seeds` and `other_epochs`; 0 means as many.
    """

    architectures: int = Field(default=1, ge=1, le=4)
    other_seeds: int = Field(default=0, ge=0)
    other_epochs: int = Field(default=0, ge=0)
    transformations: int = Field(default=MOST, ge=2, le=MOST)


SIZES = sizes_of(MismatchSizes, "mismatch")


def order(sizes: Sizes, seed: int) -> tuple[str, ...]:
    """The 8 transformations of one seed, in the order in which they are added and applied."""
    if sizes.tasks == "paper":
        return tuple(papers_draw("orders", seed))
    return tuple(sampling.choose(seed, "mismatch order", PAPER_NAMES, MOST))


def data(sizes: Sizes, seed: int, count: int) -> Transforms2D:
    """The data set of one seed with its first `count` transformations."""
    names = sampling.choose(seed, "mismatch classes", list(class_names(sizes.foregrounds)), CLASSES)
    where = {"foregrounds": sizes.foregrounds, "backgrounds": sizes.backgrounds}
    return Transforms2D(classes=tuple(names), transforms=order(sizes, seed)[:count], protocol=sizes.apart, **where)


def design(sizes: MismatchSizes) -> Design:
    """One unit of probes, on all targets, for each architecture, seed and number of transformations of the pretraining.

    `counterpart` is the paper's model whose place an architecture takes.
    """
    counterparts = {sizes.models[place]: PAPERS_MODELS[place] for place in reversed(PLACES)}  # the first one wins
    chosen = list(reversed(counterparts))[: sizes.architectures]
    counts, planned = COUNTS[: sizes.transformations], []
    for model, seed, count in product(chosen, range(sizes.seeds), counts):
        other = model != sizes.model
        if other and seed >= (sizes.other_seeds or sizes.seeds):
            continue
        epochs = sizes.other_epochs if other and sizes.other_epochs else sizes.epochs
        trained = pretraining(sizes, data(sizes, seed, count), model, seed, epochs=epochs)
        targets = {str(wanted): data(sizes, seed, wanted) for wanted in counts}
        columns = {"counterpart": counterparts[model], "model": model, "pretrained_on": count}
        planned.append(({**columns, "order": ",".join(order(sizes, seed))}, probes(sizes, trained, targets)))
    return planned


def compared_with(sizes: MismatchSizes) -> Design:
    """The baselines of the main architecture on every seed's easiest and hardest target."""
    ends, planned = (1, sizes.transformations), []
    for seed in range(sizes.seeds):
        start = pretraining(sizes, data(sizes, seed, 1), sizes.model, seed)
        planned += baselines(sizes, start, {str(count): data(sizes, seed, count) for count in ends})
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


# --- what the chapter shows ------------------------------------------------------------------------------------


def architectures(found: Findings) -> dict[str, str]:
    """The architectures that were run, by the paper's model in whose place they stand."""
    return dict(zip(found.table["counterpart"], found.table["model"], strict=True))


def cells(found: Findings, counterpart: str = MAIN) -> dict[tuple[int, int], Estimate]:
    """The 8 x 8 accuracies of one architecture beside the paper's, by the numbers in pretraining and in the target."""
    tables = (accuracies(table, counterpart) for table in (found.table, STUDY.paper))
    ours, theirs = ({f"accuracy.{i}.{j}": wide[i, j] for i, j in wide} for wide in tables)
    estimates = statistics.estimates(ours, theirs)
    return {pair: estimates.get("accuracy.{}.{}".format(*pair), NOTHING) for pair in product(COUNTS, COUNTS)}


def by_model(found: Findings) -> dict[str, Estimates]:
    """The changes of accuracy of each architecture beside the paper's."""
    return {
        model: statistics.estimates(*(changes(accuracies(table, counterpart)) for table in (found.table, STUDY.paper)))
        for counterpart, model in architectures(found).items()
    }


def steps_of_a_seed(found: Findings, seed: int = 0) -> Figure:
    """One class of a seed under its first 1, 2, ..., 8 transformations."""
    names = [f"{'+ ' if k else ''}{name.replace('_', ' ')}" for k, name in enumerate(order(found.sizes, seed))]
    rows = [plots.draws(data(found.sizes, seed, count), 0, 7, seed) for count in COUNTS]
    return plots.picture_grid(dict(zip(names, rows, strict=True)), cell=0.6)


def _near_one(value: float) -> str:
    return "≥ .99" if value >= 0.99 else fixed(value, 2)  # the paper's plots do not tell these apart


def costs(found: Findings) -> Figure:
    """Change of accuracy of the main architecture over the number of extra and of missing transformations."""
    figure, axis = plt.subplots(figsize=(plots.WIDTH, 4.2), layout="constrained")
    places, look = range(1 - MOST, MOST), plots.LOOKS["matched"]
    columns = [f"{'extra' if place < 0 else 'missing'}.{abs(place)}" for place in places]
    nothing = Estimate(0.0, 0.0, 0.0, paper=0.0)
    line = [found[name] if place else nothing for place, name in zip(places, columns, strict=True)]
    label = plots.MODEL_NAMES.get(found.sizes.model, found.sizes.model).replace("\n", " ")
    plots.points(axis, line, look, label=label, places=places, paper=False, linestyle="-", markersize=5.5)
    axis.plot(places, [one.paper for one in line], "--", color=plots.GREY, linewidth=1.2, label="paper")
    axis.axhline(0, color=plots.GREY, linewidth=0.8)
    axis.axvline(0, color=plots.GREY, linewidth=0.8, linestyle=":")
    axis.set_xticks(places, [str(abs(place)) for place in places])
    axis.set(xlabel="←  extra          missing  →" if plots.on_phone() else WAYS, ylabel="change of accuracy")
    plots.legend(figure, axis, 3)
    most = MOST - 1
    extra, missing = found[f"extra.{most}"], found[f"missing.{most}"]
    plots.headline(
        figure, f"{most} extra transformations change accuracy by {extra:.2f}, {most} missing by {missing:.2f}."
    )
    return figure


def changes_table(found: Findings) -> HTML:
    """The changes of accuracy ± half their interval, and the paper's in brackets: a row a number, a column a model."""

    def cell(one: Estimate) -> str:
        return f"{one:.3f} ± {fixed(one.half, 3)} {_near_zero(one.paper)}"

    known = by_model(found)
    rows = [
        {"transformations": f"{k} {name}"} | {model: cell(of[f"{name}.{k}"]) for model, of in known.items()}
        for name, k in product(("missing", "extra"), STEPS)
    ]
    return plots.table(rows)


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
    words = ("costs neither clearly more nor clearly less than", "costs more than", "costs less than")
    dearer = {k: found[f"extra-missing.{k}"].told(*words) for k in (1, MOST - 1)}
    return {
        "answer": f"One missing transformation changes the accuracy by {found['missing.1']:.2f} and one extra by "
        f"{found['extra.1']:.2f}; seven missing ones by {found['missing.7']:.2f} and seven extra ones by "
        f"{found['extra.7']:.2f}. In this run one extra {dearer[1]} one missing, and having seven too many "
        f"{dearer[MOST - 1]} lacking seven.",
        "order": ", ".join(name.replace("_", " ") for name in order(found.sizes, 0)),
        "run.main": found.caption(found.table[found.table["counterpart"] == MAIN]),
        "guessing": f"{1 / CLASSES:.2f}",
        **{f"dearer.{k}": text for k, text in dearer.items()},
        "room": _room(found),
    }


def _room(found: Findings) -> str:
    untestable = [verdict for _, verdict in found.verdicts().values() if verdict == NOT_TESTABLE]
    reached = f"Trained and probed on all eight transformations, the model reaches {found['accuracy.matching']:.2f}"
    if untestable:
        return f"{reached}, which is too little: at this size the question cannot be answered."
    return f"{reached}, far above guessing, so a loss can show."


STUDY = Study(
    name="mismatch",
    sizes=SIZES,
    design=design,
    effects=effects,
    baselines=compared_with,
    figures={"steps": steps_of_a_seed, "costs": costs},
    tables={"changes": changes_table, "accuracies": accuracies_table},
    texts=texts,
)
