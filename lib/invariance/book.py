"""Build the book: pair, execute, clean, render. `make book` and `make publish` end here.

A book is a folder with `_config.yml`, `_toc.yml` and the pages in `book/`. A chapter is a page with a
`.py` (edited by hand) beside its `.ipynb` (derived). Building writes only under `_build/`, apart from
bringing each `.ipynb` in step with its `.py`; publishing also stores the executed outputs in the `.ipynb`.
"""

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import chdir, contextmanager
from pathlib import Path

import jupytext
import nbformat
import papermill
from jupytext.combine import combine_inputs_with_outputs
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from invariance.errors import InputError
from invariance.files import write_aside
from invariance.site import BookError, console, read_yaml, render, stage, toc_pages, without
from invariance.training import cores

AT_ONCE = 2  # chapters
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

# --- pages and pairs -------------------------------------------------------------------------------


def chapter_sources(root: Path) -> dict[str, Path]:
    """The executable chapters of the book: stem -> `.py` file, in reading order."""
    if not (root / "_toc.yml").exists():
        raise InputError(f"There is no _toc.yml in {root}: give the folder of the book.")
    sources = {}
    for page in toc_pages(read_yaml(root / "_toc.yml")):
        source = root / f"{page}.py"
        if source.exists():
            sources[source.stem] = source
        elif not any((root / f"{page}{suffix}").exists() for suffix in (".md", ".ipynb")):
            raise InputError(f"_toc.yml names the page {page}, but {page}.py or {page}.md does not exist.")
    return sources


def select(sources: dict[str, Path], names: Sequence[str]) -> list[str]:
    """Chapters named by number (`03` or `3`), stem or the beginning of a stem; all if `names` is empty."""
    chosen = []
    for name in names:
        beginning = f"{int(name):02d}_" if name.isdigit() else name  # 1 is chapter 01, not 10 as well
        found = [stem for stem in sources if stem.startswith(beginning)]
        if not name or not found:
            raise InputError(f"Unknown chapter {name!r}. Known: {', '.join(sources)}.")
        chosen += found
    return [stem for stem in sources if stem in chosen or not names]


def paired(source: Path) -> str:
    """The text of the `.ipynb` of a `.py`: its cells, with the outputs that `.ipynb` has for them now."""
    notebook = jupytext.read(source, fmt="py:percent")
    twin = source.with_suffix(".ipynb")
    if twin.exists():
        notebook = combine_inputs_with_outputs(notebook, nbformat.read(twin, as_version=4), fmt="py:percent")
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["kernelspec"] = KERNEL
    notebook.nbformat_minor = 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        # An id from the content, not a random one: the same .py gives the same .ipynb.
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return _text(notebook)


def out_of_step(root: Path) -> list[Path]:
    """The `.ipynb` files that differ from what their `.py` gives."""
    twins = ((s.with_suffix(".ipynb"), paired(s)) for s in chapter_sources(root).values())
    return [twin for twin, text in twins if not twin.exists() or twin.read_text("utf-8") != text]


def sync(root: Path) -> list[Path]:
    """Bring every `.ipynb` in step with its `.py`; only files that change are written, and returned."""
    stale = out_of_step(root)
    for twin in stale:
        text = paired(twin.with_suffix(".py"))
        with write_aside(twin) as aside:
            aside.write_text(text, "utf-8")
    return stale


# --- execution ---------------------------------------------------------------------------------------


def clean(notebook: nbformat.NotebookNode, parameters: dict) -> nbformat.NotebookNode:
    """Strip what differs between two equal runs: times, random ids, how output was cut into messages."""
    cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    count = 0
    for cell in cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        if cell.get("execution_count") is not None:
            count += 1
            cell.execution_count = count
        outputs = []
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = cell.execution_count
            last = outputs[-1] if outputs else {}
            if output.output_type == "stream" and last.get("name") == output.name:
                last["text"] += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs
    notebook.cells = cells
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata["parameters"] = parameters
    return _renumber_widgets(notebook)


def _renumber_widgets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Replace the random ids of widget models by 1, 2, … in order of creation."""
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    numbers = {model: f"{n:032x}" for n, model in enumerate(widgets.get("state", {}), start=1)}
    if not numbers:
        return notebook
    text = re.sub(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", lambda m: numbers.get(m[0], m[0]), _text(notebook))
    return nbformat.reads(text, as_version=4)


def _execute(source: Path, target: Path, wanted: dict[str, str | None]) -> None:
    """Execute one chapter into `target`, passing the parameters that the chapter declares."""
    twin = source.with_suffix(".ipynb")
    declared = papermill.inspect_notebook(str(twin)) if any(wanted.values()) else {}
    parameters = {name: value for name, value in wanted.items() if value and name in declared}
    try:
        # The notebook in memory still lists its widgets in order of creation; a file has them sorted.
        notebook = papermill.execute_notebook(
            str(twin),
            None,
            parameters=parameters,
            progress_bar=False,
            kernel_name=KERNEL["name"],
        )
    except PapermillExecutionError as error:
        raise BookError(_failure(source, error.source, f"{error.ename}: {error.evalue}")) from error
    except DeadKernelError as error:
        reason = "The Python process died, most likely for lack of memory; the profile smoke needs the least."
        raise BookError(_failure(source, "", reason)) from error
    with write_aside(target) as aside:
        aside.write_text(_text(clean(notebook, parameters)), "utf-8")


def _failure(source: Path, code: str, reason: str) -> str:
    cell = "".join(f"  | {line}\n" for line in code.strip().splitlines())
    return (
        f"Chapter {source.stem} failed\n{cell}{reason.strip()}\n"
        "Nothing was published and the last site is as it was. "
        "What the chapter's Python process reported: _build/chapters.log"
    )


@contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Progress bars off, what kernels write straight to standard error appended to `log`, and the cores shared."""
    share = str(max(1, cores() // AT_ONCE))  # threads of two chapters on the same core wait for each other
    values = {"TQDM_DISABLE": "1", "INVARIANCE_PROGRESS": "0", "OMP_NUM_THREADS": share}
    old = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with log.open("a", encoding="utf-8") as stream:
            os.dup2(stream.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        for name, value in old.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class _Remaining(ProgressColumn):
    """What is left of the time that these chapters took when they last ran."""

    def render(self, task):
        expected = task.fields["expected"]
        left = expected - (task.elapsed or 0)
        return Text(f"about {_duration(left)} left" if left > 0 else "longer than last time" if expected else "")


def _execute_all(root: Path, workdir: Path, stems: list[str], wanted: dict[str, str | None]) -> None:
    """Execute the chapters, two at a time: most of a chapter's time is one core's, loading and drawing."""
    sources = chapter_sources(root)
    times_file, log = root / "_build" / "times.json", root / "_build" / "chapters.log"
    log.write_text("", "utf-8")
    times = json.loads(times_file.read_text("utf-8")) if times_file.exists() else {}
    profile = wanted["profile"] or os.environ.get("BOOK_PROFILE") or "quick"
    workers = min(AT_ONCE, len(stems), cores())
    keys = {stem: f"{profile} {stem}" for stem in stems}
    expected = sum(times[key] for key in keys.values()) / workers if times.keys() >= set(keys.values()) else 0

    def execute(stem: str) -> float:
        started = time.monotonic()
        _execute(sources[stem], _executed(root, stem), wanted)
        return round(time.monotonic() - started, 1)

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), _Remaining())
    with (
        _quiet(log),
        chdir(workdir),  # once for all: each chapter's own change would undo the other's
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(workers) as pool,
    ):
        bar = progress.add_task("", expected=expected, total=None)
        running = {pool.submit(execute, stem): stem for stem in stems}
        for number in range(len(stems)):
            progress.update(bar, description=f"running the chapters, {number} of {len(stems)} done")
            done = next(as_completed(running))
            stem = running.pop(done)
            if done.exception():
                pool.shutdown(cancel_futures=True)
                raise done.exception()
            times[keys[stem]] = done.result()
            console.print(f"[{number + 1}/{len(stems)}] {stem}  {_duration(done.result())}", markup=False)
            with write_aside(times_file) as aside:
                aside.write_text(json.dumps(times, indent=1, sort_keys=True), "utf-8")


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


# --- the book ------------------------------------------------------------------------------------------


def _available(root: Path) -> dict[str, Path]:
    """The executed notebook of each chapter: this machine's last run, else the published one."""
    found = {}
    for stem, source in chapter_sources(root).items():
        for notebook in (_executed(root, stem), source.with_suffix(".ipynb")):
            if notebook.exists() and _was_executed(notebook):
                found[stem] = notebook
                break
    return found


def _was_executed(path: Path) -> bool:
    cells = nbformat.read(path, as_version=4).cells
    return all(c.get("execution_count") for c in cells if c.cell_type == "code" and c.source.strip())


def build(
    root: str | Path, chapters: Sequence[str] = (), profile: str | None = None, device: str | None = None
) -> Path:
    """Execute the chapters and render the site; returns its `index.html`.

    `root` holds `_config.yml`, `_toc.yml` and `book/`. `chapters` are numbers, stems or beginnings of stems;
    by default all run. Chapters that do not run appear as they last ran here or were published, or not
    at all. `profile` and `device` reach the chapters that declare them as parameters.

    Raises `InputError` for an unknown chapter, `BookError` when a chapter or the site fails; the site of the
    last successful build then stays as it was.
    """
    root, started = Path(root).resolve(), time.monotonic()
    stems = select(chapter_sources(root), chapters)
    for twin in sync(root):
        console.print(f"Brought {twin.relative_to(root)} in step with its .py", markup=False)
    staging = root / "_build" / "staging"
    stage(root, staging)
    _execute_all(root, staging / "book", stems, {"profile": profile, "device": device})
    notebooks = _available(root)
    dropped = {f"book/{stem}" for stem in chapter_sources(root) if stem not in notebooks}
    toc = without(read_yaml(root / "_toc.yml"), dropped)
    # A page that was left out may be linked to, so a warning is an error only in the whole book.
    index = render(root, staging, notebooks, toc, root / "_build" / "html", strict=not dropped) / "index.html"
    console.print(f"The book is ready: {index}  ({_duration(time.monotonic() - started)})", markup=False)
    return index


def page(root: str | Path, notebook: str | Path, into: str | Path | None = None) -> Path:
    """Render one executed chapter, such as papermill's output, as a page with its figures and numbers in place.

    The page goes into the folder `into`, by default beside the notebook under its name; gives its `index.html`.
    Raises `InputError` for a notebook that is not there or was not executed, and `BookError` where rendering fails.
    """
    root, notebook = Path(root).resolve(), Path(notebook).resolve()
    if not notebook.is_file() or not _was_executed(notebook):
        raise InputError(f"{notebook} is no executed notebook: run a chapter with papermill first.")
    place = Path(into).resolve() if into else notebook.with_suffix("")
    if place.exists() and not (place / "index.html").exists():
        raise InputError(f"{place} exists and holds no page: name another folder with --into.")
    staging = root / "_build" / "staging"
    stage(root, staging)
    toc = {"format": "jb-book", "root": f"book/{notebook.stem}"}
    return render(root, staging, {notebook.stem: notebook}, toc, place, strict=False) / "index.html"


def publish(
    root: str | Path, chapters: Sequence[str] = (), profile: str | None = None, device: str | None = None
) -> list[Path]:
    """Build the book, then store the outputs in the committed `.ipynb` files; returns the changed ones."""
    build(root, chapters, profile, device)
    root, written = Path(root).resolve(), []
    sources = chapter_sources(root)
    for stem in select(sources, chapters):
        twin, executed = sources[stem].with_suffix(".ipynb"), _executed(root, stem).read_text("utf-8")
        if twin.read_text("utf-8") != executed:
            with write_aside(twin) as aside:
                aside.write_text(executed, "utf-8")
            written.append(twin)
            console.print(f"Published {twin.relative_to(root)}", markup=False)
    return written


# --- files -----------------------------------------------------------------------------------------------


def _executed(root: Path, stem: str) -> Path:
    return root / "_build" / "executed" / f"{stem}.ipynb"


def _text(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"
