"""What is looked at in a page of the rendered book, as scripts for the browser."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from axe_playwright_python.base import AXE_SCRIPT
from sphinx_external_toc.parsing import parse_toc_yaml

REPOSITORY = Path(__file__).parents[2]
PAGES = [Path(page).stem for page in parse_toc_yaml(REPOSITORY / "_toc.yml")]
MOST_BYTES = 600_000
"""What a page may load before its explorers."""
ICONS = """[...document.querySelectorAll("body *")].flatMap((part) => ["::before", "::after"].filter((place) =>
  /[\\uE000-\\uF8FF]/.test(getComputedStyle(part, place).content)).map((place) => `${part.className} ${place}`))"""
"""Letters of a font of icons, which no page loads."""
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa"]
AXE = """async (tags) => (await axe.run({ resultTypes: ["violations"], runOnly: tags, preload: false })).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes.length} times, such as ${nodes[0].html.slice(0, 200)}`)"""
UNSEEN = """[...document.querySelectorAll("#main-content figcaption")].filter((part) => !part.checkVisibility())
  .filter((part) => !part.closest("details:not([open]), .live-explorer, .sd-tab-content"))
  .map((part) => part.textContent.slice(0, 80))"""
"""Captions that no reader sees."""
CUT = """[...document.querySelectorAll("#main-content article :is(img, svg, table, math, canvas)")].filter((part) => {
  const box = part.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let up = part.parentElement; up; up = up.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return false;
  return true;
}).map((part) => part.outerHTML.slice(0, 200))"""
"""Figures, tables and formulas that leave a narrow screen, and stand in no box that scrolls."""


def page_of(built, stem):
    """The file of a page in the rendered book."""
    return built / "_build" / "html" / "book" / f"{stem}.html"


def check(open_page, file):
    """Nothing goes wrong in a page, nothing is cut or unseen, and axe-core finds no serious fault in either theme."""
    tab, wrong = open_page(file)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    loaded = tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    files = {Path(unquote(urlparse(name).path)) for name in loaded if name.startswith("file:")}
    files = {one for one in files if "live" not in one.parts} | {file}
    assert sum(one.stat().st_size for one in files) < MOST_BYTES, sorted(files)
    assert [tab.evaluate(script) for script in (CUT, ICONS, UNSEEN)] == [[], [], []]
    tab.evaluate(AXE_SCRIPT)
    for theme, rules in {"light": AXE_TAGS, "dark": ["color-contrast"]}.items():  # the theme changes colours alone
        tab.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        assert tab.evaluate(AXE, rules) == [], theme
    assert wrong == []
