import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PatchCollection

from invariance import claims, figures, results
from invariance.figures import style
from invariance.results.statistics import COUNTERPARTS
from invariance.transforms import CATEGORIES, names_of

NAMES = [name for category in CATEGORIES for name in names_of(category)]


def sweep_table():
    rows = []
    for sweep, levels in (("correlation", (0, 0.2, 0.8, 0.95, 1)), ("availability", (0, 0.4, 1))):
        for level in levels:
            base = {"experiment": "relevance", "position": "fixed", "sweep": sweep, "level": level, "model": "small"}
            for target, value in (("cifar_only", 0.6), ("cifar_mixed", 0.6 + 0.3 * level), ("objects_mixed", level)):
                rows.append({**base, "target": target, "exchanged": "", "measure": "accuracy", "value": value})
            for part, value in (("cifar", 1 - 0.5 * level), ("objects", 0.9 * level)):
                rows.append({**base, "target": "", "exchanged": part, "measure": "sensitivity_l2", "value": value})
    return pd.DataFrame(rows)


def transfer_table(types=("training objects on scenes", "new objects on scenes", "cifar10")):
    rows = []
    for trained_on in ("image", "random"):
        for trained_with in [*NAMES, "none", "untrained"]:
            for name in NAMES:
                for k, data in enumerate(types):
                    value = 0.2 + 0.15 * k if name == trained_with else 0.6 + 0.02 * (len(name) % 5)
                    rows.append((trained_on, trained_with, name, data, value))
    table = pd.DataFrame(rows, columns=["trained_on", "trained_with", "transformation", "data", "value"])
    return table.assign(experiment="invariance_transfer", model="small", measure="sensitivity_l2")


def rates_table():
    rows = [
        {"learning_rate": rate, "transforms": transforms, "value": best - 0.1 * abs(np.log10(rate) + 3)}
        for rate in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
        for transforms, best in (("same", 0.95), ("disjoint", 0.7))
    ]
    return pd.DataFrame(rows)


def make_all(around):
    """Every figure of the experiments once, from values around the paper's."""
    paper = results.paper_factors()
    factors = around(paper)
    names = ["class_relationship", "architecture", "pretraining_samples", "finetuning_samples"]
    ours, theirs = ({n: results.factor_rows(t, n) for n in names} for t in (factors, paper))
    ours["pretraining_samples"] = ours["pretraining_samples"].assign(
        level=lambda t: (t["level"].astype(int) // 10).astype(str)
    )
    small = {v: k for k, v in COUNTERPARTS.items()}
    ours["architecture"] = ours["architecture"].assign(level=lambda t: t["level"].map(small))
    relevance, sweeps = around(results.paper_relevance()), around(sweep_table())
    transfer = around(transfer_table())
    mismatch = around(results.paper_mismatch())
    rows = claims.ledger({**claims.paper_tables(), "factors": factors, "relevance": relevance, "mismatch": mismatch})
    papers_transfer = results.paper_invariance_transfer()
    return {
        "factor_levels": figures.factor_levels(ours["architecture"], theirs["architecture"], "architecture"),
        "factor_panels": figures.factor_panels(ours, theirs),
        "factor_summary": figures.factor_summary(
            results.summary_by_seed(ours[names[0]]), results.summary(theirs[names[0]])
        ),
        "factor_summaries": figures.factor_summaries(factors, paper),
        "learning_rates": figures.learning_rates(around(rates_table())),
        "relevance_accuracy": figures.relevance_accuracy(relevance, results.paper_relevance()),
        "relevance_sensitivity": figures.relevance_sensitivity(relevance, results.paper_relevance()),
        "relevance_correlation": figures.relevance_correlation(relevance, results.paper_relevance()),
        "sweep_correlation": figures.relevance_sweep(sweeps, "correlation"),
        "sweep_availability": figures.relevance_sweep(sweeps, "availability"),
        "transfer_bars": figures.transfer_bars(transfer, papers_transfer),
        "transfer_map": figures.transfer_map(transfer, "new objects on scenes"),
        "mismatch_map": figures.mismatch_map(mismatch, results.paper_mismatch(), "vit"),
        "transfer_maps": figures.transfer_maps(transfer),
        "mismatch_maps": figures.mismatch_maps(mismatch),
        "mismatch_curves": figures.mismatch_curves(mismatch, results.paper_mismatch()),
        "mismatch_cost": figures.mismatch_cost(mismatch, results.paper_mismatch()),
        "claims_overview": figures.claims_overview(rows),
    }


@pytest.fixture(scope="module")
def drawn(seeds_around):
    return make_all(seeds_around)


def test_every_figure_is_transparent_and_closed(drawn):
    assert plt.get_fignums() == []
    for name, figure in drawn.items():
        assert figure.get_facecolor()[3] == 0, name
        assert all(axis.get_facecolor()[3] == 0 for axis in figure.axes), name


def test_every_figure_is_the_same_file_again(drawn, seeds_around):
    def svg(figure):
        with plt.rc_context(style.STYLE):
            file = io.BytesIO()
            figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    relevance = seeds_around(results.paper_relevance())
    again = figures.relevance_accuracy(relevance, results.paper_relevance())
    assert svg(drawn["relevance_accuracy"]) == svg(again)


def test_everything_drawn_stands_out_on_white_and_on_dark(drawn):
    """Grey text has 3.5 to 1 on both; a cell's text is black or white, and has 4.5 to 1 against its cell."""

    def contrast(one, other):
        light, dark = sorted((style.luminance(one), style.luminance(other)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for colour in (style.GREY, style.SAME, style.DISJOINT, style.THIRD, style.FOURTH):
        for page in ("white", "#121212"):
            assert contrast(colour, page) > (3.5 if colour == style.GREY else 2.5), (colour, page)
    for name in ("relevance_accuracy", "mismatch_map"):
        axis = drawn[name].axes[0]
        (cells,) = [c for c in axis.collections if isinstance(c, PatchCollection)]
        cells.update_scalarmappable()
        faces = cells.get_facecolors()
        assert len(axis.texts) == len(faces)
        for text, face in zip(axis.texts, faces, strict=True):
            assert face[3] == 1 and contrast(text.get_color(), face) > 4.5


def test_text_is_black_or_white_by_contrast():
    assert style.text_colour((1, 1, 0, 1)) == "black"
    assert style.text_colour((0, 0, 0.4, 1)) == "white"


def test_factor_levels_show_every_seed_the_mean_and_the_paper(seeds_around):
    paper = results.paper_factor("class_relationship")
    ours = seeds_around(paper, 0.05)
    axis = figures.factor_levels(ours, paper).axes[0]
    seeds = [line for line in axis.lines if line.get_markersize() == 4]
    assert sum(len(line.get_xdata()) for line in seeds) == len(ours)
    assert sorted(np.concatenate([line.get_ydata() for line in seeds])) == sorted(ours["value"])
    hollow = [line for line in axis.lines if line.get_fillstyle() == "none"]
    assert sorted(np.concatenate([line.get_ydata() for line in hollow])) == sorted(paper["value"])
    same = ours[(ours["transforms"] == "same") & (ours["level"] == "disjoint")]["value"]
    means = axis.containers[0].lines[0]
    assert means.get_ydata()[1] == pytest.approx(same.mean())
    bar = axis.containers[0].lines[2][0].get_segments()[1]
    assert bar[:, 1] == pytest.approx(results.mean_interval(same)[1:])


def test_levels_of_other_sizes_show_the_papers_in_brackets(seeds_around):
    paper = results.paper_factor("pretraining_samples")
    ours = seeds_around(paper).assign(level=lambda t: (t["level"].astype(int) // 10).astype(str))
    axis = figures.factor_levels(ours.sample(frac=1, random_state=0), paper, "pretraining_samples").axes[0]
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert labels == ["100\n(1k)", "1k\n(10k)", "5k\n(50k)", "10k\n(100k)", "50k\n(500k)"]
    hollow = [line for line in axis.lines if line.get_fillstyle() == "none"]
    assert hollow[0].get_ydata()[0] == 0.945


@pytest.mark.parametrize(
    ("level", "name"), [("0.01", "1 %"), ("1.0", "100 %"), ("1e+05", "100k"), ("50", "50"), ("small_vit", "small\nViT")]
)
def test_levels_have_short_names(level, name):
    assert style.level_name(level) == name


def test_one_seed_is_drawn_without_an_interval():
    paper = results.paper_factor("class_relationship")
    axis = figures.factor_levels(paper.assign(seed=0), paper).axes[0]
    for segment in axis.containers[0].lines[2][0].get_segments():
        assert segment[0, 1] == segment[1, 1]


def test_a_heat_map_leaves_a_gap_for_a_missing_cell():
    values = pd.DataFrame([[0.1, np.nan], [0.9, 0.5]])
    figure, axis = plt.subplots()
    cells = style.heat_map(axis, values, (0, 1), values.map(lambda v: f"{v:.1f}"))
    plt.close(figure)
    assert len(cells.get_paths()) == 3
    assert [text.get_text() for text in axis.texts] == ["0.1", "–", "0.9", "0.5"]
    assert list(cells.get_array()) == [0.1, 0.9, 0.5]


def test_the_map_of_invariance_transfer_keeps_rows_and_columns(seeds_around):
    table = seeds_around(transfer_table(), 0.0, seeds=2)
    axis = figures.transfer_map(table, "cifar10").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()][-2:] == ["none", "untrained"]
    values = np.asarray(axis.collections[0].get_array()).reshape(20, 18)
    assert np.diag(values) == pytest.approx(0.5)
    assert values[NAMES.index("rotate"), NAMES.index("blur")] == pytest.approx(0.6 + 0.02 * 4)


def test_small_maps_show_every_type_of_data_and_every_model(seeds_around, drawn):
    types = ("new objects on noise", "cifar10", "training objects on scenes", "new objects on scenes")
    figure = figures.transfer_maps(seeds_around(transfer_table(types), 0.0, seeds=2))
    panels = {axis.get_title().replace("\n", " "): axis for axis in figure.axes if axis.get_title()}
    assert set(panels) == {results.READERS_NAMES.get(name, name) for name in types}
    for k, name in enumerate(types):
        values = np.asarray(panels[results.READERS_NAMES.get(name, name)].images[0].get_array())
        assert values.shape == (20, 18) and np.diag(values) == pytest.approx(0.2 + 0.15 * k)
    titles = [axis.get_title() for axis in drawn["mismatch_maps"].axes if axis.get_title()]
    assert titles == ["ResNet-18", "DenseNet", "VGG-11", "ViT"]
    assert [len(axis.texts) for axis in drawn["mismatch_maps"].axes[:4]] == [64] * 4


def test_curves_of_a_mismatch_meet_at_the_matching_model(drawn):
    axis = drawn["mismatch_cost"].axes[0]
    for container in axis.containers:
        x, y = container.lines[0].get_data()
        assert y[np.abs(x) < 0.2] == pytest.approx([0])
        assert y[-1] < y[np.argmin(np.abs(x - 1))] < 0.01


def test_the_ledger_shows_each_verdict_by_colour_and_symbol():
    rows = (
        claims.ledger({})
        .head(4)
        .assign(
            verdict=[claims.SUPPORTED, claims.NOT_SUPPORTED, claims.UNDECIDED, claims.NOT_RUN],
            ours=[0.3, -0.3, 0.0, np.nan],
            low=[0.2, -0.4, -0.1, np.nan],
            high=[0.4, -0.2, 0.1, np.nan],
        )
    )
    axis = figures.claims_overview(rows).axes[0]
    assert [text.get_text() for text in axis.texts] == ["✓", "✗", "?", "–"]
    assert [text.get_color() for text in axis.texts] == [style.SAME, style.DISJOINT, style.GREY, style.GREY]
    bars = [line for line in axis.lines if line.get_linewidth() == 2.2]
    assert bars[0].get_xdata() == pytest.approx([0.15, 0.35])  # from the threshold, 0.05


def test_marks_beyond_the_ledgers_axis_are_arrows():
    rows = claims.ledger({}).head(1).assign(verdict=claims.SUPPORTED, ours=1.5, low=1.4, high=1.6, paper=-1.0)
    axis = figures.claims_overview(rows).axes[0]
    marks = [line for line in axis.lines if line.get_marker() in "<>"]
    assert [(line.get_marker(), line.get_xdata()) for line in marks] == [(">", pytest.approx([0.6])), ("<", [-0.6])]


def test_a_sweep_shows_values_above_one(seeds_around):
    table = seeds_around(sweep_table(), 0.001)
    table.loc[table["exchanged"] == "objects", "value"] *= 1.5
    axis = figures.relevance_sweep(table, "correlation").axes[1]
    assert axis.get_ylim()[1] > table["value"].max() + 0.03


def test_picture_grids_keep_every_pixel():
    pictures = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    figure = figures.picture_grid([pictures, pictures[:2]], ["a", "b"])
    sheet = figure.axes[0].images[0].get_array()
    step = round(8 * 1.08)
    for k, picture in enumerate(pictures):
        assert np.array_equal(sheet[:8, k * step : k * step + 8, :3], picture)
    assert (sheet[step:, 2 * step :, 3] == 0).all()
    assert [text.get_text() for text in figure.axes[0].texts] == ["a", "b"]


def test_the_order_of_rows_does_not_change_a_figure(seeds_around):
    """Published tables are sorted by name, runs by design."""

    def bars(figure):
        axis = figure.axes[0]
        ticks = [label.get_text() for label in [*axis.get_xticklabels(), *axis.get_yticklabels()]]
        legend = [text.get_text() for text in figure.legends[0].get_texts()]
        shapes = [(*patch.get_bbox().bounds, *patch.get_facecolor()) for patch in axis.patches]
        return [*ticks, *legend], shapes

    transfer = seeds_around(transfer_table())
    kinds = [
        {"kind": kind, "category": category, "value": value}
        for kind, value in (("untrained", 0.2), ("trained with others", 0.5), ("trained with it", 0.3))
        for category in CATEGORIES
    ]
    measuring = seeds_around(pd.DataFrame(kinds))
    for draw, table in (
        (lambda t: figures.transfer_bars(t, results.paper_invariance_transfer()), transfer),
        (figures.sensitivity_bars, measuring),
    ):
        (texts, shapes), (other_texts, other_shapes) = (
            bars(draw(t)) for t in (table, table.sample(frac=1, random_state=1))
        )
        assert texts == other_texts
        assert np.array(shapes) == pytest.approx(np.array(other_shapes))
