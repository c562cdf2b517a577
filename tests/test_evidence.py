"""Which table a chapter shows, and published tables that the code still reproduces."""

import secrets

import pytest

from invariance import evidence, results
from invariance.errors import InputError
from invariance.experiments import profiles, units

SMOKE = profiles.profile("smoke")


@pytest.fixture
def own(smoke_results):
    """The reader's own run of one experiment at smoke."""
    return evidence.own("measuring", SMOKE, "cpu")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty folder of published results."""
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    return tmp_path


def test_evidence_says_where_it_comes_from(own):
    assert own.caption.startswith("profile smoke, 2 seeds, ")
    assert own.caption.endswith("glyphs and scenes")
    assert own.seeds == 2
    assert own.record.seconds > 0
    link = own.link("measuring").data
    assert 'download="measuring.csv"' in link and f"{len(own.table):,} rows" in link


def test_a_published_table_of_the_papers_size_is_shown_first_and_the_readers_own_on_request(own, shelf):
    quick = profiles.profile("quick")
    assert evidence.published_profile("measuring", quick) is None
    results.save(own.table.assign(value=0.5), "measuring", shelf / "paper", own.record)
    assert evidence.published_profile("measuring", quick) == "paper"
    assert (evidence.of("measuring", quick).table["value"] == 0.5).all()
    assert evidence.published_profile("measuring", quick, "own") is None
    assert evidence.published_profile("measuring", SMOKE) is None
    assert evidence.published_profile("measuring", profiles.chosen("quick", pictures="embedded")) == "paper"
    assert evidence.published_profile("measuring", profiles.chosen("quick", 6)) is None  # whoever changes a size
    assert evidence.published_profile("measuring", SMOKE, "published") == "paper"


def test_what_cannot_be_shown_is_named(shelf):
    with pytest.raises(InputError, match=r"No published table of 'measuring' in .*run it"):
        evidence.of("measuring", SMOKE, "cpu", "published")
    with pytest.raises(InputError, match=r"Unknown value of show 'both'. Known: auto, own, published"):
        evidence.of("measuring", SMOKE, "cpu", "both")
    with pytest.raises(InputError, match="Unknown experiment 'measure'"):
        evidence.of("measure", SMOKE)


def test_publishing_and_a_spot_check_of_any_unit(smoke_results, shelf, tmp_path_factory, monkeypatch):
    path = evidence.publish("measuring", SMOKE, "cpu")
    assert path == shelf / "smoke" / "measuring.csv"
    assert evidence.published() == [("smoke", "measuring")]
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path_factory.mktemp("empty")))  # nothing computed before counts
    choice = secrets.randbits(32)
    rows = evidence.spot_check("smoke", "measuring", choice, "cpu")
    assert len(rows) == 3 * 4  # transformations, measures
    assert rows["again"].to_numpy() == pytest.approx(rows["value"].to_numpy(), rel=1e-4), f"choice {choice}"
    table, record = results.load("measuring", shelf / "smoke")
    results.save(table.assign(seed=7), "measuring", shelf / "smoke", record)
    with pytest.raises(InputError, match="smoke/measuring lacks 12 rows of a unit: publish again"):
        evidence.spot_check("smoke", "measuring", choice, "cpu")


def test_a_table_of_other_code_fails_the_spot_check(own, shelf, monkeypatch):
    results.save(own.table, "measuring", shelf / "smoke", own.record)
    monkeypatch.setattr(evidence, "VERSION", units.VERSION + "x")
    with pytest.raises(InputError, match="publish again"):
        evidence.spot_check("smoke", "measuring", 0)


def test_one_unit_of_the_published_results_chosen_at_random_is_computed_again(tmp_path, monkeypatch):
    """Accuracies may move a little on another processor, whose sums differ in the last bit; not by more."""
    found = evidence.published()
    assert found, f"no published results in {evidence.folder()}"
    choice = secrets.randbits(32)
    profile, name = found[choice % len(found)]
    if profile == "paper":
        pytest.skip(f"{profile}/{name} needs a GPU")
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))  # nothing computed before counts
    rows = evidence.spot_check(profile, name, choice)
    difference = (rows["value"] - rows["again"]).abs().fillna(0)
    difference[rows["value"].isna() != rows["again"].isna()] = 1
    assert len(rows) and difference.max() < 0.08, f"{profile}/{name}, choice {choice}:\n{rows.to_string()}"
