"""Units: equal ones, their results in the cache, and what happens when these are damaged."""

import errno
import json
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_units import TINY, one, probe_of
from typer.testing import CliRunner

from invariance import units
from invariance.cli import app
from invariance.datasets import NaturalImages
from invariance.errors import InputError
from invariance.files import MARKER, write_aside
from invariance.studies import tasks
from invariance.units import Sensitivity, store, untrained
from invariance.units.kinds import _trained_model


def values(unit):
    return store.read(unit)["values"]


def test_the_first_samples_of_a_probe_are_those_of_a_smaller_one_and_targets_do_not_mix(cache):
    model, both = one(), tasks.targets(TINY, 0)
    sizes = {"validation_samples": 32, "test_samples": 64}
    together = probe_of(model, targets=both, samples=(16, 64), **sizes)
    alone = probe_of(model, targets={"second": both["second"]}, samples=(16,), **sizes)
    units.run([together, alone], "cpu")
    (expected,) = (row for row in values(alone)["accuracies"] if row[2] == "test")
    assert expected in values(together)["accuracies"]
    found = values(together)["accuracies"]
    assert len(found) == 2 * 2 * 4  # targets, counts, splits; the first are those of 16 samples
    counts = (16, together.validation_samples, together.test_samples)
    apart, (*_, pooled, _) = [row[3] for row in found[:3]], found[3]
    assert pooled == pytest.approx(sum(n * share for n, share in zip(counts, apart, strict=True)) / sum(counts))


def test_an_untrained_model_has_its_initial_weights_and_costs_nothing(cache):
    model = untrained(one())
    fresh = model.build().state_dict()
    assert all((value == fresh[name]).all() for name, value in model.trained("cpu").state_dict().items())
    assert not (cache / "weights").exists()


def test_equal_units_are_one_unit_and_defaults_are_part_of_it(cache):
    assert one().digest == one().digest != one(seed=1).digest
    assert one(weight_decay=0.0).digest == one().digest != one(weight_decay=0.1).digest
    units.run([one(), one()], "cpu")
    assert len(list((cache / "weights").glob("*.safe*"))) == 1


def test_a_result_holds_the_facts_of_its_own_run(cache, monkeypatch):
    units.run([one()], "cpu", workers=1)
    result = store.read(one())
    assert result["seconds"] > 0 and result["configuration"]["samples"] == 64
    assert {"hardware", "instructions", "bfloat16", "python", "packages", "code"} <= result["facts"].keys()
    monkeypatch.setattr("invariance.units.facts.PACKAGES", ())
    units.run([one()], "cpu", workers=1)
    assert store.read(one()) == result


def test_a_full_disk_is_said_as_such_and_leaves_no_half_file(cache, monkeypatch):
    @contextmanager
    def full(path):
        with write_aside(path) as aside:
            aside.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_aside", full)
        with pytest.raises(OSError, match="No space left on device") as error:
            units.run([one()], "cpu")
    assert error.value.errno == errno.ENOSPC
    assert list((cache / "weights").glob("*.safe*")) == []
    assert not units.run([one()], "cpu") and store.read(one())


def test_a_damaged_result_is_named_and_computed_again(cache, caplog):
    unit = probe_of(one())
    units.run([unit], "cpu")
    whole, file = store.read(unit), store.result_file(unit)
    content = file.read_bytes()
    damaged = [content[:20], b"", b"[]"]
    damaged += [content[:i] + bytes([content[i] ^ 0x10]) + content[i + 1 :] for i in range(0, len(content), 37)]
    for now in damaged:
        file.write_bytes(now)
        assert store.read(unit) in (None, whole)
    file.write_bytes(content[:20])
    units.run([unit], "cpu")
    assert str(file) in caplog.text
    assert values(unit) == whole["values"]


@pytest.mark.parametrize("damage", ["lost", "turned"])
def test_lost_and_damaged_weights_are_trained_again(cache, damage):
    units.run([one()], "cpu", workers=1)
    (path,) = (cache / "weights").glob("*.safe*")
    whole = path.read_bytes()
    path.unlink() if damage == "lost" else path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    _trained_model.cache_clear()
    assert not units.run([probe_of(one())], "cpu", workers=1)
    assert path.read_bytes() == whole


def test_what_could_only_fail_is_named_before_anything_runs():
    with pytest.raises(InputError, match=r"20,000 test images are asked for, and there are 10,000: take fewer"):
        probe_of(one(), targets={"a": NaturalImages()}, test_samples=20_000)
    with pytest.raises(InputError, match=r"60,000 train images"):
        one(data=NaturalImages(), samples=60_000)
    measured = {"pretraining": one(), "data": {"a": one().data}}
    with pytest.raises(InputError, match="CKA of 3 pairs: it needs at least 4"):
        Sensitivity(**measured, pairs=3)
    with pytest.raises(InputError, match="Unknown transformation 'hu'"):
        Sensitivity(**measured, pairs=30, transforms=("hu",))
    with pytest.raises(InputError, match=r"Unknown part 'objct'\. Did you mean 'object'"):
        Sensitivity(**measured, pairs=30, vary="objct")
    with pytest.raises(InputError, match="finite number"):
        one(learning_rate=float("inf"))


def test_cleaning_removes_what_no_unit_reads_and_nothing_else(cache, monkeypatch):
    units.run([one(), one(seed=1)], "cpu", workers=1)
    (cache / "mine.txt").write_text("not ours")
    lost = cache / "weights" / f"{0:064}.safetensors"
    lost.write_bytes(b"x" * 100)
    other = cache / "units" / "Pretraining" / f"{0:024}.json"
    other.write_text(json.dumps({**store.read(one()), "version": "older"}))
    assert store.removable() == [other]  # the lost file is young: a run may still need it
    monkeypatch.setattr(store, "YOUNG", -1)
    assert set(store.clean()) == {other, lost}
    assert store.read(one()) and store.read(one(seed=1))
    list(store.clean(everything=True))
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {"mine.txt", MARKER}


def test_cleaning_leaves_what_others_keep_in_folders_of_the_same_name(cache):
    theirs = ["weights/resnet_epoch90.pth", "weights/run1/a.safetensors", "failures/notes.txt", "units/list.json"]
    theirs += ["pictures/cat.png", "live/index.html", "units/Pretraining/mine.json", "weights/abc.safetensors"]
    for name in theirs:
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text("theirs")
        os.utime(cache / name, (0, 0))
    units.run([one()], "cpu", workers=1)
    assert store.read(one()) and not store.removable(everything=True)  # these folders were not empty: no mark
    for name in store.FOLDERS:
        (cache / name / MARKER).touch()
    assert {"units", "weights"} <= {path.relative_to(cache).parts[0] for path in store.clean(everything=True)}
    assert all((cache / name).read_text() == "theirs" for name in theirs)


def test_a_linked_folder_is_cleaned_where_this_package_filled_it(cache, tmp_path_factory):
    own, theirs = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("theirs")
    (theirs / f"{1:064}.safetensors").write_text("theirs")
    (cache / "units").symlink_to(own)
    (cache / "weights").symlink_to(theirs)
    units.run([one()], "cpu", workers=1)
    assert {path.relative_to(cache).parts[0] for path in store.clean(everything=True)} <= {"units", "pictures"}
    assert (theirs / f"{1:064}.safetensors").read_text() == "theirs" and store.read(one()) is None


def test_cleaning_follows_no_link_and_names_a_disk_that_cannot_be_written(cache, tmp_path_factory, monkeypatch):
    units.run([one()], "cpu", workers=1)
    outside = tmp_path_factory.mktemp("outside")
    (outside / "kept.safetensors").write_text("theirs")
    (cache / "weights" / f"{1:064}.safetensors").symlink_to(outside / "kept.safetensors")
    (cache / "units" / "Probes").symlink_to(outside)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, **how: fail_to_write(path))
        told = CliRunner().invoke(app, ["clean", "--all", "--yes"])
    assert told.exit_code == 2 and "Read-only file system" in told.stderr and told.stderr.count("\n") == 1
    list(store.clean(everything=True))
    assert (outside / "kept.safetensors").read_text() == "theirs" and store.read(one()) is None


def fail_to_write(path):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
