"""The explorer of chapter 6: four networks in the page move as the library says, after the reader has guessed."""

import pytest
import torch

from invariance import live
from invariance.live import networks, relevance

FOUND = "document.querySelector('.live-explorer').found"


def test_the_page_moves_as_the_library_says_and_judges_the_guess(write_page, open_page):
    tab, wrong = open_page(write_page("relevance"))
    tab.wait_for_selector("[data-live]")
    assert tab.evaluate(FOUND) is None and not tab.is_visible(".live-parts")
    assert tab.locator("script[src*='networks/']").count() == 0  # these are for those who guess
    tab.get_by_label(networks.SEEN["cifar_only"]).check()
    tab.wait_for_selector(".live-parts tbody tr")
    assert tab.inner_text(".live-reply") == relevance.replies()["cifar_only"]
    for label, value, state in (
        ("Second image: object", "7", {"picture": 0, "object": 7}),
        ("Second image: picture", "4", {"picture": 4, "object": 7}),
    ):
        tab.get_by_label(label).select_option(value)
        wanted = [relevance.distance(name, **state) for name in networks.SEEN]
        said = "; ".join(f"{text}: {one:.2f}" for text, one in zip(networks.SEEN.values(), wanted, strict=True))
        tab.wait_for_function(f"document.querySelector('[role=status]').textContent === {said!r}")
        assert tab.evaluate(FOUND) == pytest.approx(wanted, abs=1e-3)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390 and wrong == []


def test_what_was_asked_for_decides_what_is_ignored():
    measured = relevance.measured()
    assert measured["cifar_mixed"]["object"] < measured["cifar_only"]["object"] < measured["objects_only"]["object"]
    assert (
        measured["objects_mixed"]["picture"] < measured["objects_only"]["picture"] < measured["cifar_only"]["picture"]
    )
    assert relevance.replies()["cifar_mixed"].startswith("You guessed right.")


def test_the_first_image_is_the_data_sets_own():
    renderer = relevance.renderer()
    keys = relevance._keys()
    labels, objects = renderer.natural.labels(keys), renderer.object_labels(keys)
    pictures = {int((labels == label).nonzero()[0]): label for label in range(10)}
    for place, label in pictures.items():
        image = renderer.images(keys[place : place + 1])
        assert torch.allclose(relevance.image(label, int(objects[place])), image, atol=1e-6)


def test_in_a_notebook_the_library_answers():
    _, guess, reply, choices, _, table = live.notebook("relevance").children
    assert table.value == ""
    guess.value = "objects_only"
    choices.children[0].value = 3
    assert "It is the one that saw both, asked for the picture" in reply.value
    for name in networks.SEEN:
        assert f"<td>{relevance.distance(name, 3, relevance.START['object']):.2f}</td>" in table.value
