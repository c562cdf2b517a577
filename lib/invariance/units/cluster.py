"""Tasks as jobs of a cluster: an array of submitit's, one job a task."""

import shutil
import sys
from collections.abc import Generator, Mapping
from typing import Any

import cloudpickle

from invariance.errors import InputError, check_known
from invariance.files import cache_dir
from invariance.transforms import TRANSFORMATIONS, own_ones
from invariance.units.run import Task, attempts, report_failure
from invariance.units.unit import Unit

CLUSTERS = ("local", "slurm")
DAY = 24 * 60
"""Minutes that a job may take unless `timeout_min` says otherwise; submitit's own limit is a few minutes."""


def executor(cluster: str | None, options: Mapping[str, str]) -> Any | None:
    """submitit's executor for a cluster, or None without one. Raises `InputError` for an unknown cluster or option."""
    if cluster is None:
        if options:
            raise InputError(f"Options for a cluster ({', '.join(options)}) without one: add --cluster slurm.")
        return None
    check_known("cluster", cluster, CLUSTERS)
    if cluster == "slurm" and shutil.which("srun") is None:
        raise InputError("No Slurm here: start on a machine that has its command srun, or use --cluster local.")
    import submitit

    found = submitit.AutoExecutor(folder=cache_dir() / "jobs" / "%j", cluster=cluster)
    values = {name: int(value) if value.isdigit() else value for name, value in options.items()}
    try:
        found.update_parameters(**{"timeout_min": DAY, **values})
    except (NameError, ValueError, TypeError) as error:
        raise InputError(f"Cluster option: {error}") from None
    return found


def reports(executor: Any, tasks: list[Task], device: str) -> Generator[tuple[Unit, str | None]]:
    """Submit the tasks as one array, and wait; gives each unit with why it failed, or None."""
    known = cloudpickle.dumps(own_ones())  # read where `sys.path` is set: they may come from modules beside a notebook
    jobs = executor.map_array(_job, tasks, *([one] * len(tasks) for one in (device, sys.path, known)))
    try:
        for task, job in zip(tasks, jobs, strict=True):
            try:
                yield from zip(task, job.result(), strict=True)
            except Exception as error:  # whatever a job that was lost, killed or out of time raises
                yield from ((unit, _lost(unit, error)) for unit in task)
    finally:  # a run that is stopped leaves no jobs behind
        for job in jobs:
            if not job.done():
                job.cancel(check=False)


def _lost(unit: Unit, error: Exception) -> str | None:
    from invariance.units import store

    done = store.read(unit) is not None  # before the job was lost
    return None if done else report_failure(unit, f"{type(error).__name__}: {error}")


def _job(task: Task, device: str, path: list[str], known: bytes) -> list[str | None]:
    from invariance.training import pick_device

    sys.path[:] = path
    TRANSFORMATIONS.update(cloudpickle.loads(known))
    return [failure for _, failure in attempts(task, pick_device(device))]
