"""Running units: in processes, on a cluster, killed, failing, and two runs at once."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psutil
import pytest
from small_units import one, probe_of

from invariance import units
from invariance.errors import InputError
from invariance.units import cluster, store
from invariance.units.pool import reports


def is_done(unit):
    return store.read(unit) is not None


def curve(unit):
    return store.read(unit)["values"]["curve"]


def in_script(cache, body, *fields):
    script = cache / "run.py"
    lines = ["from invariance import units", "from invariance.units import Pretraining, store"]
    script.write_text("\n".join([*lines, f"both = [Pretraining(**fields) for fields in {list(fields)!r}]", body]))
    return subprocess.Popen([sys.executable, script], env=os.environ, start_new_session=True)


def wait_until(happens, seconds=120):
    deadline = time.time() + seconds
    while not happens() and time.time() < deadline:
        time.sleep(0.05)
    return happens()


def alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_failing_unit_is_reported_with_its_configuration_and_the_others_finish(cache):
    broken = one(learning_rate=1e30, epochs=2)
    outcome = units.run([broken, probe_of(broken), one(), one(seed=1)], "cpu", workers=1)
    (text,) = outcome.failures.values()
    assert "learning_rate: 1.0e+30" in text and "lower the learning rate" in text
    assert outcome.skipped == [probe_of(broken)] and "1 units failed (1 more need them" in str(outcome)
    assert is_done(one()) and is_done(one(seed=1)) and not is_done(broken)


def test_processes_give_what_one_process_gives(cache):
    both = [one(), one(seed=1)]
    assert not units.run([*both, *map(probe_of, both)], "cpu", workers=2)
    found = [store.read(unit)["values"] for unit in (*both, *map(probe_of, both))]
    shutil.rmtree(cache / "units")
    assert not units.run([*both, *map(probe_of, both)], "cpu", workers=1)
    assert [store.read(unit)["values"] for unit in (*both, *map(probe_of, both))] == found


def test_what_hangs_on_a_pretraining_is_one_task_and_seeds_come_one_after_the_other():
    first, second = one(), one(seed=1)
    probes = [probe_of(unit) for unit in (second, first)]
    tasks = units.planned([*probes, second])
    assert [[unit.digest for unit in task] for task in tasks] == [
        [first.digest, probes[1].digest],
        [second.digest, probes[0].digest],
    ]


def test_a_killed_run_resumes_without_repeating_finished_units(cache):
    """SIGKILL while a long unit trains: the finished one is kept, no half file stays, no worker lives on."""
    fields = [one().model_dump(), one(seed=1, epochs=40_000).model_dump()]
    process = in_script(cache, "units.run(both, 'cpu')", *fields)
    assert wait_until(lambda: is_done(one()) or process.poll() is not None)
    time.sleep(0.5)
    assert process.poll() is None, "the long unit ended before the kill: make it longer"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (weights,) = (cache / "weights").glob("[!.]*.safetensors")
    stamp = weights.stat().st_mtime_ns
    assert not is_done(one(seed=1, epochs=40_000))
    assert not units.run([one(), one(seed=1)], "cpu", workers=1)
    assert weights.stat().st_mtime_ns == stamp
    assert wait_until(lambda: not alive(process.pid), 20), "a worker outlived the killed run"


def test_an_interrupted_run_ends_its_workers_and_says_nothing_of_semaphores(cache):
    fields = [one(seed=seed, epochs=40_000).model_dump() for seed in range(2)]
    script = cache / "run.py"
    script.write_text(
        f"from invariance import units\nunits.run([units.Pretraining(**f) for f in {fields!r}], 'cpu', workers=2)"
    )
    process = subprocess.Popen([sys.executable, script], start_new_session=True, stderr=subprocess.PIPE, text=True)
    assert wait_until(lambda: len(psutil.Process(process.pid).children()) == 2)
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert "leaked" not in said
    assert wait_until(lambda: not alive(process.pid), 20), "a worker outlived the run"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_run_keeps_what_is_finished_and_goes_on_later(cache, workers):
    wanted = [one(seed) for seed in range(6)]

    def stop():
        wait_until(lambda: is_done(wanted[0]))
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=stop).start()
    with units.stoppable():
        outcome = units.run(wanted, "cpu", workers=workers)
    assert outcome.stopped == "SIGTERM" and not outcome.failures
    assert signal.getsignal(signal.SIGTERM) == before
    done = sum(map(is_done, wanted))
    assert 1 <= done < len(wanted)
    assert not units.run(wanted, "cpu", workers=1).stopped and all(map(is_done, wanted))


def test_a_run_ends_after_its_minutes_and_without_any_it_does_not(cache):
    with units.stoppable(0.5 / 60):
        outcome = units.run([one(seed, epochs=50) for seed in range(4)], "cpu", workers=1)
    assert outcome.stopped == "0.00833333 minutes are over" and signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_what_the_record_has_is_not_computed_again(cache):
    model = one()
    units.run([probe_of(model)], "cpu", known={model.digest, probe_of(model).digest})
    assert not is_done(model) and not is_done(probe_of(model))
    units.run([probe_of(model)], "cpu", known={model.digest})
    assert is_done(probe_of(model))  # its model is trained all the same: the record has no weights


def test_a_plain_script_runs_units_with_a_transformation_of_its_own(cache):
    """No guard around its main part, and two processes that never saw its function."""
    fields = one().model_dump()
    fields["data"]["transforms"] = ["halve"]
    script = cache / "run.py"
    script.write_text(
        f"""
from dataclasses import replace
from invariance import units
from invariance.transforms import TRANSFORMATIONS

def halve(images, parameters):
    return images / 2

TRANSFORMATIONS["halve"] = replace(TRANSFORMATIONS["invert"], name="halve", apply=halve)
both = [units.Pretraining(**{fields!r} | {{"seed": seed}}) for seed in (0, 1)]
assert not units.run(both, "cpu", workers=2)
"""
    )
    subprocess.run([sys.executable, script], env=os.environ, check=True)
    assert len(list((cache / "weights").glob("*.safe*"))) == 2


def test_a_process_that_dies_costs_its_own_unit_alone(cache, monkeypatch):
    """A worker that gets the unit with seed 1 kills itself, as the system does for lack of memory."""
    (cache / "sitecustomize.py").write_text(
        "import os\nfrom invariance.units import kinds\nbuild = kinds.Pretraining.build\n"
        "kinds.Pretraining.build = lambda unit: os._exit(9) if unit.seed == 1 else build(unit)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(cache), os.environ.get("PYTHONPATH", "")]))
    tasks = [[one(seed), probe_of(one(seed))] for seed in range(3)]
    found = {unit.digest: failure for unit, failure in reports(tasks, "cpu", 2)}
    assert "process died, most likely for lack of memory" in found[one(1).digest]
    assert found[probe_of(one(1)).digest] == "skipped"
    assert [is_done(one(seed)) for seed in range(3)] == [True, False, True]


def test_two_runs_on_one_cache_do_not_harm_each_other_even_when_one_is_killed(cache):
    """Both train the same units at the same time; one dies. What is left must be whole or absent."""
    fields = [one(seed).model_dump() for seed in range(3)]
    both = [in_script(cache, "units.run(both, 'cpu', workers=1)", *fields) for _ in range(2)]
    wait_until(lambda: list((cache / "weights").glob("[!.]*")))
    os.kill(both[0].pid, signal.SIGKILL)
    both[0].wait()
    assert both[1].wait(timeout=120) == 0
    whole = [curve(one(seed)) for seed in range(3)]
    shutil.rmtree(cache / "units")
    assert not units.run([one(seed) for seed in range(3)], "cpu", workers=1)
    assert [curve(one(seed)) for seed in range(3)] == whole


def test_status_counts_what_is_done_failed_and_left_and_changes_nothing(cache):
    broken = one(learning_rate=1e30, epochs=2)
    assert units.status([one()]).seconds_left is None
    units.run([one(), broken], "cpu", workers=1)
    found = units.status([one(), one(seed=1), broken])
    assert (found.total, found.done, len(found.failed)) == (3, 1, 1)
    assert "lower the learning rate" in found.failed[0].read_text()
    assert found.seconds == store.read(one())["seconds"]
    assert found.seconds_left == pytest.approx(3 * found.seconds)  # one of them has two epochs
    (cache / "weights").rename(cache / "elsewhere")
    assert units.status([one()]).done == 0
    (cache / "elsewhere").rename(cache / "weights")
    assert units.status([one()]).done == 1


# --- a cluster -------------------------------------------------------------------------------------------


def test_jobs_of_the_local_cluster_give_the_same_result_and_report_what_failed(cache):
    assert not units.run([one()], "cpu")
    here = curve(one())
    shutil.rmtree(cache / "units")
    broken = one(learning_rate=1e30, epochs=2)
    outcome = units.run([probe_of(one()), broken], "cpu", "local", {"timeout_min": "5"})
    assert curve(one()) == here and is_done(probe_of(one()))
    (text,) = outcome.failures.values()
    assert "learning_rate: 1.0e+30" in text and "lower the learning rate" in text
    assert len(units.status([broken]).failed) == 1


def test_a_job_whose_node_is_lost_is_reported_and_a_rerun_continues(cache):
    """The processes of the jobs are killed while one trains, as when a node goes down."""
    long, outcomes = one(seed=1, epochs=40_000), []
    launcher = threading.Thread(
        target=lambda: outcomes.append(units.run([one(), long], "cpu", "local", {"timeout_min": "5"})), daemon=True
    )
    launcher.start()
    try:
        assert wait_until(lambda: is_done(one())) and launcher.is_alive()
    finally:
        for job in psutil.process_iter(["cmdline"]):
            if str(cache) in " ".join(job.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    job.kill()
    launcher.join(60)
    (text,) = outcomes[0].failures.values()
    assert "seed: 1" in text and is_done(one()) and not is_done(long)


def test_a_run_that_is_stopped_leaves_no_jobs_behind(cache):
    executor = cluster.executor("local", {"timeout_min": "5"})
    jobs = cluster.reports(executor, [[one()], [one(seed=1, epochs=40_000)]], "cpu")
    assert next(jobs) == (one(), None)
    jobs.close()

    def ended():
        return not any(str(cache) in " ".join(job.info["cmdline"] or ()) for job in psutil.process_iter(["cmdline"]))

    assert wait_until(ended) and not is_done(one(seed=1, epochs=40_000))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pbs", {}), "Unknown cluster 'pbs'"),
        ((None, {"slurm_partition": "gpu"}), "add --cluster slurm"),
        (("local", {"slurm_partitions": "gpu"}), "Cluster option"),
    ],
)
def test_a_mistake_about_the_cluster_is_named_before_anything_runs(arguments, message):
    with pytest.raises(InputError, match=message):
        units.run([], "cpu", *arguments)
