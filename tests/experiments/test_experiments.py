import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import ClassVar

import pandas as pd
import psutil
import pytest

from invariance.datasets import NaturalImages
from invariance.errors import InputError
from invariance.experiments import (
    EXPERIMENTS,
    cleaning,
    collect,
    execute,
    factors,
    invariance_transfer,
    measuring,
    mismatch,
    profiles,
    relevance,
    units,
)
from invariance.experiments.design import untrained
from invariance.experiments.units import Pretraining
from invariance.files import write_aside
from invariance.transforms import CATEGORIES, TRANSFORMATIONS

SMALL = {"samples": 64, "validation_samples": 32, "probe_samples": 64, "test_samples": 64}
TINY = profiles.profile("smoke", seeds=1, factors=SMALL)
PAPER = profiles.profile("paper", pictures="embedded")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own, so that nothing counts as computed before."""
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path


def one(seed=0, **changes):
    unit = factors.trained(TINY, seed, "subset", "same", "cpu")
    return Pretraining(**{**unit.model_dump(exclude={"infra"}), **changes})


@pytest.mark.parametrize("role", factors.SETTINGS)
@pytest.mark.parametrize("seed", range(4))
def test_a_seeds_task_is_as_the_paper_says(seed, role):
    setting, task = factors.SETTINGS[role], factors.task(TINY, seed, role)
    for names in task.transforms.values():
        assert [TRANSFORMATIONS[name].category for name in names] == list(CATEGORIES)
    assert not set(task.transforms["same"]) & set(task.transforms["disjoint"])
    subset, disjoint, same, superset = (set(task.classes[r]) for r in factors.CLASS_RELATIONSHIPS)
    sizes = [len(c) for c in (subset, disjoint, same, superset)]
    assert sizes == [setting.subset, setting.target, setting.target, setting.superset]
    assert subset < same < superset
    assert not disjoint & same
    assert disjoint < superset


def test_six_seeds_in_a_row_have_every_transformation_as_target_once():
    targets = [factors.task(TINY, seed).transforms["same"] for seed in range(12)]
    for block in (targets[:6], targets[6:]):
        assert sorted(name for names in block for name in names) == sorted(TRANSFORMATIONS)
    assert targets[:6] != targets[6:]


def test_seeds_give_different_tasks_and_a_seed_always_the_same():
    assert factors.task(TINY, 1) == factors.task(TINY, 1)
    assert len({factors.task(TINY, seed).classes["same"] for seed in range(8)}) == 8
    assert len({mismatch.order(seed) for seed in range(8)}) == 8


def test_the_paper_profile_is_the_papers_protocol():
    def units_of(name):
        return [unit for stage in execute.stages(u for _, u in EXPERIMENTS[name](one_seed, "cpu")) for unit in stage]

    one_seed = profiles.profile("paper", seeds=1, pictures="embedded")
    assert PAPER.seeds == 10
    trained = [u for u in units_of("factors") if isinstance(u, Pretraining)]
    # 4 class relationships, 4 further models and 4 further numbers of samples, each with two sets of transformations.
    assert len(trained) == 2 * (4 + 4 + 4)
    assert {u.epochs for u in trained} == {50}
    assert {u.batch_size for u in trained} == {512}
    assert {u.samples for u in trained} == {1_000, 10_000, 50_000, 100_000, 500_000}
    tuned = [u for u in units_of("factors") if isinstance(u, units.FineTuning)]
    assert {u.samples for u in tuned} == {50, 200, 500, 2_000, 5_000}
    assert {u.tuning_epochs for u in tuned} == {50}
    mismatched = [u for u in units_of("mismatch") if isinstance(u, Pretraining)]
    assert len(mismatched) == 8 * 4
    assert {(u.epochs, u.batch_size) for u in mismatched} == {(100, 256)}
    transferred = units_of("invariance_transfer")
    assert sum(isinstance(u, Pretraining) for u in transferred) == 4 * 2 * 20  # 18, none, untrained
    assert {len(u.data) for u in transferred if isinstance(u, units.Sensitivity)} == {10}
    relevant = [u for u in units_of("relevance") if isinstance(u, Pretraining)]
    assert {(u.epochs, u.samples) for u in relevant} == {(200, 45_000)}
    probed = [u for u in units_of("relevance") if isinstance(u, units.LinearProbe)]
    assert {(u.target.translate, u.views) for u in probed} == {(True, 10), (False, 1)}
    natural = [u for u in units_of("factors_cifar10") if isinstance(u, Pretraining)]
    assert {u.samples for u in natural} >= {5 * n for n in (10, 50, 200, 1_000, 4_500)}


def test_every_experiment_runs_at_smoke_and_gives_a_tidy_table_in_range(smoke_results):
    keys = {
        "relevance": ["position", "sweep", "level", "pretraining", "target", "exchanged", "seed", "measure"],
        "invariance_transfer": ["trained_on", "trained_with", "data", "transformation", "model", "seed", "measure"],
        "mismatch": ["trained_with", "target", "model", "seed"],
        "learning_rates": ["learning_rate", "transforms", "seed"],
        "measuring": ["kind", "transformation", "seed", "measure"],
    }
    of_factors = ["factor", "level", "transforms", "target", "transfer", "samples", "seed"]
    for name, table in smoke_results.items():
        assert not table.duplicated(keys.get(name, of_factors)).any(), name
        assert set(table["seed"]) == {0, 1}, name
        assert table.loc[table["measure"] == "accuracy", "value"].between(0, 1).all(), name
        measured = table[table["measure"] == "sensitivity_l2"]
        if len(measured) and "low" in table:
            assert ((measured["low"] <= measured["value"]) & (measured["value"] <= measured["high"])).all(), name


def test_designs_cover_every_cell():
    smoke = profiles.profile("smoke", seeds=1)
    rows = pd.DataFrame([row for row, _ in relevance.design(smoke)])
    table = rows[(rows["sweep"] == "") & (rows["target"] != "")]
    assert len(table) == 2 * 4 * 4
    assert set(rows.loc[rows["sweep"] == "correlation", "level"]) == set(smoke.relevance.correlations)
    assert set(rows.loc[rows["sweep"] == "availability", "level"]) == set(smoke.relevance.availabilities)
    assert len(invariance_transfer.DATA_TYPES) == 10
    specs = [invariance_transfer.data(smoke, name, 0) for name in invariance_transfer.DATA_TYPES]
    assert len(set(specs)) == 10
    new, old = specs[2], specs[0]
    assert not set(new.classes) & set(old.classes)
    cells = {(row["trained_with"], row["target"]) for row, _ in mismatch.design(PAPER)}
    assert len(cells) == 64
    assert mismatch.data(smoke, 0, 3).transforms == mismatch.order(0)[:3]


def test_a_second_run_gives_the_same_table_and_experiments_share_their_trainings(cache):
    design = factors.class_relationship(TINY, "cpu")
    first = collect(design)
    assert len(first) == 4 * 2 * 2
    trained = {p.name for p in (cache / "weights").iterdir()}
    assert len(trained) == 8
    pd.testing.assert_frame_equal(collect(design), first)
    measured = collect(measuring.design(TINY, "cpu"))
    assert len(measured) == 3 * 2 * 3 * 4  # kinds of model, directions, transformations, measures
    changed_places = measured.groupby(["target", "transformation"]).ngroups
    assert changed_places == measured["transformation"].nunique() == 6
    # The two trained models are experiment A's own: only the untrained one is new.
    assert len({p.name for p in (cache / "weights").iterdir()} - trained) == 1
    shared = factors.design(TINY, "cpu", factors=("class_relationship", "architecture"))
    extra = [u for u in execute.stages(u for _, u in shared)[0] if not execute.is_done(u)]
    assert {u.model for u in extra} == {"small_resnet"}


def test_the_first_samples_of_a_probe_are_those_of_a_smaller_one(cache):
    model = one()
    data = factors.target(TINY, 0)
    common = {"validation_samples": 32, "test_samples": 64, "probe_method": "lbfgs", "device": "cpu"}
    both = units.LinearProbe(pretraining=model, target=data, samples=(16, 64), **common)
    alone = units.LinearProbe(pretraining=model, target=data, samples=(16,), **common)
    assert both.run()["accuracy"][0] == alone.run()["accuracy"][0]


def test_an_untrained_model_has_its_initial_weights(cache):
    model = untrained(one())
    fresh = model._build().state_dict()
    assert all((value == fresh[name]).all() for name, value in model.trained().cpu().state_dict().items())


def test_recomputing_from_scratch_gives_the_same_numbers(tmp_path, monkeypatch):
    values = []
    for name in ("a", "b"):
        monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / name))
        design = factors.class_relationship(TINY, "cpu")[:1]
        values.append(collect(design)["value"].item())
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
    @contextmanager
    def full(path):
        with write_aside(path) as aside:
            aside.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(units, "write_aside", full)
        with pytest.raises(OSError, match="No space left on device") as error:
            execute.run([one()])
    assert error.value.errno == errno.ENOSPC
    assert list((cache / "weights").iterdir()) == []
    execute.run([one()])
    assert execute.is_done(one())


def test_a_result_with_a_turned_bit_is_computed_again(cache):
    unit = probe_of(one(), probe_method="lbfgs")
    execute.run([unit])
    whole = unit.result()
    job = unit.infra.uid_folder() / "job.pkl"
    content = job.read_bytes()
    turned = [content[:i] + bytes([content[i] ^ 0x10]) + content[i + 1 :] for i in range(0, len(content), 7)]
    for damaged in turned:
        job.write_bytes(damaged)
        if execute.is_done(unit):
            assert unit.result() == whole


def test_lost_weights_are_trained_again(cache):
    execute.run([one()])
    for path in (cache / "weights").iterdir():
        path.unlink()
    assert not execute.is_done(one())
    execute.run([one()])
    assert one().trained() is not None


def test_a_result_of_other_defaults_is_computed_again(cache, caplog, monkeypatch):
    execute.run([one()])
    monkeypatch.setattr(Pretraining, "configuration", lambda unit: "with another default")
    assert not execute.is_done(one())
    execute.run([one()])
    assert "other defaults" in caplog.text


def test_weights_that_vanish_after_the_check_are_trained_again(cache):
    unit = one()
    execute.run([unit])
    before = unit.trained()
    for path in (cache / "weights").iterdir():
        path.unlink()
    assert all((a == b).all() for a, b in zip(before.parameters(), unit.trained().parameters(), strict=True))


def test_damaged_weights_are_trained_again(cache, caplog):
    execute.run([one()])
    (path,) = (cache / "weights").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # of the same size, with one bit turned
    assert not execute.is_done(one())
    execute.run([one()])
    assert "Corrupt cache entry" in caplog.text
    assert path.read_bytes() == whole


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


def probe_of(unit, **changes):
    fields = {"samples": (16,), "validation_samples": 16, "test_samples": 16, "device": "cpu"}
    return units.LinearProbe(**{"pretraining": unit, "target": one().data, **fields, **changes})


def test_what_needs_a_failed_unit_is_not_tried(cache):
    broken = one(learning_rate=1e30, epochs=2)
    with pytest.raises(execute.UnitsFailed, match=r"1 units failed \(1 more need them and were not tried\)"):
        execute.run([probe_of(broken)])


def test_what_could_only_fail_is_named_before_anything_runs(cache):
    images = NaturalImages()
    with pytest.raises(InputError, match=r"20,000 test images are asked for, and there are 10,000: take fewer"):
        probe_of(one(), target=images, test_samples=20_000)
    with pytest.raises(InputError, match=r"60,000 train images"):
        one(data=images, samples=60_000)
    measured = {"pretraining": one(), "data": {"a": one().data}}
    with pytest.raises(InputError, match="CKA of 3 pairs: it needs at least 4"):
        units.Sensitivity(**measured, pairs=3)
    with pytest.raises(InputError, match="Unknown transformation 'hu'"):
        units.Sensitivity(**measured, pairs=30, transforms=("hu",))
    with pytest.raises(InputError, match=r"Unknown part 'objct'\. Did you mean 'object'"):
        units.Sensitivity(**measured, pairs=30, vary="objct")
    with pytest.raises(InputError, match="finite number"):
        one(learning_rate=float("inf"))


def test_a_unit_can_be_given_to_another_after_it_ran(cache):
    pretrained = one()
    pretrained.run()
    assert probe_of(pretrained).run()["accuracy"]


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


def test_own_transformations_leave_the_papers_experiments_alone_and_make_units_of_their_own(cache, monkeypatch):
    before = factors.task(TINY, 1), mismatch.order(0), invariance_transfer.design(TINY, "cpu")
    monkeypatch.setitem(TRANSFORMATIONS, "stripe", replace(TRANSFORMATIONS["invert"], name="stripe"))
    assert (factors.task(TINY, 1), mismatch.order(0), invariance_transfer.design(TINY, "cpu")) == before
    plain, own = one(), one(data=one().data.model_copy(update={"transforms": ("stripe",)}))
    assert plain.made_from == "" != own.made_from
    with monkeypatch.context() as patch:
        patch.setitem(TRANSFORMATIONS, "stripe", replace(TRANSFORMATIONS["grayscale"], name="stripe"))
        assert one(data=own.data, made_from="").made_from != own.made_from
    assert one(data=own.data, made_from="").made_from == own.made_from


def test_cleaning_removes_what_no_unit_reads_and_nothing_else(cache, monkeypatch):
    execute.run([one(), one(seed=1)])
    (cache / "mine.txt").write_text("not ours")
    lost = cache / "weights" / "0123.safetensors"
    lost.write_bytes(b"x" * 100)
    other = cache / "units" / "invariance.experiments.units.Pretraining.run,0" / "entry"
    other.mkdir(parents=True)
    assert cleaning.removable() == [other.parent]  # the lost file is young: a run may still need it
    monkeypatch.setattr(cleaning, "YOUNG", -1)
    assert set(cleaning.removable()) == {other.parent, lost}
    assert cleaning.clean() == 100
    assert execute.is_done(one()) and execute.is_done(one(seed=1))
    cleaning.clean(everything=True)
    assert [path.name for path in cache.iterdir()] == ["mine.txt"]


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


def test_bad_sizes_and_names_are_refused():
    with pytest.raises(InputError, match=r"Unknown profile 'fast'\. Known: smoke, quick, paper"):
        profiles.profile("fast")
    with pytest.raises(InputError, match="seeds: Input should be greater than or equal to 1, got -1"):
        profiles.profile("smoke", seeds=-1)
    with pytest.raises(InputError, match="no such field"):
        profiles.profile("smoke", sedes=1)
    with pytest.raises(InputError, match="factors is a group of sizes: give a dict"):
        profiles.profile("smoke", factors=3)
    with pytest.raises(InputError, match=r"Unknown cluster 'pbs'\. Known: local, slurm"):
        execute.run([one()], "pbs")
    with pytest.raises(InputError, match=r"Unknown cluster option 'slurm_partitions'.*Did you mean 'slurm_partition'"):
        execute.run([one()], "local", {"slurm_partitions": "gpu"})
    with pytest.raises(InputError, match="No Slurm here"):
        execute.run([one()], "slurm")
    with pytest.raises(InputError, match="without one: add --cluster"):
        execute.run([one()], None, {"slurm_partition": "gpu"})
    with pytest.raises(InputError, match="Unknown model"):
        one(model="big")
