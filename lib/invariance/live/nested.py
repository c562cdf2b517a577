"""The explorer of chapter 8: readers give pretraining and target some of eight transformations, and see the accuracy.

The record has nested sets: the first 1, 2, ..., 8 of the order that each seed drew. So readers choose how many.
"""

import html
import json
from typing import Any

import pandas as pd
from IPython.display import HTML

from invariance import plots
from invariance.live import page
from invariance.statistics import fixed

TITLE = "Build both sets of transformations"
HINT = (
    "Give pretraining and target the first few of the eight transformations. What does it cost to lack three, and "
    "what to have three too many? Then choose a seed, which has eight transformations of its own."
)
BLOCK = """<noscript><p>This explorer needs scripts; the map of accuracies shows the same results.</p></noscript>
<div class="live-only"><div class="live-choices"></div><div class="live-counts"></div>
<ol class="live-order" aria-label="The transformations in their order"></ol>
<div class="live-reading"><div class="live-seen"></div>
<figure class="live-curve"><svg viewBox="0 0 360 190" role="img" aria-label=""></svg>
<figcaption>Accuracy on this target over the number of transformations in pretraining; dashed: the paper.
</figcaption></figure></div></div>"""


def described(found: Any) -> dict:
    """The accuracies of a study's findings by architecture and seed, in rows by the number in pretraining."""
    rows = found.table[found.table["split"] == "test"].astype({"pretrained_on": int, "probed_on": int})
    paper, chosen = found.study.paper, {}
    for (counterpart, model), own in rows.groupby(["counterpart", "model"], sort=False):
        seeds = {f"{seed}": _square(one) for seed, one in own.groupby("seed")}
        theirs = paper[paper["counterpart"] == counterpart]
        beside = {"paper": _square(theirs), "papers": plots.MODEL_NAMES.get(counterpart, counterpart)}
        label = plots.MODEL_NAMES.get(model, model).replace("\n", " ")
        chosen[counterpart] = {"label": label, "mean": _square(own), "seeds": seeds} | beside
    orders = {f"{seed}": one.split(",") for seed, one in rows.groupby("seed")["order"].first().items()}
    return {"architectures": chosen, "orders": orders}


def _square(rows: pd.DataFrame) -> list[list[float | None]]:
    wide = rows.pivot_table(index="pretrained_on", columns="probed_on", values="value")
    return [[None if pd.isna(value) else round(float(value), 4) for value in line] for line in wide.to_numpy()]


def as_html(found: Any) -> str:
    """The explorer for a page of the book."""
    data = json.dumps({"script": "nested", **described(found)}, separators=(",", ":"))
    return page.framed("nested", TITLE, html.escape(HINT), BLOCK, data)


def said(one: dict, rows: list[list[float]], pretraining: int, target: int) -> str:
    """What is found for one architecture's accuracies with so many transformations in pretraining and target."""
    reached, matching = rows[pretraining - 1][target - 1], rows[target - 1][target - 1]
    paper = one["paper"][pretraining - 1][target - 1]
    which = "missing" if pretraining < target else "too many"
    lack = f"{abs(target - pretraining)} {which}" if pretraining != target else "the matching model"
    change = f", {fixed(reached - matching, 3)} against the matching model" if pretraining != target else ""
    return f"accuracy {reached:.3f} ({lack}){change}; {one['papers']} in the paper: {fixed(paper, 3)}"


def notebook(found: Any) -> object:
    """The explorer for a running notebook. Needs ipywidgets; raises `InputError` without it."""
    from invariance.live.widgets import LABELS, w

    data = described(found)
    known = [(one["label"], name) for name, one in data["architectures"].items()]
    model = w.Dropdown(description="Architecture", options=known, style=LABELS)
    seed = w.Dropdown(description="Seed", options=[("all", ""), *((name, name) for name in data["orders"])])
    most = len(data["architectures"][known[0][1]]["mean"])
    counts = [
        w.IntSlider(value, 1, most, description=text, style=LABELS)
        for text, value in (("In pretraining", 1), ("In the target", min(4, most)))
    ]
    result = w.HTML()

    def show(_: object = None) -> None:
        one, order = data["architectures"][model.value], data["orders"].get(seed.value, [])
        rows = one["seeds"][seed.value] if seed.value else one["mean"]
        named = f"<p>In this order: {html.escape(', '.join(order).replace('_', ' '))}</p>" if order else ""
        result.value = f"{named}<p>{html.escape(said(one, rows, *(count.value for count in counts)))}</p>"

    for control in (model, seed, *counts):
        control.observe(show, "value")
    show()
    return w.VBox([w.HTML(f"<b>{TITLE}</b><br>{html.escape(HINT)}"), w.HBox([model, seed]), *counts, result])


def show(found: Any, attended: bool) -> object:
    """The explorer, where it is shown: in a page, or in a notebook before which somebody sits."""
    return notebook(found) if attended else HTML(as_html(found))
