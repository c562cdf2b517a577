"""Run units: each once, what they need first, in parallel where that is faster.

On a CPU independent units run in separate processes with one thread each, which beats one process
with many threads for small models. On a GPU they run one after another. With `cluster` they
become a job array of exca (submitit). A unit that fails does not stop the others.
"""

import errno
import hashlib
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import cloudpickle
from exca import TaskInfra
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from invariance.errors import InputError, check_known
from invariance.experiments.units import Unit
from invariance.files import cache_dir, check_cache, write_aside
from invariance.training import cores, pick_device
from invariance.transforms import TRANSFORMATIONS

logging.getLogger("exca").setLevel(logging.ERROR)  # its warnings repeat the failures that are reported here

CLUSTERS = ("local", "slurm")
DAY = 24 * 60
"""Minutes that a job may take unless `timeout_min` says otherwise; submitit's own limit is a few minutes."""


class UnitsFailed(RuntimeError):
    """Some units failed; the message holds each one's configuration and traceback."""


def run(units: Iterable[Unit], cluster: str | None = None, options: Mapping[str, str] | None = None) -> None:
    """Compute every unit that is not in the cache yet, and what it needs.

    `cluster` is None (this machine), "local" or "slurm"; `options` are further fields of exca's
    `TaskInfra` for it, such as `slurm_partition`. Raises `UnitsFailed` at the end if any unit failed,
    `OSError` if the disk is full, or `InputError` for an unknown cluster or option.
    """
    settings = _cluster_settings(cluster, options or {})
    missing = [[unit for unit in stage if not _is_ready(unit)] for stage in stages(units)]
    if not any(missing):
        return
    check_cache("units")
    with _progress(missing) as report:
        for stage in _runnable(missing, report):
            report.run(stage, settings)
    if report.failures:
        skipped = f" ({report.skipped} more need them and were not tried)" if report.skipped else ""
        texts = "\n\n".join(report.failures.values())
        raise UnitsFailed(f"{len(report.failures)} units failed{skipped}:\n\n{texts}")


def is_done(unit: Unit) -> bool:
    """Whether the unit's result is in the cache, whole and with its files. Changes nothing."""
    return _state(unit) == DONE


DONE, MISSING = "done", "missing"


def _state(unit: Unit) -> str:
    # Done, missing, or what is wrong with the entry.
    try:
        if unit.infra.status() != "completed":
            return MISSING
        whole = unit.is_whole(unit.result())
        return DONE if whole else "its weights are missing or damaged, or the code has other defaults now"
    except Exception as error:  # whatever a damaged pickle raises
        return f"{type(error).__name__}: {error}"


def _is_ready(unit: Unit) -> bool:
    # Like `is_done`, and makes room for the unit where its entry cannot be used.
    state = _state(unit)
    if state not in (DONE, MISSING):
        folder = unit.infra.uid_folder()
        logging.getLogger(__name__).warning("Corrupt cache entry %s (%s): recomputing it.", folder, state)
        unit.infra.clear_job()
    return state == DONE


def stages(units: Iterable[Unit]) -> list[list[Unit]]:
    """Distinct units, with what they need, by depth of need: those that need nothing come first."""
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


# --- how far a run has come --------------------------------------------------------------------------


@dataclass
class Status:
    """Units of an experiment: how many, how far, the seconds they took and those that are left."""

    total: int = 0
    done: int = 0
    failed: list[Path] = field(default_factory=list)
    seconds: float = 0.0
    seconds_left: float | None = None
    """Estimated from the finished units of the same kind; None where there are none."""


def status(units: Iterable[Unit]) -> Status:
    """What is finished, missing and failed; seconds are those of one process that works alone."""
    found, rates, left = Status(), {}, []
    for unit in (unit for stage in stages(units) for unit in stage):
        found.total += 1
        if is_done(unit):
            found.done += 1
            seconds = unit.result()["seconds"]
            found.seconds += seconds
            spent, work = rates.get(type(unit), (0.0, 0.0))
            rates[type(unit)] = (spent + seconds, work + unit.cost())
        else:
            left.append(unit)
            if _failure_file(unit).exists():
                found.failed.append(_failure_file(unit))
    if all(type(unit) in rates for unit in left):
        found.seconds_left = sum(unit.cost() * rates[type(unit)][0] / max(rates[type(unit)][1], 1.0) for unit in left)
    return found


def _failure_file(unit: Unit) -> Path:
    return cache_dir() / "failures" / f"{hashlib.sha256(unit.infra.uid().encode()).hexdigest()[:24]}.txt"


# --- running -------------------------------------------------------------------------------------------


def _attempt(unit: Unit) -> str | None:
    # The failure as text, since not every exception survives the way between processes.
    file = _failure_file(unit)
    try:
        unit.run()
    except Exception:
        text = _failure(unit, traceback.format_exc())
        with suppress(OSError), write_aside(file) as aside:  # a full disk is reported all the same
            aside.write_text(text, "utf-8")
        return text
    file.unlink(missing_ok=True)
    return None


def _failure(unit: Unit, reason: str) -> str:
    return f"{type(unit).__name__}:\n{unit.infra.config(uid=True, exclude_defaults=True).to_yaml()}\n{reason}"


def _runnable(missing: list[list[Unit]], report: "_Report") -> Iterable[list[Unit]]:
    # Units whose need has failed are not tried: they would only fail again, after the same time.
    for stage in missing:
        able = [unit for unit in stage if not any(need.infra.uid() in report.failures for need in unit.needs())]
        report.skipped += len(stage) - len(able)
        if able:
            yield able


def _cluster_settings(cluster: str | None, options: Mapping[str, str]) -> dict[str, str]:
    if cluster is None:
        if options:
            raise InputError(f"Options for a cluster ({', '.join(options)}) without one: add --cluster slurm.")
        return {}
    check_known("cluster", cluster, CLUSTERS)
    if cluster == "slurm" and shutil.which("srun") is None:
        raise InputError("No Slurm here: start on a machine that has its command srun, or use --cluster local.")
    for name in options:
        check_known(
            "cluster option", name, [n for n in TaskInfra.model_fields if n not in ("folder", "cluster", "mode")]
        )
    return {"cluster": cluster, "timeout_min": DAY, **options}


class _Report:
    """Runs stages of units and keeps what failed; a progress bar on a terminal, silence elsewhere."""

    def __init__(self, bar: Progress, total: float) -> None:
        self.bar, self.task = bar, bar.add_task("training and measuring", total=total)
        self.failures: dict[str, str] = {}
        self.skipped = 0
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "_Report":
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._close_pool()
        self.bar.stop()

    def _close_pool(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
        self.pool = None

    def run(self, stage: list[Unit], cluster: dict[str, str]) -> None:
        """Run the units of one stage, which do not need each other."""
        on_cpu = not cluster and pick_device(stage[0].device).type == "cpu"  # a login node may lack the GPU
        if cluster:
            stage = _on_cluster(stage, cluster)
        elif on_cpu and (self.pool is not None or len(stage) > 1):
            self._in_parallel(stage)
            return
        for unit in stage:
            self._done(unit, _attempt(unit))

    def _done(self, unit: Unit, failure: str | None) -> None:
        if f"[Errno {errno.ENOSPC}]" in (failure or ""):  # the others would only compute what cannot be kept
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(cache_dir()))
        if failure is not None:
            self.failures[unit.infra.uid()] = failure
        self.bar.advance(self.task, unit.cost())

    def _in_parallel(self, stage: list[Unit]) -> None:
        workers = cores()
        left = sorted(stage, key=lambda unit: -unit.cost())  # longest first: none is left alone at the end
        while left:
            self.pool = self.pool or _pool(workers)
            left = self._round(left)
            if not left and workers > 1:
                return  # the next stage goes on with these processes
            self._close_pool()
            # A process died, most likely for lack of memory. Go on one at a time, to see which unit it is.
            if left and workers == 1:
                culprit = left.pop(0)
                self._done(culprit, _failure(culprit, "Its process died, most likely for lack of memory."))
            workers = 1

    def _round(self, units: list[Unit]) -> list[Unit]:
        try:
            with _main_out_of_sight():
                pending = {self.pool.submit(_attempt, unit): unit for unit in units}
        except BrokenProcessPool:  # a process died while it waited for work
            return units
        left = []
        for future in as_completed(pending):
            try:
                self._done(pending[future], future.result())
            except BrokenProcessPool:
                left.append(pending[future])
        return [unit for unit in units if any(unit is other for other in left)]


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    known = cloudpickle.dumps(TRANSFORMATIONS)  # with the caller's own, which may live in a notebook
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(known,))


@contextmanager
def _main_out_of_sight() -> Iterator[None]:
    # A spawned process runs the caller's script again if it finds its file, and with it this very run.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start_worker(known: bytes) -> None:
    TRANSFORMATIONS.update(cloudpickle.loads(known))
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # Ctrl-C: leave at once, without a traceback
    parent = multiprocessing.parent_process()

    def leave_with_parent() -> None:
        parent.join()
        os._exit(1)  # a killed parent must not leave workers that train on

    threading.Thread(target=leave_with_parent, daemon=True).start()


def _on_cluster(stage: list[Unit], settings: dict[str, str]) -> list[Unit]:
    """Submit the units as job arrays; gives those whose `run` waits for the jobs."""
    by_class: dict[type, list[Unit]] = {}
    for unit in stage:  # a copy, since a unit whose identity was asked for does not change any more
        there = type(unit)(**{**unit.model_dump(exclude={"infra"}), "infra": {"folder": unit.infra.folder, **settings}})
        by_class.setdefault(type(unit), []).append(there)
    for units in by_class.values():
        with units[0].infra.job_array() as array:
            array.extend(units)
    return [unit for units in by_class.values() for unit in units]


def _progress(missing: list[list[Unit]]) -> _Report:
    shown = sys.stderr.isatty() and os.environ.get("INVARIANCE_PROGRESS") != "0"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), disable=not shown)
    return _Report(bar, sum(unit.cost() for stage in missing for unit in stage))
