"""The log, and measured effects against what can be worked out on paper."""

import math
from string import Formatter

import pytest
import torch
from bs4 import BeautifulSoup

from invariance import studies
from invariance.errors import InputError
from invariance.ledger import deviations, effects
from invariance.protocol import FLAGS
from invariance.studies import slips


def normal_cdf(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def test_every_entry_has_a_topic_of_its_own_and_says_what_the_book_does():
    log = deviations.log()
    assert len({entry["topic"] for entry in log}) == len(log)
    assert {entry["kind"] for entry in log} == set(deviations.KINDS)
    for entry in log:
        assert set(entry) <= {"topic", "kind", "flag", "paper", "code", "book", "effect"}, entry["topic"]
        assert entry["book"] and all(isinstance(text, str) for text in entry.values()), entry["topic"]


def test_the_log_tells_of_every_flag_of_a_protocol_and_of_no_other():
    assert {entry["flag"] for entry in deviations.log() if "flag" in entry} == set(FLAGS)
    assert "(as the code: noise_wraps)" in deviations.show("quirk").data


def test_every_effect_is_filled_with_numbers():
    for entry in deviations.log():
        text = deviations.effect(entry)
        assert text, entry["topic"]  # measured, or why it cannot be
        assert "nan" not in text and "{" not in text


def test_every_measured_effect_is_told_in_the_log():
    texts = [entry.get("effect", "") for entry in deviations.log()]
    told = {field.split("[")[0] for text in texts for _, field, *_ in Formatter().parse(text) if field}
    measured = {name for name, f in vars(effects).items() if hasattr(f, "cache_clear") and not name.startswith("_")}
    assert told == measured


def test_one_kind_is_shown_and_an_unknown_one_is_named():
    page = deviations.show("quirk").data
    assert "Noise wraps around" in page and "Width of the ViT" not in page
    with pytest.raises(InputError, match=r"kind of deviation 'quirks'. Did you mean 'quirk'"):
        deviations.show("quirks")


def test_noise_darkens_where_the_sum_passes_255():
    # A value x wraps around when the noise, N(0, 1) cut off at 0 and 1, exceeds 1 - x. Noise of just 1 is a whole
    # turn: that value stays where it was.
    objects = effects.objects()
    values = objects[:, :3][(objects[:, 3:] > 0.5).expand(-1, 3, -1, -1)]
    expected = sum(normal_cdf(1) - normal_cdf(1 - v) for v in values[::50].tolist()) / len(values[::50])
    assert effects.noise_wrap()["darker"] == pytest.approx(expected, abs=0.02)
    saturated, wrapped = effects.noise_variants(torch.zeros(20, 4, 32, 32))
    torch.testing.assert_close(saturated, wrapped, atol=1 / 255, rtol=0)  # nothing to pass


def test_the_box_is_off_by_what_scaling_took_from_its_place():
    # The box starts at 5 where the object starts at 5 factor: both coordinates are off by 5 - 5 n / 32, and the
    # smaller object has freer way; the mean of 5 (1 - factor) is 1.5.
    found = effects.box_after_scale()
    assert found["fixed_cut"] < 0.05  # of boxes rounded to whole pixels, the object may leave by a fraction of one
    assert 0.1 < found["cut"] < 0.3
    assert found["shift"] == pytest.approx(1.5 * math.sqrt(2), abs=0.25)


def test_bytes_of_floats_are_not_uniform():
    # Every fourth byte is the top one: 63 for half of the numbers, 62 for three in eight.
    found = effects.random_object_bytes()
    assert found["theirs"] == pytest.approx(0.25 * 7 / 8 + 0.75 * 2 / 256, abs=0.003)
    assert found["ours"] == pytest.approx(2 / 256, abs=0.001)


def test_cka_is_biased_upwards_in_small_batches_and_the_estimate_is_not():
    found = effects.cka_bias()
    assert found["plain_32"] > found["plain_128"] > found["plain_1024"]
    # Of independent whitened representations the mean of plain CKA is about D / (D + n).
    assert found["plain_1024"] == pytest.approx(96 / (96 + 1024), abs=0.01)
    assert found["unbiased"] == pytest.approx(0, abs=0.02)
    assert effects.cka_quirk()["difference"] < 1e-5


def test_plain_cka_of_a_rotated_representation_is_one():
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1))).Q
    assert effects.plain_cka(x, x @ rotation) == pytest.approx(1, abs=1e-5)


def test_the_choice_of_random_pairs_matters_little():
    assert 0 < effects.shuffle_seed()["deviation"] < 0.05 * effects.shuffle_seed()["value"]


def test_clear_changes_of_the_slips_come_first_and_what_a_flag_cannot_reach_is_left_out():
    found = studies.get("slips").largest(("night",))
    rows = BeautifulSoup(found.show("changes").data, "html.parser").select("tbody tr")
    shown = [[cell.get_text() for cell in row.select("td")] for row in rows]
    clear = [line[-1] == "yes" for line in shown]
    assert clear == sorted(clear, reverse=True) and 0 < sum(clear) < len(clear)
    assert "other_normalisation" not in {line[0] for line in shown}  # of CIFAR's constants, on drawn pictures
    told = deviations.tried()
    assert {name.replace("_", " ") for name in slips.clear_flags(found)} == set(told.split(": ")[1][:-1].split(", "))


def test_without_results_of_the_slips_the_log_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_RESULTS", str(tmp_path))
    assert deviations.tried() == "Which of them change a result has not been tried yet."
