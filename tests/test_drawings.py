import xml.etree.ElementTree as ET
from functools import partial

import pytest

from invariance import drawings

MADE = {
    "recipe": drawings.recipe,
    "sensitivity": drawings.sensitivity,
    "swap": drawings.swap,
    "class_sets": drawings.class_sets,
    **{name: partial(drawings.experiment, name) for name in drawings.EXPERIMENTS},
}


@pytest.mark.parametrize("name", MADE)
def test_a_drawing_is_whole_described_and_within_its_frame(name):
    svg = ET.fromstring(MADE[name]().data)[0]
    assert len(svg.get("aria-label")) > 40
    _, _, wide, tall = map(float, svg.get("viewBox").split())
    assert wide == drawings.WIDE
    for text in svg.iter("text"):
        x, y, long = float(text.get("x")), float(text.get("y")), 6.4 * len(text.text)
        left = x - long * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
        assert left >= -2 and left + long <= wide + 2 and 0 < y < tall, text.text
    boxes = [float(box.get("y")) + float(box.get("height")) for box in svg.iter("rect")]
    assert max(boxes, default=0) < tall


def test_what_is_compared_stands_below_the_longest_text():
    svg = ET.fromstring(drawings.experiment("natural_images").data)[0]
    found = {text.text: float(text.get("y")) for text in svg.iter("text")}
    assert found["its accuracy"] > found["3  compare"] > found["transformed"]
