"""This run beside the paper, as HTML tables for the chapters."""

import pandas as pd
from IPython.display import HTML

from invariance import tables
from invariance.experiments.invariance_transfer import DATA_TYPES, TRAINED_ON
from invariance.results.statistics import (
    COUNTERPARTS,
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


def _grid(table: pd.DataFrame, row: str, column: str, digits: int = 2) -> list[dict[str, str]]:
    # A cell is "ours ± half the 95 % interval (the paper's)".
    def cell(found: pd.Series) -> str:
        half = "" if pd.isna(found["low"]) else f" ± {number(found['high'] - found['value'], digits)}"
        return f"{number(found['value'], digits)}{half} ({number(found['paper'], digits)})"

    texts = {(r[row], r[column]): cell(r) for _, r in table.iterrows()}
    columns = list(dict.fromkeys(table[column]))
    return [
        {row.replace("_", " "): str(name), **{str(c): texts.get((name, c), DASH) for c in columns}}
        for name in dict.fromkeys(table[row])
    ]


def compared_relevance(ours: pd.DataFrame, paper: pd.DataFrame, position: str = "fixed") -> HTML:
    """Experiment C's accuracies and sensitivities: this run ± half its 95 % interval (the paper's in brackets).

    One row a pretraining; `paper` is `paper_relevance()`.
    """
    columns = []
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
        found[index] = found[index].map(lambda name, title=title: title.format(name.replace("_", " ")))
        columns.append(_grid(found, "pretraining", index))
    accuracies, sensitivities = columns
    return tables.show([{**a, **s} for a, s in zip(accuracies, sensitivities, strict=True)])


def sweep_changes(table: pd.DataFrame, sweep: str) -> HTML:
    """What experiment C's sweep ("correlation" or "availability") changes: its lowest and highest level.

    One row a quantity: the means at both levels and their difference, paired by seed, with its 95 % interval.
    """
    rows = []
    swept = table[(table["sweep"] == sweep) & table["measure"].isin(["accuracy", "sensitivity_l2"])]
    for (measure, name), part in swept.assign(of=swept["target"] + swept["exchanged"]).groupby(["measure", "of"]):
        wide = part.pivot(index="seed", columns="level", values="value").sort_index(axis=1)
        first, last = wide.iloc[:, 0], wide.iloc[:, -1]
        change, low, high = mean_interval(last - first)
        rows.append(
            {
                "quantity": f"{'accuracy on' if measure == 'accuracy' else 'sensitivity to'} {name.replace('_', ' ')}",
                f"at {wide.columns[0]:g}": number(first.mean()),
                f"at {wide.columns[-1]:g}": number(last.mean()),
                "change": number(change),
                "95 % interval": interval(low, high),
            }
        )
    return tables.show(rows)


def compared_invariance_transfer(ours: pd.DataFrame, paper: pd.DataFrame) -> HTML:
    """Experiment D's table: this run ± half its 95 % interval (the paper's in brackets).

    One row a (training data, data measured on), one column a relation; the last column is the mean rank of the model
    that was trained with the transformation among all trained models (1 is the most invariant). `ours` is the
    experiment's table, `paper` is `paper_invariance_transfer()`, of which our model's counterpart is taken.
    """
    mine = main_model(ours)
    keys = ["trained_on", "data"]
    found = beside(relations(mine), paper_model(paper, mine["model"].iloc[0]), [*keys, "relation"])
    found = in_order(in_order(found, "data", DATA_TYPES), "trained_on", TRAINED_ON)
    found["pair"] = found["trained_on"] + ": " + found["data"]
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
    return tables.show(_grid(table.assign(low=float("nan")), "trained_with", "target"))


def compared_mismatch_costs(ours: pd.DataFrame, paper: pd.DataFrame) -> HTML:
    """Experiment E: the difference from the matching model by what pretraining lacked or had too much.

    One row a number of transformations, one column a model: this run ± half its 95 % interval (the paper's).
    """
    costs, published = mismatch_costs(ours), mismatch_costs(paper)
    parts = [
        beside(costs[costs["model"] == model], paper_model(published, model), ["missing"]).assign(model=model)
        for model in ordered(costs["model"])
    ]
    found = pd.concat(parts)
    found["transformations"] = [f"{abs(n)} {'missing' if n > 0 else 'extra'}" for n in found["missing"]]
    return tables.show(_grid(found, "transformations", "model", digits=3))


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
