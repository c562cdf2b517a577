import dataclasses

import pytest

from invariance import studies
from invariance.ledger import reading
from invariance.protocol import find


def test_shares_are_those_of_the_published_sizes():
    page = reading.shares([studies.get("other_factors"), studies.get("when_invariance_harms")]).data
    assert "50,000 : 10,000 : 10,000" in page and "71.4%" in page
    assert "45,000 : 5,000 : 10,000" in page and "75.0%" in page
    assert "200 : 10,000 : 10,000" in page and "1.0%" in page


def test_the_pooled_accuracy_lies_between_those_of_the_splits_and_is_shown_beside_the_papers(smoke):
    found = smoke("invariances_or_classes")
    known = {name: one.value for name, one in reading.accuracies(found, classes="same").items()}
    apart = [known[name] for name in ("train", "validation", "test")]
    assert min(apart) < known["pooled"] < max(apart)
    assert known["test"] == pytest.approx(found["accuracy.matched.same"].value)
    assert known["pooled"] == pytest.approx(found["accuracy.matched.same"].pooled)
    page = reading.beside(reading.on_test_images([found])).data
    assert page.count("<tr") == 1 + len(found.study.statements) and "the rule" in page


def test_a_rule_is_turned_where_one_accuracy_meets_it_and_the_other_does_not(smoke):
    found = smoke("invariances_or_classes")
    both = {s: found[s.estimate] for s in found.study.statements}
    expected = [s for s, one in both.items() if s.holds(one.value) != s.holds(one.pooled)]
    assert reading.turned(reading.on_test_images([found])) == expected
    # A protocol that reports pooled accuracies changes nothing here: both are compared all the same.
    sizes = found.sizes.model_copy(update={"protocol": find("corrected+pooled_accuracy")})
    pooled = dataclasses.replace(found, sizes=sizes)
    assert (
        reading.beside(reading.on_test_images([pooled])).data == reading.beside(reading.on_test_images([found])).data
        and reading.turned(reading.on_test_images([pooled])) == expected
    )
