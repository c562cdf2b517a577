import numpy as np
import pandas as pd
import pytest

from invariance import figures, results
from invariance.errors import InputError


def table(same=(0.9, 0.8, 1.0), disjoint=(0.5, 0.6, 0.4)):
    rows = [
        {"level": level, "transforms": kind, "seed": seed, "value": value + 0.01 * bonus}
        for bonus, level in enumerate(("few", "many"))
        for kind, values in (("same", same), ("disjoint", disjoint))
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_the_papers_numbers_are_carried():
    paper = results.paper_factor("class_relationship").set_index(["level", "transforms"])["value"]
    assert paper["disjoint", "same"] == 0.983
    assert paper["same", "disjoint"] == 0.907
    hidden = results.paper_factor("class_relationship", data="cifar10")
    assert len(hidden) == 7  # one mark hides behind another in the published plot
    with pytest.raises(InputError, match=r"Unknown factor 'size'. Known: class_relationship"):
        results.paper_factor("size")


def test_gaps_are_paired_by_seed():
    gap = results.gaps(table()).set_index("level").loc["few"]
    differences = np.array([0.4, 0.2, 0.6])
    assert gap["gap"] == pytest.approx(differences.mean())
    assert gap["standard_error"] == pytest.approx(differences.std(ddof=1) / 3**0.5)
    assert gap["high"] - gap["gap"] == pytest.approx(4.302653 * gap["standard_error"], rel=1e-5)
    shuffled = results.gaps(table().sample(frac=1, random_state=0)).set_index("level").loc["few"]
    assert shuffled["gap"] == pytest.approx(gap["gap"])


def test_directions_are_averaged_within_a_seed():
    twice = pd.concat([table().assign(target="first"), table().assign(target="swapped", value=0.0)])
    found = results.by_seed(twice)
    assert len(found) == len(table())
    pd.testing.assert_series_equal(found["value"], table()["value"] / 2)


def test_one_seed_has_no_interval():
    gap = results.gaps(table((0.9,), (0.5,))).iloc[0]
    assert gap["gap"] == pytest.approx(0.4)
    assert np.isnan([gap["low"], gap["high"], gap["standard_error"]]).all()


def test_the_summary_compares_the_gap_with_the_ranges():
    found = results.summary(table())
    assert found == pytest.approx({"gap": 0.4, "range_same": 0.01, "range_disjoint": 0.01})


def test_figures_are_transparent_closed_and_show_every_seed():
    import matplotlib.pyplot as plt

    figure = figures.factor_levels(table(), table().groupby(["level", "transforms"], as_index=False)["value"].mean())
    assert plt.get_fignums() == []
    assert figure.get_facecolor()[3] == 0
    seeds = [line for line in figure.axes[0].lines if line.get_markersize() == 4]
    assert sum(len(line.get_xdata()) for line in seeds) == len(table())


def test_picture_grids_keep_every_pixel():
    pictures = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    figure = figures.picture_grid([pictures, pictures[:2]], ["a", "b"])
    sheet = figure.axes[0].images[0].get_array()
    step = round(8 * 1.08)
    for k, picture in enumerate(pictures):
        assert np.array_equal(sheet[:8, k * step : k * step + 8, :3], picture)
    assert (sheet[step:, 2 * step :, 3] == 0).all()
    assert [text.get_text() for text in figure.axes[0].texts] == ["a", "b"]
