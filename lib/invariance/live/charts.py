"""Charts of results that readers question: choose what is shown, hover for values, seeds and the paper's numbers.

They are made of the findings that the figures are made of, with Altair; a page has them drawn by local copies of
Vega-Lite's scripts when the reader comes near. The static figures stay, for print and for readers without scripts.
"""

import html
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol

import pandas as pd
from IPython.display import HTML

from invariance import plots
from invariance.errors import InputError
from invariance.live import page
from invariance.plots import RELATIONS
from invariance.statistics import Estimate, Estimates, fixed
from invariance.transforms import PAPER_NAMES

try:
    import altair as alt
except ModuleNotFoundError:
    raise InputError('Charts need altair: pip install "invariance[book]".') from None

Row = dict[str, Any]
PARAM = "chosen_"
"""Before a column's name: what the chart calls its choice."""


class Record(Protocol):
    """What a chart reads of a study's findings."""

    table: pd.DataFrame
    estimates: Estimates
    study: Any


@dataclass(frozen=True)
class Guess:
    """What readers guess before a chart is shown: a question, and each answer's value."""

    question: str
    answers: Mapping[str, Estimate]

    def described(self) -> dict:
        """As plain data, with what a reader learns about each answer."""
        values = "; ".join(f"{text} {one}" for text, one in self.answers.items())
        replies = {text: f"{self._verdict(text)} Worth in accuracy: {values}." for text in self.answers}
        return {"question": self.question, "replies": replies}

    def _verdict(self, text: str) -> str:
        best = max(self.answers, key=lambda each: self.answers[each].value)
        others = [one.high for each, one in self.answers.items() if each != best]
        if text == best:
            sure = self.answers[best].low > max(others, default=-math.inf)
            return "You guessed right." if sure else "In this run you are right, but the intervals overlap."
        if self.answers[text].high >= self.answers[best].low:
            return f"In this run it is {best}, but the intervals overlap: you may be right."
        return f"It is {best}."


@dataclass(frozen=True)
class Chart:
    """A chart: its `rows`, the `choices` (labels by value, by column) that select among them, and how to draw them."""

    name: str
    title: str
    hint: str
    rows: list[Row]
    choices: Mapping[str, Mapping[str, str]]
    draw: Callable[["Chart"], alt.LayerChart]
    look: Mapping[str, Any] = field(default_factory=dict)
    guess: Guess | None = None

    def altair(self) -> alt.LayerChart:
        """As Altair has it, with its rows and a control for each choice."""
        drawn = self.draw(self)
        for column, options in self.choices.items():
            shown = alt.binding_select(options=list(options), labels=list(options.values()), name=f"{words(column)} ")
            drawn = drawn.add_params(alt.param(name=PARAM + column, value=next(iter(options)), bind=shown))
        return drawn.properties(data=alt.Data(values=self.rows), width="container", autosize=FIT).configure(**CONFIG)

    def as_html(self) -> str:
        """For a page of the book; beside the pages lie the files of `page.write_assets`."""
        spec = self.altair().to_dict()
        about: dict[str, Any] = {"script": "charts", "spec": spec, "columns": packed(spec.pop("data")["values"])}
        about |= {"choices": self.choices, "guess": self.guess and self.guess.described()}
        block = GUESS.replace("@name", self.name) if self.guess else ""
        texts = (html.escape(self.title), html.escape(self.hint))
        data = json.dumps(about, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return page.framed(self.name, *texts, block + BLOCK, data)


GUESS = """<fieldset class="live-guess live-only"><legend></legend></fieldset>
<p class="live-open live-only">Your answer opens the chart.</p>
<p class="live-reply" aria-live="polite"></p>"""

BLOCK = """<noscript><p>This chart needs scripts; the figures of this page show the same results.</p></noscript>
<div class="live-drawn-chart live-only"><div class="live-choices"></div><div class="live-chart"></div>
<details class="live-values-shown"><summary>The values shown, as a table</summary><table></table></details></div>"""

CONFIG = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **{f"{part}Color": "currentColor" for part in ("domain", "grid", "label", "tick", "title")},
        **{"gridOpacity": 0.18, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        **{"labelLimit": 190, "domainOpacity": 0.5, "tickOpacity": 0.5},
    },
    "legend": {
        **{"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12},
        **{"orient": "top", "symbolOpacity": 1, "labelLimit": 300, "titleFontWeight": "normal", "symbolSize": 80},
    },
}
"""Colours of the page itself, in light and dark."""
FIT = alt.AutoSizeParams(type="fit-x", contains="padding")
LABEL = "split(split(datum.label, '|')[1], '\\n')"
"""Of a level: without the number that orders it, in lines."""
MAP = ("trained_with", "measured")
SHAPES = {"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond"}


def words(name: str) -> str:
    """A name as readers see it."""
    return name.replace("_", " ")


def packed(rows: Sequence[Row]) -> dict:
    """Rows as columns; texts that come again are places in a list of them."""
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        known = {value: place for place, value in enumerate(dict.fromkeys(values))} if _texts(values) else {}
        columns[name] = {"of": list(known), "at": [known[value] for value in values]} if known else values
    return columns


def _texts(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _number(value: float, digits: int = 4) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), digits)


def row(place: int, label: str, series: str, one: Estimate, paper: str = "", **choices: str) -> Row:
    """A row of `dots`: an estimate at a place, whose `label` readers see, in one of the series."""
    seeds = ", ".join(fixed(value, 3) for value in one.seeds if not math.isnan(value))
    beside = "–" if math.isnan(one.paper) else f"{one:.2p}{paper}"
    numbers = {name: _number(getattr(one, name)) for name in ("value", "low", "high", "paper")}
    texts = {"shown": f"{one}", "seeds": seeds, "papers": beside}
    return {**choices, "level": f"{place:03d}|{words(label)}", "series": series, **numbers, **texts}


def dots(chart: Chart) -> alt.LayerChart:
    """Values along a line for each level: means with intervals, seeds small, the paper's hollow."""
    looks = dict(zip(chart.look["series"], plots.LOOKS.values(), strict=False))
    where = {"y": alt.Y("level:N", title=None, axis=alt.Axis(labelExpr=LABEL, labelLineHeight=14))}
    where["yOffset"] = alt.YOffset("series:N", scale=alt.Scale(domain=list(looks)))
    colours = alt.Scale(domain=list(looks), range=[look.colour for look in looks.values()])
    shapes = alt.Scale(domain=list(looks), range=[SHAPES[look.marker] for look in looks.values()])
    where["color"] = alt.Color("series:N", scale=colours, title=None)
    symbol = {**where, "shape": alt.Shape("series:N", scale=shapes, title=None)}
    scale = alt.Scale(domain=chart.look["domain"], nice=False)
    x = alt.X("value:Q", title=chart.look["axis"], scale=scale, axis=alt.Axis(tickCount=5, format="~g"))
    named = {"level": "at", "series": "series", "shown": "this run", "seeds": "seeds", "papers": "the paper"}
    hover = [alt.Tooltip(f"{name}:N", title=title) for name, title in named.items()]
    base = _chosen(chart).transform_calculate(level_text="split(datum.level, '|')[1]")
    hover[0] = alt.Tooltip("level_text:N", title="at")
    each = base.transform_calculate(seed="split(datum.seeds, ', ')").transform_flatten(["seed"])
    each = each.transform_calculate(seed="toNumber(replace(datum.seed, '−', '-'))").transform_filter("datum.seeds")
    small = each.mark_point(size=30, filled=True, opacity=0.5).encode(**{**symbol, "x": "seed:Q"})
    between = base.mark_rule(strokeWidth=2).encode(**where, x=alt.X("low:Q"), x2="high:Q", tooltip=hover)
    means = base.mark_point(size=85, filled=True, opacity=1).encode(**symbol, x=x, tooltip=hover)
    hollow = base.mark_point(size=150, filled=False, strokeWidth=1.8, opacity=1)
    papers = hollow.encode(**symbol, x="paper:Q", tooltip=hover)
    return alt.layer(between, small, means, papers).properties(height=alt.Step(chart.look.get("step", 17)))


def cells(chart: Chart) -> alt.LayerChart:
    """A map of values; a frame marks the cells whose row and column are the same."""
    by = {name: alt.Axis(labelExpr=LABEL, labelAngle=angle) for name, angle in (("x", -90), ("y", 0))}
    where = {"y": alt.Y("trained_with:N", title="trained with", axis=by["y"])}
    where["x"] = alt.X("measured:N", title="measured transformation", axis=by["x"])
    base = _chosen(chart).transform_calculate(**{f"{n}_text": f"split(datum.{n}, '|')[1]" for n in MAP})
    titles = {"trained_with_text": "trained with", "measured_text": "measured"}
    hover = [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]
    hover.append(alt.Tooltip("value:Q", title="sensitivity", format=".3f"))
    scale = alt.Scale(scheme=plots.COLOUR_MAP, domain=[0, 1], clamp=True)
    colour = alt.Color("value:Q", scale=scale, title="sensitivity", legend=alt.Legend(gradientLength=140))
    drawn = base.mark_rect().encode(**where, color=colour, tooltip=hover)
    frame = {"fill": None, "stroke": plots.MISMATCHED, "strokeWidth": 2}
    same = base.transform_filter("datum.measured_text == datum.trained_with_text").mark_rect(**frame).encode(**where)
    return alt.layer(drawn, same).properties(height=alt.Step(17))


def _chosen(chart: Chart) -> alt.Chart:
    base = alt.Chart()
    for column in chart.choices:
        base = base.transform_filter(f"datum.{column} == {PARAM}{column}")
    return base


# --- the charts of the chapters --------------------------------------------------------------------------------

TRANSFERS = {
    "probe": "linear probe",
    "few": "fine-tuning on few images",
    "many": "fine-tuning on many images",
    "tuned": "fine-tuning on as many images as the level says",
}
SETTINGS = {"t2d": "Transforms-2D", "cifar10": "natural images, ten classes", "cifar100": "natural images, a hundred"}
KINDS = ("matched", "mismatched")
NOT_RUN = "not run at this size"
DOTS = (
    "Large marks are means over seeds with 95 % intervals, small ones seeds, hollow ones the paper. "
    "Hover or tap for values."
)


def factors(found: Record) -> Chart:
    """Chapters 4 and 5: accuracy over the levels of a factor, matched and mismatched, by each kind of transfer."""
    rows = list(_factor_rows(found))
    known = {column: dict.fromkeys(row[column] for row in rows) for column in ("setting", "factor", "transfer")}
    choices = {"data": {name: SETTINGS[name] for name in known["setting"]}}
    choices |= {"factor": {name: words(name) for name in known["factor"]}}
    choices |= {"transfer": {name: text for name, text in TRANSFERS.items() if name in known["transfer"]}}
    rows = [{"data" if name == "setting" else name: value for name, value in row.items()} for row in rows]
    look = {"series": [f"{kind} transformations" for kind in KINDS], "axis": "accuracy on the target", "domain": [0, 1]}
    hint = f"Choose a factor and a kind of transfer: are the two marks of a level far apart? {DOTS}"
    made = (rows, choices, dots, look, _what_is_worth_most(found, next(iter(known["setting"]))))
    return Chart("factors", "What matters for transfer?", hint, *made)


def _factor_rows(found: Record) -> Iterator[Row]:
    keys = ["setting", "factor", "transfer"]
    levels = found.table.drop_duplicates([*keys, "place"])[[*keys, "place", "level"]]
    papers = found.study.paper.drop_duplicates([*keys, "place"]).set_index([*keys, "place"])["level"]
    known = levels.groupby(keys, sort=False)
    every = product(*(levels[column].unique() for column in keys))
    for setting, factor, transfer in every:
        choices = {"setting": setting, "factor": factor, "transfer": transfer}
        if (setting, factor, transfer) not in known.groups:
            yield row(0, NOT_RUN, f"{KINDS[0]} transformations", Estimate(math.nan), **choices)
            continue
        name = f"{'' if setting == 't2d' else f'{setting}.'}{transfer}.{factor}"
        for each, kind in product(known.get_group((setting, factor, transfer)).itertuples(), KINDS):
            one = found.estimates.get(f"accuracy.{name}.{each.place}.{kind}", Estimate(math.nan))
            theirs = papers.get((setting, factor, transfer, each.place), each.level)
            beside = "" if theirs == each.level else f" at {_level(theirs)}"
            yield row(each.place, _level(each.level), f"{kind} transformations", one, beside, **choices)


def _level(level: str) -> str:
    if not level[0].isdigit():
        return plots.MODEL_NAMES.get(level, level).replace("\n", " ")
    number = float(level)
    return f"{number:,.0f}" if number >= 1 else f"{number:g}"


def _what_is_worth_most(found: Record, setting: str) -> Guess | None:
    prefix = "" if setting == "t2d" else f"{setting}."
    answers = {"the transformations": found.estimates.get(f"gap.{prefix}probe.class_relationship")}
    ranges = {factor: f"range.{prefix}probe.{factor}.matched" for factor in found.table["factor"].unique()}
    answers |= {f"the {words(factor)}": found.estimates.get(name) for factor, name in ranges.items()}
    known = {text: one for text, one in answers.items() if one and one.n}
    question = (
        f"Guess first, for {SETTINGS[setting]}: what in pretraining is worth most to a linear probe, the best choice "
        "against the worst?"
    )
    return Guess(question, known) if len(known) > 1 else None


NATURAL = {"cifar10": "natural images,\n10 classes", "cifar100": "natural images,\n100 classes"}


def _seen(name: str) -> str:
    return NATURAL.get(name, name.replace(" on ", "\non "))


def _architectures(table: pd.DataFrame, column: str = "model") -> dict[str, str]:
    return {name: plots.MODEL_NAMES.get(name, name).replace("\n", " ") for name in table[column].unique()}


def relations(found: Record) -> Chart:
    """Chapter 7: mean sensitivity on each type of data, by how training relates to what is measured."""
    table, rows = found.table, []
    kinds, types, models = (list(table[column].unique()) for column in ("trained_on", "data", "model"))
    suffixes = dict(zip(models, _suffixes(found.estimates, models), strict=True))
    for model, kind, (place, name), (relation, text) in product(models, kinds, enumerate(types), RELATIONS.items()):
        one = found.estimates.get(f"sensitivity.{kind}.{relation}.{name}{suffixes[model]}")
        if one is not None:
            rows.append(row(place, _seen(name), text, one, trained_on=kind, architecture=model))
    choices = {"trained_on": {kind: f"{kind} objects" for kind in kinds}, "architecture": _architectures(table)}
    most = max([1.0, *(row["high"] or row["value"] or 0 for row in rows)])
    look = {"series": list(RELATIONS.values()), "axis": "sensitivity", "domain": [0, round(most + 0.05, 2)], "step": 13}
    hint = f"Compare the circle with the square: is it further left on strange data, too? {DOTS}"
    return Chart("relations", "Does the invariance carry over?", hint, rows, choices, dots, look)


def _suffixes(estimates: Mapping[str, Estimate], models: Sequence[str]) -> list[str]:
    # Effects of other models than the first end in their names' last parts, in the order of the models.
    start = "sensitivity.image.same.cifar10"
    return [name.removeprefix(start) for name in estimates if name.startswith(start) and name[len(start) :][:1] in "."]


def every_pair(found: Record) -> Chart:
    """Chapter 7: the sensitivity of every model to every transformation, on each type of data."""
    keys = ["trained_on", "data", "model", "trained_with", "transformation"]
    means = found.table[found.table["transformation"] != ""].groupby(keys, sort=False)["value"].mean()  # no exchanges
    order = {name: f"{place:03d}|{words(name)}" for place, name in enumerate([*PAPER_NAMES, "none", "untrained"])}
    columns = ("trained_on", "data", "architecture", *MAP)
    rows = [
        dict(zip(columns, (*key[:3], order[key[3]], order[key[4]]), strict=True)) | {"value": round(float(value), 3)}
        for key, value in means.items()
    ]
    kinds, types = (found.table[column].unique() for column in ("trained_on", "data"))
    types = sorted(types, key=lambda name: name != "new objects on scenes")  # of the question; the rest as they come
    choices = {"trained_on": {kind: f"{kind} objects" for kind in kinds}}
    choices |= {"data": {name: _seen(name).replace("\n", " ") for name in types}}
    choices |= {"architecture": _architectures(found.table)}
    hint = "Choose data that are ever stranger to the models: do the framed cells stay darker than their columns?"
    return Chart("pairs", "Every model on every transformation", hint, rows, choices, cells)


MEASURES = {
    "sensitivity_l2": "sensitivity (distance)",
    "sensitivity_cosine": "sensitivity (angle)",
    "sensitivity_dot": "sensitivity (squared distance)",
    "cka": "CKA (1 is invariant)",
}
NETWORKS = {"given": "the model", "untrained": "untrained copy"}


def profile(table: pd.DataFrame) -> Chart:
    """Chapter 9: a profile, as `profile_model` gives it, by measure and layer."""
    names, rows = list(table["transformation"].unique()), []
    for one in table.itertuples():
        found = Estimate(one.value, one.low, one.high, one.pairs)
        choices = {"measure": one.measure, "layer": one.layer}
        rows.append(row(names.index(one.transformation), one.transformation, NETWORKS[one.kind], found, **choices))
    measures = table["measure"].unique()
    choices = {"measure": {name: text for name, text in MEASURES.items() if name in measures}}
    choices |= {"layer": {name: name for name in table["layer"].unique()}}
    most = max([1.0, *(row["high"] or row["value"] or 0 for row in rows)])
    look = {"series": list(NETWORKS.values()), "axis": "value", "domain": [min(0, _least(rows)), round(most + 0.05, 2)]}
    hint = "Choose a measure: do the same transformations come out as ignored? Hover or tap for intervals over pairs."
    return Chart("profile", "The profile, by every measure", hint, rows, choices, dots, look)


def _least(rows: Iterable[Row]) -> float:
    return min((row["low"] for row in rows if row["low"] is not None), default=0.0)


CHARTS: dict[str, Callable[[Any], Chart]] = {
    "factors": factors,
    "relations": relations,
    "pairs": every_pair,
    "profile": profile,
}
"""The book's charts by name: each makes a chart of a study's findings, or of a profile."""


def chart(name: str, found: Any, attended: bool = False) -> HTML:
    """One of `CHARTS`: for a page of the book, or whole, for a notebook before which somebody sits."""
    made = CHARTS[name](found)
    if not attended:
        return HTML(made.as_html())
    text = made.altair().to_html(fullhtml=False, inline=True)
    return HTML(f"<b>{html.escape(made.title)}</b><br>{html.escape(made.hint)}{text}")
