"""A book's folder and its chapters: each a `.py`, which is edited, and the `.ipynb` beside it, derived from it."""

from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from jupytext.combine import combine_inputs_with_outputs
from sphinx_external_toc.parsing import parse_toc_yaml

from invariance.errors import InputError
from invariance.files import write_aside


def find_root(root: str | Path | None = None, notebook: Path | None = None) -> Path:
    """The folder of the book, with `_toc.yml` and `book/`.

    `root` if given; else the nearest above the notebook, above the working directory, or above this package.
    Raises `InputError` where there is none.
    """
    folders = [Path(root).resolve()] if root else []
    for start in () if root else (notebook, Path.cwd(), Path(__file__)):
        folders += [start, *start.resolve().parents] if start else []
    for folder in folders:
        if (folder / "_toc.yml").is_file() and (folder / "book").is_dir():
            return folder
    raise InputError(f"There is no book (_toc.yml and book/) in {folders[0]}: run this in a clone, or give --root.")


def find_chapters(root: Path, names: Sequence[str] = ()) -> dict[str, Path]:
    """The executable chapters of the book: stem -> `.py` file, in reading order.

    `names` choose some by number (`03` or `3`), stem or the beginning of a stem; empty means all.
    Raises `InputError` for an unknown name and for a page without a file.
    """
    sources, chosen = {}, set()
    for page in parse_toc_yaml(root / "_toc.yml"):
        source = root / f"{page}.py"
        if source.exists():
            sources[source.stem] = source
        elif not source.with_suffix(".md").exists():
            raise InputError(f"_toc.yml names the page {page}, but {page}.py or {page}.md does not exist.")
    for name in names:
        beginning = f"{int(name):02d}_" if name.isdecimal() else name  # 1 is chapter 01, not 10 as well
        found = {stem for stem in sources if name and stem.startswith(beginning)}
        if not found:
            raise InputError(f"Unknown chapter {name!r}. Known: {', '.join(sources)}.")
        chosen |= found
    return {stem: source for stem, source in sources.items() if stem in chosen or not names}


def out_of_step(root: Path) -> list[Path]:
    """The `.ipynb` files that differ from what their `.py` gives."""
    playground = root / "book" / "playground.py"  # for readers' own experiments: no page of the book
    sources = [*find_chapters(root).values(), *([playground] if playground.exists() else [])]
    pairs = ((source.with_suffix(".ipynb"), _paired(source)) for source in sources)
    return [twin for twin, text in pairs if not twin.exists() or twin.read_text("utf-8") != text]


def sync(root: str | Path | None = None) -> list[Path]:
    """Bring every `.ipynb` in step with its `.py`; only files that change are written, and returned."""
    stale = out_of_step(find_root(root))
    for twin in stale:
        write_text(twin, _paired(twin.with_suffix(".py")))
    return stale


def _paired(source: Path) -> str:
    """The cells of the `.py`, with the ids and outputs that the `.ipynb` has for them.

    `jupytext --sync` would take the younger file for the right one, and a fresh clone's times say nothing.
    """
    notebook = jupytext.read(source, fmt="py:percent")
    twin = source.with_suffix(".ipynb")
    if twin.exists():
        tags = [cell.metadata for cell in notebook.cells]
        notebook = combine_inputs_with_outputs(notebook, nbformat.read(twin, as_version=4), fmt="py:percent")
        for cell, metadata in zip(notebook.cells, tags, strict=True):  # jupytext would keep the old ones
            cell.metadata = metadata
    notebook.metadata.pop("jupytext", None)
    return as_text(notebook)


def as_text(notebook: nbformat.NotebookNode) -> str:
    """The text of a notebook's file."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file that is whole or absent."""
    with write_aside(path) as aside:
        aside.write_text(text, "utf-8")
