"""Execute chapters: each in a fresh kernel of its own, two at a time."""

import json
import os
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.translators import PythonTranslator

from invariance.book.pages import as_text, write_text
from invariance.errors import BookError
from invariance.progress import Progress, duration

AT_ONCE = 2  # chapters: most of a chapter's time is one core's, starting and drawing


def executed(root: Path, stem: str) -> Path:
    """Where the executed notebook of a chapter lies."""
    return root / "_build" / "executed" / f"{stem}.ipynb"


def was_executed(path: Path) -> bool:
    """Whether every cell of code in a notebook has run."""
    cells = nbformat.read(path, as_version=4).cells
    return all(cell.get("execution_count") for cell in cells if cell.cell_type == "code" and cell.source.strip())


def execute_all(root: Path, workdir: Path, sources: Mapping[str, Path], parameters: Mapping[str, object]) -> None:
    """Execute the chapters `sources`, by stem, in `workdir`.

    What their kernels write to standard error goes to `_build/chapters.log`. Raises `BookError` for the first
    chapter that fails; the one beside it ends at once.
    """
    budget = parameters.get("budget") or os.environ.get("BUDGET") or "quick"
    kept, keys = root / "_build" / "times.json", {stem: f"{budget} {stem}" for stem in sources}
    times = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    last = [times[key] for key in keys.values() if key in times]
    clients: dict[str, NotebookClient] = {}

    def run(stem: str) -> None:
        started = time.monotonic()
        progress.advance(0, ", ".join([*clients, stem]))
        text = _execute(sources[stem], parameters, clients, cwd=str(workdir), env=_environment(), stderr=log)
        write_text(executed(root, stem), text)
        times[keys[stem]] = round(time.monotonic() - started, 1)
        progress.advance(1, ", ".join(clients))

    with (
        (root / "_build" / "chapters.log").open("w", encoding="utf-8") as log,
        Progress("Chapters", len(sources), sum(last) / AT_ONCE if len(last) == len(sources) else None) as progress,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        running = {pool.submit(run, stem): stem for stem in sources}
        try:
            for number, done in enumerate(as_completed(running), 1):
                done.result()
                print(f"[{number}/{len(running)}] {running[done]}  {duration(times[keys[running[done]]])}", flush=True)
                write_text(kept, json.dumps(times, indent=1, sort_keys=True))
        except BaseException:  # Ctrl-C, too: the pool would run the remaining chapters before it ends
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(chapter.done() for chapter in running):
                for client in list(clients.values()):
                    with suppress(AttributeError):  # its kernel does not run yet, or no more
                        client.km.provisioner.process.terminate()  # type: ignore[union-attr]
                time.sleep(0.1)
            raise


def _environment() -> dict[str, str]:
    from invariance.training import cores  # here, for PyTorch takes seconds to load

    share = str(max(1, cores() // AT_ONCE))  # threads of two chapters on the same core would wait for each other
    return {**os.environ, "TQDM_DISABLE": "1", "INVARIANCE_PROGRESS": "0", "OMP_NUM_THREADS": share}


def _execute(source: Path, parameters: Mapping[str, object], clients: dict[str, NotebookClient], **kernel: Any) -> str:
    """The text of a chapter's executed notebook, given those of the parameters that it declares.

    The same outputs give the same text: nothing of times, versions or how output was cut into messages is in it.
    """
    twin = source.with_suffix(".ipynb")
    notebook = nbformat.read(twin, as_version=4)
    declared = papermill.inspect_notebook(twin)
    given = {name: value for name, value in parameters.items() if name in declared and value is not None}
    # They end the parameters' own cell, for a cell more would change the numbers of all others.
    cell: dict[str, Any] = next((cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])), {})
    own = cell.get("source")
    if given:
        cell["source"] = f"{own}\n{PythonTranslator.codify(given)}"
    client = NotebookClient(notebook, kernel_name="python3", record_timing=False, coalesce_streams=True)
    clients[source.stem] = client
    try:
        client.execute(**kernel)
    except CellExecutionError as error:
        raise BookError(_failure(source, notebook, f"{error.ename}: {error.evalue}")) from error
    except DeadKernelError as error:
        reason = "The Python process died, most likely for lack of memory; the budget smoke needs the least."
        raise BookError(_failure(source, notebook, reason)) from error
    finally:
        del clients[source.stem]
    if given:
        cell["source"] = own
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata["parameters"] = given
    _forget_unused(notebook)
    return as_text(notebook)


def _forget_unused(notebook: nbformat.NotebookNode) -> None:
    """Leave out glued numbers that no text of the page names: of two thousand, it needs a hundred."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    named = {found.partition(":")[0] for found in re.findall(r"\{glue:text\}`([^`]+)`", prose)}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell["outputs"] = [output for output in cell.outputs if _glued_number(output) in (None, *named)]


def _glued_number(output: nbformat.NotebookNode) -> str | None:
    about = output.get("metadata", {}).get("scrapbook", {})
    return about["name"] if about.get("mime_prefix") else None


def _failure(source: Path, notebook: nbformat.NotebookNode, reason: str) -> str:
    outputs = ((cell, output) for cell in notebook.cells for output in cell.get("outputs", []))
    failed = [cell for cell, output in outputs if output.output_type == "error"]
    code = "".join(f"  | {line}\n" for cell in failed for line in cell.source.strip().splitlines())
    return (
        f"Chapter {source.stem} failed\n{code}{reason.strip()}\n"
        "Nothing was published and the last site is as it was. "
        "What the chapter's Python process reported: _build/chapters.log"
    )
