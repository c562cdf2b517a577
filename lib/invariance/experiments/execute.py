"""Run units: each once, what they need first, in parallel where that is faster.

On a CPU independent units run in separate processes with one thread each, which beats one process
with many threads for small models. On a GPU they run one after another. With `cluster` they
become a job array of exca (submitit). A unit that fails does not stop the others.
"""

import errno
import logging
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from invariance.experiments.units import Unit
from invariance.files import cache_dir
from invariance.training import pick_device

logging.getLogger("exca").setLevel(logging.ERROR)  # its warnings repeat the failures that are reported here


class UnitsFailed(RuntimeError):
    """Some units failed; the message holds each one's configuration and traceback."""


def run(units: Iterable[Unit], cluster: str | None = None) -> None:
    """Compute every unit that is not in the cache yet, and what it needs.

    `cluster` is None (this machine), "local" or "slurm". Raises `UnitsFailed` at the end if any
    unit failed, or `OSError` if the disk is full.
    """
    stages = _stages(units)
    missing = [[unit for unit in stage if not is_done(unit)] for stage in stages]
    if not any(missing):
        return
    failures: list[str] = []
    with _progress(missing) as progress:
        if cluster is not None:
            _on_cluster(missing, cluster, progress, failures)
        elif (workers := _workers(missing)) > 1:
            _in_parallel(missing, workers, progress, failures)
        else:
            _in_turn(missing, progress, failures)
    if any(f"[Errno {errno.ENOSPC}]" in failure for failure in failures):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(cache_dir()))
    if failures:
        raise UnitsFailed(f"{len(failures)} units failed:\n\n" + "\n\n".join(failures))


def is_done(unit: Unit) -> bool:
    """Whether the unit's result is in the cache, with its files. A corrupt entry is removed."""
    try:
        done = unit.infra.status() == "completed"
        if done and not unit.is_whole(unit.run()):
            raise FileNotFoundError("its files are missing")
        return done
    except Exception as error:  # whatever a damaged pickle raises
        folder = unit.infra.uid_folder()
        logging.getLogger(__name__).warning("Corrupt cache entry %s (%s): recomputing it.", folder, error)
        unit.infra.clear_job()
        return False


def _stages(units: Iterable[Unit]) -> list[list[Unit]]:
    # Distinct units by depth of need: those that need nothing come first.
    depth: dict[str, tuple[int, Unit]] = {}

    def visit(unit: Unit) -> int:
        uid = unit.infra.uid()
        if uid not in depth:
            level = max((visit(other) + 1 for other in unit.needs()), default=0)
            depth[uid] = (level, unit)
        return depth[uid][0]

    for unit in units:
        visit(unit)
    count = max((level for level, _ in depth.values()), default=-1) + 1
    return [[unit for level, unit in depth.values() if level == wanted] for wanted in range(count)]


def _workers(stages: list[list[Unit]]) -> int:
    most = max(len(stage) for stage in stages)
    device = next(unit for stage in stages for unit in stage).device
    return min(most, os.cpu_count() or 1) if pick_device(device).type == "cpu" else 1


def _in_turn(stages: list[list[Unit]], progress: "_Report", failures: list[str]) -> None:
    for stage in stages:
        for unit in stage:
            progress.done(unit, _attempt(unit), failures)


def _in_parallel(stages: list[list[Unit]], workers: int, progress: "_Report", failures: list[str]) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        for stage in stages:
            # Longest first, so that no long unit is left alone at the end.
            longest_first = sorted(stage, key=lambda unit: -unit.cost())
            pending = {pool.submit(_attempt, unit): unit for unit in longest_first}
            for future in as_completed(pending):
                progress.done(pending[future], future.result(), failures)


def _start_worker() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # Ctrl-C: leave at once, without a traceback
    parent = multiprocessing.parent_process()

    def leave_with_parent() -> None:
        parent.join()
        os._exit(1)  # a killed parent must not leave workers that train on

    threading.Thread(target=leave_with_parent, daemon=True).start()


def _attempt(unit: Unit) -> str | None:
    # The failure as text, since not every exception survives the way between processes.
    try:
        unit.run()
    except Exception:
        return f"{unit.infra.config(uid=True, exclude_defaults=True).to_yaml()}\n{traceback.format_exc()}"
    return None


def _on_cluster(stages: list[list[Unit]], cluster: str, progress: "_Report", failures: list[str]) -> None:
    for stage in stages:
        by_class: dict[type, list[Unit]] = {}
        for unit in stage:
            unit.infra.cluster = cluster
            by_class.setdefault(type(unit), []).append(unit)
        for units in by_class.values():
            with units[0].infra.job_array() as array:
                array.extend(units)
        for unit in stage:
            progress.done(unit, _attempt(unit), failures)


class _Report:
    """A progress bar on a terminal, silence elsewhere."""

    def __init__(self, bar: Progress, stages: list[list[Unit]]) -> None:
        self.bar = bar
        self.task = bar.add_task("training and measuring", total=sum(u.cost() for s in stages for u in s))

    def __enter__(self) -> "_Report":
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def done(self, unit: Unit, failure: str | None, failures: list[str]) -> None:
        if failure is not None:
            failures.append(failure)
        self.bar.advance(self.task, unit.cost())


def _progress(stages: list[list[Unit]]) -> _Report:
    shown = sys.stderr.isatty() and os.environ.get("INVARIANCE_PROGRESS") != "0"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return _Report(Progress(*columns, console=Console(stderr=True), disable=not shown), stages)
