"""What a transformation of one's own depends on tells its states apart, in this process and in the next one."""

import os
import subprocess
import sys
import threading
import types
from dataclasses import replace
from functools import cached_property, lru_cache, partial

import cloudpickle
import numpy as np
import pytest

from invariance import transforms
from invariance.protocol import PUBLISHED
from invariance.transforms import PAPER_NAMES, TRANSFORMATIONS, Transformation
from invariance.transforms.identity import identity

START = """
from dataclasses import dataclass
from functools import lru_cache, partial
import torch, helpers

LEVEL = 0.1
TABLE, TENSOR = {"a": [1, {2, 3}]}, torch.arange(4)

def helper(x):
    return x * 2

def around(x):
    return helper(x)

@dataclass
class Scale:
    by: float = 0.5

    def __call__(self, images, parameters):
        return self.shifted(images * self.by)

    def shifted(self, images):
        return images + 1

def imports(images, parameters):
    from helpers import strength
    return images * strength()
"""
CASES = {
    "module constant": ("LEVEL = 0.1", "LEVEL = 0.9", "lambda x, p: x * LEVEL"),
    "value in a table": ("{2, 3}", "{2, 4}", "lambda x, p: x * len(TABLE)"),
    "tensor": ("torch.arange(4)", "torch.arange(4) + 1", "lambda x, p: x * TENSOR.sum()"),
    "helper": ("return x * 2", "return x * 3", "lambda x, p: helper(x)"),
    "helper of a helper": ("return x * 2", "return x * 3", "lambda x, p: around(x)"),
    "nested function": ("LEVEL = 0.1", "LEVEL = 0.9", "lambda x, p: (lambda y: y * LEVEL)(x)"),
    "default argument": ("g=1", "g=0", "lambda x, p, g=1: x * g"),
    "keyword default": ("g=1", "g=0", "lambda x, p, *, g=1: x * g"),
    "second on a line": ("[0]", "[1]", "[lambda x, p: x / 2, lambda x, p: x / 3][0]"),
    "closure": ("(1)", "(2)", "(lambda k: lambda x, p: x * k)(1)"),
    "partial": ("k=1", "k=2", "partial(lambda x, p, k: x * k, k=1)"),
    "object": ("0.5", "0.6", "Scale(0.5)"),
    "default of a class": ("float = 0.5", "float = 0.6", "Scale()"),
    "method of a class": ("images + 1", "images + 2", "Scale()"),
    "bound method": ("images + 1", "images + 2", "Scale().shifted"),
    "cached function": ("return x * 2", "return x * 3", "lru_cache(helper)"),
    "method by name": ("x.amax", "x.amin", "lambda x, p: x.amax()"),
    "library function": ("sigmoid", "tanh", "lambda x, p: torch.sigmoid(x)"),
    "library function itself": ("sigmoid", "tanh", "torch.sigmoid"),
    "dtype": ("float32", "float64", "partial(torch.Tensor.to, dtype=torch.float32)"),
}


@pytest.fixture(autouse=True)
def helpers(monkeypatch):
    module = types.ModuleType("helpers")
    exec("level = 0.1\ndef strength():\n    return level", vars(module))
    monkeypatch.setitem(sys.modules, "helpers", module)
    return module


def made(code, start=START):
    space = {"__name__": "__main__"}
    exec(f"{start}\nfound = {code}", space)
    return space["found"]


@pytest.mark.parametrize("name", CASES)
def test_a_change_shows_and_the_same_again_does_not(name):
    old, new, code = CASES[name]
    assert old in START + code
    before, again, after = made(code), made(code), made(code.replace(old, new), START.replace(old, new))
    assert identity(before) == identity(again) != identity(after)
    if name != "cached function":  # which cannot be sent
        assert identity(cloudpickle.loads(cloudpickle.dumps(before))) == identity(before)  # as a worker has it


@pytest.mark.parametrize("code", ["lambda x, p: x * helpers.level", "lambda x, p: x * helpers.strength()", "imports"])
def test_what_a_module_of_one_s_own_holds_counts(helpers, code):
    function = made(code)
    before = identity(function)
    helpers.unrelated = 3
    assert identity(function) == before
    helpers.level = 0.9
    assert identity(function) != before


IMPORTS = {
    "import strengths": "strengths.LEVEL",
    "from strengths import LEVEL": "LEVEL",
    "from . import strengths": "strengths.LEVEL",
    "from .strengths import LEVEL as found": "found",
}


@pytest.mark.parametrize("code", IMPORTS)
def test_a_module_that_is_imported_inside_counts_before_its_first_use(tmp_path, monkeypatch, code):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    package, found = ("mine" if "." in code else ""), []
    (tmp_path / "mine").mkdir()
    for level in (0.1, 0.9):
        (tmp_path / package / "strengths.py").write_text(f"LEVEL = {level}")
        for name in ("mine", "mine.strengths", "strengths"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        space = {"__name__": "__main__", "__package__": package}
        exec(f"def dim(x, p):\n    {code}\n    return x * {IMPORTS[code]}", space)
        found.append(identity(space["dim"]))
        assert space["dim"](1, None) == level
        assert identity(space["dim"]) == found[-1]
    assert found[0] != found[1]


def test_functions_that_call_each_other_come_to_an_end():
    code = "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n > {0} and even(n - 1)\n"
    found = [made("even", code.format(k)) for k in (0, 0, 1)]
    assert identity(found[0]) == identity(found[1]) != identity(found[2])


def test_another_process_finds_the_same():
    code = (
        "import torch; from functools import partial; from invariance.transforms.identity import identity\n"
        "print(identity(partial(torch.clamp, min=0)), identity({'b', 'a', 'c'}), identity(lambda x: x + 1))"
    )
    runs = {subprocess.check_output([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": s}) for s in "12"}
    assert len(runs) == 1


def test_what_cannot_be_told_is_kept_for_one_process_with_a_word():
    lock = threading.Lock()
    with pytest.warns(UserWarning, match="depends on a lock, whose state cannot be told: results with it"):
        found = identity(lock)
    code = "import threading; from invariance.transforms.identity import identity; print(identity(threading.Lock()))"
    with pytest.warns(UserWarning, match="lock"):
        here = identity(lock)
    with pytest.warns(UserWarning, match="lock"):
        assert identity(threading.Lock()) != found  # another one, which may hold another state
    assert here == found and here != subprocess.check_output([sys.executable, "-c", code], text=True).strip()


@pytest.mark.parametrize(
    "values", [(np.arange(3), np.arange(3.0)), (np.array([{}]), np.array([1], object)), ({1: 2}, {1: 3}), (1, True)]
)
def test_values_of_other_kinds_differ(values):
    assert identity(values[0]) != identity(values[1])


def test_a_cached_property_and_a_lru_cache_are_what_they_wrap():
    def kind(value):
        def plain(self):
            return value

        return type("Kind", (), {"__module__": "__main__", "cached": cached_property(plain), "f": lru_cache(plain)})

    assert identity(kind(1)) == identity(kind(1)) != identity(kind(2))


def own(**changes):
    return Transformation(**{"name": "mine", "category": "corruption", "draw": draw, "apply": shade} | changes)


def draw(keys, size):
    return {}


def shade(images, parameters):
    return images / 2


@pytest.mark.parametrize(
    "changes", [{"probability": 0.05}, {"move_box": lambda *_: 0}, {"draw": shade}, {"apply": draw}]
)
def test_every_part_of_a_transformation_counts(monkeypatch, changes):
    monkeypatch.setitem(TRANSFORMATIONS, "mine", own())
    before = transforms.fingerprint(["mine", "hue"])
    monkeypatch.setitem(TRANSFORMATIONS, "mine", own(**changes))
    assert transforms.fingerprint(["mine", "hue"]) != before


def test_the_papers_have_no_fingerprint_until_one_is_replaced(monkeypatch):
    assert transforms.fingerprint(PAPER_NAMES) == ""
    rotate = TRANSFORMATIONS["rotate"]
    found = set()
    for change in ({"probability": 0.1}, {"probability": 0.2}, {"apply": TRANSFORMATIONS["hue"].apply}):
        monkeypatch.setitem(TRANSFORMATIONS, "rotate", replace(rotate, **change))
        found.add(transforms.fingerprint(["rotate", "blur"]))
    assert len(found) == 3 and "" not in found
    assert set(transforms.own_ones()) == {*TRANSFORMATIONS} - {*PAPER_NAMES} | {"rotate"}


def test_a_protocol_leaves_what_was_replaced(monkeypatch):
    mine = replace(TRANSFORMATIONS["noise"], probability=0.1)
    assert transforms.find(["noise"], PUBLISHED)[0].apply is not mine.apply
    monkeypatch.setitem(TRANSFORMATIONS, "noise", mine)
    assert transforms.find(["noise"], PUBLISHED) == [mine]


def test_partial_of_a_paper_one_is_told_by_what_it_wraps():
    hue, invert = (TRANSFORMATIONS[name].apply for name in ("hue", "invert"))
    assert identity(partial(hue)) != identity(partial(invert))
