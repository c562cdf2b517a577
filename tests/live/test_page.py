"""Explorers in a page: what they show is what the library computes, and every reader reaches it."""

import io
import json

import pytest
import torch
from PIL import Image

from invariance import live, sampling
from invariance.live import description, networks, page, scene
from invariance.live.description import EXPLORERS, State, Step
from invariance.transforms import PAPER_NAMES, TRANSFORMATIONS, Range, Transformation

START = EXPLORERS["transformations"].start
SHOWN = "document.querySelector('[data-live]').explorer"
PIXELS = "[...document.querySelectorAll('.live-views canvas')].at(-1).toDataURL()"


def state_of(tab):
    """The state of a page's explorer as the library has it."""
    found = tab.evaluate(f"{SHOWN}.state")
    steps = tuple(Step(s["name"], tuple(map(float, s["values"])), s["on"]) for s in found["steps"])
    return State(found["object"], found["background"], steps, tuple(found["networks"]))


def image_of(tab):
    return torch.tensor(tab.evaluate(f"[...{SHOWN}.image.data]")).reshape(1, 3, 32, 32)


def expected(state, own=None):
    return scene.image(state, scene.transformed(state, scene.object_of(state, own)))


def put(tab, state):
    """Give the explorer a state, and wait until it shows it."""
    steps = json.dumps([{"name": s.name, "values": s.values, "on": s.on} for s in state.steps])
    tab.evaluate(f"async () => {{ await {SHOWN}.change(() => ({SHOWN}.state.steps = {steps}), true); }}")
    settle(tab)


def settle(tab):
    tab.wait_for_function(f"!{SHOWN}.busy")


@pytest.fixture
def opened(write_page, open_page):
    """An explorer in Chromium, live; and what went wrong there."""

    def open_explorer(name, script="", **options):
        path = write_page(name)
        if script:
            (path.parent / "_static" / "live" / "counting.js").write_text(script)
        tab, wrong = open_page(path, **options)
        tab.wait_for_selector("[data-live]")
        return tab, wrong

    return open_explorer


def png(picture):
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def test_every_transformation_and_every_draw_is_the_librarys(opened):
    tab, wrong = opened("transformations")
    for name in PAPER_NAMES:
        put(tab, State(START.object, START.background, (description.first(name),)))
        assert torch.allclose(image_of(tab), expected(state_of(tab)), atol=1e-5), name
        tab.evaluate(f"{SHOWN}.drawAll(12345)")
        tab.wait_for_function(f"{SHOWN}.status.textContent.includes('12345')")
        settle(tab)
        (step,) = state_of(tab).steps
        wanted = scene.draw(name, 12345)
        assert step.on == wanted.on and step.values == pytest.approx(wanted.values, rel=1e-6), name
    assert wrong == []


def test_three_transformations_in_order_and_the_code_that_makes_the_image(opened):
    tab, wrong = opened("transformations")
    put(tab, State("anchor", "sea", (Step("translate", (0.9, 0.2)), Step("noise", (7.0,)), Step("rotate", (33.3,)))))
    tab.select_option("select[data-name=Object]", "anchor")
    settle(tab)
    state, code = state_of(tab), tab.text_content(".live-code code")
    assert state.object == "anchor" and code == scene.code(state)
    assert torch.allclose(image_of(tab), expected(state), atol=1e-5)
    made = {}
    exec(code, made)
    assert torch.equal(made["image"], expected(state)) and made["image"].shape == (1, 3, 32, 32)
    other = State(state.object, state.background, state.steps[::-1])
    assert not torch.allclose(expected(other), expected(state), atol=0.1)
    assert wrong == []


def test_the_keyboard_alone_moves_it_and_the_status_says_so(opened):
    tab, wrong = opened("story")
    before, first = tab.evaluate(PIXELS), state_of(tab)
    tab.focus(".live-explorer select")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.type") == "range":
            break
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    settle(tab)
    state = state_of(tab)
    assert state.steps[0].values[0] == pytest.approx(first.steps[0].values[0] + 3) and tab.evaluate(PIXELS) != before
    assert tab.get_attribute("input[type=range]", "aria-valuetext") == "63 degrees"
    untransformed = scene.image(state, scene.object_of(state))
    for row, name in enumerate(state.networks):
        (wanted,) = scene.distances(name, untransformed, expected(state))
        assert tab.evaluate(f"{SHOWN}.found[{row}].distance") == pytest.approx(wanted, abs=1e-4)
        assert f"{networks.label(name)}: distance {wanted:.2f}" in tab.inner_text("[role=status]")
        assert tab.evaluate(f"{SHOWN}.found[{row}].answer") == scene.answer(name, expected(state))
    curve = scene.curve(state, 0, 0)
    lines = tab.evaluate(f"{SHOWN}.lines")
    for line, name in zip(lines, state.networks, strict=True):
        assert [d for _, d in line] == pytest.approx(curve[name], abs=1e-4)
    tab.fill("input[type=number]", "720")
    tab.keyboard.press("Enter")
    settle(tab)
    assert state_of(tab).steps[0].values == (360.0,)
    assert wrong == []


def test_the_map_shows_where_the_representation_goes(opened):
    tab, wrong = opened("invariance")
    tab.locator("input[type=range]").first.press("End")
    settle(tab)
    state, made = state_of(tab), scene.map_of("plain")
    trail = made.place(scene.features(networks.network("plain"), scene.swept(state, 0, 0)))
    assert torch.allclose(torch.tensor(tab.evaluate(f"{SHOWN}.trail")), trail, atol=0.11)
    before, after = tab.evaluate(f"{SHOWN}.ends[0]")
    assert before == after == pytest.approx(trail[0].tolist(), abs=0.11)  # turned by 360 degrees it is where it was
    assert tab.locator(".live-map circle").count() == scene.PAIRS + 2 and wrong == []
    inside = (made.points >= 0) & (made.points <= 200)
    assert inside.all() and made.points.std(0).min() > 10


def test_measuring_in_the_page_gives_the_librarys_sensitivity(opened):
    tab, wrong = opened("invariance")
    tab.click(".live-main")
    tab.wait_for_selector(".live-measure tbody tr", state="attached")
    (text,) = tab.locator(".live-progress").all_inner_texts()
    found = scene.sensitivity(networks.network("plain"), "rotate").value
    assert text == f"Sensitivity to rotate: {found:.3f} after 200 pairs."
    assert f"{networks.facts()['plain']['values']['rotate']:.2f}" in tab.inner_text(".live-measure tbody")
    assert wrong == []


def test_a_link_shows_the_same_and_reset_the_first_state(opened):
    tab, wrong = opened("invariance")
    tab.select_option("select[data-name=Network]", "rotate")
    tab.select_option("select[data-name=Transformation]", "shear")
    tab.select_option("select[data-name=Background]", "city")
    tab.locator("input[type=number]").first.fill("12.345")
    tab.keyboard.press("Enter")
    settle(tab)
    tab.wait_for_function("location.hash.includes('12.345')")
    state, hash = state_of(tab), tab.evaluate("location.hash")
    assert state.steps == (Step("shear", (12.345, 0.0)),) and state.networks == ("rotate",)
    other, also_wrong = opened("invariance", hash=hash)
    assert state_of(other) == state and other.evaluate(PIXELS) == tab.evaluate(PIXELS)
    other.get_by_role("button", name="Reset").click()
    settle(other)
    assert state_of(other) == EXPLORERS["invariance"].start
    broken, still_wrong = opened("invariance", hash="#live=invariance&object=dragon&steps=warp:1;rotate:x&networks=y")
    assert state_of(broken).object == EXPLORERS["invariance"].start.object
    assert wrong + also_wrong + still_wrong == []


def test_the_address_follows_no_oftener_than_browsers_allow(opened):
    tab, wrong = opened("transformations")
    milliseconds, changes = tab.evaluate(f"""async () => {{
        let changes = 0;
        const change = history.replaceState.bind(history), started = performance.now();
        history.replaceState = (...given) => {{ changes += 1; change(...given); }};
        for (let k = 1; k <= 30; k++) await {SHOWN}.change(() => ({SHOWN}.state.steps[0].values[0] = k));
        return [performance.now() - started, changes];
    }}""")
    assert changes <= 1 + milliseconds / 300  # WebKit refuses more than 100 changes in 30 seconds
    tab.wait_for_function("location.hash.includes('steps=rotate:30;')")
    assert wrong == []


def test_own_transformations_run_in_the_page_or_are_shown_by_pictures(write_page, open_page, monkeypatch):
    def draw(keys, size):
        return {"light": sampling.uniform(keys)}

    def dim(images, parameters):
        return torch.cat((images[:, :3] * parameters["light"][:, None, None, None], images[:, 3:]), 1)

    def looks(images, parameters):
        return dim(images, parameters) if images.mean().item() > 0 else images

    for name, apply in (("dim", dim), ("looks", looks)):
        own = Transformation(name, "photometric", draw, apply, {"light": Range(0.0, 1.0)}, summary="dims")
        monkeypatch.setitem(TRANSFORMATIONS, name, own)
    path = write_page("transformations", transforms=["dim", "looks"])
    assert "This page cannot run looks (torch.export: " in path.read_text()
    tab, wrong = open_page(path)
    tab.wait_for_selector("[data-live]")
    tab.wait_for_selector(".frame-explorer[data-ready]")
    assert [step.name for step in state_of(tab).steps] == ["dim"]
    tab.locator("input[type=range]").first.press("Home")
    settle(tab)
    assert state_of(tab).steps[0].values == (0.0,)
    assert torch.allclose(image_of(tab), expected(state_of(tab)), atol=1e-5) and wrong == []


def test_an_own_picture_becomes_the_object_and_a_bad_file_is_said_in_words(opened):
    tab, wrong = opened("transformations")
    picture = Image.linear_gradient("L").resize((32, 32)).convert("RGBA")
    own = torch.tensor(list(picture.tobytes()), dtype=torch.uint8).reshape(32, 32, 4).permute(2, 0, 1)
    upload = tab.locator("input[type=file]")
    upload.set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    tab.wait_for_function(f"{SHOWN}.status.textContent.includes('note.txt is no picture')")
    upload.set_input_files({"name": "own.png", "mimeType": "image/png", "buffer": png(picture)})
    tab.wait_for_function(f"{SHOWN}.status.textContent.includes('Your picture is the object')")
    settle(tab)
    assert torch.allclose(image_of(tab), expected(state_of(tab), own), atol=1e-5)
    assert "own picture" in tab.text_content(".live-code code")
    tab.get_by_role("button", name="Reset").click()
    settle(tab)
    assert torch.allclose(image_of(tab), expected(START), atol=1e-5)
    assert wrong == []


def test_it_fits_a_telephone_and_every_control_has_a_name(opened):
    for name in EXPLORERS:
        tab, wrong = opened(name)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        nameless = "filter(e => !e.ariaLabel && !e.labels?.[0]?.innerText.trim()).map(e => e.outerHTML)"
        assert tab.evaluate(f"[...document.querySelectorAll('input, select')].{nameless}") == [] and wrong == []
        assert tab.locator("[aria-live]").count() == 1


def test_a_file_that_does_not_load_is_said_and_tried_again(write_page, open_page):
    path = write_page("transformations")
    graph = path.parent / "_static" / "live" / "graphs" / "blur.js"
    aside = graph.rename(graph.with_suffix(".aside"))
    tab, _ = open_page(path)
    tab.wait_for_selector("[data-live]")
    tab.locator("select").nth(4).select_option("blur")
    tab.wait_for_function(f"{SHOWN}.status.textContent.includes('graphs/blur.js did not load')")
    aside.rename(graph)
    tab.locator("input[type=range]").last.press("ArrowLeft")
    settle(tab)
    assert [step.name for step in state_of(tab).steps] == ["rotate", "hue", "blur"]
    assert torch.allclose(image_of(tab), expected(state_of(tab)), atol=1e-5)


def test_before_it_is_live_a_page_shows_the_first_state_and_loads_little(write_page):
    path = write_page("story")
    text = path.read_text()
    (value,) = scene.distances("rotate", scene.image(START, scene.object_of(START)), expected(EXPLORERS["story"].start))
    assert f"<td>{value:.2f}</td>" in text and "<polyline" in text and len(text) < 60_000
    files = path.parent / "_static" / "live"
    needed = ["aten", "live", "pictures", "graphs/common", "graphs/rotate", "graphs/network", "networks/plain"]
    size = sum((files / f"{name}.js").stat().st_size for name in [*needed, "networks/rotate"])
    assert size + len(text) < 1_200_000


COUNTING = """invarianceLive.add("counting", async (root, { networks, steps }, { graphs, network }) => {
  const send = MessagePort.prototype.postMessage;
  [window.slices, window.runs] = [[0], {}];
  MessagePort.prototype.postMessage = function (...given) { window.slices.push(0); send.apply(this, given); };
  for (const name of networks) {
    const net = await network(name), run = net.run;
    net.run = (image) => { window.slices[window.slices.length - 1] += 1; return run(image); };
  }
  for (const step of [...steps, "common"]) {
    const parts = await graphs(step);
    for (const [part, run] of Object.entries(parts)) {
      const name = step === "common" ? part : step;
      parts[part] = (...given) => { window.runs[name] = (window.runs[name] ?? 0) + 1; return run(...given); };
    }
  }
});"""
COUNTED = "[window.slices.splice(0), Object.entries(window.runs), window.slices.push(0), window.runs = {}].slice(0, 2)"


@pytest.fixture
def counted(opened):
    """An explorer in which every run of a graph is counted: gives the page, and what went wrong."""

    def open_counted(name):
        tab, wrong = opened(name, script=COUNTING)
        settle(tab)
        start = EXPLORERS[name].start
        about = {"script": "counting", "networks": start.networks, "steps": [step.name for step in start.steps]}
        text = f'<script class="live-description" type="application/json">{json.dumps(about)}</script>'
        tab.evaluate(f"""async () => {{ const root = document.createElement("div"); root.innerHTML = {text!r};
            await invarianceLive.start(root, "./_static/live/"); }}""")
        return tab, wrong

    return open_counted


def counts(tab):
    """How many networks each slice of work ran, and how often which graph ran, since this was last asked."""
    settle(tab)
    slices, runs = tab.evaluate(COUNTED)
    return slices, dict(runs)


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_move_runs_what_it_must_and_no_slice_of_work_two_networks(counted, name):
    tab, wrong = counted(name)
    start = EXPLORERS[name].start
    steps = {step.name: 1 for step in start.steps}
    tab.locator("input[type=range]").first.press("ArrowRight")
    on_a_move, runs = counts(tab)
    assert runs == steps | {"paste": 1}  # the object and its image as it is were known, and so was the curve
    assert sum(on_a_move) == len(start.networks)
    tab.select_option("select[data-name=Object]", "anchor")
    slices, runs = counts(tab)
    points = len(description.kind("rotate").sliders[0].points) if start.networks else 0
    assert runs == dict.fromkeys(steps, 1 + points) | {"shrink": 1, "paste": 2 + points}
    assert sum(slices) == len(start.networks) * (2 + points)
    assert max(on_a_move + slices) <= 1 and wrong == []


def test_the_first_picture_waits_for_no_network(write_page, open_page):
    path = write_page("invariance")
    (path.parent / "_static" / "live" / "networks" / "plain.js").unlink()
    tab, _ = open_page(path)
    tab.wait_for_selector("[data-live]")
    tab.wait_for_function(f"{SHOWN}.status.textContent.includes('networks/plain.js did not load')")
    assert torch.allclose(image_of(tab), expected(EXPLORERS["invariance"].start), atol=1e-5)


def test_outside_the_book_it_says_how_to_move_it(write_page, open_page):
    path = write_page("story")
    path.write_text(path.read_text().replace(' data-content_root="./"', ""))
    tab, wrong = open_page(path)
    assert tab.inner_text("[role=status]") == "Run this cell to move it here." and wrong == []
    assert not tab.is_visible(".live-start") and tab.locator(".live-views img").count() == 2


def test_a_page_without_explorers_gets_no_files(tmp_path):
    (tmp_path / "page.ipynb").write_text("{}")
    page.write_assets([tmp_path / "page.ipynb"], tmp_path / "live")
    assert not (tmp_path / "live").exists()


def test_unknown_names_list_the_known_ones():
    for call in (lambda: live.explorer("rotations"), lambda: live.explorer("story", object_class="dragon")):
        with pytest.raises(ValueError, match="Known: "):
            call()
