"""This run beside the paper, as HTML tables for the chapters."""

from collections.abc import Callable

import pandas as pd
from IPython.display import HTML

from invariance import tables
from invariance.experiments.invariance_transfer import DATA_TYPES, TRAINED_ON
from invariance.results.from_paper import READING_ERROR
from invariance.results.statistics import (
    COUNTERPARTS,
    READERS_NAMES,
    TASKS,
    are_shares,
    by_seed,
    fixed,
    gaps,
    has_numbers,
    in_order,
    in_words,
    main_model,
    mean_interval,
    mismatch_costs,
    ordered,
    ranks,
    relations,
    spread,
    sweep_values,
)

DASH = "–"
MEASURES = {
    "sensitivity_l2": "l2 sensitivity",
    "sensitivity_cosine": "cosine",
    "sensitivity_dot": "dot product",
    "cka": "CKA",
}


def number(value: float, digits: int = 3) -> str:
    """A number for a table, a dash where there is none."""
    return DASH if pd.isna(value) else fixed(value, digits)


def interval(low: float, high: float, digits: int = 3) -> str:
    """An interval for a table, a dash where one seed gives none."""
    return DASH if pd.isna(low) else f"{fixed(low, digits)} to {fixed(high, digits)}"


def papers_accuracy(value: float) -> str:
    """An accuracy that was read off the paper's plots: from 0.99 on, they do not tell values apart."""
    return "≥ .99" if value >= 0.99 else number(value, 2)


def papers_cost(value: float) -> str:
    """A difference of accuracies that were read off the paper's plots."""
    return "≈ 0" if abs(value) <= READING_ERROR else number(value)


def papers_matching(paper: pd.DataFrame, model: str, target: int) -> str:
    """The paper's accuracy of the matching model on a target of experiment E."""
    rows = paper_model(paper, model).set_index(["trained_with", "target"])["value"]
    return papers_accuracy(rows[target, target])


def dearer(difference: pd.Series) -> str:
    """A verb for two costs, from the first minus the second for each seed: "costs more than", and so on."""
    mean, low, high = mean_interval(difference)
    if not (low > 0 or high < 0):
        return "costs neither clearly more nor clearly less than"
    return "costs more than" if mean > 0 else "costs less than"


def paper_levels(ours: pd.DataFrame, paper: pd.DataFrame) -> dict[str, str]:
    """For each of our levels the paper's beside it, where it has one.

    That is the same name or share, the counterpart, or the number in the same place, whatever its size.
    """
    mine, theirs = ordered(ours["level"]), ordered(paper["level"])
    if are_shares(mine) and are_shares(theirs):
        return {level: same for level in mine for same in theirs if float(level) == float(same)}
    if has_numbers(mine) and has_numbers(theirs):
        return dict(zip(mine, theirs, strict=False))
    return {level: COUNTERPARTS.get(level, level) for level in mine if COUNTERPARTS.get(level, level) in theirs}


def paper_model(paper: pd.DataFrame, model: str) -> pd.DataFrame:
    """The paper's rows for the model beside which `model` stands; none where the paper did not measure it."""
    return paper[paper["model"] == COUNTERPARTS.get(model, model)]


def compared(ours: pd.DataFrame, paper: pd.DataFrame) -> HTML:
    """Means of this run (the paper's in brackets), level by level, with this run's gap and its uncertainty.

    Both are tables of one factor, as `factor_rows` and `paper_factor` give them. Numeric levels stand beside the
    paper's in the same place.
    """
    return tables.show(comparison_rows(ours, paper))


def comparison_rows(ours: pd.DataFrame, paper: pd.DataFrame | None) -> list[dict[str, str]]:
    """The rows of `compared` as text; without the paper's values where `paper` is None."""
    ours = by_seed(ours)
    mean = ours.groupby(["level", "transforms"])["value"].mean()
    published = {} if paper is None else paper.set_index(["level", "transforms"])["value"]
    counterparts = {} if paper is None else paper_levels(ours, paper)
    bracket = "" if paper is None else " (paper)"
    rows = []
    for gap in gaps(ours).to_dict("records"):
        level = gap["level"]
        theirs = counterparts.get(level, DASH)

        def cell(kind: str, level: str = level, theirs: str = theirs) -> str:
            published_too = "" if paper is None else f"\u00a0({number(published.get((theirs, kind)))})"
            return number(mean.get((level, kind))) + published_too

        rows.append(
            {
                "level" + bracket: level if paper is None else _levels(level, theirs),
                "same" + bracket: cell("same"),
                "other" + bracket: cell("disjoint"),
                "gap": number(gap["gap"]) + ("" if gap["seeds"] < 2 else f" ± {number(gap['standard_error'])}"),
                "95 % interval": interval(gap["low"], gap["high"]),
            }
        )
    return rows


def _levels(mine: str, theirs: str) -> str:
    mine, theirs = _level(mine), _level(theirs)
    return mine if theirs in (mine, DASH) else f"{mine} ({theirs})"


def _level(level: str) -> str:
    if are_shares([level]):
        return f"{100 * float(level):g} %"
    return f"{float(level):,g}" if has_numbers([level]) else level.replace("_", " ")


def beside(ours: pd.DataFrame, paper: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean and interval of ours over seeds with the paper's value: keys, value, low, high, seeds, paper.

    `paper` has one value for each of `keys`; it is NaN where the paper has none.
    """
    published = paper.groupby(keys, sort=False, as_index=False)["value"].mean().rename(columns={"value": "paper"})
    return spread(ours, keys).merge(published, on=keys, how="left")


def _grid(
    table: pd.DataFrame, row: str, column: str, digits: int = 2, paper: Callable[[float], str] | None = None
) -> list[dict[str, str]]:
    # A cell is "ours ± half the width of its 95 % interval (the paper's)".
    def cell(found: pd.Series) -> str:
        half = "" if pd.isna(found["low"]) else f" ± {number(found['high'] - found['value'], digits)}"
        theirs = paper(found["paper"]) if paper else number(found["paper"], digits)
        return f"{number(found['value'], digits)}{half} ({theirs})"

    texts = {(r[row], r[column]): cell(r) for _, r in table.iterrows()}
    columns = list(dict.fromkeys(table[column]))
    return [
        {row.replace("_", " "): str(name), **{str(c): texts.get((name, c), DASH) for c in columns}}
        for name in dict.fromkeys(table[row])
    ]


def compared_relevance(ours: pd.DataFrame, paper: pd.DataFrame, position: str = "fixed") -> HTML:
    """Experiment C's accuracies and sensitivities: this run ± half its 95 % interval's width (the paper's).

    One row a quantity, one column a pretraining; `paper` is `paper_relevance()`.
    """
    rows = []
    for measure, index, title in (
        ("accuracy", "target", "accuracy on {}"),
        ("sensitivity_l2", "exchanged", "sensitivity to {}"),
    ):
        mine, theirs = (
            table[(table["position"] == position) & (table["sweep"] == "") & (table["measure"] == measure)]
            for table in (ours, paper)
        )
        found = beside(mine, theirs, ["pretraining", index])
        found = in_order(in_order(found, index, (*TASKS, "cifar", "objects")), "pretraining", TASKS)
        found["pretraining"] = found["pretraining"].map(READERS_NAMES)
        found["pretraining:"] = [title.format(READERS_NAMES[name]) for name in found[index]]
        rows += _grid(found, "pretraining:", "pretraining")
    return tables.show(rows)


def sweep_changes(table: pd.DataFrame, sweep: str) -> HTML:
    """What experiment C's sweep ("correlation" or "availability") changes: its lowest and highest level.

    One row a quantity: the means at both levels and their difference, paired by seed, with its 95 % interval.
    """
    rows = []
    for name, title in READERS_NAMES.items():
        wide = sweep_values(table, sweep, name)
        if wide.empty:
            continue
        first, last = wide.iloc[:, 0], wide.iloc[:, -1]
        change, low, high = mean_interval(last - first)
        rows.append(
            {
                "quantity": f"{'accuracy on' if name in TASKS else 'sensitivity to'} {title}",
                f"at {wide.columns[0]:g}": number(first.mean()),
                f"at {wide.columns[-1]:g}": number(last.mean()),
                "change": number(change),
                "95 % interval": interval(low, high),
            }
        )
    return tables.show(rows)


def sweep_means(values: pd.DataFrame) -> str:
    """The means of `sweep_values` as prose has them: "0.08 at 0, 0.35 at 0.4, 1.09 at 1"."""
    return ", ".join(f"{number(mean, 2)} at {level:g}" for level, mean in values.mean().items())


def sweep_differs(values: pd.DataFrame) -> str:
    """The levels of `sweep_values` whose difference from the lowest one, paired by seed, has an interval without 0."""
    found = []
    for level in values.columns[1:]:
        _, low, high = mean_interval(values[level] - values.iloc[:, 0])
        if low > 0 or high < 0:
            found.append(f"{level:g}")
    return ", ".join(found) or "none of the levels"


def compared_invariance_transfer(ours: pd.DataFrame, paper: pd.DataFrame) -> HTML:
    """Experiment D's table: this run ± half the width of its 95 % interval (the paper's in brackets).

    One row a (training data, data measured on), one column a relation; the last column is the mean rank of the model
    that was trained with the transformation among all trained models (1 is the most invariant). `ours` is the
    experiment's table, `paper` is `paper_invariance_transfer()`, of which our model's counterpart is taken.
    """
    mine = main_model(ours)
    keys = ["trained_on", "data"]
    found = beside(relations(mine), paper_model(paper, mine["model"].iloc[0]), [*keys, "relation"])
    found = in_order(in_order(found, "data", DATA_TYPES), "trained_on", TRAINED_ON)
    found["pair"] = found["trained_on"] + ": " + found["data"].replace(READERS_NAMES)
    ranked = ranks(mine)
    mean_rank = spread(ranked.rename(columns={"rank": "value"}), keys).set_index(keys)["value"]
    lines = _grid(found, "pair", "relation")
    pairs = dict(zip(found["pair"], zip(found["trained_on"], found["data"], strict=True), strict=True))
    for line in lines:
        line[f"rank of {ranked['of'].max()}"] = number(mean_rank[pairs[line["pair"]]], 1)
    return tables.show([{"trained on: measured on": line.pop("pair"), **line} for line in lines])


def compared_mismatch(ours: pd.DataFrame, paper: pd.DataFrame, model: str) -> HTML:
    """Experiment E's 8 x 8 accuracies of one model: this run (the paper's for its counterpart)."""
    table = beside(ours[ours["model"] == model], paper_model(paper, model), ["trained_with", "target"])
    return tables.show(_grid(table.assign(low=float("nan")), "trained_with", "target", paper=papers_accuracy))


def compared_mismatch_costs(ours: pd.DataFrame, paper: pd.DataFrame) -> HTML:
    """Experiment E: the difference from the matching model by what pretraining lacked or had too much.

    One row a number of transformations, one column a model: this run ± half its 95 % interval's width (the paper's).
    """
    costs, published = mismatch_costs(ours), mismatch_costs(paper)
    parts = [
        beside(costs[costs["model"] == model], paper_model(published, model), ["missing"]).assign(model=model)
        for model in ordered(costs["model"])
    ]
    found = pd.concat(parts)
    found["transformations"] = [f"{abs(n)} {'missing' if n > 0 else 'extra'}" for n in found["missing"]]
    return tables.show(_grid(found, "transformations", "model", digits=3, paper=papers_cost))


def compared_measures(table: pd.DataFrame) -> HTML:
    """The four measures of invariance side by side for each kind of model: means over seeds with 95 % intervals.

    `table` is that of the experiment `measuring`; a seed's value is its mean over the target's transformations.
    """
    by_seed_of = table.groupby(["kind", "measure", "seed"])["value"].mean()
    rows = []
    for kind in dict.fromkeys(table["kind"]):
        found = {title: in_words(by_seed_of[kind, measure]) for measure, title in MEASURES.items()}
        rows.append({"model": kind, **found})
    return tables.show(rows)
