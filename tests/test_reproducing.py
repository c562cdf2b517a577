"""What the chapter on reproducibility measures, on cases whose answer is known."""

import pandas as pd
import pytest
import torch

from invariance import evidence, reproducing, results
from invariance.errors import InputError
from invariance.experiments import profiles


def test_the_same_seed_gives_identical_weights_and_another_does_not():
    first, again, other = (reproducing.fitted(seed, samples=64, epochs=1) for seed in (3, 3, 4))
    assert reproducing.largest_difference(first, again) == 0
    assert reproducing.largest_difference(first, other) > 0.01


def test_one_device_agrees_with_itself():
    assert reproducing.between("cpu", "cpu", images=16) == {"images": 0, "representation": 0}


def test_the_spread_is_that_of_seeds_within_a_configuration():
    rows = [
        {"level": level, "seed": seed, "measure": "accuracy", "value": mean + sign * 0.01}
        for level, mean in (("low", 0.2), ("high", 0.9))
        for seed, sign in ((0, 1), (1, -1))
    ]
    found = reproducing.seed_spread({"factors": pd.DataFrame(rows)})
    assert found.to_dict("records") == [
        {
            "experiment": "factors",
            "measure": "accuracy",
            "configurations": 2,
            "deviation": pytest.approx(0.01 * 2**0.5),
        }
    ]
    assert reproducing.seed_spread({"factors": pd.DataFrame(rows[::2])}).empty  # one seed has no spread


def test_operations_are_those_of_the_paper():
    assert reproducing.forward_gflop("resnet18") == pytest.approx(1.11, abs=0.01)
    assert reproducing.forward_gflop("vgg11") == pytest.approx(0.31, abs=0.01)


def test_work_counts_every_unit_once():
    # Two seeds of 4 class relationships and 2 choices of transformations, each probed in 2 directions.
    units, found = reproducing.operations(profiles.profile("smoke"), "class_relationship")
    assert units == 16 + 32
    images = 16 * (3 * 256 + 128) + 32 * (256 + 128 + 256)
    assert found == pytest.approx(images * reproducing.forward_gflop("small"))


def test_hours_have_two_digits():
    assert [reproducing.in_hours(hours) for hours in (0.1537, 0.999, 9.96, 1060.31)] == ["0.15", "1.0", "10", "1,100"]


def test_a_rate_turns_work_into_hours():
    smoke = profiles.profile("smoke", seeds=1)
    table = pd.DataFrame({"experiment": ["x"], "seed": [0], "measure": ["accuracy"], "value": [0.5]})
    found = {"mismatch": evidence.Evidence(table, results.provenance(smoke, "cpu", 12.0, seeds=[0]))}
    rates = {"here": reproducing.operations(smoke, "mismatch")[1] / 7200}
    (row,) = reproducing.costs(found, smoke, rates)
    assert row["paper: ≈ hours, here"] == "2.0" and row["worker seconds"] == "12"
    assert reproducing.measured_rate("cpu") > 0
    assert reproducing.training_rate(1000) == pytest.approx(3 * 1000 * 1.11, rel=0.01)
    with pytest.raises(InputError, match="must be above 0"):
        reproducing.training_rate(0)


def test_hours_on_a_gpu_add_up_over_experiments(monkeypatch):
    smoke = profiles.profile("smoke", seeds=1)
    hour_of_training = 3 * 40_000 * 3600 * reproducing.forward_gflop("resnet18")
    with monkeypatch.context() as patch:
        patch.setattr(reproducing, "operations", lambda profile, name: (1, hour_of_training))
        assert reproducing.gpu_hours(smoke, "mismatch", "factors") == pytest.approx(2)
    with pytest.raises(InputError, match="Unknown experiment 'mis'"):
        reproducing.gpu_hours(smoke, "mis")


def test_published_tables_are_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    assert reproducing.published() == [] and "none yet" in reproducing.show_published().data
    table = pd.DataFrame({"experiment": ["x"] * 2, "seed": [0, 1], "measure": ["accuracy"] * 2, "value": [0.5, 0.6]})
    record = results.provenance(profiles.profile("smoke"), "cpu", 3.0)
    results.save(table, "mismatch", tmp_path / "smoke", record)
    (row,) = reproducing.published()
    assert row["table"] == "smoke/mismatch" and row["rows"] == "2" and "2 seeds" in row["evidence"]


def test_weights_are_compared_in_full_precision():
    small = {"w": torch.tensor([1.0])}
    assert reproducing.largest_difference(small, {"w": torch.tensor([1.0 + 2**-23])}) == pytest.approx(2**-23)
