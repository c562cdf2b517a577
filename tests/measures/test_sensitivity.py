import numpy as np
import pytest
import torch

from invariance import sampling
from invariance.errors import InputError
from invariance.measures import cka, measure_all, sensitivity


def normal(n=4000, width=16, seed=0):
    return sampling.normal(sampling.keys(seed, torch.arange(n)), width)


def test_known_values():
    x = normal()
    assert sensitivity(x, x).value == 0
    assert sensitivity(x, normal(seed=1)).value == pytest.approx(1, abs=0.02)
    # Moving by noise of half the spread: sqrt(2) * 0.5 apart, against sqrt(2) between random rows.
    noisy = [x + 0.5 * normal(seed=seed) for seed in (1, 2)]
    assert sensitivity(*noisy).value == pytest.approx(0.5 / 1.25**0.5, abs=0.02)


def test_it_ignores_scale_shift_and_rotation_of_the_representation():
    x, y = normal(), normal() + 0.3 * normal(seed=1)
    q, _ = torch.linalg.qr(normal(16, 16, seed=5))
    base = sensitivity(x, y).value
    assert sensitivity(100 * x @ q + 7, 100 * y @ q + 7).value == pytest.approx(base, rel=1e-4)


def test_the_interval_holds_the_truth_about_95_percent_of_the_time():
    """Also where an image that is far from all others takes part in several distances."""

    def pairs(n, seed):
        x = (0.6 * normal(n, 1, 3 * seed)).exp() * normal(n, 16, 3 * seed + 1)
        return x, x + 0.3 * normal(n, 16, 3 * seed + 2)

    truth = sensitivity(*pairs(400_000, 10**6)).value
    found = [sensitivity(*pairs(200, trial), seed=trial) for trial in range(400)]
    assert all(one.low < one.value < one.high for one in found)
    assert 0.9 <= sum(one.low <= truth <= one.high for one in found) / len(found) <= 0.98


def test_without_intervals_the_value_is_the_same():
    x, y = normal(300), normal(300) + 0.3 * normal(300, seed=1)
    found = measure_all(x, y, kinds=("l2",), intervals=False)["l2"]
    assert found.value == sensitivity(x, y).value
    assert found.low != found.low


def test_random_pairs_never_pair_an_image_with_itself():
    assert sensitivity(normal(2), normal(2, seed=1)).between.min() > 0
    for n in (2, 3, 50):
        assert (sensitivity(normal(n), normal(n, seed=1)).between > 0).all()


def test_bad_input_is_named():
    x = normal(10)
    with pytest.raises(InputError, match=r"both must be \(N, D\)"):
        sensitivity(x, x[:5])
    with pytest.raises(InputError, match="needs at least 2"):
        sensitivity(x[:1], x[:1])
    with pytest.raises(InputError, match="not finite"):
        sensitivity(x * float("inf"), x)
    with pytest.raises(InputError, match="same representation"):
        sensitivity(torch.ones(5, 3), torch.ones(5, 3))


@pytest.mark.parametrize("kind", ["l2", "cosine", "dot"])
def test_every_kind_is_zero_for_the_same_and_one_for_unrelated_representations(kind):
    x = normal() + 1
    assert sensitivity(x, x, kind=kind).value == 0
    assert sensitivity(x, normal(seed=1) + 1, kind=kind).value == pytest.approx(1, abs=0.03)
    with pytest.raises(InputError, match="Unknown kind of sensitivity 'l1'"):
        sensitivity(x, x, kind="l1")


def test_cosine_and_dot_are_the_ratios_that_their_similarities_give():
    content = normal(500) + 1
    x, y = content + 0.4 * normal(500, seed=1), content + 0.4 * normal(500, seed=2)
    found = measure_all(x, y)
    cosine, dot = found["cosine"], found["dot"]
    assert torch.allclose(cosine.within.float(), torch.cosine_similarity(x, y), atol=1e-5)
    assert torch.allclose(dot.within.float(), (x * y).sum(1), atol=1e-4)
    assert cosine.value == pytest.approx(((1 - cosine.within.mean()) / (1 - cosine.between.mean())).item(), rel=1e-4)
    own = (x.square().sum(1).mean() + y.square().sum(1).mean()).item() / 2
    own_random = x.square().sum(1).mean().item()
    expected = (own - dot.within.mean().item()) / (own_random - dot.between.mean().item())
    assert dot.value == pytest.approx(expected, rel=1e-3)
    assert found["l2"].as_published == pytest.approx(found["l2"].value)
    shuffled = x.roll(1, 0)  # the paper's code divides the mean similarities
    published = (torch.cosine_similarity(x, y).mean() / torch.cosine_similarity(x, shuffled).mean()).item()
    assert cosine.as_published == pytest.approx(published, rel=0.1)


def test_dot_is_the_share_of_variance_that_the_transformation_makes():
    content = normal(8000)
    x, y = (content + 0.5 * normal(8000, seed=seed) for seed in (1, 2))
    found = measure_all(x, y)["dot"]
    assert found.value == pytest.approx(0.25 / 1.25, abs=0.01)
    assert found.low < found.value < found.high


def test_cosine_ignores_lengths_and_l2_does_not():
    x, y = normal(500) + 1, normal(500) + 1 + 0.3 * normal(500, seed=1)
    lengths = 1 + sampling.uniform(sampling.keys(3, torch.arange(500)), 1)
    longer = (lengths * x, y)
    assert sensitivity(*longer, kind="cosine").within.allclose(sensitivity(x, y, kind="cosine").within, atol=1e-6)
    assert sensitivity(*longer).value > 1.5 * sensitivity(x, y).value


def test_all_measures_at_once_are_those_alone():
    x, y = normal(300), normal(300) + 0.3 * normal(300, seed=1)
    found = measure_all(x, y, seed=4)
    assert list(found) == ["l2", "cosine", "dot", "cka"]
    for kind in ("l2", "cosine", "dot"):
        alone = sensitivity(x, y, seed=4, kind=kind)
        assert (alone.value, alone.low, alone.high) == pytest.approx(
            (found[kind].value, found[kind].low, found[kind].high), abs=1e-6
        )
    assert found["cka"] == cka(x, y)
    assert measure_all(x, y, 4, ("cka",)) == {"cka": found["cka"]}
    assert measure_all(x, y, 4, ("l2",))["l2"].value == found["l2"].value
    with pytest.raises(InputError, match=r"Unknown measure 'l1'\. Known: l2, cosine, dot, cka"):
        measure_all(x, y, 4, ("l2", "l1"))


def test_one_direction_for_all_images_has_no_cosine():
    x = torch.rand(20, 1) + 0.1
    assert sensitivity(x, x).value == 0
    with pytest.raises(InputError, match="points the same way"):
        sensitivity(x, x, kind="cosine")


def test_many_pairs_are_resampled_in_groups_with_the_same_interval():
    x, y = normal(40_000, 4), normal(40_000, 4, seed=1)
    found = sensitivity(x, y)
    width = (found.high - found.low) / (2 * 1.96)
    ratio = found.within / found.between.mean() - found.value * found.between / found.between.mean()
    assert width == pytest.approx((ratio.std() / 200).item(), rel=0.1)


def test_cosine_is_exact_for_tiny_angles_and_defined_for_zero_vectors():
    x = torch.randn(400, 3, generator=torch.Generator().manual_seed(0)) + 5
    y = x + 1e-3 * torch.randn(400, 3, generator=torch.Generator().manual_seed(1))
    cosines = torch.cosine_similarity(x.double(), y.double())
    found = sensitivity(x, y, kind="cosine")
    assert found.value * (1 - found.between).mean() == pytest.approx((1 - cosines).mean().item(), rel=0.02)
    x[0], y[0], x[1], y[1] = 0, 0, 0, 1
    assert sensitivity(x, y, kind="cosine").within[:2].tolist() == [1, 0]


@pytest.mark.parametrize("factor", [1e30, 1e-30, 2.0**40])
def test_the_scale_does_not_matter_where_squares_overflow_or_vanish(factor):
    x, y = normal(300) + 1, normal(300) + 1 + 0.3 * normal(300, seed=1)
    for kind, found in measure_all(factor * x, factor * y).items():
        plain = measure_all(x, y)[kind]
        assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high), rel=1e-4)


def test_pairs_of_very_different_scale_are_far_apart():
    x = normal(300)
    found = measure_all(x, 1e20 * x)
    assert found["l2"].value == pytest.approx(7e19, rel=0.1)
    assert all(found[kind].low < found[kind].value < found[kind].high for kind in ("l2", "dot"))
    assert found["cka"].value == pytest.approx(1)


def test_numbers_of_other_types():
    x, y = (1000 * normal(300)).round(), (1000 * normal(300) + 300 * normal(300, seed=1)).round()
    plain = measure_all(x, y)
    for kind in (torch.int32, torch.int64, torch.float64):
        for name, found in measure_all(x.to(kind), y.to(kind)).items():
            assert found.value == pytest.approx(plain[name].value, rel=1e-4)
    with pytest.raises(InputError, match="complex numbers"):
        sensitivity(x + 0j, y)
    with pytest.raises(InputError, match=r"\(300, 0\) and .*: both must be \(N, D\)"):
        cka(x[:, :0], y)


def test_a_default_type_of_float64_changes_nothing():
    x, y = normal(300), normal(300) + 0.3 * normal(300, seed=1)
    plain = measure_all(x, y)
    torch.set_default_dtype(torch.float64)
    try:
        assert {kind: found.value for kind, found in measure_all(x, y).items()} == {
            kind: found.value for kind, found in plain.items()
        }
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("kind", ["float32", "float64", ">f4", "float16", "int64", "longdouble"])
def test_numpy_arrays_are_measured_as_tensors_are(kind):
    x, y = (normal(300, 8, seed) * 9 for seed in (0, 1))
    arrays = [side.numpy().astype(kind) for side in (x, y)]
    known = [
        torch.from_numpy(np.array(side, side.dtype.newbyteorder("=") if kind != "longdouble" else "f8"))
        for side in arrays
    ]
    assert measure_all(*arrays).keys() == measure_all(*known).keys()
    for name, found in measure_all(*arrays).items():
        assert found.value == measure_all(*known)[name].value
    flipped = arrays[0][::-1]
    flipped.flags.writeable = False
    assert cka(flipped, arrays[1][::-1]).value == pytest.approx(cka(*arrays).value, abs=0.2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0], [2.0]], "Representations are a list: give tensors or NumPy arrays"),
        (None, "are a NoneType"),
        (torch.eye(9).to_sparse(), "are a sparse tensor"),
        (np.array([["a"], ["b"]]), "are an array of <U1"),
    ],
)
def test_what_is_no_representation_is_named_in_a_line(x, message):
    for call in (sensitivity, cka, measure_all):
        with pytest.raises(InputError, match=message) as error:
            call(x, normal(9))
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="Minibatch 'a' is not usable"):
        cka(normal(9), normal(9), batch="a")
