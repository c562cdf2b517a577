"""Run units: each once, what it needs first, in parallel where that is faster, on a cluster where one is named.

A task is a pretraining with all that hangs on it; it runs in one process, which keeps the model. On a CPU several
processes of one thread each share the tasks. A unit that fails does not stop the others.
"""

import errno
import os
import signal
import time
import traceback
from collections.abc import Container, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from invariance.errors import InputError
from invariance.files import cache_dir, cache_folder, check_cache, write_aside
from invariance.progress import Progress
from invariance.training import cores, pick_device, threads
from invariance.units import store
from invariance.units.facts import facts
from invariance.units.unit import Unit, Values

Task = list[Unit]
Design = list[tuple[dict[str, Any], Any]]  # Any for each kind of `Unit`: a list of one kind is none of another
"""What a study runs: each unit with the columns that its rows have in the study's table."""


@dataclass
class Outcome:
    """What a run left undone: reasons by the digest of a failed unit, and the units that would have needed them."""

    failures: dict[str, str] = field(default_factory=dict)
    skipped: list[Unit] = field(default_factory=list)
    stopped: str = ""
    """Why it ended before all was tried; empty where it did not."""

    def __bool__(self) -> bool:
        return bool(self.failures)

    def __str__(self) -> str:
        if self.stopped and not self.failures:
            return f"Stopped before: {self.stopped}."
        more = f" ({len(self.skipped)} more need them and were not tried)" if self.skipped else ""
        return f"{len(self.failures)} units failed{more}:\n\n" + "\n\n".join(self.failures.values())


def run(
    units: Iterable[Unit],
    device: str = "auto",
    cluster: str | None = None,
    options: Mapping[str, str] | None = None,
    workers: int = 0,
    known: Container[str] = (),
) -> Outcome:
    """Compute every unit that is not in the cache yet, and what it needs; gives what failed.

    Units whose digest is `known`, from the published record, are left out. `cluster` is None (this machine), "local" or
    "slurm"; `options` are parameters of submitit's executor for it, such as `slurm_partition`. `workers` is the number
    of processes, by default one a core on a CPU and one on a GPU. Raises `OSError` if the disk is full, and
    `InputError` for an unknown device, cluster or option.
    """
    from invariance.units import cluster as clusters
    from invariance.units import pool

    executor = clusters.executor(cluster, options or {})
    place = pick_device("cpu" if cluster else device)  # a login node may lack the GPU
    tasks, outcome = [left for task in planned(units) if (left := _missing(task, known))], Outcome()
    if not tasks:
        return outcome
    check_cache("units")
    workers = min(workers or (cores() if place.type == "cpu" else 1), len(tasks))
    with Progress("training and measuring", float(sum(unit.cost() for task in tasks for unit in task))) as progress:
        if executor:
            reports = clusters.reports(executor, tasks, device)
        elif workers > 1:
            reports = pool.reports(tasks, device, workers)
        else:
            reports = (report for task in tasks for report in attempts(task, place))
        try:
            for unit, failure in reports:
                _note(outcome, unit, failure)
                progress.advance(unit.cost(), what=f"{type(unit).__name__}, seed {unit.seed}")
        except Stopped as reason:
            outcome.stopped = str(reason)
            reports.close()  # ends the processes: what they were at is lost, what is finished is kept
    return outcome


class Stopped(BaseException):
    """A run is to end now, and what is finished to be shown; the message says why."""


@contextmanager
def stoppable(minutes: float = 0) -> Iterator[None]:
    """Inside, Ctrl-C, SIGTERM and the end of so many minutes (0 means no end) end `run` with what is finished."""
    reasons: dict[int, str] = {
        signal.SIGINT: "Ctrl-C",
        signal.SIGTERM: "SIGTERM",
        signal.SIGALRM: f"{minutes:g} minutes are over",
    }

    def stop(number: int, frame: object) -> None:
        raise Stopped(reasons[number])

    before = {number: signal.signal(number, stop) for number in reasons}
    signal.setitimer(signal.ITIMER_REAL, 60 * minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _note(outcome: Outcome, unit: Unit, failure: str | None) -> None:
    if failure == SKIPPED:
        outcome.skipped.append(unit)
    elif failure is not None:
        if f"[Errno {errno.ENOSPC}]" in failure:  # the others would only compute what cannot be kept
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(cache_dir()))
        outcome.failures[unit.digest] = failure


SKIPPED = "skipped"
"""In the place of a failure: what the unit needs has failed."""


def planned(units: Iterable[Unit]) -> list[Task]:
    """Distinct units as tasks: each pretraining first, then what needs it; seed by seed, the longest first."""
    tasks: dict[str, dict[str, Unit]] = {}
    for unit in units:
        root = unit.needs() or unit
        task = tasks.setdefault(root.digest, {root.digest: root} if root.cost() else {})  # untrained is no work
        task[unit.digest] = unit
    found = [list(task.values()) for task in tasks.values()]
    return sorted(found, key=lambda task: (task[0].seed, -sum(unit.cost() for unit in task)))


def _missing(task: Task, known: Container[str]) -> Task:
    return [unit for unit in task if unit.digest not in known and store.read(unit) is None]


def attempts(task: Task, device: torch.device) -> Generator[tuple[Unit, str | None]]:
    """Compute the units of a task, one after the other; gives each with why it failed, or None."""
    failed = False
    for unit in task:
        failure = SKIPPED if failed and unit.needs() else attempt(unit, device)
        failed = failed or (failure is not None and unit.needs() is None)
        yield unit, failure


def attempt(unit: Unit, device: torch.device) -> str | None:
    """Compute a unit; gives why it failed, as text, since not every exception survives the way between processes."""
    try:
        compute(unit, device)
    except Exception:
        return report_failure(unit, traceback.format_exc())
    return None


def report_failure(unit: Unit, reason: str) -> str:
    """The report of a failed unit, with its configuration; also kept for `status`."""
    text = f"{type(unit).__name__}:\n{yaml.safe_dump(unit.model_dump(mode='json'), sort_keys=False)}\n{reason}"
    try:
        cache_folder("failures")
        with write_aside(store.failure_file(unit)) as aside:
            aside.write_text(text, "utf-8")
    except OSError:  # a full disk is reported all the same
        pass
    return text


def compute(unit: Unit, device: torch.device) -> Values:
    """The result of a unit, read where it is kept and computed where it is not.

    On a CPU there is one thread, so that a unit gives the same result in a pool of processes, alone, and as a job of
    a cluster.
    """
    found = store.read(unit)
    if found is None:
        digest, started = unit.digest, time.perf_counter()
        if unit.model_copy().digest != digest:
            raise InputError(
                "In this process the picture files or your transformations are others than where the run began: a "
                "value in a module of yours was changed after its import, perhaps. Hand it over as an argument or "
                "write it into the module, or run with one worker."
            )
        with threads(device, 1):
            values = unit.compute(device)
        if unit.model_copy().digest != digest:
            raise InputError("The picture files or transformations changed while this was computed: run it again.")
        found = store.write(unit, values, time.perf_counter() - started, facts(device))
    return found


@dataclass
class Status:
    """Units of a study: how many, how far, the seconds they took and those that are left."""

    total: int = 0
    done: int = 0
    failed: list[Path] = field(default_factory=list)
    seconds: float = 0.0
    seconds_left: float | None = None
    """Estimated from the finished units of the same kind; None where there are none."""


def status(units: Iterable[Unit]) -> Status:
    """What is finished, missing and failed; seconds are those of one process that works alone. Changes nothing."""
    found, left = Status(), []
    rates: dict[type[Unit], tuple[float, float]] = {}
    for unit in (unit for task in planned(units) for unit in task):
        found.total += 1
        result = store.read(unit)
        if result:
            found.done += 1
            found.seconds += result["seconds"]
            spent, work = rates.get(type(unit), (0.0, 0.0))
            rates[type(unit)] = (spent + result["seconds"], work + unit.cost())
        else:
            left.append(unit)
            found.failed += [file for file in (store.failure_file(unit),) if file.exists()]
    if all(type(unit) in rates for unit in left):
        found.seconds_left = sum(unit.cost() * rates[type(unit)][0] / max(rates[type(unit)][1], 1.0) for unit in left)
    return found
