"""Measured effects against what can be worked out on paper."""

import math

import pytest
import torch

from invariance import deviations
from invariance.deviations import KINDS, LOG, effects
from invariance.errors import InputError


def normal_cdf(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def test_every_effect_fills_its_sentence():
    found = deviations.table()
    assert len(found) == len(LOG) and set(found["kind"]) == set(KINDS)
    for entry, text in zip(LOG, found["effect"], strict=True):
        assert bool(text) == (entry.effect is not None) == bool(entry.finding), entry.topic
        assert "nan" not in text and "{" not in text
    assert found["book"].ne("").all() and found["topic"].is_unique


def test_one_kind_is_shown_and_an_unknown_one_is_named():
    page = deviations.show("quirk").data
    assert "Noise wraps around" in page and "Width of the ViT" not in page
    with pytest.raises(InputError, match=r"kind of deviation 'quirks'. Did you mean 'quirk'"):
        deviations.show("quirks")


def test_noise_darkens_where_the_sum_passes_255():
    # A value x wraps around when the noise, N(0, 1) cut off at 0 and 1, exceeds 1 - x. Noise of just 1 is a whole
    # turn: that value stays where it was.
    objects = effects.glyph_objects()
    values = objects[:, :3][(objects[:, 3:] > 0.5).expand(-1, 3, -1, -1)]
    expected = sum(normal_cdf(1) - normal_cdf(1 - v) for v in values[::50].tolist()) / len(values[::50])
    assert effects.noise_wrap()["darker"] == pytest.approx(expected, abs=0.02)
    black = torch.zeros(20, 4, 32, 32)
    saturated, wrapped = deviations.noise_variants(black)
    torch.testing.assert_close(saturated, wrapped, atol=1 / 255, rtol=0)  # nothing to pass


def test_the_box_is_off_by_what_scaling_took_from_its_place():
    # The box starts at 5 where the object starts at 5 factor: both coordinates are off by 5 - 5 n / 32, and the
    # smaller object has freer way; the mean of 5 (1 - factor) is 1.5.
    found = effects.box_after_scale()
    assert found["fixed_cut"] == 0
    assert 0.1 < found["cut"] < 0.3
    assert found["shift"] == pytest.approx(1.5 * math.sqrt(2), abs=0.25)


def test_bytes_of_floats_are_not_uniform():
    # Every fourth byte is the top one: 63 for half of the numbers, 62 for three in eight.
    found = effects.random_object_bytes()
    assert found["theirs"] == pytest.approx(0.25 * 7 / 8 + 0.75 * 2 / 256, abs=0.003)
    assert found["ours"] == pytest.approx(2 / 256, abs=0.001)
    ours, theirs = deviations.random_objects(4)
    assert ours.shape == theirs.shape == (4, 3, 32, 32)


def test_salts_and_workers():
    salt = effects.background_salt()
    assert salt["salts"] == 12 and salt["different"] <= 12 < salt["intended"] == 30
    repeated = effects.repeated_draws(images=2400, batch=50)
    assert repeated["workers_1"] == 1
    assert repeated["workers_4"] == pytest.approx(1 / 4)
    assert repeated["workers_12"] == pytest.approx(1 / 12)


def test_cka_is_biased_upwards_in_small_batches_and_the_estimate_is_not():
    found = effects.cka_bias()
    assert found["plain_32"] > found["plain_128"] > found["plain_1024"] > 0.05
    # Of independent whitened representations the mean of plain CKA is about D / (D + n).
    assert found["plain_1024"] == pytest.approx(96 / (96 + 1024), abs=0.01)
    assert found["unbiased"] == pytest.approx(0, abs=0.02)
    assert effects.cka_quirk()["difference"] < 1e-5


def test_plain_cka_of_a_rotated_representation_is_one():
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1))).Q
    assert effects.plain_cka(x, x @ rotation) == pytest.approx(1, abs=1e-5)


def test_shares_that_follow_from_counting():
    assert effects.validation_leak()["share"] == pytest.approx(0.9, abs=0.02)
    assert effects.equal_pairs()["drawn"] == pytest.approx(0.1, abs=0.015)
    assert effects.equal_pairs()["kept"] == 0
    assert effects.tied_objects()["share"] == pytest.approx(0.5 + 0.5 / 10, abs=0.015)
    pixels = effects.whole_pixels()
    assert pixels["drawn"] - pixels["applied"] == pytest.approx(0.5 / 32, abs=0.001)


def test_parameters_of_the_vit():
    found = effects.vit_width()
    assert found["code"] == pytest.approx(12.477726)
    assert found["code"] - found["text"] == pytest.approx(7 * (2 * 384 + 1) * (1536 - 384) / 1e6)


def test_dealing_shows_every_transformation_once():
    found = effects.dealt_targets()
    assert found["dealt"] == 18 > found["independent"]


def test_small_effects_are_small():
    assert 0 < effects.rounding()["levels"] < 1
    assert effects.half_precision()["change"] < 0.01 * effects.half_precision()["value"]
    assert 0 < effects.shuffle_seed()["deviation"] < 0.05 * effects.shuffle_seed()["value"]
