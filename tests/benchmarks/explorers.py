"""How long the explorers take to come alive and to move, in Chromium at a quarter of the processor's speed."""

import statistics
import tempfile
from pathlib import Path

from invariance import live, studies
from invariance.book.printing import chromium
from invariance.live import page
from invariance.live.description import EXPLORERS
from invariance.transforms import PAPER_NAMES

SLOWER = 4
MOVES = 12
SLOWEST = ("scale", "elastic", "noise")
"""Three transformations that take long; a reader may have them all at once."""
FRAME = """<!doctype html><html lang="en" data-content_root="./"><head><meta charset="utf-8"><title>Moves</title>
</head><body>{body}</body></html>"""
STEPS = """async ([names, moves]) => {
  const { explorer } = document.querySelector("[data-live]"), { curve, about: { kinds } } = explorer, spent = [];
  const steps = names.map((name) => ({ name, values: kinds[name].sliders.map(({ start }) => start), on: true }));
  await explorer.change(() => (explorer.state.steps = steps), true);
  let shown = 0;
  explorer.curve = async () => (shown = performance.now()); // all that a move changes is shown before the curve
  for (let k = 0; k < moves; k++) {
    const [slider] = kinds[names[0]].sliders, started = performance.now();
    await explorer.change(() => {
      if (slider) steps[0].values[0] = slider.points[(7 * k + 3) % slider.points.length];
    });
    spent.push((explorer.has("curve") ? shown : performance.now()) - started);
  }
  explorer.curve = curve;
  return spent;
}"""
"""ms of each move of the first transformation's first slider, until what it changes is shown."""
OTHERS = """async ([name, moves]) => {
  const root = document.querySelector("[data-live]"), all = (part) => root.querySelectorAll(part), spent = [];
  const guess = root.querySelector(".live-guess input");
  if (guess) await guess.onchange();
  while (name === "factors" && !root.view) await new Promise((done) => setTimeout(done, 50));
  const acts = {
    transfer: () => root.querySelector("button.live-main").onclick(),
    relevance: (k) => { const select = all("select")[0]; select.value = k % 10; return select.onchange(); },
    nested: (k) => { const range = all("input[type=range]")[0]; range.value = 1 + k % 8; return range.oninput(); },
    factors: (k) => {
      const { name, options } = [...all("select")].find((select) => select.options.length > 1);
      return root.view.signal(name, options[(k + 1) % options.length].value).runAsync();
    },
  };
  if (name === "transfer") guess.checked = true;
  for (let k = 0; k < (name === "transfer" ? 1 : moves); k++) {
    const started = performance.now();
    await acts[name](k);
    spent.push((performance.now() - started) / (root.answers?.length ?? 1));
  }
  return spent;
}"""
"""The same for explorers with scripts of their own; for "transfer", ms for one of its test images."""


def _shown():
    # What is measured, by name; the charts show published results, so nothing is computed for them.
    charts = {"factors": "other_factors", "nested": "mismatch"}
    explorers = {name: live.explorer(name) for name in (*EXPLORERS, "transfer", "relevance")}
    return explorers | {name: live.chart(name, studies.get(of).published("quick")) for name, of in charts.items()}


def _write(folder, shown):
    (folder / "page.ipynb").write_text(shown.data)
    page.write_assets([folder / "page.ipynb"], folder / "_static" / "live")
    (folder / "page.html").write_text(FRAME.format(body=shown.data))
    return folder / "page.html"


def _opened(browser, path):
    # A page at a quarter of the speed, and the ms after which its explorer was live.
    tab = browser.new_page(viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    tab.set_default_timeout(0)
    tab.context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    tab.goto(path.as_uri())
    tab.wait_for_selector("[data-live]")
    live_after = tab.evaluate("performance.now()")
    tab.wait_for_function("!document.querySelector('[data-live]').explorer?.busy")
    return tab, live_after


def _moves(name):
    # What is moved in an explorer, with the script that does it and what that takes.
    if name not in EXPLORERS:
        return {"its choice": (OTHERS, name)}
    chosen = [[step] for step in PAPER_NAMES] + [list(SLOWEST)] if name == "transformations" else [["rotate"]]
    return {", ".join(steps): (STEPS, steps) for steps in chosen}


def table():
    """Rows by explorer and what is moved: ms until it is live, of its first move, and of the median move after that."""
    rows = []
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for name, shown in _shown().items():
            tab, live_after = _opened(browser, _write(Path(folder), shown))
            for what, (script, given) in _moves(name).items():
                first, *others = tab.evaluate(script, [given, MOVES])
                median = statistics.median(others or [first])
                rows.append({"explorer": name, "moved": what, "live": live_after, "first": first, "median": median})
            tab.close()
    return rows
