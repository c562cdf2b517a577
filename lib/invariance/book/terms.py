"""Tips: where a page uses a word of the glossary for the first time, it leads there and shows the meaning."""

import re
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag

PLACES = ".bd-article p, .bd-article li"
SKIPPED = ("a", "code", "pre", "math", "figcaption", "button", "details", "h1", "h2", "h3", "script", "style")


def read_glossary(site: Path) -> dict[str, str]:
    """The terms with their meanings, from the rendered glossary; empty for a book without one."""
    file = site / "book" / "glossary.html"
    if not file.exists():
        return {}
    page = BeautifulSoup(file.read_text("utf-8"), "html.parser")
    names = page.select("dl.glossary dt")
    return {str(name["id"]): " ".join(name.find_next("dd").get_text().split()) for name in names}


def mark_terms(page: BeautifulSoup, glossary: dict[str, str], to_root: str) -> None:
    """Make the first use of every term in a page's prose a link with a tip."""
    left = {key.removeprefix("term-").replace("-", " "): key for key in glossary}
    for place in page.select(PLACES):
        if place.find_parent(class_="live-explorer") or place.find_parent(SKIPPED):
            continue
        for text in list(place.find_all(string=True, recursive=True)):
            if left and not any(parent.name in SKIPPED for parent in text.parents if parent is not place):
                _mark(text, left, glossary, to_root)


def _mark(text: NavigableString, left: dict[str, str], glossary: dict[str, str], to_root: str) -> None:
    found = re.search(rf"(?<![\w-])({'|'.join(sorted(left, key=len, reverse=True))})s?(?![\w-])", text)
    if not found or text.find_parent("a"):
        return
    key = left.pop(found[1])
    link = Tag(name="a", attrs={"class": "term", "href": f"{to_root}book/glossary.html#{key}", "title": glossary[key]})
    link.string = found[0]
    before, after = NavigableString(text[: found.start()]), NavigableString(text[found.end() :])
    text.replace_with(before, link, after)
    if left:
        _mark(after, left, glossary, to_root)
