"""All tests share one cache, which no reader uses: what one computed at the size smoke, the others read."""

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock

from invariance import studies
from invariance.datasets.devices import cores
from invariance.errors import InputError

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    torch.set_num_threads(1)


def pytest_xdist_auto_num_workers(config):
    """One process more than cores, for many tests wait: for a browser, or for processes of their own."""
    return cores() + 1


SLOW = {"built", "installed", "open_page", "smoke"}
"""Fixtures that build the book or a wheel, run a study, or open a browser: tests with one of them are `slow`."""


ORDER = ("test_real_book.py", "test_run.py", "test_build.py", "", "test_pages.py")
"""The longest files begin first, so that no process waits for them at the end; what waits for the book comes last."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.path.name if item.path.name in ORDER else ""))
    for item in items:
        if SLOW & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache for all tests and processes: rendered pictures, and the studies at the size smoke."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (root / "cache").mkdir(exist_ok=True)
    return root / "cache"


@pytest.fixture(scope="session")
def smoke(shared_cache):
    """The findings of a study at the size smoke, by its name; each is computed once for all processes."""

    def find(name):
        with pytest.MonkeyPatch.context() as patch, FileLock(shared_cache / f"{name}.lock"):
            patch.setenv("INVARIANCE_CACHE", str(shared_cache))
            patch.setenv("INVARIANCE_PROGRESS", "0")
            study = studies.get(name)
            return study.own(study.at("smoke"), "cpu", workers=1)  # other processes would import all again

    return find


@pytest.fixture(autouse=True)
def _own_cache(shared_cache, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(shared_cache))
    monkeypatch.setenv("INVARIANCE_PROGRESS", "0")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own, so that nothing counts as computed before."""
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path


def _seeds_around(table, spread=0.01, seeds=4):
    noise = np.random.default_rng(0)
    return pd.concat(
        [
            table.assign(seed=seed, value=(table["value"] + noise.normal(0, spread, len(table))).clip(0, 1))
            for seed in range(seeds)
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="session")
def seeds_around():
    """Tables of several seeds around the values of one, such as the paper's: (table, spread, seeds)."""
    return _seeds_around


# --- a page in Chromium -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium without a window, as the book is printed with; skips where there is none."""
    printing = pytest.importorskip("invariance.book.printing")
    try:
        with printing.chromium() as started:
            yield started
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture
def open_page(browser):
    """Opens a file on a screen as narrow as a telephone's; gives the page, and what went wrong: errors, requests.

    `hash` is what follows # in the address; `options` are playwright's for a page.
    """
    opened = []

    def open_file(path, hash="", **options):
        tab = browser.new_page(**{"viewport": {"width": 390, "height": 800}, **options})
        tab.set_default_timeout(0)  # a busy machine is slow, not wrong
        opened.append(tab)
        wrong = []

        def refuse(route):
            wrong.append(route.request.url)
            route.abort()

        tab.route(lambda url: not url.startswith(("file:", "data:", "blob:")), refuse)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        tab.goto(path.as_uri() + hash, wait_until="load")
        return tab, wrong

    yield open_file
    for tab in opened:
        tab.close()
