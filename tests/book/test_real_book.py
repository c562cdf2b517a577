"""The real chapters at the budget `smoke`: executed, rendered with warnings as errors, and opened in Chromium."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from invariance import book

REPOSITORY = Path(__file__).parents[2]
CHAPTERS = list(book.find_chapters(REPOSITORY))


@pytest.fixture(scope="module")
def built(tmp_path_factory, shared_cache):
    """A copy of the book, built at the budget smoke."""
    root = tmp_path_factory.mktemp("real")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(REPOSITORY / name, root)
    shutil.copytree(REPOSITORY / "book", root / "book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INVARIANCE_CACHE", str(shared_cache))
        patch.setenv("BUDGET", "smoke")
        book.build(root, parameters={"budget": "smoke", "device": "cpu"})
    return root


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_chapter_has_its_numbers_and_described_figures_and_fits_a_telephone(built, open_page, stem):
    path = built / "_build" / "html" / "book" / f"{stem}.html"
    assert "glue:" not in path.read_text()
    tab, wrong = open_page(path)
    assert wrong == [] and tab.evaluate("document.documentElement.scrollWidth") <= 390
    images = tab.locator("main img")
    assert images.evaluate_all("images => images.filter(image => !image.alt).map(image => image.outerHTML)") == []
    sources = re.findall(r'<img[^>]*src="\.\./(_images/[^"]+)"', path.read_text())
    assert len(sources) == len(set(sources)), "a figure is shown twice"


@pytest.mark.parametrize("stem", CHAPTERS)
def test_outputs_hold_no_warning_and_no_path_of_a_machine(built, stem):
    path = built / "_build" / "executed" / f"{stem}.ipynb"
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
    assert [output.text[:200] for output in outputs if output.get("name") == "stderr"] == []
    assert "/lib/invariance/" not in path.read_text("utf-8") and str(REPOSITORY) not in path.read_text("utf-8")
