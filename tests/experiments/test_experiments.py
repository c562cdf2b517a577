import errno
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from invariance.errors import InputError
from invariance.experiments import execute, factors, measuring, profiles, units
from invariance.experiments.units import Pretraining
from invariance.transforms import CATEGORIES, TRANSFORMATIONS

TINY = profiles.profile(
    "smoke", seeds=1, pretraining_samples=64, validation_samples=32, probe_samples=64, test_samples=64
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own, so that nothing counts as computed before."""
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path


def one(seed=0, **changes):
    unit = factors.pretraining(TINY, seed, "subset", "same", "cpu")
    return Pretraining(**{**unit.model_dump(exclude={"infra"}), **changes})


@pytest.mark.parametrize("seed", range(8))
def test_a_seeds_task_is_as_the_paper_says(seed):
    task = factors.task(seed)
    for names in task.transforms.values():
        assert [TRANSFORMATIONS[name].category for name in names] == list(CATEGORIES)
    assert not set(task.transforms["same"]) & set(task.transforms["disjoint"])
    subset, disjoint, same, superset = (set(task.classes[r]) for r in factors.CLASS_RELATIONSHIPS)
    assert [len(c) for c in (subset, disjoint, same, superset)] == [10, 30, 30, 60]
    assert subset < same < superset
    assert not disjoint & same
    assert disjoint < superset


def test_six_seeds_in_a_row_have_every_transformation_as_target_once():
    targets = [factors.task(seed).transforms["same"] for seed in range(12)]
    for block in (targets[:6], targets[6:]):
        assert sorted(name for names in block for name in names) == sorted(TRANSFORMATIONS)
    assert targets[:6] != targets[6:]


def test_seeds_give_different_tasks_and_a_seed_always_the_same():
    assert factors.task(1) == factors.task(1)
    assert len({factors.task(seed).classes["same"] for seed in range(8)}) == 8


def test_smoke_tables_are_tidy_complete_and_the_same_on_a_second_run(cache):
    first = factors.class_relationship(TINY, "cpu")
    assert len(first) == 4 * 2 * 2
    assert not first.duplicated(["level", "transforms", "target", "seed"]).any()
    assert first["value"].between(0, 1).all()
    trained = {p.name for p in (cache / "weights").iterdir()}
    assert len(trained) == 8
    pd.testing.assert_frame_equal(factors.class_relationship(TINY, "cpu"), first)

    table = measuring.sensitivities(TINY, "cpu")
    assert len(table) == 3 * 3
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    # The two trained models are experiment A's own: only the untrained one is new.
    assert len({p.name for p in (cache / "weights").iterdir()} - trained) == 1


def test_recomputing_from_scratch_gives_the_same_numbers(tmp_path, monkeypatch):
    values = []
    for name in ("a", "b"):
        monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / name))
        values.append(
            factors.probe(TINY, factors.pretraining(TINY, 0, "same", "same", "cpu"), device="cpu").run()["accuracy"]
        )
    assert values[0] == values[1]


def test_equal_units_are_one_unit_and_the_device_is_no_part_of_it(cache):
    assert one().infra.uid() == one(device="auto").infra.uid()
    assert one().infra.uid() != one(seed=1).infra.uid()
    execute.run([one(), one(), one(device="auto")])
    assert len(list((cache / "weights").iterdir())) == 1


def test_a_failing_unit_is_reported_with_its_configuration_and_the_others_finish(cache):
    broken = one(learning_rate=1e30, epochs=2)
    with pytest.raises(
        execute.UnitsFailed, match=r"(?s)1 units failed.*learning_rate: 1\.0e\+30.*lower the learning rate"
    ):
        execute.run([broken, one(), one(seed=1)])
    assert execute.is_done(one())
    assert execute.is_done(one(seed=1))
    assert not execute.is_done(broken)


def test_a_corrupt_cache_entry_is_named_and_computed_again(cache, caplog):
    unit = one()
    result = unit.run()
    job = unit.infra.uid_folder() / "job.pkl"
    job.write_bytes(job.read_bytes()[:20])
    again = one()
    execute.run([again])
    assert str(unit.infra.uid_folder()) in caplog.text
    assert one().run()["curve"] == result["curve"]


def test_a_full_disk_is_said_as_such_and_leaves_no_half_file(cache, monkeypatch):
    def full(tensors, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(units, "save_file", full)
        with pytest.raises(OSError, match="No space left on device") as error:
            execute.run([one()])
    assert error.value.errno == errno.ENOSPC
    assert list((cache / "weights").iterdir()) == []
    execute.run([one()])
    assert execute.is_done(one())


def test_lost_weights_are_trained_again(cache):
    execute.run([one()])
    for path in (cache / "weights").iterdir():
        path.unlink()
    assert not execute.is_done(one())
    execute.run([one()])
    assert one().trained() is not None


def test_a_killed_run_resumes_without_repeating_finished_units(cache):
    """SIGKILL while a long unit trains: the finished one is kept, no half file stays, no worker lives on."""
    both = [one().model_dump(exclude={"infra"}) | change for change in ({"seed": 0}, {"seed": 1, "epochs": 200})]
    code = f"""
from invariance.experiments import execute
from invariance.experiments.units import Pretraining
if __name__ == "__main__":
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


def _alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_bad_sizes_and_names_are_refused():
    with pytest.raises(InputError, match=r"Unknown profile 'fast'\. Known: smoke, quick, paper"):
        profiles.profile("fast")
    with pytest.raises(InputError, match="seeds: Input should be greater than or equal to 1, got -1"):
        profiles.profile("smoke", seeds=-1)
    with pytest.raises(InputError, match="no such field"):
        profiles.profile("smoke", sedes=1)
    with pytest.raises(InputError, match="Unknown model"):
        one(model="big")
