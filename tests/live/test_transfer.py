"""The explorer of chapter 3: the page's answers are the library's, and a guess is judged by them."""

import pytest
import torch

from invariance import live
from invariance.live import transfer


def test_the_page_gives_the_librarys_answers_and_judges_the_guess(write_page, open_page):
    tab, wrong = open_page(write_page("transfer"), reduced_motion="reduce")
    tab.wait_for_selector("[data-live]")
    button = tab.get_by_role("button", name="Show 200 test images")
    assert button.is_disabled() and tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.get_by_label(transfer.GUESSES["plain"]).check()
    button.click()
    tab.wait_for_function("document.querySelector('[role=status]').textContent.includes('right on')")
    answers = torch.tensor(tab.evaluate("document.querySelector('.live-explorer').answers"))
    for place, name in enumerate(transfer.NETWORKS):
        assert (answers[:, place] == transfer.answers(name)).float().mean() > 0.99  # images differ by rounding
    found = transfer.accuracies()
    text = tab.inner_text("[role=status]")
    assert f"trained with rotate: right on {round(200 * found['rotate'])} of 200" in text
    assert "It was the one trained with rotate." in text and wrong == []


def test_the_network_that_saw_the_transformation_serves_the_task_better():
    found = transfer.accuracies()
    assert found["rotate"] > 0.95 > 0.75 > found["plain"] > 1 / len(transfer.CLASSES)
    assert transfer.winner(found) == "rotate" and transfer.winner({"plain": 0.5, "rotate": 0.51}) == ""
    assert transfer.said("rotate", found).endswith("You guessed right.")


def test_in_a_notebook_the_library_answers():
    _, _, guess, button, result = live.notebook("transfer").children
    assert button.disabled
    guess.value = ""
    assert not button.disabled
    button.click()
    assert result.value == transfer.said("", transfer.accuracies())
    with pytest.raises(ValueError, match="Known: transformations, invariance, story, transfer, relevance"):
        live.notebook("transfers")
