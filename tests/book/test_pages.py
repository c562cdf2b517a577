"""Every page of the real book in Chromium, as wide as a telephone: two classes, so that two processes share them."""

import pytest
from pages import PAGES, check, page_of


class TestEverySecondPage:
    @pytest.mark.parametrize("stem", PAGES[::2])
    def test_it_fits_a_telephone_is_light_and_open_to_all(self, built, open_page, stem):
        check(open_page, page_of(built, stem))


class TestTheOtherPages:
    @pytest.mark.parametrize("stem", PAGES[1::2])
    def test_it_fits_a_telephone_is_light_and_open_to_all(self, built, open_page, stem):
        check(open_page, page_of(built, stem))
