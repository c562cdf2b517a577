"""The published record: a line a unit, shared values once."""

import json

import pytest
from small_units import one, probe_of
from typer.testing import CliRunner

from invariance import cli, units
from invariance.errors import InputError
from invariance.protocol import CORRECTED, PUBLISHED
from invariance.units import record, store


@pytest.fixture(scope="module")
def results(shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INVARIANCE_CACHE", str(shared_cache))
        patch.setenv("INVARIANCE_PROGRESS", "0")
        both = [one(), one(seed=1)]
        wanted = [*both, *map(probe_of, both)]
        units.run(wanted, "cpu", workers=1)
        return [store.read(unit) for unit in wanted]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A published record of its own, in an empty folder."""
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path / "record"))
    return tmp_path / "record"


def test_what_is_written_is_read_again_and_merging_twice_changes_nothing(results, folder):
    file = folder / "smoke.jsonl"
    assert record.merge(results[:2], "smoke") == 2
    assert record.merge(results, "smoke") == 2
    text = file.read_text()
    assert record.merge(results, "smoke") == 0 and file.read_text() == text
    assert record.read(file) == {result["digest"]: result for result in results}
    assert record.made_at(file) == ("smoke", CORRECTED)


def test_facts_and_data_sets_of_several_units_stand_once(results, folder):
    record.merge(results, "night", PUBLISHED)
    lines = [json.loads(line) for line in (folder / "night-published.jsonl").read_text().splitlines()]
    assert lines[0] == {"made": {"budget": "night", "protocol": "published"}}
    assert sum("facts" in line and "unit" not in line for line in lines) == 1
    assert sum(line.keys() == {"data"} for line in lines) == 2  # of two seeds; the probes' target is the first one's


def test_a_result_keeps_the_facts_of_the_interpreter_that_made_it(results, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "cache"))
    made = results[0]
    facts = {**made["facts"], "python": "3.99.0", "packages": {"torch": "9.9"}, "code": "another commit"}
    store.write(one(), made["values"] | {"weights": store.write_weights({})}, made["seconds"], facts)
    assert not units.run([one()], "cpu", workers=1)  # here and now, with other versions
    record.merge([store.read(one())], "smoke")
    assert [result["facts"] for result in record.read(folder / "smoke.jsonl").values()] == [facts]


def test_combinations_of_words_stand_once_and_numbers_have_seven_digits(results, folder):
    (probed,) = (one for one in results[2:3])
    ragged = [["a", 1, "x", 0.5], ["b", 1, "y", 0.25]]
    for rows, kept in ((probed["values"]["accuracies"], False), (ragged, True), ([], True), ([[1, 2]], True)):
        file = folder / "rows.jsonl"
        record.write(file, {"d": {**probed, "digest": "d", "values": {"accuracies": rows, "third": 1 / 3}}}, "smoke")
        (line,) = (json.loads(line) for line in file.read_text().splitlines() if '"unit"' in line)
        assert (line["values"]["accuracies"] == rows) == kept and line["values"]["third"] == 0.3333333
        assert record.read(file)["d"]["values"]["accuracies"] == rows


def test_a_damaged_line_is_named(results, folder):
    file = folder / "smoke.jsonl"
    record.merge(results, "smoke")
    file.write_text(file.read_text()[:-30])
    with pytest.raises(InputError, match=r"smoke\.jsonl, line \d+, is damaged"):
        record.read(file)


def test_no_record_is_an_empty_one(tmp_path):
    assert record.read(tmp_path / "none.jsonl") == {}


def test_two_results_of_a_unit_must_agree_and_the_records_stays(results, folder, tmp_path):
    record.merge(results, "smoke")
    (digest, probed) = next((one["digest"], one) for one in results if one["unit"] == "Probes")
    rows = probed["values"]["accuracies"]

    def moved(by):
        other = {**probed, "values": {"accuracies": [[*row[:3], row[3] + by, *row[4:]] for row in rows]}}
        record.write(tmp_path / "other.jsonl", {digest: other}, "smoke")
        return CliRunner().invoke(cli.app, ["merge", str(tmp_path / "other.jsonl")])

    before = (folder / "smoke.jsonl").read_text()
    assert "0 of 1 results are new" in moved(0.05).output
    far = moved(0.5)
    assert far.exit_code == 1 and f"{digest} differs by 0.500" in far.output
    assert (folder / "smoke.jsonl").read_text() == before


@pytest.mark.parametrize("text", [None, "", "no JSON", '{"unit": 1}', '{"made": {"budget": "smoke", "protocol": "x"}}'])
def test_what_no_run_wrote_is_not_merged(folder, tmp_path, text):
    file = tmp_path / "x.jsonl"
    if text is not None:
        file.write_text(text)
    done = CliRunner().invoke(cli.app, ["merge", str(file)])
    said = " ".join(f"{done.output} {done.stderr}".split())
    assert done.exit_code == 2 and ("x.jsonl holds no results" in said or "Unknown protocol 'x'" in said)
    assert not folder.exists()
