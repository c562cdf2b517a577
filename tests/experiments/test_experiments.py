"""What the experiments consist of, and what their tables hold."""

from dataclasses import replace

import pandas as pd
import pytest
from small_units import PAPER, TINY, one

from invariance.errors import InputError
from invariance.experiments import (
    EXPERIMENTS,
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
from invariance.experiments.units import Pretraining
from invariance.transforms import CATEGORIES, TRANSFORMATIONS


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


def test_recomputing_from_scratch_gives_the_same_numbers(tmp_path, monkeypatch):
    values = []
    for name in ("a", "b"):
        monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / name))
        design = factors.class_relationship(TINY, "cpu")[:1]
        values.append(collect(design)["value"].item())
    assert values[0] == values[1]


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
