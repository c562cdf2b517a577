"""Whether a superset's cost goes away with longer training."""

from invariance import studies
from invariance.studies import mismatch, training_length
from invariance.units import record

STUDY = training_length.STUDY


def test_models_differ_in_transformations_and_length_alone_on_seeds_of_their_own():
    sizes = STUDY.at("night")
    planned = STUDY.design(sizes)
    units = [unit for _, unit in planned]
    assert {unit.seed for unit in units} == {training_length.FIRST + k for k in range(sizes.seeds)}
    used = {(c["length"], c["pretrained_on"]): u.pretraining for c, u in planned if u.seed == training_length.FIRST}
    assert {length: used[length, 4].epochs for length in sizes.lengths} == {1: 4, 4: 16}
    four, eight = (used[1, count].data.transforms for count in (4, 8))
    assert eight[:4] == four and len(eight) == 8
    assert {u.targets["target"].transforms for u in units if u.seed == training_length.FIRST} == {four}
    like = mismatch.STUDY.at("night")
    assert all(getattr(sizes, name) == getattr(like, name) for name in ("samples", "epochs", "models", "test_samples"))


def test_losses_are_paired_by_seed_and_told_from_the_record(smoke, tmp_path, monkeypatch):
    found = smoke("training_length")
    wide = found.table[found.table["split"] == "test"].pivot(index="seed", columns=["length", "pretrained_on"])["value"]
    losses = [(wide[length, 4] - wide[length, 8]).mean() for length in (1, 2)]
    assert [found["loss.1"].value, found["loss.2"].value] == losses
    assert abs(found["narrowing"].value - (losses[0] - losses[1])) < 1e-12
    assert f"{found['loss.1']:.3i} behind it" in training_length._sentences(found)
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    assert training_length.told() == "The experiment that would tell has not been run yet."
    record.merge(found.runs.values(), "night")  # other sizes than night's: nothing of its own
    assert "has not been run yet" in training_length.told() and studies.get("training_length") is STUDY
