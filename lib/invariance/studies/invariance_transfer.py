"""Does an invariance carry over to other data? (section 7 of the paper, experiment D)

One model for each of the 18 transformations and one without any, on image objects and on random ones; an untrained
model beside them. Each one's sensitivity to each transformation is measured on ten types of data, from the training
objects to natural images. The *advantage* of a model that was trained with a transformation is the mean sensitivity to
it of models trained with another one, minus its own.

Chapter: book/07_invariance_transfer.py.
"""

from collections.abc import Mapping
from itertools import product
from typing import Literal

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import Field

from invariance import plots, sampling, statistics
from invariance.datasets import NaturalImages, Transforms2D
from invariance.pictures import class_names
from invariance.plots import RELATIONS
from invariance.statistics import PerSeed
from invariance.studies.sizes import COUNTERPARTS, Sizes, pretraining, sizes_of
from invariance.studies.study import Findings, Study
from invariance.transforms import PAPER, PAPER_NAMES
from invariance.units import Data, Pretraining, Sensitivity
from invariance.units.kinds import untrained
from invariance.units.run import Design

CLASSES = 30
OWN = {"image": "training objects on scenes", "random": "training random objects on noise"}
"""The two kinds of objects that models are trained on, and which of the types of data that is."""
WITHOUT = ("none", "untrained")
"""What stands beside a transformation as what a model was trained with."""
NATURAL = {"cifar10": "natural images, 10 classes", "cifar100": "natural images, 100 classes"}
"""What readers call the data that other pictures than CIFAR may stand for."""
_MADE = product(("objects", "random objects"), ("training", "new"), ("scenes", "noise"))
DATA_TYPES = (*(f"{which} {objects} on {backgrounds}" for objects, which, backgrounds in _MADE), *NATURAL)
"""The ten types of data. "Training" objects are those of the models that were trained on this kind."""
PLACES = (0, 2, 3, 4, 1)
"""The architectures among the five of `Sizes.models`, in the order in which they take part; the paper has four."""
CATEGORY = {name: category for category, names in PAPER.items() for name in names}


class TransferSizes(Sizes):
    """The shared sizes, and how many of the 18 transformations and of the five architectures take part.

    The first architecture is trained on both kinds of objects, the others on `others_trained_on`.
    """

    transforms: int = Field(default=18, ge=3, le=18)
    architectures: int = Field(default=4, ge=1, le=5)
    others_trained_on: tuple[Literal["image", "random"], ...] = ("image", "random")
    pairs: int = Field(default=10_000, ge=2)

    @property
    def names(self) -> tuple[str, ...]:
        """The transformations that take part, evenly from the list of all."""
        last = len(PAPER_NAMES)
        return tuple(PAPER_NAMES[place * last // self.transforms] for place in range(self.transforms))


SIZES = sizes_of(TransferSizes, "invariance_transfer")


def data(sizes: Sizes, name: str, seed: int) -> Data:
    """One of `DATA_TYPES` for one seed, without transformations."""
    if name in NATURAL:
        return NaturalImages(source=sizes.natural(name), protocol=sizes.apart)
    which, rest = name.split(" ", 1)
    objects, backgrounds = rest.split(" on ")
    kind, source = ("image", sizes.foregrounds) if objects == "objects" else ("random", "random")
    names = tuple(sampling.choose(seed, f"transfer {kind} objects", list(class_names(source)), 2 * CLASSES))
    return Transforms2D(
        foregrounds=source,
        backgrounds=sizes.backgrounds if backgrounds == "scenes" else "random",
        classes=names[:CLASSES] if which == "training" else names[CLASSES:],
        protocol=sizes.apart,
    )


def trained(sizes: Sizes, model: str, shown: Data, used: str, seed: int) -> Pretraining:
    """The model trained on such data with one transformation, "none" or not at all."""
    once = pretraining(sizes, shown.model_copy(update={"transforms": () if used in WITHOUT else (used,)}), model, seed)
    return untrained(once) if used == "untrained" else once


def design(sizes: TransferSizes) -> Design:
    """Every (model, seed, kind of training, transformation trained with), measured on everything.

    And its sensitivity to exchanging the object, without transformations, where there are objects.
    """
    chosen = list(dict.fromkeys(sizes.models[k] for k in PLACES))[: sizes.architectures]
    how, planned = {"measured": ("l2",), "intervals": False, "pairs": sizes.pairs}, []
    every = {seed: {name: data(sizes, name, seed) for name in DATA_TYPES} for seed in range(sizes.seeds)}
    for model, seed, kind, used in product(chosen, range(sizes.seeds), OWN, (*sizes.names, *WITHOUT)):
        if model != sizes.model and kind not in sizes.others_trained_on:
            continue
        shown = every[seed]
        own = shown[OWN["image" if used == "untrained" else kind]]  # untrained it is one network, whatever it is for
        how |= {"pretraining": trained(sizes, model, own, used, seed), "seed": seed}
        columns = {"trained_on": kind, "trained_with": used, "model": model}
        planned.append(({**columns, "exchanged": ""}, Sensitivity(data=shown, transforms=sizes.names, **how)))
        objects = {name: shown[name] for name in DATA_TYPES if name not in NATURAL}
        planned.append(({**columns, "exchanged": "object"}, Sensitivity(data=objects, vary="object", **how)))
    return planned


# --- effects ---------------------------------------------------------------------------------------------------


def with_relation(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with `relation`, of `RELATIONS`; the paper's table says it itself."""
    if "relation" in table:
        return table
    without = table["trained_with"].isin(WITHOUT)
    relation = table["trained_with"].where(without, "other")
    return table.assign(relation=relation.mask(table["trained_with"] == table["transformation"], "same"))


def models(table: pd.DataFrame) -> dict[str, str]:
    """The models of a table, the main one first, with what is added to the names of their effects."""
    names = list(dict.fromkeys(table["model"]))
    return {name: f".{COUNTERPARTS.get(name, name)}" if k else "" for k, name in enumerate(names)}


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """Sensitivities by relation, advantages, their differences, ranks and families, for each model.

    `sensitivity.image.same.cifar10` is the mean over transformations, of models trained on image objects; names of
    other models than the main one end in that of the paper's counterpart, such as `.vit`.
    """
    found = {}
    for model, suffix in models(table).items():
        rows = table[table["model"] == model]
        rows, objects = _parted(with_relation(rows))
        wide = statistics.per_seed(rows, ["trained_on", "relation", "data"])
        of_model = _sensitivities(wide) | _relative(rows, objects)
        if "trained_with" in rows:
            of_model |= _orders(rows)
        found |= {name + suffix: values for name, values in of_model.items()}
    return found


def _parted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    # Rows on transformations, and on exchanged objects, which the paper's table has none of.
    objects = table["exchanged"] == "object" if "exchanged" in table else pd.Series(False, index=table.index)
    return table[~objects], table[objects]


def _relative(rows: pd.DataFrame, objects: pd.DataFrame) -> dict[str, PerSeed]:
    # Sensitivity to a transformation as a share of that to exchanging the object, both of the same model.
    if objects.empty:
        return {}
    model = ["seed", "trained_on", "trained_with", "data"]
    both = rows.merge(objects[[*model, "value"]], on=model, suffixes=("", "_object"))
    wide = statistics.per_seed(
        both.assign(value=both["value"] / both["value_object"]), ["trained_on", "relation", "data"]
    )
    types = [name for name in DATA_TYPES if name not in NATURAL]
    return statistics.named(wide, OWN, RELATIONS, types, prefix="relative.")


def _sensitivities(wide: pd.DataFrame) -> dict[str, PerSeed]:
    found = statistics.named(wide, OWN, RELATIONS, DATA_TYPES, prefix="sensitivity.")
    for kind, name in product(OWN, DATA_TYPES):
        other, same = (found[f"sensitivity.{kind}.{relation}.{name}"] for relation in ("other", "same"))
        found[f"advantage.{kind}.{name}"] = other - same
    types = (OWN["image"], "new objects on scenes", "new random objects on noise")
    near, new, far = (found[f"advantage.image.{name}"] for name in types)
    natural = sum(found[f"advantage.image.{name}"] for name in NATURAL) / 2
    return found | {"advantage.image.natural": natural, "fades.new": near - new, "fades.random": new - far}


def _orders(rows: pd.DataFrame) -> dict[str, PerSeed]:
    """Where the model trained with a transformation stands, and whose family the best of the other models is of."""
    rows = rows[rows["trained_with"] != "untrained"]
    rows = rows if "seed" in rows else rows.assign(seed=0)
    keys = ["seed", "trained_on", "data", "transformation"]
    own = rows["trained_with"] == rows["transformation"]
    ranked = rows.assign(value=rows.groupby(keys)["value"].rank())[own]
    others = rows[~own & (rows["trained_with"] != "none")]
    best = others.loc[others.groupby(keys)["value"].idxmin()]
    kin = best["trained_with"].map(CATEGORY) == best["transformation"].map(CATEGORY)
    found = {}
    for name, part in (("rank", ranked), ("family", best.assign(value=kin.astype(float)))):
        wide = statistics.per_seed(part, ["trained_on", "data"])
        found |= statistics.named(wide, OWN, DATA_TYPES, prefix=f"{name}.")
    return found


# --- what the chapter shows ------------------------------------------------------------------------------------


def types(found: Findings, seed: int = 0) -> Figure:
    """The ten types of data, without transformations."""
    specs = {NATURAL.get(name, name): data(found.sizes, name, seed) for name in DATA_TYPES}
    return plots.picture_grid({name: plots.examples(spec, 7, seed) for name, spec in specs.items()}, cell=0.5)


def _label(name: str, before: str = " on ") -> str:
    return NATURAL.get(name, name).replace(", ", ",\n").replace(before, f"\n{before.lstrip()}")


def sensitivities(found: Findings) -> Figure:
    """Mean sensitivity by type of data and relation, a panel for each kind of training, whose data have a band."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 7.2), sharey=True, layout="constrained")
    for axis, kind in zip(axes, OWN, strict=True):
        _relations(axis, found, kind)
        own = DATA_TYPES.index(OWN[kind])
        axis.axhspan(own - 0.5, own + 0.5, color=plots.GREY, alpha=0.12, linewidth=0)
        axis.set_title(f"trained on {kind} objects")
        axis.set(xlabel="sensitivity", xlim=(0, None), ylim=(len(DATA_TYPES) - 0.5, -0.5))
        axis.grid(visible=False)
    axes[0].set_yticks(range(len(DATA_TYPES)), map(_label, DATA_TYPES), fontsize=9)
    axes[0].plot([], [], "o", color=plots.GREY, fillstyle="none", label="paper (hollow)")
    plots.legend(figure, axes[0], 3)
    same, other = (found[f"sensitivity.image.{of}.new objects on scenes"] for of in ("same", "other"))
    plots.headline(
        figure, f"On new objects: {same:.2f} after training with the transformation, {other:.2f} with others."
    )
    return figure


def _relations(axis: Axes, found: Findings, kind: str) -> None:
    for k, (relation, look) in enumerate((("same", plots.LOOKS["matched"]), ("other", plots.LOOKS["mismatched"]))):
        for place, name in enumerate(DATA_TYPES):
            one, y = found[f"sensitivity.{kind}.{relation}.{name}"], place + 0.3 * (k - 0.5)
            draw = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
            axis.plot(one.seeds, [y] * len(one.seeds), alpha=0.35, markersize=3, **draw)
            axis.plot([one.low, one.high], [y, y], color=look.colour, linewidth=1.4)
            axis.plot(one.value, y, markersize=5.5, label=None if place else RELATIONS[relation], **draw)
            axis.plot(one.paper, y, markersize=8, fillstyle="none", **draw)
            plots.crosses(axis, [one.own], [y], look)


def _means(table: pd.DataFrame, name: str, kind: str) -> pd.DataFrame:
    # Of the main model: what training used (rows) by what is measured (columns), in the order of categories.
    main = table["model"] == next(iter(models(table)))
    rows = _parted(table[main & (table["data"] == name) & (table["trained_on"] == kind)])[0]
    found = statistics.per_seed(rows, ["trained_with", "transformation"]).mean().unstack()
    names = [known for known in PAPER_NAMES if known in found.columns]
    return found.reindex(index=[*names, *WITHOUT], columns=names)


def _row(found: Findings, kind: str, name: str, suffix: str = "") -> dict[str, str]:
    cells = {label: found[f"sensitivity.{kind}.{of}.{name}{suffix}"] for of, label in RELATIONS.items()}
    return {
        "trained on: measured on": f"{kind}: {NATURAL.get(name, name)}",
        **{label: f"{one:.2b}" for label, one in cells.items()},
        "advantage (95 % interval)": f"{found[f'advantage.{kind}.{name}{suffix}']:.2i}",
        "rank": f"{found[f'rank.{kind}.{name}{suffix}']:.1f}",
    }


def comparison(found: Findings) -> HTML:
    """The main model's means (the paper's in brackets), advantages and mean ranks."""
    return plots.table([_row(found, kind, name) for kind, name in product(OWN, DATA_TYPES)])


def architectures(found: Findings) -> HTML:
    """`comparison` for the other architectures of which the run has every model."""
    lacking = {columns["model"] for columns, unit in found.design if unit.digest not in found.runs}
    rows = [
        {"model": model, **_row(found, kind, name, suffix)}
        for model, suffix in models(found.table).items()
        for kind, name in product(OWN, DATA_TYPES)
        if suffix and model not in lacking
    ]
    return plots.table(rows) if rows else HTML("These results have one whole architecture only.")


def families(found: Findings, name: str = "new objects on scenes") -> HTML:
    """For each transformation the most invariant of the models that were trained with another one, on image objects."""
    values = _means(found.table, name, "image")
    best = {measured: values[measured].drop([measured, *WITHOUT]).idxmin() for measured in values.columns}
    shown = values.map(lambda value: statistics.fixed(value, 2))
    named = {name: f"{name.replace('_', ' ')} ({CATEGORY[name]})" for name in values.columns}
    rows = [
        {"measured transformation": named[measured], "trained with it": shown.at[measured, measured]}
        | {"best of the others": named[other], "its sensitivity": shown.at[other, measured]}
        | {"trained with none": shown.at["none", measured]}
        for measured, other in best.items()
    ]
    return plots.table(rows)


def texts(found: Findings) -> dict[str, str]:
    """How many models there are, and what ranks and families would be by chance."""
    names = found.sizes.names
    kin = [sum(CATEGORY[other] == CATEGORY[name] for other in names) - 1 for name in names]
    return {
        "n_transforms": str(len(names)),
        "n_ranked": str(len(names) + 1),
        "middle": f"{(len(names) + 2) / 2:.1f}",
        "family.chance": f"{sum(kin) / len(names) / (len(names) - 1):.2f}",
        "answer": _answer(found),
        "diagonal": _diagonal(found),
        "blind": _blind(found),
    }


def _answer(found: Findings) -> str:
    types = (OWN["image"], "new objects on scenes", "new random objects on noise", "natural")
    named = dict(zip(("its training objects", "new objects", "random blocks", "natural images"), types, strict=True))
    known = {text: found[f"advantage.image.{name}"] for text, name in named.items()}
    each = ", ".join(f"{one:.2f} on {text}" for text, one in known.items())
    clear = [text for text, one in known.items() if one.low > 0]
    told = "All of these differences are" if len(clear) == len(known) else f"On {', '.join(clear) or 'none'} it is"
    return (
        "A network that was trained with a transformation is less sensitive to it than networks that were trained with "
        f"others, by {each}. {told} clearly above zero."
    )


def _diagonal(found: Findings, name: str = "new objects on scenes") -> str:
    values = _means(found.table, name, "image").drop(list(WITHOUT), errors="ignore")
    own = [measured for measured in values.columns if values[measured].idxmin() == measured]
    listed = ", ".join(each.replace("_", " ") for each in own) or "none"
    return f"On {name} it is for {len(own)} of the {len(values.columns)} transformations: {listed}."


def _blind(found: Findings) -> str:
    same, other = (found[f"relative.image.{of}.new objects on scenes"] for of in ("same", "other"))
    if not same.n:
        return "These results do not have it yet."
    return f"On new objects on scenes it is {same:.2f} for the transformation trained with and {other:.2f} for others."


STUDY = Study(
    name="invariance_transfer",
    sizes=SIZES,
    design=design,
    effects=effects,
    figures={"types": types, "sensitivities": sensitivities},
    tables={"comparison": comparison, "architectures": architectures, "families": families},
    texts=texts,
)
