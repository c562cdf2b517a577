"""Results with a transformation of one's own are found again while all that it depends on is the same."""

import importlib
import threading
from dataclasses import replace

import pytest
from small_units import one

from invariance import units
from invariance.errors import InputError
from invariance.transforms import TRANSFORMATIONS
from invariance.units import Sensitivity, store, untrained

LEVEL = 0.1


def shade(images, parameters):
    return images * LEVEL


def measured(name="hue"):
    model = untrained(one())
    data = model.data.model_copy(update={"transforms": (name,)})
    return Sensitivity(pretraining=model, data={"own": data}, pairs=16, measured=("l2",))


def value(unit):
    assert not units.run([unit], "cpu", workers=1)
    return store.read(unit)["values"]["measured"][0][3]


def test_a_changed_constant_is_another_unit(cache, monkeypatch):
    mine = replace(TRANSFORMATIONS["hue"], name="mine", apply=shade, probability=0.5)
    monkeypatch.setitem(TRANSFORMATIONS, "mine", mine)
    before = value(measured("mine"))
    assert store.read(measured("mine"))
    monkeypatch.setitem(globals(), "LEVEL", 0.9)
    assert store.read(measured("mine")) is None
    assert value(measured("mine")) < 0.7 * before
    assert measured().digest == measured().digest != measured("mine").digest


def test_a_model_in_memory_is_not_that_of_another_state(cache, monkeypatch):
    monkeypatch.setitem(TRANSFORMATIONS, "mine", replace(TRANSFORMATIONS["hue"], name="mine", apply=shade))
    fields = one().model_dump()
    fields["data"]["transforms"] = ["mine"]
    first = units.Pretraining(**fields).trained("cpu").head.weight
    monkeypatch.setitem(globals(), "LEVEL", 0.9)
    assert (units.Pretraining(**fields).trained("cpu").head.weight != first).any()


def test_workers_have_a_replaced_transformation_of_the_paper_and_no_other(cache, monkeypatch):
    monkeypatch.setitem(TRANSFORMATIONS, "hue", replace(TRANSFORMATIONS["hue"], probability=0.0))
    expected = value(measured("rotate"))
    both = [measured("hue"), measured("rotate"), measured("rotate").model_copy(update={"seed": 1})]
    store.result_file(both[1]).unlink()
    assert not units.run(both, "cpu", workers=2)
    assert [store.read(unit)["values"]["measured"][0][3] for unit in both[:2]] == [0, expected]


def test_a_module_changed_after_its_import_is_named_before_a_worker_computes(cache, monkeypatch, tmp_path):
    (tmp_path / "dimming.py").write_text("LEVEL = 0.1\n\n\ndef dim(images, parameters):\n    return images * LEVEL\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("dimming")
    monkeypatch.setitem(TRANSFORMATIONS, "mine", replace(TRANSFORMATIONS["hue"], name="mine", apply=module.dim))
    module.LEVEL = 0.5
    tasks = [measured("mine"), one(), one(1)]
    outcome = units.run(tasks, "cpu", workers=2)
    assert [*outcome.failures] == [measured("mine").digest] and "run with one worker" in str(outcome)
    assert not units.run(tasks, "cpu", workers=1)


def test_what_cannot_go_to_workers_is_named(cache, monkeypatch):
    lock = threading.Lock()
    mine = replace(TRANSFORMATIONS["hue"], name="mine", apply=lambda images, parameters: lock and images)
    monkeypatch.setitem(TRANSFORMATIONS, "mine", mine)
    tasks = [measured("mine"), one(), one(1)]
    with pytest.warns(UserWarning, match="depends on a lock"):
        assert tasks[0].digest
    with pytest.raises(InputError, match=r"cannot go to other processes \(.*mine\)"):
        units.run(tasks, "cpu", workers=2)
