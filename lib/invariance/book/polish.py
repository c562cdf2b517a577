"""What the rendered pages still lack: figures for every screen, a full head, access by keyboard, little weight.

Sphinx and its theme write the pages; this goes over each of them once more, before the site is put in its place.
"""

import base64
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag

from invariance import plots
from invariance.book.repository import Repository
from invariance.book.styles import prune
from invariance.book.terms import mark_terms, read_glossary

GREYS = {"": "#59616b", "-dark": "#aab2bc"}
"""The grey of figures on light and on dark pages: 6:1 and 8:1 of contrast."""
PHONE_MEDIA = "(max-width: 576px)"
NEEDLESS = ("fontawesome", "thebe", "THEBE", "docsearch")
"""Parts of what the theme loads for icons, which are in book.css, and for kernels, which there are none of."""
LARGE = 4_000
"""Letters from which a picture or table inside a page becomes a file of its own, loaded when it is needed."""
CHAPTER = re.compile(r"\d\d_")
FOLDED = {"tag_parameters": "Parameters of this page"}


def polish(site: Path, repository: Repository) -> None:
    """Finish every page of a rendered site."""
    figures = {file.name: split(file) for file in sorted((site / "_images").glob("*.svg"))}
    glossary = read_glossary(site)
    for file in sorted(site.rglob("*.html")):
        page = BeautifulSoup(file.read_text("utf-8"), "html.parser")
        if page.find("main") is None:  # a page that only leads to another one
            continue
        to_root = str(page.html.get("data-content_root", "./"))
        _lighten(page)
        _head(page, file, to_root, repository)
        for image in page.select(".bd-content img[src]"):
            if image["src"].rsplit("/")[-1] in figures:
                _for_every_screen(image, figures[image["src"].rsplit("/")[-1]])
        for link in page.select('a[download][href^="data:"], .bd-content img[src^="data:"]'):
            if not link.find_parent(class_="live-explorer"):
                _to_file(link, site, to_root)
        _keep_with_formula(page)
        _fold(page)
        _wide_tables(page)
        _accessible(page)
        _own_links(page, repository)
        _drop_dead_sources(page, file)
        if CHAPTER.match(file.name):
            mark_terms(page, glossary, to_root)
        file.write_text(str(page), "utf-8")
    for needless in ("vendor", "locales"):
        shutil.rmtree(site / "_static" / needless, ignore_errors=True)
    for file in (*(site / "_static").rglob("*.map"), *(site / "_static").glob("*thebe*")):
        file.unlink()
    prune(site)


# --- figures -------------------------------------------------------------------------------------------------


def split(file: Path) -> dict[str, tuple[str, str]]:
    """Write a figure's variants beside it; gives their sizes in pixels by the end of their names.

    The ends are "" and "-dark", and "-phone" and "-phone-dark" where the figure has a layout for phones.
    """
    text = file.read_text("utf-8")
    start, found, rest = text.partition('<metadata id="phone"><![CDATA[')
    layouts = {"": f"{start}</svg>" if found else start}
    if found:
        layouts["-phone"] = rest.rpartition("]]></metadata>")[0]
    sizes = {}
    for layout, text in layouts.items():
        for theme, grey in GREYS.items():
            file.with_stem(file.stem + layout + theme).write_text(text.replace(plots.GREY, grey), "utf-8")
            sizes[layout + theme] = _size(text)
    return sizes


def _size(text: str) -> tuple[str, str]:
    found = re.search(r'<svg[^>]*?\swidth="([\d.]+)pt"[^>]*?\sheight="([\d.]+)pt"', text, re.S)
    found = found or re.search(r'<svg[^>]*?\sheight="([\d.]+)pt"[^>]*?\swidth="([\d.]+)pt"', text, re.S)
    if not found:
        return "", ""
    names = ("width", "height") if found[0].index(" width=") < found[0].index(" height=") else ("height", "width")
    both = dict(zip(names, found.groups(), strict=True))
    return f"{float(both['width']) * 4 / 3:.0f}", f"{float(both['height']) * 4 / 3:.0f}"


def _for_every_screen(image: Tag, sizes: dict[str, tuple[str, str]]) -> None:
    """A picture for light and one for dark pages, each with its layout for phones; a browser loads only one."""
    source = image["src"].removesuffix(".svg")
    pictures = []
    for theme, name in (("", "for-light"), ("-dark", "for-dark")):  # the theme hides captions after names of its own
        picture = Tag(name="picture", attrs={"class": name})
        if f"-phone{theme}" in sizes:
            width, height = sizes[f"-phone{theme}"]
            about = {"media": PHONE_MEDIA, "srcset": f"{source}-phone{theme}.svg", "width": width, "height": height}
            picture.append(Tag(name="source", attrs=about, can_be_empty_element=True))
        width, height = sizes[theme]
        size = {"width": width, "height": height} if width else {}
        look = {
            "class": "figure-image",
            "src": f"{source}{theme}.svg",
            "alt": str(image.get("alt", "")),
            "loading": "lazy",
            **size,
        }
        picture.append(Tag(name="img", attrs=look, can_be_empty_element=True))
        pictures.append(picture)
    image.replace_with(*pictures)


def _to_file(link: Tag, site: Path, to_root: str) -> None:
    """A file of its own for what a page holds as text in base 64."""
    name = "href" if link.name == "a" else "src"
    kind, _, data = link[name].partition(";base64,")
    if len(data) < LARGE or not kind.startswith("data:"):
        return
    content = base64.b64decode(data)
    digest = hashlib.sha256(content).hexdigest()[:12]
    file = str(link.get("download", "")) or f"picture.{kind.rsplit('/')[-1].split('+')[0]}"
    place = Path("_downloads" if link.name == "a" else "_images") / digest / file
    (site / place).parent.mkdir(parents=True, exist_ok=True)
    (site / place).write_bytes(content)
    link[name] = f"{to_root}{place.as_posix()}"
    if link.name == "img":
        link["loading"] = "lazy"


# --- the head ------------------------------------------------------------------------------------------------


def _lighten(page: BeautifulSoup) -> None:
    """Remove what the page does not need, or loads twice."""
    seen: set[str] = set()
    for part in page.head.select("script, link, meta[name=viewport], meta[name^=docsearch]"):
        text = str(part)
        again = text in seen or (part.get("name") == "viewport" and any("viewport" in one for one in seen))
        if again or any(word in text for word in NEEDLESS):
            part.decompose()
        else:
            seen.add(text)


def _head(page: BeautifulSoup, file: Path, to_root: str, repository: Repository) -> None:
    """Title, description, picture for sharing and date."""
    heading = page.select_one("article h1")
    book = page.title.get_text().split(" — ")[-1].strip()
    title = _text(heading) if heading else page.title.get_text()
    page.title.string = book if title == book else f"{title} — {book}"
    first = next((p for p in page.select("article p") if len(_text(p)) > 60 and not p.find_parent("figure")), None)
    about = {"og:title": title, "og:type": "article", "og:site_name": book, "article:modified_time": repository.date}
    about["og:image"] = f"{repository.pages or to_root}_static/share.png"
    about["og:description"] = _sentences(_text(first)) if first else book
    names = {"description": about["og:description"], "twitter:card": "summary_large_image", "date": repository.date}
    metas = [{"property": key, "content": value} for key, value in about.items() if value]
    for attributes in [*metas, *({"name": key, "content": value} for key, value in names.items() if value)]:
        page.head.append(Tag(name="meta", attrs=attributes, can_be_empty_element=True))
    note = page.select_one("p.component-author")
    if note:
        note.string = f"{' '.join(note.get_text().split())}. {repository.note}"


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text().split()).removesuffix("#").strip()


def _sentences(text: str, most: int = 200) -> str:
    """The first sentences of a text, as many as fit."""
    if len(text) <= most:
        return text
    end = text.rfind(". ", 0, most)
    return text[: end + 1] if end > 40 else text[: text.rfind(" ", 0, most)] + " …"


# --- the body ------------------------------------------------------------------------------------------------


def _keep_with_formula(page: BeautifulSoup) -> None:
    """A comma or full stop stays on the line of the formula before it."""
    for formula in page.select('math:not([display="block"])'):
        after: Any = formula.next_sibling
        found = re.match(r"[.,;:!?)]+", after) if isinstance(after, NavigableString) else None
        if found:
            kept = formula.wrap(Tag(name="span", attrs={"class": "together"}))
            after.replace_with(NavigableString(after[found.end() :]))
            kept.append(found[0])


def _fold(page: BeautifulSoup) -> None:
    """Parameters behind a line that opens them."""
    for kind, summary in FOLDED.items():
        for cell in page.select(f".cell.{kind}"):
            folded = cell.wrap(Tag(name="details", attrs={"class": "fold"}))
            line = Tag(name="summary")
            line.string = summary
            folded.insert(0, line)


def _wide_tables(page: BeautifulSoup) -> None:
    """Tables that are wider than the screen scroll inside a box of their own."""
    for table in page.select(".bd-content article table"):
        if not table.find_parent(class_="live-explorer"):
            table.wrap(Tag(name="div", attrs={"class": "wide", "role": "region", "aria-label": "Table"}))
            for cell in table.select("thead th"):
                if not cell.get_text(strip=True):
                    cell.name = "td"


def _accessible(page: BeautifulSoup) -> None:
    """What the theme leaves out for those who do not see the page."""
    for icon in page.select('[class*="fa-"]'):
        icon["aria-hidden"] = "true"
    for script in page.select("body script"):
        if script.string and "search-button-field" in script.string:
            script.string = script.string.replace('title="Search" aria-label="Search"', 'title="Search"')
    for part in page.select('div.citation[role="doc-biblioentry"], div.citation-list, div.citation-list [role]'):
        part.attrs.pop("role", None)
    for part in page.select("dt.sig dl, dt.sig dl > dd"):  # a long signature, one argument a line: no list of terms
        part["role"] = "none"


def _own_links(page: BeautifulSoup, repository: Repository) -> None:
    """Edit the `.py` of a chapter, from which its notebook is made."""
    for link in page.select('a[href*="/edit/"][href$=".ipynb"]'):
        if repository.url and link["href"].startswith(repository.url):
            link["href"] = link["href"].removesuffix(".ipynb") + ".py"


def _drop_dead_sources(page: BeautifulSoup, file: Path) -> None:
    """The list of sources names Python's own modules as well, which have no page."""
    for link in page.select("article li > a[href]") if file.parent.name == "_modules" else ():
        if not (file.parent / str(link["href"]).split("#")[0]).exists():
            link.parent.decompose()
