"""What frame_explorer puts into the page."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from invariance.errors import InputError
from invariance.live.frames import Choice, frame_explorer


def frames(count=5, side=32, channels=3):
    values = np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)
    return values


def packed(explorer):
    return json.loads(re.search(r'application/json">(.*?)</script>', explorer.data)[1])


def test_small_pictures_are_stored_exactly_in_frame_and_column_order():
    left, right = frames(), frames()[::-1].copy()
    data = packed(frame_explorer({"a": Choice({"left": left, "right": right}, list("12345"))}))["a"]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["sheet"].split(",")[1]))))[..., :3]
    cell = 3 * 2 + 1  # fourth frame, right column
    y, x = divmod(cell, data["across"])
    np.testing.assert_array_equal(sheet[y * 32 : y * 32 + 32, x * 32 : x * 32 + 32], right[3])
    assert data["columns"] == ["left", "right"] and data["labels"] == list("12345")


def test_large_pictures_are_compressed():
    smooth = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None], (40, 96, 96, 3)).copy()
    assert len(frame_explorer({"a": Choice(smooth, ["x"] * 40)}).data) < 60_000


def test_equal_content_gives_equal_html_and_names_are_escaped():
    choices = {"<b>": Choice(frames(channels=4), ["</script>"] * 5)}
    explorer = frame_explorer(choices, name="A & B")
    assert explorer.data == frame_explorer(choices, name="A & B").data
    assert "&lt;b&gt;" in explorer.data and "A &amp; B" in explorer.data
    assert explorer.data.count("</script>") == 2


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(frames().astype(float), list("12345")), "uint8"),
        (Choice(frames()[..., 0], list("12345")), "uint8 of shape"),
        (Choice(frames(), list("1234")), "for 4 labels"),
        (Choice({"a": frames(), "b": frames(side=16)}, list("12345")), "pictures 'b'"),
        (Choice(frames(), list("12345"), start=5), "start is 5"),
    ],
)
def test_frames_that_cannot_be_shown_are_named(choice, message):
    with pytest.raises(InputError, match=message):
        frame_explorer({"it": choice})


def test_no_choice_is_refused():
    with pytest.raises(InputError, match="at least one"):
        frame_explorer({})
