"""The real chapters at the size `smoke`: executed, rendered with warnings as errors, and run as the README says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from invariance import book, site
from invariance.errors import InputError
from invariance.experiments import CHAPTERS

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory, shared_cache, smoke_results):
    """A copy of the book, built at the size smoke."""
    root = tmp_path_factory.mktemp("real")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(REPOSITORY / name, root)
    shutil.copytree(REPOSITORY / "book", root / "book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "_vendor", lambda root: None)  # no network in tests
        patch.setenv("INVARIANCE_CACHE", str(shared_cache))
        book.build(root, profile="smoke", device="cpu")
        yield root


def test_every_page_is_rendered_and_says_its_profile(built):
    for page in site.toc_pages(site.read_yaml(built / "_toc.yml")):
        assert (built / "_build" / "html" / f"{page}.html").exists(), page
    for stem in CHAPTERS:
        notebook = nbformat.read(built / "_build" / "executed" / f"{stem}.ipynb", as_version=4)
        assert notebook.metadata.parameters == {"profile": "smoke", "device": "cpu"}
        text = (built / "_build" / "html" / "book" / f"{stem}.html").read_text()
        assert "smoke" in text


def test_figures_have_alternative_text_and_no_glued_value_is_missing(built):
    for stem in book.chapter_sources(built):
        page = (built / "_build" / "html" / "book" / f"{stem}.html").read_text()
        assert "glue:" not in page
        images = re.findall(r"<img[^>]*>", page)
        assert images, stem
        assert [image[:200] for image in images if not re.search(r'alt="[^"]+"', image)] == [], stem
        figures = re.findall(r'<img[^>]*src="\.\./(_images/[^"]+)"', page)
        assert len(figures) == len(set(figures)), f"{stem} shows a figure twice"


@pytest.mark.parametrize("folder", [".", "book"])
def test_papermill_runs_a_chapter_as_typed_from_the_root_and_from_book(built, tmp_path, folder):
    name = "03_invariances_or_classes.ipynb"
    path = name if folder == "book" else f"book/{name}"
    out = tmp_path / "out.ipynb"
    papermill = Path(sys.executable).with_name("papermill")
    command = [str(papermill), path, str(out), "-p", "profile", "smoke", "-p", "seeds", "1", "--no-progress-bar"]
    subprocess.run(command, cwd=built / folder, check=True, capture_output=True, text=True)
    assert nbformat.read(out, as_version=4).metadata.papermill.exception is None


def test_what_papermill_wrote_becomes_a_page_with_its_numbers_and_figures(built, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "_vendor", lambda root: None)
    notebook = tmp_path / "out.ipynb"
    shutil.copy(built / "_build" / "executed" / "03_invariances_or_classes.ipynb", notebook)
    shown = [output.data for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", [])]
    assert sum("image/svg+xml" in data for data in shown) == 3  # readers of the notebook itself see them, too
    index = book.page(built, notebook)
    assert index == tmp_path / "out" / "index.html" and index.exists()
    page = (index.parent / "book" / "out.html").read_text()
    assert "glue:" not in page and len(re.findall(r"<img[^>]*svg", page)) >= 3
    with pytest.raises(InputError, match="is no executed notebook: run a chapter with papermill first"):
        book.page(built, tmp_path / "other.ipynb")
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="exists and holds no page"):
        book.page(built, notebook, tmp_path / "mine")


def test_a_chapter_refuses_an_unknown_profile_before_work(built, tmp_path):
    papermill = Path(sys.executable).with_name("papermill")
    command = [
        str(papermill),
        "book/03_invariances_or_classes.ipynb",
        str(tmp_path / "out.ipynb"),
        "-p",
        "profile",
        "big",
    ]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True)
    assert done.returncode != 0
    assert "InputError: Unknown profile 'big'. Known: smoke, quick, paper." in done.stderr


def glued(built, stem):
    """The numbers that a chapter's prose shows, by name."""
    notebook = nbformat.read(built / "_build" / "executed" / f"{stem}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kept = [output for output in outputs if output.get("metadata", {}).get("scrapbook")]
    return {o.metadata.scrapbook.name: o.data.get("application/papermill.record/text/plain") for o in kept}


def test_the_numbers_in_the_prose_are_those_of_the_tables(built, smoke_results):
    classes = smoke_results["class_relationship"].groupby(["level", "transforms"])["value"].mean()
    third, intro = glued(built, "03_invariances_or_classes"), glued(built, "00_intro")
    for (level, transforms), expected in classes.items():
        assert float(third[f"{level}_{transforms}"]) == pytest.approx(expected, abs=1e-6)
    assert float(third["disjoint_gap"]) == pytest.approx(
        classes["disjoint", "same"] - classes["disjoint", "disjoint"], abs=1e-6
    )
    assert float(intro["right"]) == pytest.approx(classes["disjoint", "same"], abs=1e-6)
    measured = smoke_results["measuring"].query("measure == 'sensitivity_l2'").groupby("kind")["value"].mean()
    assert float(glued(built, "02_measuring_invariance")["mean_same"]) == pytest.approx(measured["trained with it"])


def test_times_are_kept_for_the_next_run(built):
    times = json.loads((built / "_build" / "times.json").read_text())
    assert {f"smoke {stem}" for stem in book.chapter_sources(built)} == set(times)
