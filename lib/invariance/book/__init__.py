"""Build the book: pair, execute, render, publish. `make book` and `make publish` end here.

A book is a folder with `_config.yml`, `_toc.yml` and the pages in `book/`. A chapter is a page with a
`.py` (edited by hand) beside its `.ipynb` (derived). Building writes only under `_build/`, apart from
bringing each `.ipynb` in step with its `.py`; publishing also stores the executed outputs in the `.ipynb`.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from invariance.errors import BookError, InputError
from invariance.progress import Progress, duration

try:
    import jupyter_book  # noqa: F401 (it runs as a process of its own)

    from invariance.book.execution import execute_all, executed, was_executed
    from invariance.book.pages import find_chapters, find_root, out_of_step, sync, write_text
    from invariance.book.printing import print_site
    from invariance.book.site import preview, render, stage
except ModuleNotFoundError as error:
    raise InputError(f'The book needs {error.name}: pip install "invariance[book]".') from None

__all__ = [
    "BookError",
    "build",
    "find_chapters",
    "find_root",
    "out_of_step",
    "page",
    "pdf",
    "preview",
    "publish",
    "site",
    "sync",
]


def build(
    root: str | Path | None = None,
    chapters: Sequence[str] = (),
    parameters: Mapping[str, object] | None = None,
    started: float | None = None,
) -> Path:
    """Execute the chapters and render the site; returns its `index.html`.

    `root` holds `_config.yml`, `_toc.yml` and `book/`; it is found where left out. `chapters` are numbers, stems or
    beginnings of stems; by default all run. Chapters that do not run appear as they last ran here or were published.
    `parameters`, such as {"budget": "smoke", "device": "cpu"}, reach the chapters that declare them. `started` is the
    `time.monotonic()` at which the caller's work began, for the time that is reported.

    Raises `InputError` for an unknown chapter, `BookError` when a chapter or the site fails; the site of the
    last successful build then stays as it was.
    """
    started = time.monotonic() if started is None else started
    root = find_root(root)
    chosen, every = find_chapters(root, chapters), find_chapters(root)
    for twin in sync(root):
        print(f"Brought {twin.relative_to(root)} in step with its .py", flush=True)
    staging = root / "_build" / "staging"
    stage(root, staging)
    execute_all(root, staging / "book", chosen, parameters or {})
    for stem in every:
        if executed(root, stem).exists():
            shutil.copy(executed(root, stem), staging / "book")
    index = _rendered(root, staging)
    took = duration(time.monotonic() - started)
    print(f"The book is ready after {took}: {index}\nTo read it in a browser: make preview", flush=True)
    return index


def _rendered(root: Path, staging: Path) -> Path:
    # A chapter that never ran has none of its numbers, so a warning is an error only in the whole book.
    empty = [stem for stem in find_chapters(root) if not was_executed(staging / "book" / f"{stem}.ipynb")]
    if empty:
        print(f"Never run, so without figures and numbers: {', '.join(empty)}", flush=True)
    with Progress("Site", 1):
        return render(root, staging, root / "_build" / "html", strict=not empty)


def site(root: str | Path | None = None) -> Path:
    """Render the site from the published notebooks and the record, computing nothing; returns its `index.html`.

    Raises `BookError` where rendering fails; the site that was there then stays as it was.
    """
    started, root = time.monotonic(), find_root(root)
    staging = root / "_build" / "staging"
    stage(root, staging)
    index = _rendered(root, staging)
    print(f"The site is ready after {duration(time.monotonic() - started)}: {index}", flush=True)
    return index


def pdf(root: str | Path | None = None, out: str | Path | None = None) -> Path:
    """Print the whole book into one PDF, by default `_build/invariance-book.pdf`; renders the site where there is none.

    Raises `InputError` where Chromium or playwright is missing.
    """
    root = find_root(root)
    place, out = root / "_build" / "html", Path(out) if out else root / "_build" / "invariance-book.pdf"
    if not (place / "index.html").exists():
        site(root)
    count = print_site(root, place, out)
    print(f"Printed {count} pages: {out}", flush=True)
    return out


def page(notebook: str | Path, into: str | Path | None = None, root: str | Path | None = None) -> Path:
    """Render one executed chapter, such as papermill's output, as a page with its figures and numbers in place.

    The page goes into the folder `into`, by default beside the notebook under its name; gives its `index.html`.
    Raises `InputError` for a file that is no executed notebook, and `BookError` where rendering fails.
    """
    notebook = Path(notebook).resolve()
    try:
        fits = was_executed(notebook)
    except Exception:  # whatever a file that is not there, or holds something else, makes nbformat raise
        fits = False
    if not fits:
        raise InputError(f"{notebook} is no executed notebook: run a chapter with papermill first.")
    root, place = find_root(root, notebook), Path(into).resolve() if into else notebook.with_suffix("")
    if place.exists() and not (place / "index.html").exists():
        raise InputError(f"{place} exists and holds no page: name another folder with --into.")
    with TemporaryDirectory() as folder:
        staging = Path(folder) / "page"
        stage(root, staging)
        shutil.copy(notebook, staging / "book")
        (staging / "_toc.yml").write_text(f"format: jb-book\nroot: {json.dumps(f'book/{notebook.stem}')}\n", "utf-8")
        return render(root, staging, place, strict=False)


def publish(
    root: str | Path | None = None,
    chapters: Sequence[str] = (),
    parameters: Mapping[str, object] | None = None,
    started: float | None = None,
) -> list[Path]:
    """Build the book, then store the outputs in the committed `.ipynb` files; returns the changed ones."""
    root, written = find_root(root), []
    build(root, chapters, parameters, started)
    for stem, source in find_chapters(root, chapters).items():
        twin, text = source.with_suffix(".ipynb"), executed(root, stem).read_text("utf-8")
        if twin.read_text("utf-8") != text:
            write_text(twin, text)
            written.append(twin)
            print(f"Published {twin.relative_to(root)}", flush=True)
    return written
