"""The explorers in Firefox and in WebKit, where they are installed.

Firefox speaks WebDriver BiDi by itself; WebKit is driven by WebDriver, on a display that nobody sees.
"""

import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

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
      roots[1].querySelectorAll(".live-chart svg path").length, window.wrong]));
  }, 200);
})"""


WRONG = """<script>window.wrong = [];
  const complain = console.error;
  console.error = (...said) => { window.wrong.push(said.join(" ")); complain(...said); };
  addEventListener("error", ({ message, target }) => window.wrong.push(message ?? `${target.src} did not load`), true);
  addEventListener("unhandledrejection", ({ reason }) => window.wrong.push(String(reason)));
</script>"""


@pytest.fixture
def firefox(tmp_path):
    """Evaluates a promise of text in a page of Firefox; skips where there is none."""
    websocket = pytest.importorskip("websocket")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        pytest.skip("needs Firefox on the PATH")
    (tmp_path / "profile").mkdir()
    options = ["--headless", "--no-remote", "--profile", str(tmp_path / "profile"), "--remote-debugging-port", "0"]
    with running([program, *options], stderr=subprocess.PIPE, text=True) as process:
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
            return call("script.evaluate", expression=expression, target=target, awaitPromise=True)["result"]["value"]

        yield evaluate


@pytest.fixture
def webkit():
    """Evaluates a promise of text in a page of WebKit; skips where there is none."""
    if not (shutil.which("WebKitWebDriver") and shutil.which("Xvfb")):
        pytest.skip("needs WebKitWebDriver and Xvfb on the PATH; on Debian and Ubuntu: webkit2gtk-driver, xvfb")
    with running(["Xvfb", "-displayfd", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as screen:
        environment, port = {**os.environ, "DISPLAY": f":{screen.stdout.readline().strip()}"}, free_port()
        with running(["WebKitWebDriver", f"--port={port}"], env=environment, stderr=subprocess.DEVNULL) as driver:

            def call(method, path, **given):
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request(method, path, json.dumps(given) if method == "POST" else None)
                answer = json.load(connection.getresponse())["value"]
                assert "error" not in (answer or {}), answer
                return answer

            await_port(driver, port)
            session = f"/session/{call('POST', '/session', capabilities={})['sessionId']}"
            call("POST", f"{session}/timeouts", script=600_000, pageLoad=600_000)  # a busy machine is slow, not wrong

            def evaluate(path, expression):
                call("POST", f"{session}/url", url=path.as_uri())
                script = f"{expression}.then(arguments[0])"
                return call("POST", f"{session}/execute/async", script=script, args=[])

            yield evaluate
            call("DELETE", session)


@contextmanager
def running(command, **options):
    """A process of this command, ended afterwards."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def await_port(process, port):
    while process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")


@pytest.mark.slow
@pytest.mark.parametrize("browser_name", ["firefox", "webkit"])
def test_an_explorer_and_a_chart_are_live(browser_name, request, write_page):
    evaluate = request.getfixturevalue(browser_name)
    path = write_page("story", live.chart("factors", studies.get("other_factors").published("quick")))
    path.write_text(path.read_text().replace("<head>", f"<head>{WRONG}"))
    values, distances, marks, wrong = json.loads(evaluate(path, MOVED))
    state = EXPLORERS["story"].start
    state = State(state.object, state.background, (Step("rotate", tuple(map(float, values))),), state.networks)
    before = scene.image(state, scene.object_of(state))
    after = scene.image(state, scene.transformed(state, scene.object_of(state)))
    wanted = [scene.distances(name, before, after)[0] for name in state.networks]
    assert values == [144] and distances == pytest.approx(wanted, abs=1e-4) and marks > 10 and wrong == []
