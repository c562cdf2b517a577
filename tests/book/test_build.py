"""The builder, on a book of two small chapters."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml

from invariance import book, site
from invariance.errors import InputError

REPOSITORY = Path(__file__).parents[2]

INTRO = """# %% [markdown]
# # A small book
#
# The answer is {glue:text}`answer:.1f`, after {cite:t}`speicher2024invariance`; see {doc}`01_widgets`.

# %%
from myst_nb import glue

glue("answer", 4.25, display=False)
"""

WIDGETS = """# %% [markdown]
# # Widgets

# %% tags=["parameters"]
profile = "quick"  # size

# %%
import ipywidgets

first, second = ipywidgets.IntSlider(), ipywidgets.IntSlider()
link = ipywidgets.jslink((first, "value"), (second, "value"))
print(profile, flush=True)
print("and a second message")
ipywidgets.HBox([first, second])

# %%
import numpy as np

from invariance.live.frames import Choice, frame_explorer

dark, bright = (np.full((1, 32, 32, 3), value, np.uint8) for value in (0, 250))
steps = Choice({"plain": np.concatenate([dark, bright])}, ["dark", "bright"])
frame_explorer({"steps": steps, "still": Choice(dark, ["only"])}, name="Show")

# %%
from invariance import figures

figures.use_book_style()
figures.picture_grid([dark[:, :8, :8]], ["dark"])
"""


def write_book(root: Path) -> Path:
    """The small book under `root`, with the configuration and assets of the real one."""
    (root / "book").mkdir()
    shutil.copy(REPOSITORY / "_config.yml", root)
    shutil.copytree(REPOSITORY / "book" / "_assets", root / "book" / "_assets")
    for name in ("references.bib", "bibliography.md"):
        shutil.copy(REPOSITORY / "book" / name, root / "book")
    (root / "book" / "00_intro.py").write_text(INTRO)
    (root / "book" / "01_widgets.py").write_text(WIDGETS)
    part = {"caption": "Part", "numbered": True, "chapters": [{"file": "book/01_widgets"}]}
    rest = {"caption": "Rest", "chapters": [{"file": "book/bibliography"}]}
    toc = {"format": "jb-book", "root": "book/00_intro", "parts": [part, rest]}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc))
    return root


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The small book after `publish`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "_vendor", lambda root: None)  # no network in tests
        root = write_book(tmp_path_factory.mktemp("small"))
        book.publish(root, profile="smoke")
        yield root


def test_every_page_is_in_the_site_with_its_numbers(published):
    html = published / "_build" / "html"
    assert (html / "index.html").exists()
    assert "4.2" in (html / "book" / "00_intro.html").read_text()
    assert "smoke" in (html / "book" / "01_widgets.html").read_text()
    assert "Speicher" in (html / "book" / "bibliography.html").read_text()


def test_published_notebooks_are_clean_and_in_step(published):
    assert book.out_of_step(published) == []
    text = (published / "book" / "01_widgets.ipynb").read_text()
    assert "papermill" not in text and "injected" not in text and "iopub" not in text
    notebook = nbformat.reads(text, as_version=4)
    assert notebook.metadata.parameters == {"profile": "smoke"}
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert outputs[1][0].text == "smoke\nand a second message\n"
    assert outputs[1][1]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"].startswith("0000")


def test_a_second_run_gives_the_same_bytes_and_keeps_the_other_pages(published):
    before = (published / "book" / "01_widgets.ipynb").read_bytes()
    book.build(published, chapters=["1"], profile="smoke")
    assert (published / "_build" / "executed" / "01_widgets.ipynb").read_bytes() == before
    assert (published / "_build" / "html" / "book" / "00_intro.html").exists()
    assert "smoke 01_widgets" in json.loads((published / "_build" / "times.json").read_text())


def test_a_selection_of_a_fresh_book_has_only_its_pages(published, tmp_path):
    root = write_book(tmp_path)
    book.build(root, chapters=["01"])
    pages = {path.stem for path in (root / "_build" / "html" / "book").glob("*.html")}
    assert pages == {"01_widgets", "bibliography"}


def test_a_failing_chapter_is_reported_and_leaves_the_last_site(published):
    source = published / "book" / "01_widgets.py"
    good, page = source.read_text(), published / "_build" / "html" / "book" / "01_widgets.html"
    before = page.read_bytes()
    source.write_text(good + '\n# %%\nraise ValueError("the cup is\\nempty")\n')
    try:
        with pytest.raises(book.BookError) as failure:
            book.build(published)
    finally:
        source.write_text(good)
        book.sync(published)
    report = str(failure.value)
    assert report.startswith("Chapter 01_widgets failed") and "raise ValueError" in report
    assert "ValueError" in report and "empty" in report and "Traceback" not in report
    assert page.read_bytes() == before


def test_a_warning_fails_the_site_and_leaves_the_last(published):
    page = published / "book" / "bibliography.md"
    good, index = page.read_text(), published / "_build" / "html" / "index.html"
    page.write_text(good + "\n{doc}`nowhere`\n")
    try:
        with pytest.raises(book.BookError, match=r"(?s)WARNING.*nowhere"):
            book.build(published, chapters=["00"])
    finally:
        page.write_text(good)
    assert index.exists()


def test_unknown_chapters_and_pages_are_named(tmp_path):
    root = write_book(tmp_path)
    with pytest.raises(InputError, match=r"Unknown chapter '07'\. Known: 00_intro, 01_widgets\."):
        book.build(root, chapters=["07"])
    (root / "book" / "bibliography.md").unlink()
    with pytest.raises(InputError, match="names the page book/bibliography"):
        book.build(root)
    with pytest.raises(InputError, match=r"no _toc\.yml"):
        book.build(tmp_path / "elsewhere")


def test_chapters_are_found_by_number_stem_and_beginning():
    sources = dict.fromkeys(["00_intro", "01_widgets", "02_more"])
    assert book.select(sources, []) == list(sources)
    assert book.select(sources, ["2", "00"]) == ["00_intro", "02_more"]
    assert book.select(sources, ["01_wid"]) == ["01_widgets"]


def test_pairing_keeps_outputs_and_changes_only_what_changed(tmp_path):
    root = write_book(tmp_path)
    assert len(book.sync(root)) == 2 and book.sync(root) == []
    twin = root / "book" / "00_intro.ipynb"
    notebook = nbformat.read(twin, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="kept\n")]
    twin.write_text(book._text(notebook))
    source = twin.with_suffix(".py")
    source.write_text(source.read_text().replace("# A small book", "# A smaller book"))
    assert book.sync(root) == [twin]
    assert nbformat.read(twin, as_version=4).cells[1].outputs[0].text == "kept\n"


def browse(page: Path, look):
    """Open a page in Chromium and return what `look` finds there; skip where there is no Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium on the PATH")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        try:
            tab = browser.new_page(viewport={"width": 390, "height": 800})
            tab.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
            tab.goto(page.as_uri(), wait_until="domcontentloaded")
            return look(tab)
        finally:
            browser.close()


def test_the_frame_explorer_reacts_in_the_built_page(published):
    pixel = "document.querySelector('.frame-explorer canvas').getContext('2d').getImageData(9, 9, 1, 1).data[0]"

    def look(tab):
        tab.wait_for_function("document.querySelector('.frame-explorer')?.dataset.ready")
        seen = [(tab.evaluate(pixel), tab.inner_text(".frame-explorer output"))]
        tab.focus(".frame-explorer input")
        tab.keyboard.press("ArrowRight")
        tab.wait_for_function(f"{pixel} > 0")
        seen.append((tab.evaluate(pixel), tab.inner_text(".frame-explorer output")))
        tab.select_option(".frame-explorer select", "still")
        seen.append((tab.evaluate(pixel), tab.inner_text(".frame-explorer output")))
        return seen, tab.evaluate("document.documentElement.scrollWidth")

    seen, width = browse(published / "_build" / "html" / "book" / "01_widgets.html", look)
    assert seen[:2] == [(0, "dark"), (250, "bright")] and seen[2][1] == "only"
    assert width <= 390
