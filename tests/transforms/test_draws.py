"""What is drawn follows the distributions of the paper: Kolmogorov-Smirnov and chi-square at a fixed seed."""

import numpy as np
import pytest
import torch
from scipy import stats

from invariance import sampling, transforms
from invariance.protocol import PUBLISHED
from invariance.transforms import TRANSFORMATIONS, corruption, geometric

SIZE, N = 32, 20_000
LEAST = 0.001
"""A p-value below this is a wrong distribution, not chance: some fifty tests, always with the same draws."""

UNIFORM = {  # parameter and its ends, all columns alike
    "scale": ("factor", 0.4, 1.0),
    "translate": ("place", 0.0, 1.0),
    "rotate": ("angle", 0.0, 360.0),
    "shear": ("angles", -50.0, 50.0),
    "hue": ("shift", -0.5, 0.5),
    "brightness": ("factor", 0.0, 2.0),
    "blur": ("sigma", 0.1, 1.5),
    "contrast": ("factor", 0.0, 2.0),
}
HALF = ("v_flip", "h_flip", "grayscale", "posterize", "invert", "sharpen", "noise", "pixelate", "elastic", "erasing")


def drawn(name, count=N):
    return transforms.draw([name], sampling.keys(sampling.stream(11, "draws"), torch.arange(count)), SIZE)[0]


def test_every_transformation_is_tested_for_what_it_draws():
    assert {*UNIFORM, *HALF} == set(TRANSFORMATIONS)


@pytest.mark.parametrize("name", UNIFORM)
def test_parameters_are_uniform_over_their_range_and_always_applied(name):
    parameter, low, high = UNIFORM[name]
    assert "on" not in drawn(name)
    columns = drawn(name)[parameter].reshape(N, -1)
    for column in columns.T:
        assert stats.kstest(column.numpy(), "uniform", (low, high - low)).pvalue > LEAST
    if columns.shape[1] == 2:
        assert abs(stats.pearsonr(*columns.T.numpy()).statistic) < 0.03
    limits = TRANSFORMATIONS[name].ranges[parameter]
    assert (limits.low, limits.high) == (low, high)


@pytest.mark.parametrize("name", HALF)
def test_a_coin_decides_and_knows_nothing_of_the_parameters(name):
    given = drawn(name)
    on = given.pop("on")
    assert TRANSFORMATIONS[name].probability == 0.5
    assert stats.binomtest(int(on.sum()), N, 0.5).pvalue > LEAST
    for value in given.values():
        column = value.reshape(N, -1)[:, 0].double()
        assert stats.ks_2samp(column[on].numpy(), column[~on].numpy()).pvalue > LEAST


def test_coins_and_parameters_of_different_transformations_are_independent():
    coins = [drawn(name)["on"].double() for name in HALF]
    values = [drawn(name)[parameter].reshape(N, -1)[:, 0].double() for name, (parameter, _, _) in UNIFORM.items()]
    correlation = torch.corrcoef(torch.stack(coins + values))
    assert correlation.fill_diagonal_(0).abs().max() < 0.03


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_parameters_of_one_transformation_are_independent(name):
    """Two draws from the same keys would be the same numbers."""
    parameters = [value.reshape(2_000, -1)[:, :4].double() for value in drawn(name, 2_000).values()]
    correlation = torch.atleast_2d(torch.corrcoef(torch.cat(parameters, 1).T))
    assert correlation.fill_diagonal_(0).nan_to_num().abs().max() < 0.1


@pytest.mark.parametrize("axis", [0, 1])
def test_translate_puts_the_box_at_every_whole_pixel_equally_often(axis):
    box = torch.tensor([[5, 7, 22, 18]]).repeat(N, 1)
    corner = geometric.translate_box(box, drawn("translate"), SIZE)[:, axis]
    places = SIZE - box[0, 2 + axis].item()  # x in [0, 32 - w), y in [0, 32 - h)
    counts = torch.bincount(corner, minlength=places)
    assert len(counts) == places
    assert stats.chisquare(counts.numpy()).pvalue > LEAST


@pytest.mark.parametrize("axis", [0, 1])
def test_a_whole_image_is_shifted_by_whole_pixels_up_to_15_percent_either_way(axis):
    shift = geometric.shift_of(drawn("translate"), SIZE)[:, axis]
    assert shift.min() == -4 and shift.max() == 4  # 0.15 of 32 is 4.8
    assert stats.chisquare(torch.bincount(shift + 4).numpy()).pvalue > LEAST


@pytest.mark.parametrize("axis", [0, 1])
def test_published_shifts_go_4_to_13_pixels_to_the_right_and_down(axis):
    image = torch.zeros(1, 3, SIZE, SIZE)
    image[..., 0, 0] = 1  # where it goes to is the shift
    moved = transforms.apply(["translate"], image.expand(N, -1, -1, -1), [drawn("translate")], protocol=PUBLISHED)
    shift = moved[:, 0].amax(2 - axis).argmax(1)
    counts = torch.bincount(shift)
    assert shift.min() == 4 and len(counts) == 14
    room = 2 * 0.15 * SIZE  # 9.6 pixels, so that the last one is drawn less often
    assert stats.chisquare(counts[4:], [N / room] * 9 + [N * (room - 9) / room]).pvalue > LEAST


def test_scale_has_sides_of_13_to_32_pixels():
    counts = torch.bincount(geometric.scaled_side(drawn("scale")["factor"], SIZE))
    assert len(counts) == 33 and (counts[:13] == 0).all()
    pixels = np.diff(np.clip(np.arange(12.5, 33), 12.8, 32))  # of the range of 32 factor that is rounded to each side
    assert stats.chisquare(counts[13:], N * pixels / pixels.sum()).pvalue > LEAST


def test_erasing_starts_at_0_to_17_so_that_squares_are_whole():
    for column in drawn("erasing")["corner"].T:
        counts = torch.bincount(column)
        assert len(counts) == 18
        assert stats.chisquare(counts.numpy()).pvalue > LEAST
    images = torch.ones(100, 3, SIZE, SIZE)
    erased = (transforms.apply(["erasing"], images, [{"corner": drawn("erasing", 100)["corner"]}]) == 0)[:, 0]
    assert (erased.sum((1, 2)) == 14 * 14).all()
    keys = sampling.keys(1, torch.arange(2000))
    other = transforms.draw(["erasing"], keys, 64)[0]["corner"]
    assert (other.min(), other.max()) == (0, 49)


def test_noise_is_a_normal_cut_to_0_and_1():
    keys = drawn("noise", 100)["key"]
    added = corruption.positive_noise(keys, SIZE).flatten()
    counts = [(added == 0).sum(), ((added > 0) & (added < 1)).sum(), (added == 1).sum()]
    shares = stats.norm.cdf([0, 1])
    expected = [shares[0], shares[1] - shares[0], 1 - shares[1]]
    assert stats.chisquare(counts, [share * len(added) for share in expected]).pvalue > LEAST
    between = added[(added > 0) & (added < 1)].numpy()
    assert stats.kstest(between, stats.truncnorm(0, 1).cdf).pvalue > LEAST


def test_noise_and_displacement_differ_between_images_channels_and_pixels():
    noise = corruption.positive_noise(drawn("noise", 40)["key"], SIZE).double()
    fields = corruption.white_field(drawn("elastic", 40)["key"], SIZE).double()
    for values in (noise, fields):
        for other in (values.roll(1, 0), values.roll(1, 1), values.roll(1, 2), values.roll(1, 3), values.roll(4, 3)):
            assert abs(torch.corrcoef(torch.stack((values.flatten(), other.flatten())))[0, 1]) < 0.02


def test_the_field_of_elastic_is_uniform_before_it_is_smoothed():
    field = corruption.white_field(drawn("elastic", 100)["key"], SIZE)
    assert stats.kstest(field.flatten().numpy(), "uniform", (-1, 2)).pvalue > LEAST
