"""Explorers in a notebook: driven as a notebook's front end does, they show what the library and the page show."""

import ast
import io
import os
from dataclasses import replace
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch
from jupyter_client.manager import start_new_kernel
from PIL import Image
from torch import nn

from invariance import live, sampling
from invariance.errors import InputError
from invariance.live import networks, scene
from invariance.live.description import EXPLORERS, Step, first
from invariance.transforms import TRANSFORMATIONS, Range, Transformation

PLAYGROUND = Path(__file__).parents[2] / "book" / "playground.py"
BEGIN = """
from invariance import live
e = live.explorer("story")
slider = e.steps.children[0].children[1]
"""


@pytest.fixture(scope="module")
def client(shared_cache):
    manager, client = start_new_kernel(env={**os.environ, "INVARIANCE_CACHE": str(shared_cache)})
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def evaluated(client, code, allow_stdin=True, **expressions):
    """Run code in the kernel, as a person or a program does; gives values of expressions there."""
    reply = client.execute(code, user_expressions=expressions, allow_stdin=allow_stdin, reply=True, timeout=120)
    assert reply["content"]["status"] == "ok", reply["content"]
    values = reply["content"]["user_expressions"]
    return {name: ast.literal_eval(value["data"]["text/plain"]) for name, value in values.items()}


def shown(png):
    """The picture of a widget, back at 32 x 32 pixels."""
    return np.asarray(Image.open(io.BytesIO(png)))[2::5, 2::5]


def test_a_slider_that_is_moved_moves_pictures_and_numbers(client):
    model = evaluated(client, BEGIN, model="slider.model_id")["model"]
    content = {"comm_id": model, "data": {"method": "update", "state": {"value": 123.0}, "buffer_paths": []}}
    client.shell_channel.send(client.session.msg("comm_msg", content))
    asked = {"values": "e.state.steps[0].values", "table": "e.table.value"}
    found = evaluated(client, "", png="bytes(e.seen.children[1].children[0].value)", **asked)
    state = replace(EXPLORERS["story"].start, steps=(Step("rotate", found["values"]),))
    before = scene.image(state, scene.object_of(state))
    after = scene.image(state, scene.transformed(state, scene.object_of(state)))
    assert found["values"] == (123.0,)
    np.testing.assert_array_equal(shown(found["png"]), after[0].mul(255).round().byte().permute(1, 2, 0))
    for name in ("plain", "rotate"):
        assert f"<td>{scene.distances(name, before, after)[0]:.2f}</td>" in found["table"]


def test_where_nobody_sits_before_it_an_explorer_is_a_piece_of_a_page(client):
    code = "from invariance import live; e = live.explorer('story')"
    assert evaluated(client, code, allow_stdin=False, kind="type(e).__name__") == {"kind": "HTML"}
    assert evaluated(client, code, kind="type(e).__name__") == {"kind": "Widgets"}


def test_every_cell_of_the_playground_runs(client):
    cells = jupytext.read(PLAYGROUND).cells
    codes = [cell.source for cell in cells if cell.cell_type == "code"]
    for code in codes:
        evaluated(client, code)
    assert len(codes) >= 6 and sum("live.notebook(" in code for code in codes) == 5
    shown = evaluated(client, "", last="str(type(_).__name__)", networks="list(live.networks.OWN)")
    assert shown == {"last": "Widgets", "networks": ["mean colour"]}


def control(explorer, label):
    return next(each for each in explorer.choices.children if each.description == label)


def test_choices_draws_and_reset_change_what_is_shown():
    explorer = live.notebook("transformations")
    start, picture = explorer.state, explorer.seen.children[2].children[0]
    control(explorer, "Object").value = "anchor"
    explorer.steps.children[2].children[0].value = "erasing"
    assert [step.name for step in explorer.state.steps] == ["rotate", "hue", "erasing"]
    explorer.steps.children[2].children[0].children[1].value = False  # it is not applied
    without = picture.value
    explorer.steps.children[2].children[0].children[1].value = True
    assert picture.value != without and '"erasing"' in explorer.code.value
    draw, reset = explorer.box.children[6].children
    draw.click()
    assert explorer.state.object == "anchor" and explorer.state.steps[0] != start.steps[0]
    explorer.steps.children[0].children[0].children[0].value = ""
    assert [step.name for step in explorer.state.steps] == ["hue", "erasing"]
    reset.click()
    assert explorer.state == start


def test_own_transformations_pictures_and_networks(tmp_path, monkeypatch):
    def apply(images, parameters):
        return torch.cat((images[:, :3] * parameters["light"][:, None, None, None], images[:, 3:]), 1)

    own = Transformation(
        "dim",
        "photometric",
        lambda keys, size: {"light": sampling.uniform(keys)},
        apply,
        {"light": Range(0.0, 1.0)},
    )
    monkeypatch.setitem(TRANSFORMATIONS, "dim", own)
    monkeypatch.setattr(networks, "OWN", {})
    Image.new("RGB", (64, 32), (250, 10, 10)).save(tmp_path / "red.png")
    mean = nn.Sequential(nn.AvgPool2d(32), nn.Flatten())
    explorer = live.notebook("invariance", ["dim"], picture=tmp_path / "red.png", models={"mean": mean})
    assert explorer.state.steps == (first("dim"),) and explorer.state.networks == ("mean",)
    assert ">mean</th>" in explorer.table.value and "<polyline" in explorer.curve.value
    at_one = explorer.seen.children[1].children[0]
    explorer.steps.children[0].children[1].value = 1.0
    np.testing.assert_array_equal(shown(at_one.value), shown(explorer.seen.children[0].children[0].value))
    explorer.steps.children[0].children[1].value = 0.0
    assert shown(at_one.value)[16, 16].tolist() == [0, 0, 0]
    measure = explorer.box.children[6].children[1]
    measure.click()
    assert "mean: sensitivity to dim" in explorer.status.value


def test_what_cannot_be_shown_is_said(tmp_path):
    (tmp_path / "note.txt").write_text("no picture")
    with pytest.raises(InputError, match="no picture"):
        live.notebook("transformations", picture=tmp_path / "note.txt")
    with pytest.raises(InputError, match="There is no file"):
        live.notebook("transformations", picture=tmp_path / "none.png")
    with pytest.raises(InputError, match="Unknown explorer 'x'"):
        live.notebook("x")
    with pytest.raises(InputError, match="Unknown transformation"):
        live.notebook("invariance", ["spin"])
