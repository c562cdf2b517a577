"""The whole book as one PDF, printed from the rendered site by Chromium."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject
from sphinx_external_toc.parsing import parse_toc_yaml

from invariance.errors import InputError
from invariance.files import write_aside
from invariance.progress import Progress

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
READY = """async () => {
  for (const image of document.images) image.loading = "eager";
  for (const part of document.querySelectorAll("details.toggle-details, details.admonition")) part.open = true;
  const waiting = [...document.images].filter((image) => image.offsetParent && !image.complete);
  await Promise.all(waiting.map((image) => image.decode().catch(() => 0)));
}"""
"""Pictures that wait for a reader to come near are loaded before a page is printed."""
PAPER = {
    "format": "A4",
    "print_background": True,
    "margin": {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
    "display_header_footer": True,
    "header_template": "<span></span>",
    "footer_template": '<p style="font: 8px sans-serif; width: 100%; text-align: center" class="title"></p>',
}


@contextmanager
def chromium() -> Iterator[Any]:
    """Chromium without a window. Raises `InputError` where it or playwright is missing."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise InputError("Printing needs playwright: pip install playwright") from None
    if not found:
        raise InputError("Printing needs Chromium on the PATH; on Debian and Ubuntu: apt install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS, timeout=0)
        try:
            yield browser
        finally:
            browser.close()


def print_site(root: Path, site: Path, out: Path) -> int:
    """Print every page of the table of contents into the file `out`; gives the number of its pages."""
    with chromium() as browser:
        return print_pages(browser, [site / f"{page}.html" for page in parse_toc_yaml(root / "_toc.yml")], out)


def print_pages(browser: Any, files: list[Path], out: Path) -> int:
    """Print these pages of a site; links between them become links within the file. Gives the number of its pages."""
    writer, starts = PdfWriter(), {}
    tab = browser.new_page(color_scheme="light")
    tab.set_default_timeout(0)
    with Progress("Printing", len(files)) as progress:
        for file in files:
            tab.goto(file.as_uri(), wait_until="load")
            tab.emulate_media(media="print")
            tab.evaluate(READY)
            starts[file.as_uri()] = len(writer.pages)
            writer.append(io.BytesIO(tab.pdf(**PAPER)), import_outline=False)
            writer.add_outline_item(title=tab.title().split(" — ")[0], page_number=starts[file.as_uri()])
            progress.advance(1, file.stem)
    tab.close()
    for page in writer.pages:
        _link_within(writer, page, starts)
    writer.compress_identical_objects()
    with write_aside(out) as aside:
        writer.write(aside)
    return len(writer.pages)


def _link_within(writer: PdfWriter, page: Any, starts: dict[str, int]) -> None:
    """Links to printed pages lead to where these begin in the file; those to other files are dropped."""
    kept = ArrayObject()
    for reference in page.get("/Annots", ()):
        link = reference.get_object()
        address = str(link.get("/A", {}).get("/URI", ""))
        start = starts.get(address.split("#")[0].split("?")[0])
        if start is not None:
            top = [writer.pages[start].indirect_reference, NameObject("/FitH"), NumberObject(10_000)]
            to = {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): ArrayObject(top)}
            link[NameObject("/A")] = DictionaryObject(to)
        if start is not None or not address.startswith("file:"):
            kept.append(reference)
    if "/Annots" in page:
        page[NameObject("/Annots")] = kept
