"""Charts of the record: what they show is what the findings say, whatever was run, and no request leaves the page."""

import json
import math
from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest

from invariance import live, statistics, studies
from invariance.live import charts, nested
from invariance.statistics import Estimate

TABLE = "[...document.querySelectorAll('.live-values-shown tbody tr')].map(r => [...r.cells].map(c => c.textContent))"


@cache
def record(name):
    """What is published of a study at the size quick."""
    return studies.get(name).published("quick")


@cache
def two_architectures():
    """The record of chapter 7 as if another network had been run, too."""
    found = record("invariance_transfer")
    other = found.table.assign(model="small_vit", value=found.table["value"] * 0.9)
    table = pd.concat([found.table, other], ignore_index=True)
    estimates = statistics.estimates(found.study.effects(table), found.study.papers)
    return SimpleNamespace(table=table, estimates=estimates, study=found.study)


def shown(name, found):
    return charts.CHARTS[name](found)


def drawn(tab):
    tab.wait_for_selector(".live-chart svg")
    return tab.evaluate(TABLE)


def choose(tab, text, value):
    tab.locator(f"select[name={charts.PARAM}{text}]").select_option(value)
    tab.wait_for_function(f"location.hash.includes({value!r})")


def test_a_reader_guesses_and_then_questions_every_accuracy(write_page, open_page):
    found = record("other_factors")
    path = write_page(live.chart("factors", found))
    tab, wrong = open_page(path)
    tab.wait_for_selector("[data-live]")
    assert not tab.evaluate("'vega' in window") and not tab.is_visible(".live-chart")
    made = shown("factors", found)
    answer = next(iter(made.guess.answers))
    tab.get_by_label(answer, exact=True).check()
    before = drawn(tab)
    assert tab.inner_text(".live-reply") == made.guess.described()["replies"][answer]
    choose(tab, "factor", "pretraining_samples")
    choose(tab, "transfer", "many")
    after = drawn(tab)
    for rows, name in ((before, "probe.class_relationship"), (after, "many.pretraining_samples")):
        places = range(len(rows) // 2)
        wanted = [found[f"accuracy.{name}.{place}.{kind}"] for place in places for kind in charts.KINDS]
        assert len(rows) > 3 and [row[2] for row in rows] == [str(one) for one in wanted]
        assert [row[4].split(" at ")[0] for row in rows] == [f"{one:.2p}" for one in wanted]
    marks = tab.locator(".live-chart svg [aria-roledescription=point]").count()
    assert marks >= 2 * len(after) and tab.evaluate("document.documentElement.scrollWidth") <= 390
    choose(tab, "transfer", "tuned")
    assert [row[0] for row in drawn(tab)] == [charts.NOT_RUN]
    again, also_wrong = open_page(path, hash="#live=factors&factor=pretraining_samples&transfer=many")
    again.get_by_label(answer, exact=True).check()
    assert drawn(again) == after
    again.get_by_role("button", name="Reset").click()
    again.wait_for_function("location.hash.includes('factor=class_relationship&transfer=probe')")
    assert drawn(again) == before and wrong + also_wrong == []


def test_every_model_on_every_transformation(write_page, open_page):
    found = two_architectures()
    tab, wrong = open_page(write_page(live.chart("relations", found), live.chart("pairs", found)))
    tab.wait_for_selector("#live-relations svg[aria-roledescription], #live-relations .live-chart svg")
    tab.wait_for_selector("#live-pairs .live-chart svg")
    model = found.table["model"].unique()[-1]
    tab.locator("#live-pairs").get_by_label("architecture").select_option(model)
    tab.wait_for_function(f"location.hash.includes('{model}')")
    rows = tab.evaluate(TABLE.replace(".live-values-shown", "#live-pairs"))
    table = found.table[(found.table["model"] == model) & (found.table["trained_on"] == "image")]
    table = table[table["transformation"] != ""]  # not the exchanged objects
    table = table[table["data"] == "new objects on scenes"]  # shown first
    wanted = table.groupby(["trained_with", "transformation"])["value"].mean()
    assert len(rows) == len(wanted)
    for with_, measured, value in rows:
        assert float(value) == pytest.approx(wanted[with_.replace(" ", "_"), measured.replace(" ", "_")], abs=6e-4)
    assert wrong == []


def test_relations_have_every_architecture_of_the_run():
    found = two_architectures()
    made, models = shown("relations", found), list(found.table["model"].unique())
    assert list(made.choices["architecture"]) == models and len(models) > 1
    rows = [row for row in made.rows if row["architecture"] == models[-1] and row["trained_on"] == "image"]
    (row,) = [row for row in rows if row["series"] == "trained with it" and "10 classes" in row["level"]]
    assert row["shown"] == str(found.estimates["sensitivity.image.same.cifar10.vit"])


def test_both_sets_give_the_accuracy_that_was_measured(write_page, open_page):
    found = record("mismatch")
    tab, wrong = open_page(write_page(live.chart("nested", found)))
    tab.wait_for_selector("[data-live]")
    rows = found.table[(found.table["split"] == "test") & (found.table["seed"] == 1)]
    one, two = (rows[(rows["pretrained_on"] == k) & (rows["probed_on"] == "2")]["value"].item() for k in (1, 2))
    tab.get_by_label("Seed").select_option("1")
    tab.get_by_label("In pretraining").press("Home")
    tab.get_by_label("In the target").press("Home")
    tab.get_by_label("In the target").press("ArrowRight")
    change = f"{one - two:+.3f}".replace("+", "").replace("-", "−").replace("−0.000", "0.000")
    said = tab.inner_text("[role=status]").replace("−0.000", "0.000")
    paper = found.study.paper.set_index(["counterpart", "pretrained_on", "probed_on"])["value"]["resnet18", 1, 2]
    assert said == (
        f"1 missing: accuracy {one:.3f}, {change} against the matching model's {two:.3f}. "
        f"ResNet-18 in the paper: {paper:.3f}."
    )
    order = rows["order"].iloc[0].split(",")
    roles = ["in both", "missing"] + ["in neither"] * 6
    assert tab.locator(".live-order li").all_inner_texts() == [
        f"{name.replace('_', ' ')} {role}" for name, role in zip(order, roles, strict=True)
    ]
    tab.wait_for_function("location.hash.includes('pretraining=1&target=2')")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390 and wrong == []
    widgets = nested.notebook(found)
    widgets.children[1].children[1].value, widgets.children[2].value, widgets.children[3].value = "1", 1, 2
    assert f"accuracy {one:.3f} (1 missing)" in widgets.children[4].value


def test_a_profile_has_its_intervals_and_its_untrained_copy():
    rows = [
        {"transformation": name, "measure": measure, "layer": "output", "kind": kind, "pairs": 8}
        | {"value": value, "low": value - 0.1, "high": value + 0.1}
        for name, value in (("rotate", 0.3), ("hue", math.nan))
        for measure in ("sensitivity_l2", "cka")
        for kind in ("given", "untrained")
    ]
    made = shown("profile", pd.DataFrame(rows))
    assert list(made.choices["measure"]) == ["sensitivity_l2", "cka"] and len(made.rows) == 8
    assert made.rows[0]["value"] == 0.3 and made.rows[0]["shown"] == "0.30 (0.20 to 0.40)"
    assert made.rows[-1]["value"] is None
    assert json.loads(made.as_html().split('description">')[1].split("</script>")[0])["script"] == "charts"


def test_a_guess_is_judged_by_the_intervals():
    near, far, best = Estimate(0.2, 0.1, 0.35), Estimate(0.1, 0.0, 0.2), Estimate(0.4, 0.3, 0.5)
    replies = charts.Guess("?", {"near": near, "far": far, "best": best}).described()["replies"]
    assert replies["best"].startswith("In this run you are right, but the intervals overlap.")
    sure = charts.Guess("?", {"far": far, "best": best}).described()["replies"]
    assert sure["best"].startswith("You guessed right.")
    assert replies["near"].startswith("In this run it is best, but the intervals overlap: you may be right.")
    assert replies["far"].startswith("It is best.") and "far 0.10 (0.00 to 0.20)" in replies["far"]


def test_for_a_running_notebook_a_chart_is_whole():
    text = charts.chart("relations", two_architectures(), attended=True).data
    assert "vegaEmbed" in text and "https://cdn" not in text.split("<script")[1][:200] and len(text) < 1_500_000


def test_unknown_charts_list_the_known_ones():
    with pytest.raises(ValueError, match="Known: factors, relations, pairs, profile, nested"):
        live.chart("bars", None)


def test_what_a_page_loads_for_its_first_chart_is_light(write_page):
    path = write_page(live.chart("factors", record("other_factors")))
    files = path.parent / "_static" / "live"
    size = sum((files / f"{name}.js").stat().st_size for name in ("aten", "live", "charts", "vega"))
    assert size + path.stat().st_size < 1_200_000
