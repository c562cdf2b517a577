"""The builder, on a book of two small chapters."""

import contextlib
import io
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
import yaml
from pypdf import PdfReader

from invariance import book
from invariance.book import printing
from invariance.errors import InputError

REPOSITORY = Path(__file__).parents[2]

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""

INTRO = """# %% [markdown]
# # A small book
#
# The answer is {glue:text}`answer:.1f`, after {cite:t}`speicher2024invariance`; see {doc}`01_widgets`. And $x^2$.

# %%
from myst_nb import glue

glue("answer", 4.25, display=False)
"""

WIDGETS = """# %% [markdown]
# # Widgets

# %% tags=["parameters"]
budget = "quick"  # size

# %%
print(budget, flush=True)
print("and a second message")

# %%
import numpy as np

from invariance.live.frames import Choice, frame_explorer

dark, bright = (np.full((1, 32, 32, 3), value, np.uint8) for value in (0, 250))
steps = Choice({"plain": np.concatenate([dark, bright])}, ["dark", "bright"])
frame_explorer({"steps": steps, "still": Choice(dark, ["only"])}, name="Show")
"""


def write_book(root: Path) -> Path:
    """The small book under `root`, with the configuration and assets of the real one."""
    (root / "book").mkdir(parents=True)
    shutil.copy(REPOSITORY / "_config.yml", root)
    shutil.copytree(REPOSITORY / "book" / "_assets", root / "book" / "_assets")
    for name in ("references.bib", "bibliography.md"):
        shutil.copy(REPOSITORY / "book" / name, root / "book")
    (root / "book" / "00_intro.py").write_text(HEADER + INTRO)
    (root / "book" / "01_widgets.py").write_text(HEADER + WIDGETS)
    part = {"caption": "Part", "numbered": True, "chapters": [{"file": "book/01_widgets"}]}
    rest = {"caption": "Rest", "chapters": [{"file": "book/bibliography"}]}
    toc = {"format": "jb-book", "root": "book/00_intro", "parts": [part, rest]}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc))
    return root


@pytest.fixture(scope="module")
def said():
    """What the builder printed when it published the small book."""
    return io.StringIO()


@pytest.fixture(scope="module")
def published(tmp_path_factory, said):
    """The small book after `publish`."""
    root = write_book(tmp_path_factory.mktemp("small"))
    with contextlib.redirect_stdout(said):
        book.publish(root, parameters={"budget": "smoke", "device": "cpu"}, started=time.monotonic() - 3600)
    return root


def html(root: Path, page: str) -> Path:
    return root / "_build" / "html" / f"{page}.html"


def test_every_page_is_in_the_site_with_its_numbers(published):
    assert html(published, "index").exists()
    assert "4.2" in html(published, "book/00_intro").read_text()
    assert "smoke" in html(published, "book/01_widgets").read_text()
    assert "Speicher" in html(published, "book/bibliography").read_text()


def test_published_notebooks_are_clean_and_in_step(published):
    assert book.out_of_step(published) == []
    text = (published / "book" / "01_widgets.ipynb").read_text()
    assert not [word for word in ("papermill", "injected", "iopub", "3.1", str(published)) if word in text]
    notebook = nbformat.reads(text, as_version=4)
    assert notebook.metadata.parameters == {"budget": "smoke"}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells[0].source == 'budget = "quick"  # size'
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    assert [output.get("text") for output in cells[1].outputs] == ["smoke\nand a second message\n"]


def test_the_last_lines_name_the_time_since_the_start_the_page_and_what_was_published(published, said):
    lines = said.getvalue().splitlines()
    assert any(line.startswith("[2/2] 0") for line in lines)
    (ready,) = (line for line in lines if line.startswith("The book is ready after "))
    assert " h " in ready and ready.endswith(f": {html(published, 'index')}")
    assert "To read it in a browser: make preview" in lines
    assert lines[-2:] == [f"Published book/{name}.ipynb" for name in ("00_intro", "01_widgets")]
    assert set(json.loads((published / "_build" / "times.json").read_text())) == {"smoke 00_intro", "smoke 01_widgets"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ('raise ValueError("the cup is\\nempty")', 'raise ValueError("the cup is'),
        ("os._exit(1)", "The Python process died"),
    ],
)
def test_a_failing_chapter_is_reported_ends_the_others_and_leaves_the_last_site(published, code, reason):
    intro, source = (published / "book" / f"{stem}.py" for stem in ("00_intro", "01_widgets"))
    good, before = [intro.read_text(), source.read_text()], html(published, "book/01_widgets").read_bytes()
    intro.write_text(f"{good[0]}\n# %%\nimport time\n\ntime.sleep(100_000)\n")
    source.write_text(f'{good[1]}\n# %%\nimport os\n\nos.write(2, b"for the log")\n{code}\n')
    try:
        with pytest.raises(book.BookError) as failure:
            book.build(published)
    finally:
        intro.write_text(good[0])
        source.write_text(good[1])
        book.sync(published)
    report = str(failure.value)
    assert report.startswith("Chapter 01_widgets failed") and reason in report and "Traceback" not in report
    assert "\x1b" not in report and html(published, "book/01_widgets").read_bytes() == before
    assert "for the log" in (published / "_build" / "chapters.log").read_text()


def test_a_second_run_gives_the_same_bytes_and_a_warning_leaves_the_last_site(published):
    chapter, page = published / "book" / "01_widgets.ipynb", published / "book" / "bibliography.md"
    good, before = page.read_text(), html(published, "index").read_bytes()
    page.write_text(good + "\n{doc}`nowhere`\n")
    try:
        with pytest.raises(book.BookError, match=r"(?s)WARNING.*nowhere"):
            book.build(published, ["1"], {"budget": "smoke"})
    finally:
        page.write_text(good)
    assert (published / "_build" / "executed" / "01_widgets.ipynb").read_bytes() == chapter.read_bytes()
    assert html(published, "index").read_bytes() == before


def test_what_papermill_wrote_becomes_a_page_from_any_folder(published, tmp_path, monkeypatch):
    out = tmp_path / "my results.ipynb"
    papermill = [str(Path(sys.executable).with_name("papermill")), "01_widgets.ipynb", str(out)]
    done = subprocess.run([*papermill, "-p", "budget", "night"], cwd=published / "book", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)  # the book is that of the package's checkout
    (tmp_path / "my results").mkdir()
    (tmp_path / "my results" / "index.html").write_text("the last page")
    index = book.page(out)
    assert index == tmp_path / "my results" / "index.html"
    assert "night" in (index.parent / "book" / "my results.html").read_text()
    assert "the last page" not in index.read_text()


def test_chapters_that_never_ran_are_named(tmp_path, monkeypatch, capsys):
    book.sync(write_book(tmp_path / "fresh"))
    monkeypatch.setattr(book, "render", lambda root, staging, place, strict: place / f"strict {strict}")
    assert book.site(tmp_path / "fresh").name == "strict False"
    assert "Never run, so without figures and numbers: 00_intro, 01_widgets" in capsys.readouterr().out


def test_a_file_that_is_no_executed_notebook_and_a_foreign_folder_are_refused(published, tmp_path):
    for name, text in (("text.ipynb", "no JSON"), ("other.ipynb", "{}"), ("list.ipynb", "[]")):
        (tmp_path / name).write_text(text)
    book.sync(write_book(tmp_path / "fresh"))
    for path in (*tmp_path.glob("*.ipynb"), tmp_path / "none.ipynb", tmp_path / "fresh" / "book" / "00_intro.ipynb"):
        with pytest.raises(InputError, match=r"is no executed notebook: run a chapter with papermill first\.$"):
            book.page(path)
    with pytest.raises(InputError, match="exists and holds no page"):
        book.page(published / "book" / "00_intro.ipynb", tmp_path)


def test_the_book_is_found_from_inside_and_else_is_the_checkout(tmp_path, monkeypatch):
    root = write_book(tmp_path / "clone")
    monkeypatch.chdir(root / "book")
    assert book.find_root() == root
    monkeypatch.chdir(tmp_path)
    assert book.find_root() == REPOSITORY and book.find_root(notebook=root / "book" / "x.ipynb") == root
    with pytest.raises(InputError, match="There is no book"):
        book.find_root(tmp_path)


def test_chapters_are_found_by_number_stem_and_beginning_and_unknown_ones_named(tmp_path):
    root = write_book(tmp_path)
    for names in (["1"], ["01"], ["01_wid"], ["01_widgets", "1"]):
        assert list(book.find_chapters(root, names)) == ["01_widgets"]
    assert list(book.find_chapters(root)) == list(book.find_chapters(root, ["1", "0"])) == ["00_intro", "01_widgets"]
    for name in ("07", "", "x"):
        with pytest.raises(InputError, match=rf"Unknown chapter '{name}'\. Known: 00_intro, 01_widgets\."):
            book.build(root, chapters=[name])
    (root / "book" / "bibliography.md").unlink()
    with pytest.raises(InputError, match="names the page book/bibliography"):
        book.build(root)


def test_pairing_keeps_ids_and_outputs_and_changes_only_what_changed(tmp_path):
    root = write_book(tmp_path)
    assert len(book.sync(root)) == 2 and book.sync(root) == []
    twin = root / "book" / "00_intro.ipynb"
    notebook = nbformat.read(twin, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="kept\n")]
    nbformat.write(notebook, twin)
    source = twin.with_suffix(".py")
    source.write_text(source.read_text().replace("# A small book", "# A smaller book"))
    assert book.sync(root) == [twin] and book.sync(root) == []
    after = nbformat.read(twin, as_version=4)
    assert "smaller" in after.cells[0].source and after.cells[1] == notebook.cells[1]
    notebook.cells[1].metadata["tags"] = []
    nbformat.write(notebook, twin)
    assert book.sync(root) == [twin] and nbformat.read(twin, as_version=4).cells == after.cells
    assert [cell.id for cell in after.cells] == [cell.id for cell in notebook.cells]


def test_without_its_packages_the_book_says_how_to_install_them():
    code = 'import sys; sys.modules["papermill"] = None; from invariance import book'
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'InputError: The book needs papermill: pip install "invariance[book]".' in done.stderr


def test_preview_serves_the_site_and_names_what_is_wrong(tmp_path, capsys):
    with pytest.raises(InputError, match="There is no site in"):
        book.preview(tmp_path)
    (tmp_path / "index.html").write_text("the book")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port in (taken.getsockname()[1], 80_000):
            with pytest.raises(InputError, match=f"Port {port} cannot be used"):
                book.preview(tmp_path, port)
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
    threading.Thread(target=book.preview, args=(tmp_path, port), daemon=True).start()
    for _ in range(300):
        with contextlib.suppress(urllib.error.URLError):
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
            break
        time.sleep(0.1)
    assert page == b"the book" and "Serving" in capsys.readouterr().out


def test_a_built_page_reacts_and_asks_no_other_server(published, open_page):
    tab, wrong = open_page(html(published, "book/00_intro"))
    assert tab.locator("math msup").text_content() == "x2" and tab.locator("script[src*=tex]").count() == 0
    assert wrong == []
    pixel = "document.querySelector('.frame-explorer canvas').getContext('2d').getImageData(9, 9, 1, 1).data[0]"
    tab, wrong = open_page(html(published, "book/01_widgets"))
    tab.wait_for_function("document.querySelector('.frame-explorer')?.dataset.ready")
    assert (tab.evaluate(pixel), tab.inner_text(".frame-explorer output")) == (0, "dark")
    tab.focus(".frame-explorer input")
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function(f"{pixel} > 0")
    assert (tab.evaluate(pixel), tab.inner_text(".frame-explorer output")) == (250, "bright")
    tab.select_option(".frame-explorer select", "still")
    assert tab.inner_text(".frame-explorer output") == "only"
    assert wrong == [] and tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_site_is_rendered_from_published_notebooks_and_printed(published, browser, tmp_path):
    before = html(published, "book/01_widgets").read_text()
    assert book.site(published) == html(published, "index")
    assert html(published, "book/01_widgets").read_text() == before
    out = tmp_path / "book.pdf"
    files = [html(published, f"book/{page}") for page in ("00_intro", "01_widgets")]
    count = printing.print_pages(browser, files, out)
    printed = PdfReader(out)
    assert count == len(printed.pages) >= 2 and "A small book" in printed.pages[0].extract_text()
    assert [one.title for one in printed.outline] == ["A small book", "1. Widgets"]
    actions = [link.get_object()["/A"] for page in printed.pages for link in page.get("/Annots", ())]
    assert "/GoTo" in {action["/S"] for action in actions}
    assert not [action for action in actions if str(action.get("/URI", "")).startswith("file:")]
