import dataclasses
from importlib.util import find_spec

import pandas as pd
import pytest

from invariance import studies
from invariance.ledger import verdicts
from invariance.statistics import NOTHING, Estimate
from invariance.studies.statements import (
    ANY,
    NOT_RUN,
    NOT_SUPPORTED,
    NOT_TESTABLE,
    ONE_SEED,
    SMALL,
    SUPPORTED,
    SYMBOLS,
    UNDECIDED,
    Statement,
)
from invariance.studies.study import Findings
from invariance.units import Outcome

ABOVE = Statement(1, "It is large", "size", "its size", threshold=0.5, reason="half")
BELOW = dataclasses.replace(ABOVE, direction="below")


@pytest.fixture
def ready(monkeypatch):
    """The studies whose modules are there."""
    there = [name for name in studies.NAMES if find_spec(f"invariance.studies.{name}")]
    monkeypatch.setattr(studies, "NAMES", tuple(there))
    return studies.all_studies()


def around_the_paper(study, seeds_around, spread=0.001):
    findings = Findings(study, study.at("night"), [], {}, Outcome())
    findings.__dict__["table"] = seeds_around(study.paper.dropna(subset="value").assign(model="small"), spread)
    return findings


@pytest.mark.parametrize(
    ("statement", "low", "high", "verdict"),
    [
        (ABOVE, 0.5001, 0.7, SUPPORTED),
        (ABOVE, 0.5, 0.7, UNDECIDED),
        (ABOVE, 0.3, 0.5, UNDECIDED),
        (ABOVE, 0.3, 0.4999, NOT_SUPPORTED),
        (BELOW, 0.3, 0.4999, SUPPORTED),
        (BELOW, 0.5001, 0.7, NOT_SUPPORTED),
    ],
)
def test_the_verdict_follows_from_the_whole_interval(statement, low, high, verdict):
    assert statement.verdict(Estimate((low + high) / 2, low, high, 3)) == verdict


def test_one_seed_gives_no_verdict_and_no_rows_none_at_all():
    assert ABOVE.verdict(Estimate(0.9, n=1)) == ONE_SEED
    assert ABOVE.verdict(NOTHING) == NOT_RUN


def test_every_statement_has_an_effect_of_its_own_name_and_a_reason(ready):
    for study in ready:
        names = study.papers
        assert all(statement.estimate in names and statement.reason for statement in study.statements), study.name
        assert len({statement.text for statement in study.statements}) == len(study.statements)


def test_tight_seeds_around_the_paper_meet_its_claims_but_for_one(seeds_around):
    chosen = [studies.get(name) for name in ("invariances_or_classes", "mismatch")]
    rows = verdicts.rows(around_the_paper(study, seeds_around) for study in chosen)
    assert [row.statement.claim for row in rows] == [1, 1, 1, 7, 7, 7]
    missed = [(statement, one) for statement, one, *_ in rows if verdicts.misses(statement, one)]
    # Read off the plots, the range over class relationships is 0.149 with mismatched transformations, the gap 0.118.
    ((statement, one),) = missed
    assert statement.estimate == "gap-range.mismatched" and one.paper == pytest.approx(0.118 - 0.149, abs=0.002)
    for statement, one, verdict, *_ in rows:
        if not statement.text.startswith("Each further"):  # that one is near its threshold
            assert verdict == (NOT_SUPPORTED if verdicts.misses(statement, one) else SUPPORTED)


def test_counts_add_up_and_what_was_not_run_or_does_not_count_is_told():
    one = Estimate(0.9, 0.8, 1.0, 3, paper=0.2, seeds=(0.89, 0.9, 0.91))
    other = Estimate(0.9, 0.8, 1.0, 3, paper=0.8, seeds=(0.7, 0.9, 1.1))  # too far apart for many intervals at once
    shown = dataclasses.replace(ABOVE, counted=False)
    rows = [(ABOVE, one, SUPPORTED), (ABOVE, other, SMALL), (ABOVE, one, UNDECIDED), (BELOW, NOTHING, NOT_RUN)]
    rows += [(BELOW, one, NOT_SUPPORTED), (ABOVE, one, NOT_TESTABLE), (shown, one, SUPPORTED)]
    assert verdicts.counts([verdicts.Row(*row) for row in rows]) == {
        "statements": 7,
        "supported": 2,
        "not_supported": 1,
        "undecided": 1,
        "not_testable": 1,
        "not_run": 1,
        "small": 1,
        "together": 1,
        "shown": 1,
        "paper_misses": 3,
        "supported_misses": 1,
    }


def test_the_table_has_a_row_a_statement_with_rule_interval_ratio_and_the_papers_value():
    any_effect = Statement(5, "It matters", "effect", "effect")
    assert any_effect.reason == ANY
    own = Estimate(0.4, 0.2, 0.6, 3)
    rows = [
        verdicts.Row(ABOVE, Estimate(0.6, 0.55, 0.65, 3, paper=0.2), SUPPORTED, own, UNDECIDED),
        verdicts.Row(any_effect, Estimate(0.02, 0.015, 0.025, 6, paper=0.1, pooled=0.01), SMALL),
        verdicts.Row(any_effect, NOTHING, NOT_RUN),
    ]
    page = verdicts.show(rows).data
    assert page.count("<tr") == 4 and "[its size &gt; 0.5]" in page and "✓ supported" in page
    assert "0.200 (misses the rule)" in page and "? 0.400 (0.200\u00a0to\u00a00.600)" in page
    assert "✓ supported, but small" in page and "<td>0.10</td>" in page  # any effect counts: how much of it is there
    assert "– not run" in page and "(0.550\u00a0to\u00a00.650), 3 seeds" in page
    assert verdicts.reasons(rows).data.count("<tr") == 4
    assert "your run" not in verdicts.show(rows[1:]).data


def test_a_small_effect_is_called_so_and_without_ground_there_is_no_verdict():
    any_effect = Statement(5, "It matters", "effect", "effect", needs="ground", floor=0.5)
    ground, little = Estimate(0.5, n=3), Estimate(0.02, 0.01, 0.03, 6, paper=0.1, pooled=0.02)
    assert any_effect.verdict(little, ground) == SMALL
    assert any_effect.verdict(dataclasses.replace(little, pooled=0.03), ground) == SUPPORTED
    assert any_effect.verdict(little, Estimate(0.49, n=3)) == NOT_TESTABLE
    assert any_effect.verdict(little, NOTHING) == NOT_TESTABLE
    assert any_effect.verdict(NOTHING, ground) == NOT_RUN


def test_a_readers_run_agrees_where_it_is_on_the_same_side_of_the_threshold():
    shown = Estimate(0.7, 0.6, 0.8, 10)
    same, other = Estimate(0.55, 0.4, 0.7, 3), Estimate(0.4, 0.3, 0.5, 3)
    told = [verdicts.agreement(verdicts.Row(ABOVE, shown, SUPPORTED, own, UNDECIDED)) for own in (same, other)]
    assert told[0] == "Your run agrees: it has 0.55 (0.40 to 0.70), 0.15 from the 0.70 shown here."
    assert told[1].startswith("Your run does not agree: it has 0.40")
    assert verdicts.agreement(verdicts.Row(ABOVE, shown, SUPPORTED)) == ""
    assert "no run of your own" in verdicts.agreements([verdicts.Row(ABOVE, shown, SUPPORTED)]).data


def test_the_scatter_counts_from_the_threshold_and_leaves_out_what_the_paper_lacks():
    rows = [
        (BELOW, Estimate(0.2, 0.1, 0.3, 3, paper=-2.0, pooled=0.25), SUPPORTED),
        (ABOVE, Estimate(0.6, 0.4, 0.8, 3, paper=0.4), UNDECIDED),
        (ABOVE, NOTHING, NOT_RUN),
    ]
    axis = verdicts.beside([verdicts.Row(*row) for row in rows]).axes[0]
    marks = [(line.get_marker(), *map(float, (*line.get_xdata(), *line.get_ydata()))) for line in axis.get_lines()[:3]]
    # 0.25, as the paper takes it, is 0.25 on the right side of "below 0.5".
    assert marks[0] == (verdicts.LOOKS[SUPPORTED].marker, 2.5, 0.25)
    assert marks[1] == (verdicts.OPEN.marker, pytest.approx(-0.1), pytest.approx(0.1))
    assert all(map(pd.isna, marks[2][1:]))


def test_tables_with_missing_rows_give_fewer_seeds_and_never_fail(seeds_around):
    whole = around_the_paper(studies.get("mismatch"), seeds_around)
    for share in (0.02, 0.5):
        part = dataclasses.replace(whole)
        part.__dict__["table"] = whole.table.sample(frac=share, random_state=0)
        for _, one, verdict, *_ in verdicts.rows([part]):
            assert verdict in SYMBOLS and (one.n > 0) == pd.notna(one.value)


def test_the_evidence_says_with_which_budget_and_seeds_a_study_was_run(seeds_around):
    page = verdicts.evidence([around_the_paper(studies.get("mismatch"), seeds_around)]).data
    assert "budget night, protocol corrected, 4 seeds" in page and "mismatch" in page


def test_a_folder_without_a_record_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    with pytest.warns(UserWarning, match=f"Nothing is published in {tmp_path}: set INVARIANCE_RESULTS"):
        assert verdicts.published() == []
