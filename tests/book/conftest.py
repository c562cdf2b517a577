"""A page in Chromium."""

import shutil
from collections.abc import Iterator

import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Chromium without a window; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium on the PATH")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=FLAGS, timeout=0)
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Opens a file on a screen as narrow as a telephone's; gives the page, and what went wrong: errors, requests."""
    opened = []

    def open_file(path):
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        tab.set_default_timeout(0)  # a busy machine is slow, not wrong
        opened.append(tab)
        wrong = []

        def refuse(route):
            wrong.append(route.request.url)
            route.abort()

        tab.route(lambda url: not url.startswith(("file:", "data:", "blob:")), refuse)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(path.as_uri(), wait_until="load")
        return tab, wrong

    yield open_file
    for tab in opened:
        tab.close()
