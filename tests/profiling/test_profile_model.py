"""Profiles of models whose invariances are known, and what goes wrong in one line."""

from pathlib import Path

import jupytext
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from profiles import SOME, Given, luma, values
from torch import nn

from invariance import models, profiling
from invariance.datasets.photos import read_photos
from invariance.errors import InputError
from invariance.profiling import profile_model
from invariance.transforms import TRANSFORMATIONS


def test_a_model_with_known_invariances_gets_its_profile(photos):
    found = profile_model(Given(luma), photos, SOME)
    assert values(found)["h_flip"] == pytest.approx(0, abs=1e-6)
    assert values(found, measure="cka")["h_flip"] == pytest.approx(1, abs=1e-4)
    assert values(found)["rotate"] > 0.05 and values(found)["hue"] > 0.01
    assert set(found["kind"]) == {"given"} and set(found["pairs"]) == {12}  # no weights, and twelve photos


def test_the_table_is_tidy_and_has_every_measure_for_both_models(small):
    found = profile_model(small, transforms=SOME, pairs=40, name="mine", seed=3)
    assert len(found) == len(SOME) * 2 * 4 == len(found.drop_duplicates(["kind", "transformation", "measure"]))
    assert set(found["measure"]) == {"sensitivity_l2", "sensitivity_cosine", "sensitivity_dot", "cka"}
    assert set(found["model"]) == {"mine"} and set(found["seed"]) == {3}
    assert (found["low"] < found["value"]).all() and (found["value"] < found["high"]).all()
    pd.testing.assert_frame_equal(found, profile_model(small, transforms=SOME, pairs=40, name="mine", seed=3))


def test_all_18_by_default_and_a_batch_boundary_changes_nothing(small):
    whole = profile_model(small, pairs=10, untrained=None)
    assert list(dict.fromkeys(whole["transformation"])) == list(TRANSFORMATIONS)
    in_parts = profile_model(small, pairs=10, untrained=None, batch_size=4)
    assert np.allclose(whole["value"], in_parts["value"], atol=1e-4, equal_nan=True)


def test_larger_images_come_in_smaller_batches(photos):
    batches = []
    network = Given(lambda images: batches.append(len(images)) or images.mean((2, 3)))
    profile_model(network, photos, ["hue"], size=1024)
    assert max(batches) == 4
    profile_model(network, photos, ["hue"], size=1024, batch_size=6)
    assert max(batches) == 6


def test_layers_are_measured_side_by_side(small):
    found = profile_model(small, transforms=["rotate"], pairs=20, layers=["2", "output"], untrained=None)
    alone = profile_model(small, transforms=["rotate"], pairs=20, untrained=None)
    assert values(found) == values(alone)
    assert values(found, layer="2") != values(found)


def test_photos_are_cut_square_and_normalisation_is_the_model_s_own(photos):
    assert read_photos(photos, 32, most=5).shape == (5, 3, 32, 32)
    clipped = Given(lambda images: images.clamp(-1, 1).flatten(1))
    plain, own = (profile_model(clipped, photos, ["hue"], **s) for s in ({}, {"mean": [0.5, 0.4, 0.3], "std": 0.1}))
    assert values(plain) != values(own)


def test_figures_show_the_values_of_the_table(small):
    found = profile_model(small, transforms=SOME, pairs=20, layers=["2", "8", "output"])
    figure = profiling.sensitivity_profile(found)
    assert [axis.get_title() for axis in figure.axes] == ["2", "8", "output"]
    bars = [bar for container in figure.axes[2].containers if hasattr(container, "patches") for bar in container]
    assert sorted(bar.get_width() for bar in bars) == pytest.approx(sorted(values(found).values()))
    panels = [axis for axis in profiling.sensitivity_by_depth(found).axes if axis.get_visible()]
    assert [axis.get_title() for axis in panels] == ["rotate", "h flip", "hue", "grayscale"]
    lines = [y for line in panels[2].lines for y in line.get_ydata()]
    kinds = [(kind, layer) for kind in ("given", "untrained") for layer in ("2", "8", "output")]
    assert lines == [values(found, kind, layer=layer)["hue"] for kind, layer in kinds]


def test_files_are_written_whole_and_all_of_them_or_none(small, tmp_path, monkeypatch):
    found = profile_model(small, transforms=["hue"], pairs=10)
    paths = profiling.save(found, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["profile.csv", "profile.png", "profile.svg"]
    back = pd.read_csv(paths[0])
    assert np.allclose(back["value"], found["value"]) and list(back.columns) == list(found.columns)
    before = [path.read_bytes() for path in paths]
    monkeypatch.setattr(Figure, "savefig", lambda *args, **options: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        profiling.save(found.assign(value=0), paths[0].parent)
    assert [path.read_bytes() for path in paths] == before and len(list(paths[0].parent.iterdir())) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transforms": ["rotat"]}, r"Unknown transformation 'rotat'. Did you mean 'rotate'\?"),
        ({"transforms": "rotate,hue"}, "transforms must be a list of names"),
        ({"transforms": []}, "No transformations to measure"),
        ({"backbone": 3}, "must be a torch.nn.Module"),
        ({"layers": ["nope"]}, "Unknown layer 'nope'"),
        ({"pairs": 3}, "pairs 3 is not usable: give a whole number from 4"),
        ({"pairs": 10**9}, "pairs 1000000000 is not usable"),
        ({"batch_size": 0}, "batch_size 0 is not usable"),
        ({"images": "glyph"}, "Unknown images 'glyph'. Did you mean 'glyphs'"),
        ({"images": ""}, "Unknown images ''"),
        ({"images": "/nowhere/photos"}, "No folder /nowhere/photos"),
        ({"images": "scenes10", "size": 64}, "scenes10 has images of 32 x 32, not 64 x 64"),
        ({"size": 12}, "A canvas of 12 pixels is too small"),
        ({"size": 20_000}, "size 20000 is not usable: give a whole number from 1 to 1024"),
        ({"std": 0}, "std 0: give one number or three"),
        ({"mean": "a"}, "mean 'a': give one number or three"),
        ({"untrained": 3}, "untrained 3: give a torch.nn.Module, None, or 'auto'"),
    ],
)
def test_bad_choices_are_named_before_any_work(small, monkeypatch, options, message):
    monkeypatch.setattr(profiling, "pair_keys", lambda *arguments: pytest.fail("work started"))
    with pytest.raises(InputError, match=message) as error:
        profile_model(**{"backbone": small, **options})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda x: x, r"gives .*\(2, 3, 32, 32\) for 2 images"),
        (lambda x: x.reshape(5, 7), "fails on images of 32 x 32"),
        (lambda x: x.flatten(1) / (len(x) < 3), r"the given model at layer 'output' under hue: .* not finite"),
        (lambda x: x.flatten(1) if len(x) < 3 else torch.empty(2**60), "Not enough memory for 20 images at once"),
        (lambda x: 0 * x.flatten(1), "model tells no images apart at layer output"),
    ],
)
def test_a_backbone_that_cannot_be_measured_is_named(give, message):
    with pytest.raises(InputError, match=message):
        profile_model(Given(give), transforms=["hue"], pairs=20, batch_size=20)


class Dying(nn.Module):
    """A convolution, and after it a layer that gives the same for every image."""

    def __init__(self):
        super().__init__()
        self.alive, self.dead = nn.Conv2d(3, 4, 3), nn.Identity()

    def forward(self, images):
        alive = self.alive(images).mean((2, 3))
        return alive + self.dead(alive * 0)


def test_a_dead_layer_has_no_values_and_a_note_and_the_others_do():
    table = profile_model(Dying(), transforms=["hue"], pairs=20, layers=["dead", "output"], untrained=None)
    assert table.groupby("layer")["value"].apply(lambda part: part.isna().sum()).to_dict() == {"dead": 4, "output": 0}
    said = " ".join(profiling.notes(table, profiling.Loaded(Dying(), "mine")))
    assert "given model tells no images apart at layer 'dead'" in said and "No untrained copy" in said
    assert profiling.sensitivity_profile(table) and profiling.sensitivity_by_depth(table)


def test_what_is_undefined_alone_leaves_the_other_measures():
    table = profile_model(Given(lambda x: x.mean((1, 2, 3))[:, None] + 5), transforms=["hue"], pairs=20)
    assert table.loc[table["value"].isna(), "measure"].tolist() == ["sensitivity_cosine"]


def test_a_profile_that_was_stopped_goes_on_and_only_while_all_is_as_it_was(small, tmp_path, monkeypatch):
    measured, measure = [], profiling._measured_rows

    def counted(read, renderer, transformation, *rest):
        if transformation == stop:
            raise KeyboardInterrupt
        measured.append(transformation)
        return measure(read, renderer, transformation, *rest)

    monkeypatch.setattr(profiling, "_measured_rows", counted)
    keep, given = tmp_path / "kept.csv", {"transforms": SOME, "pairs": 20, "layers": ["2", "output"]}
    stop = "hue"
    with pytest.raises(KeyboardInterrupt):
        profile_model(small, **given, keep=keep)
    assert measured == ["rotate", "h_flip"]
    stop = ""
    found = profile_model(small, **given, keep=keep)
    assert measured == SOME
    whole = profile_model(small, **given)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    measured.clear()
    profile_model(small, **given, keep=keep)
    assert not measured
    profile_model(small, **{**given, "pairs": 21}, keep=keep)
    profile_model(models.build("small", 3, 1).backbone, **given, keep=keep)  # other weights
    profile_model(nn.Sequential(*small, nn.Tanh()), **given, keep=keep)  # other code
    assert len(measured) == 3 * len(SOME)
    keep.write_text("state,half\n\0")
    profile_model(small, **given, keep=keep)
    assert len(measured) == 4 * len(SOME)


def test_the_chapter_takes_its_transformations_as_a_list():
    chapter = jupytext.read(Path(__file__).parents[2] / "book" / "09_profile_your_model.py")
    (cell,) = (cell for cell in chapter.cells if "parameters" in cell.metadata.get("tags", []))
    given = {}
    exec(cell.source, given)
    assert given["transforms"] == []
