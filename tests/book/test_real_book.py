"""The real chapters at the budget `smoke`: executed, rendered with warnings as errors, and opened in Chromium."""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlparse

import nbformat
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

from invariance import book

REPOSITORY = Path(__file__).parents[2]
CHAPTERS = list(book.find_chapters(REPOSITORY))
PAGES = [Path(page).stem for page in parse_toc_yaml(REPOSITORY / "_toc.yml")]
MOST_BYTES = 600_000
"""What a page may load before its explorers."""


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


def html(built, stem):
    return built / "_build" / "html" / "book" / f"{stem}.html"


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_chapter_has_its_numbers_and_described_figures(built, stem):
    text = html(built, stem).read_text()
    assert "glue:" not in text and "{include}" not in text
    page = BeautifulSoup(text, "html.parser")
    assert [str(image) for image in page.select("main img") if not image.get("alt")] == []
    sources = [image["src"] for image in page.select("main img") if "_images/" in image["src"]]
    assert len(sources) == len(set(sources)), "a figure is shown twice"
    assert not page.select("#main-content details.fold[open]")


@pytest.mark.parametrize("stem", PAGES)
def test_a_page_fits_a_telephone_is_light_and_open_to_all(built, open_page, stem):
    """Nothing goes wrong in it, nothing is cut, and axe-core finds no serious fault in either theme."""
    tab, wrong = open_page(html(built, stem))
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    loaded = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    files = {Path(unquote(urlparse(name).path)) for name in loaded if name.startswith("file:")}
    files = {file for file in files if "live" not in file.parts} | {html(built, stem)}
    assert sum(file.stat().st_size for file in files) < MOST_BYTES, sorted(files)
    assert tab.evaluate(CUT) == [] and tab.evaluate(ICONS) == [] and tab.evaluate(UNSEEN) == []
    tab.evaluate(AXE_SCRIPT)
    for theme, rules in {"light": AXE_TAGS, "dark": ["color-contrast"]}.items():  # the theme changes colours alone
        tab.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        assert tab.evaluate(AXE, rules) == [], theme
    assert wrong == []


ICONS = """[...document.querySelectorAll("body *")].flatMap((part) => ["::before", "::after"].filter((place) =>
  /[\\uE000-\\uF8FF]/.test(getComputedStyle(part, place).content)).map((place) => `${part.className} ${place}`))"""
"""Letters of a font of icons, which no page loads."""
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa"]
AXE = """async (tags) => (await axe.run({ resultTypes: ["violations"], runOnly: tags, preload: false })).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes.length} times, such as ${nodes[0].html.slice(0, 200)}`)"""
UNSEEN = """[...document.querySelectorAll("#main-content figcaption")].filter((part) => !part.checkVisibility())
  .filter((part) => !part.closest("details:not([open]), .live-views")).map((part) => part.textContent.slice(0, 80))"""
"""Captions that no reader sees."""
CUT = """[...document.querySelectorAll("#main-content article :is(img, svg, table, math, canvas)")].filter((part) => {
  const box = part.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let up = part.parentElement; up; up = up.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return false;
  return true;
}).map((part) => part.outerHTML.slice(0, 200))"""
"""Figures, tables and formulas that leave a narrow screen, and stand in no box that scrolls."""


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
        head = BeautifulSoup(html(built, stem).read_text("utf-8"), "html.parser").head
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
