"""Worker processes that share tasks: unit by unit over pipes, without semaphores, gone when the caller is.

A worker is `python -m invariance.units.pool`. It gets pickles of units on its standard input and gives one report a
unit on its standard output; when the input ends, because the caller is done or dead, it leaves at once.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import cloudpickle

from invariance.errors import InputError
from invariance.transforms import TRANSFORMATIONS, own_ones
from invariance.units.run import SKIPPED, Task, attempt, report_failure
from invariance.units.unit import Unit

Report = tuple[Unit, str | None]
DIED = "Its process died, most likely for lack of memory."


def reports(tasks: list[Task], device: str, workers: int) -> Generator[Report]:
    """Run tasks in so many processes; gives each unit with why it failed, or None, as they end.

    A task whose process died is tried once more when nothing else runs: then the culprit is known.
    """
    known = _greeting(device)
    died: list[Task] = []
    yield from _shared(tasks, known, workers, died)
    for task in died:
        again: list[Task] = []
        yield from _shared([task], known, 1, again)
        for culprit, *others in again:
            yield culprit, report_failure(culprit, DIED)
            yield from ((unit, SKIPPED) for unit in others)


def _greeting(device: str) -> bytes:
    # What a worker has to know first; transformations of the caller's own may live in a notebook.
    try:
        return pickle.dumps((device, sys.path)) + cloudpickle.dumps(own_ones())
    except Exception as error:  # what cannot be pickled says so in many ways
        names = ", ".join(own_ones())
        raise InputError(f"Transformations of yours cannot go to other processes ({names}): {error}") from error


def _shared(tasks: list[Task], known: bytes, workers: int, died: list[Task]) -> Iterator[Report]:
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    done: queue.SimpleQueue[Report | Task | None] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    started: list[subprocess.Popen] = []
    hands = [threading.Thread(target=_work, args=(waiting, done, known, started), daemon=True) for _ in range(workers)]
    for hand in hands:
        hand.start()
    try:
        for _ in hands:
            while (report := done.get()) is not None:
                died.append(report) if isinstance(report, list) else (yield report)
    finally:
        with suppress(queue.Empty):
            while True:
                waiting.get_nowait()
        for process in started:
            process.kill()


def _work(waiting: queue.SimpleQueue, done: queue.SimpleQueue, known: bytes, started: list[subprocess.Popen]) -> None:
    # One thread of the caller: keeps one process busy, and starts another one where it dies.
    process = None
    with suppress(queue.Empty):
        while True:
            task = waiting.get_nowait()
            process = process or _start(known, started)
            left = _run(task, process, done)
            if left:
                done.put(left)
                process = None
    done.put(None)


def _start(known: bytes, started: list[subprocess.Popen]) -> Any:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "invariance.units.pool"]
    process: Any = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    started.append(process)
    with suppress(OSError):
        process.stdin.write(known)
    return process


def _run(task: Task, process: Any, done: queue.SimpleQueue) -> Task:
    """Send the units of a task one by one; gives those that are left where the process died."""
    failed = False
    for k, unit in enumerate(task):
        if failed and unit.needs():
            done.put((unit, SKIPPED))
            continue
        try:
            pickle.dump(unit, process.stdin)
            process.stdin.flush()
            failure = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            return task[k:]
        failed = failed or (failure is not None and unit.needs() is None)
        done.put((unit, failure))
    return []


# --- the worker's side ---------------------------------------------------------------------------------


def _read(source: BinaryIO, units: queue.SimpleQueue) -> None:
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            units.put(pickle.load(source))
    os._exit(0)  # in the middle of a training, too: what is finished is kept


def serve() -> None:
    """A worker process: compute the units that come in, and report each."""
    from invariance.training import pick_device

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the caller, who ends the workers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand between the answers
    device, sys.path[:] = pickle.load(sys.stdin.buffer)  # where the modules lie that come next
    TRANSFORMATIONS.update(pickle.load(sys.stdin.buffer))
    units: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, units), daemon=True).start()
    place = pick_device(device)
    while True:
        pickle.dump(attempt(units.get(), place), answers)
        answers.flush()


if __name__ == "__main__":
    serve()
