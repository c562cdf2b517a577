"""The real chapters at the budget `smoke`: executed, and rendered with warnings as errors."""

from urllib.parse import unquote, urlparse

import nbformat
import pytest
from bs4 import BeautifulSoup
from pages import PAGES, REPOSITORY, page_of

from invariance import book

CHAPTERS = list(book.find_chapters(REPOSITORY))


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_chapter_has_its_numbers_and_described_figures(built, stem):
    text = page_of(built, stem).read_text()
    assert "glue:" not in text and "{include}" not in text
    page = BeautifulSoup(text, "html.parser")
    assert [str(image) for image in page.select("main img") if not image.get("alt")] == []
    sources = [image["src"] for image in page.select("main img") if "_images/" in image["src"]]
    assert len(sources) == len(set(sources)), "a figure is shown twice"
    assert not page.select("#main-content details.fold[open]")


def test_every_link_and_anchor_resolves(built):
    site = built / "_build" / "html"
    pages = {file: BeautifulSoup(file.read_text("utf-8"), "html.parser") for file in site.rglob("*.html")}
    ids = {file: {tag["id"] for tag in page.select("[id]")} for file, page in pages.items()}
    broken = []
    for file, page in pages.items():
        for link in page.select("main a[href], nav a[href]"):
            address = urlparse(link["href"])
            if address.scheme:
                continue
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            anchor = unquote(address.fragment)
            known = anchor in ids[target] if target in ids and anchor else target.exists()
            if not known and anchor != "live":
                broken.append(f"{file.name}: {link['href']}")
    assert pages and broken == []


def test_every_page_has_a_head_for_search_engines_and_sharing(built):
    titles = []
    for stem in PAGES:
        head = BeautifulSoup(page_of(built, stem).read_text("utf-8"), "html.parser").head
        titles.append(head.title.string)
        assert len(head.select_one("meta[name=description]")["content"]) > 40, stem
        assert head.select_one("meta[property='og:image']")["content"].endswith("_static/share.png")
        assert head.title.string.count("Which invariances make a representation transfer?") == 1
    assert len(set(titles)) == len(titles)
    assert (built / "_build" / "html" / "_static" / "share.png").is_file()


@pytest.mark.parametrize("stem", CHAPTERS)
def test_outputs_hold_no_warning_and_no_path_of_a_machine(built, stem):
    path = built / "_build" / "executed" / f"{stem}.ipynb"
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
    assert [output.text[:200] for output in outputs if output.get("name") == "stderr"] == []
    assert "/lib/invariance/" not in path.read_text("utf-8") and str(REPOSITORY) not in path.read_text("utf-8")
