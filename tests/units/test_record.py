"""The published record: a line a unit, shared values once."""

import json

import pytest
from small_units import one, probe_of

from invariance import units
from invariance.errors import InputError
from invariance.units import record, store


@pytest.fixture(scope="module")
def results(shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INVARIANCE_CACHE", str(shared_cache))
        patch.setenv("INVARIANCE_PROGRESS", "0")
        both = [one(), one(seed=1)]
        wanted = [*both, *map(probe_of, both)]
        units.run(wanted, "cpu")
        return [store.read(unit) for unit in wanted]


def test_what_is_written_is_read_again_and_merging_twice_changes_nothing(results, tmp_path):
    file = tmp_path / "smoke.jsonl"
    assert record.merge(file, results[:2]) == 2
    assert record.merge(file, results) == 2
    text = file.read_text()
    assert record.merge(file, results) == 0 and file.read_text() == text
    assert record.read(file) == {result["digest"]: result for result in results}


def test_facts_and_data_sets_of_several_units_stand_once(results, tmp_path):
    record.merge(tmp_path / "r.jsonl", results)
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert sum("facts" in line and "unit" not in line for line in lines) == 1
    assert sum(line.keys() == {"data"} for line in lines) == 2  # of two seeds; the probes' target is the first one's


def test_a_damaged_line_is_named(results, tmp_path):
    file = tmp_path / "smoke.jsonl"
    record.merge(file, results)
    file.write_text(file.read_text()[:-30])
    with pytest.raises(InputError, match=r"smoke\.jsonl, line \d+, is damaged"):
        record.read(file)


def test_no_record_is_an_empty_one(tmp_path):
    assert record.read(tmp_path / "none.jsonl") == {}
