"""Units: equal ones, their results in the cache, and what happens when these are damaged."""

import errno
from contextlib import contextmanager

import pytest
from small_units import TINY, one, probe_of

from invariance.datasets import NaturalImages
from invariance.errors import InputError
from invariance.experiments import cleaning, execute, factors, units
from invariance.experiments.design import untrained
from invariance.experiments.units import Pretraining
from invariance.files import write_aside


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


def test_equal_units_are_one_unit_and_the_device_is_no_part_of_it(cache):
    assert one().infra.uid() == one(device="auto").infra.uid()
    assert one().infra.uid() != one(seed=1).infra.uid()
    execute.run([one(), one(), one(device="auto")])
    assert len(list((cache / "weights").iterdir())) == 1


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
