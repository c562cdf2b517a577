"""Running units: in processes, on a cluster, killed, failing, and two runs at once."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import ClassVar

import psutil
import pytest
from small_units import one, probe_of

from invariance.experiments import execute
from invariance.experiments.units import Pretraining


def test_a_failing_unit_is_reported_with_its_configuration_and_the_others_finish(cache):
    broken = one(learning_rate=1e30, epochs=2)
    with pytest.raises(
        execute.UnitsFailed, match=r"(?s)1 units failed.*learning_rate: 1\.0e\+30.*lower the learning rate"
    ):
        execute.run([broken, one(), one(seed=1)])
    assert execute.is_done(one())
    assert execute.is_done(one(seed=1))
    assert not execute.is_done(broken)


def test_a_killed_run_resumes_without_repeating_finished_units(cache):
    """SIGKILL while a long unit trains: the finished one is kept, no half file stays, no worker lives on."""
    both = [one().model_dump(exclude={"infra"}) | change for change in ({"seed": 0}, {"seed": 1, "epochs": 200})]
    code = f"""
from invariance.experiments import execute
from invariance.experiments.units import Pretraining
execute.run([Pretraining(**fields) for fields in {both!r}])
"""
    script = cache / "run.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, script], env=os.environ, start_new_session=True)
    finished = Pretraining(**both[0])
    deadline = time.time() + 120
    while not execute.is_done(finished) and process.poll() is None and time.time() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    assert process.poll() is None, "the long unit ended before the kill: make it longer"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    weights = list((cache / "weights").iterdir())
    assert len([path for path in weights if not path.name.startswith(".")]) == 1
    stamp = weights[0].stat().st_mtime_ns
    assert not execute.is_done(Pretraining(**both[1]))

    execute.run([finished, Pretraining(**{**both[1], "epochs": 1})])
    assert weights[0].stat().st_mtime_ns == stamp
    deadline = time.time() + 20
    while _alive(process.pid) and time.time() < deadline:
        time.sleep(0.1)
    assert not _alive(process.pid), "a worker outlived the killed run"


def test_a_plain_script_runs_units_with_a_transformation_of_its_own(cache):
    """No guard around its main part, and two processes that never saw its function."""
    fields = one().model_dump(exclude={"infra"})
    fields["data"]["transforms"] = ["halve"]
    code = f"""
from dataclasses import replace
from typing import ClassVar
from invariance.experiments import execute
from invariance.experiments.units import Pretraining
from invariance.transforms import TRANSFORMATIONS

def halve(images, parameters):
    return images / 2

TRANSFORMATIONS["halve"] = replace(TRANSFORMATIONS["invert"], name="halve", apply=halve)
execute.run([Pretraining(**{fields!r} | {{"seed": seed}}) for seed in (0, 1)])
"""
    script = cache / "run.py"
    script.write_text(code)
    subprocess.run([sys.executable, script], env=os.environ, check=True)
    assert len(list((cache / "weights").iterdir())) == 2


def _alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_array_of_the_local_cluster_gives_the_same_result(cache):
    (here,) = one().run()["curve"]
    shutil.rmtree(cache / "units")
    execute.run([one(), one(seed=1)], "local", {"timeout_min": "5"})
    assert execute.is_done(one(seed=1))
    (there,) = one().run()["curve"]
    assert there == here


def test_a_job_array_runs_what_a_unit_needs_first(cache):
    probe = probe_of(one(), probe_method="lbfgs")
    execute.run([probe], "local", {"timeout_min": "5"})
    assert execute.is_done(probe) and execute.is_done(one())


def test_a_job_that_fails_is_reported_and_the_others_finish(cache):
    broken = one(learning_rate=1e30, epochs=2)
    with pytest.raises(execute.UnitsFailed, match=r"(?s)^1 units failed.*learning_rate: 1\.0e\+30.*lower the learning"):
        execute.run([broken, one()], "local", {"timeout_min": "5"})
    assert execute.is_done(one()) and not execute.is_done(broken)
    assert len(execute.status([broken]).failed) == 1


def test_a_job_whose_node_is_lost_is_reported_and_a_rerun_continues(cache):
    """The processes of the jobs are killed while one trains, as when a node goes down."""
    failure = []

    def launch():
        try:
            execute.run([one(), one(seed=1, epochs=300)], "local", {"timeout_min": "5"})
        except execute.UnitsFailed as error:
            failure.append(str(error))

    launcher = threading.Thread(target=launch, daemon=True)
    launcher.start()
    try:
        deadline = time.time() + 120
        while not execute.is_done(one()) and time.time() < deadline:
            time.sleep(0.2)
        assert execute.is_done(one()) and launcher.is_alive()
    finally:
        for job in psutil.process_iter(["cmdline"]):
            if str(cache) in " ".join(job.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    job.kill()
    launcher.join(60)
    assert len(failure) == 1 and "seed: 1" in failure[0]
    execute.run([one(), one(seed=1, epochs=300)])
    assert execute.is_done(one(seed=1, epochs=300))


def test_status_counts_what_is_done_failed_and_left(cache):
    assert execute.status([one()]).seconds_left is None
    execute.run([one()])
    with pytest.raises(execute.UnitsFailed):
        execute.run([one(learning_rate=1e30, epochs=2)])
    found = execute.status([one(), one(seed=1), one(learning_rate=1e30, epochs=2)])
    assert (found.total, found.done, len(found.failed)) == (3, 1, 1)
    assert "lower the learning rate" in found.failed[0].read_text()
    seconds = one().run()["seconds"]
    assert found.seconds == seconds
    assert found.seconds_left == pytest.approx(3 * seconds)  # one of them has two epochs


def test_status_changes_nothing(cache):
    execute.run([one()])
    (cache / "weights").rename(cache / "elsewhere")
    assert execute.status([one()]).done == 0
    (cache / "elsewhere").rename(cache / "weights")
    assert execute.status([one()]).done == 1


def test_what_needs_a_failed_unit_is_not_tried(cache):
    broken = one(learning_rate=1e30, epochs=2)
    with pytest.raises(execute.UnitsFailed, match=r"1 units failed \(1 more need them and were not tried\)"):
        execute.run([probe_of(broken)])


class DyingPool:
    """Processes that die, as for lack of memory, when they get the unit with seed 1."""

    sizes: ClassVar[list[int]] = []

    def __init__(self, workers):
        self.broken = False
        self.sizes.append(workers)

    def submit(self, attempt, unit):
        future = Future()
        self.broken = self.broken or unit.seed == 1
        future.set_exception(BrokenProcessPool()) if self.broken else future.set_result(attempt(unit))
        return future

    def shutdown(self, cancel_futures):
        pass


def test_a_process_that_dies_is_reported_and_the_others_go_on(cache, monkeypatch):
    monkeypatch.setattr(execute, "_pool", DyingPool)
    with pytest.raises(
        execute.UnitsFailed, match=r"(?s)^1 units failed:.*seed: 1.*process died, most likely for lack of mem"
    ):
        execute.run([one(seed) for seed in range(4)])
    assert [execute.is_done(one(seed)) for seed in range(4)] == [True, False, True, True]


def test_a_process_that_died_does_not_slow_what_comes_after(cache, monkeypatch):
    monkeypatch.setattr(execute, "_pool", DyingPool)
    monkeypatch.setattr(execute, "cores", lambda: 8)
    monkeypatch.setattr(DyingPool, "sizes", [])
    probes = [probe_of(one(seed), probe_method="lbfgs") for seed in (0, 2)]
    with pytest.raises(execute.UnitsFailed, match="1 units failed"):
        execute.run([*probes, one(seed=1)])
    assert DyingPool.sizes[0] == DyingPool.sizes[-1] == 8 and 1 in DyingPool.sizes
    assert all(execute.is_done(probe) for probe in probes)


def test_two_processes_on_one_cache_do_not_harm_each_other_even_when_one_is_killed(cache):
    """Both train the same units at the same time; one dies. What is left must be whole or absent."""
    fields = [one(seed).model_dump(exclude={"infra"}) for seed in range(3)]
    code = f"""
from invariance.experiments import execute
from invariance.experiments.units import Pretraining
if __name__ == "__main__":
    for fields in {fields!r}:
        execute.run([Pretraining(**fields)])
"""
    script = cache / "run.py"
    script.write_text(code)
    both = [subprocess.Popen([sys.executable, script], start_new_session=True) for _ in range(2)]
    deadline = time.time() + 120
    while not list((cache / "weights").glob("[!.]*")) and time.time() < deadline:
        time.sleep(0.02)
    os.kill(both[0].pid, signal.SIGKILL)
    both[0].wait()
    assert both[1].wait(timeout=120) == 0
    whole = [one(seed).run()["curve"] for seed in range(3)]
    execute.run([one(seed) for seed in range(3)])
    shutil.rmtree(cache / "units")
    assert [one(seed).run()["curve"] for seed in range(3)] == whole
