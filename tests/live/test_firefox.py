"""The explorers in Firefox, where it is installed: driven by WebDriver BiDi, which it speaks by itself."""

import itertools
import json
import shutil
import subprocess

import pytest

from invariance import live, studies
from invariance.live import scene
from invariance.live.description import EXPLORERS, State, Step

MOVED = """new Promise((done) => {
  const wait = setInterval(() => {
    const roots = [...document.querySelectorAll("[data-live]")];
    if (roots.length < 2 || roots[0].explorer.busy) return;
    if (!roots[1].view) return void roots[1].querySelector(".live-guess input:not(:checked)")?.click();
    const range = roots[0].querySelector("input[type=range]");
    if (range.value !== "144") {
      range.value = 144;
      return void range.dispatchEvent(new Event("input", { bubbles: true }));
    }
    clearInterval(wait);
    const { found, state } = roots[0].explorer;
    done(JSON.stringify([state.steps[0].values, found.map(({ distance }) => distance),
      roots[1].querySelectorAll(".live-chart svg path").length]));
  }, 200);
})"""


@pytest.fixture
def firefox(tmp_path):
    """Evaluates an expression in a page of Firefox; skips where there is none."""
    websocket = pytest.importorskip("websocket")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        pytest.skip("needs Firefox on the PATH")
    (tmp_path / "profile").mkdir()
    options = ["--headless", "--no-remote", "--profile", str(tmp_path / "profile"), "--remote-debugging-port", "0"]
    process = subprocess.Popen([program, *options], stderr=subprocess.PIPE, text=True)
    try:
        address = next(line.split()[-1] for line in process.stderr if "BiDi listening on" in line)
        connection, numbers = websocket.create_connection(f"{address}/session", suppress_origin=True), itertools.count()

        def call(method, **params):
            number = next(numbers)
            connection.send(json.dumps({"id": number, "method": method, "params": params}))
            while (answer := json.loads(connection.recv())).get("id") != number:
                pass
            assert answer["type"] == "success", answer
            return answer["result"]

        def evaluate(path, expression):
            call("session.new", capabilities={})
            context = call("browsingContext.getTree")["contexts"][0]["context"]
            call("browsingContext.navigate", context=context, url=path.as_uri(), wait="complete")
            target = {"context": context}
            found = call("script.evaluate", expression=expression, target=target, awaitPromise=True)
            return json.loads(found["result"]["value"])

        yield evaluate
    finally:
        process.terminate()
        process.wait()


def test_an_explorer_and_a_chart_are_live_in_firefox(write_page, firefox):
    found = studies.get("other_factors").published("quick")
    path = write_page("story", live.chart("factors", found))
    values, distances, marks = firefox(path, MOVED)
    state = EXPLORERS["story"].start
    state = State(state.object, state.background, (Step("rotate", tuple(map(float, values))),), state.networks)
    before = scene.image(state, scene.object_of(state))
    after = scene.image(state, scene.transformed(state, scene.object_of(state)))
    wanted = [scene.distances(name, before, after)[0] for name in state.networks]
    assert values == [144] and distances == pytest.approx(wanted, abs=1e-4) and marks > 10
