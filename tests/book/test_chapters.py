"""The real book as it is committed: pairs in step, a complete table of contents, and nothing of it ignored by git."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

from invariance import book

REPOSITORY = Path(__file__).parents[2]


def test_notebooks_are_in_step_with_their_sources():
    stale = [path.name for path in book.out_of_step(REPOSITORY)]
    assert not stale, f"Differ from their .py: {stale}. Run `invariance sync` and commit the result."


def test_every_chapter_is_in_the_table_of_contents():
    chapters = {path.stem for path in (REPOSITORY / "book").glob("[0-9][0-9]_*.py")}
    assert set(book.find_chapters(REPOSITORY)) == chapters


def test_chapters_have_the_numbers_that_the_site_gives_them_and_a_card_on_the_landing_page():
    stems = [Path(page).stem for page in parse_toc_yaml(REPOSITORY / "_toc.yml")][1:]
    numbered = [stem for stem in stems if stem[:2].isdigit()]
    assert stems[: len(numbered)] == numbered
    assert [int(stem[:2]) for stem in numbered] == list(range(1, len(numbered) + 1))
    cards = yaml.safe_load((REPOSITORY / "book" / "chapters.yaml").read_text("utf-8"))
    assert set(cards) == set(numbered)


def test_transforms_is_a_list_wherever_it_is_a_parameter():
    texts = [path.read_text("utf-8") for path in book.find_chapters(REPOSITORY).values()]
    defaults = [found[1] for text in texts if (found := re.search(r"^transforms = ([^#\n]*)", text, re.M))]
    assert len(defaults) > 3 and all(isinstance(ast.literal_eval(default.strip()), list) for default in defaults)


@pytest.mark.slow
def test_the_profile_runs_with_the_list_that_the_readme_offers(tmp_path):
    offered = re.search(r"`(-y) '(transforms: .*)'`", (REPOSITORY / "README.md").read_text("utf-8"))
    source, out = REPOSITORY / "book" / "09_profile_your_model.ipynb", tmp_path / "out.ipynb"
    papermill = [str(Path(sys.executable).with_name("papermill")), "--cwd", tmp_path, source, out, *offered.groups()]
    done = subprocess.run([*papermill, "-p", "budget", "smoke", "-p", "pairs", "20"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = json.dumps([cell.get("outputs", []) for cell in nbformat.read(out, as_version=4).cells])
    assert "hue" in shown and "elastic" not in shown  # as all 18 would


def test_code_on_a_page_fits_its_width():
    """On a screen 1200 pixels wide 80 characters fit, beside the contents; the rest would have to be scrolled to."""
    hidden = {"remove-cell", "remove-input"}
    for path in sorted((REPOSITORY / "book").glob("*.ipynb")):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        shown = [cell.source for cell in cells if not hidden & set(cell.metadata.get("tags", []))]
        assert [line for source in shown for line in source.splitlines() if len(line) > 80] == [], path.name


def test_chapters_hold_little_hidden_code_and_glue_by_one_call():
    """What readers do not see is at most 15 lines a chapter, so that no logic hides there."""
    hidden, glued = {"remove-cell", "remove-input"}, 0
    for path in book.find_chapters(REPOSITORY).values():
        cells = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
        unseen = [cell.source for cell in cells if hidden & set(cell.metadata.get("tags", []))]
        lines = [line for source in unseen for line in source.splitlines() if line.strip()]
        assert len(lines) <= 15, f"{path.name}: {len(lines)} hidden lines"
        glued += sum(cell.source.count("glue(") for cell in cells)
    assert glued < 60


def test_published_outputs_hold_no_warning_and_no_path_of_a_machine():
    for path in sorted((REPOSITORY / "book").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert [o.text[:200] for o in outputs if o.get("name") == "stderr"] == [], path.name
        assert "/lib/invariance/" not in path.read_text("utf-8"), path.name


def test_git_ignores_no_source_file():
    if not shutil.which("git") or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git and a checkout")
    sources = [str(p.relative_to(REPOSITORY)) for p in (REPOSITORY / "lib").rglob("*.py")]
    found = subprocess.run(["git", "check-ignore", *sources], cwd=REPOSITORY, capture_output=True, text=True)
    assert sources and found.stdout == "" and found.returncode == 1
