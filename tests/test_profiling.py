"""Profiles of models whose invariances are known, and what goes wrong in one line."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

import invariance
from invariance import models, profiling
from invariance.cli import app
from invariance.datasets.photos import read_photos
from invariance.errors import InputError
from invariance.figures import sensitivity_by_depth, sensitivity_profile
from invariance.profiling import OUTPUT, load_backbone, profile_model, untrained_copy
from invariance.transforms import TRANSFORMATIONS

SOME = ["rotate", "h_flip", "hue", "grayscale"]


class Luma(nn.Module):
    """The luma of each pixel, sorted: blind to hue in part, wholly to where a pixel stands."""

    def forward(self, images):
        return images.mean(1).flatten(1).sort(1).values


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(12):
        height, width = rng.integers(40, 90, 2)
        tile = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
        Image.fromarray(tile).resize((width, height), Image.Resampling.BICUBIC).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def small():
    return models.build("small", 3, 0).backbone


def values(table, kind="given", measure="sensitivity_l2", layer=OUTPUT):
    part = table[(table["kind"] == kind) & (table["measure"] == measure) & (table["layer"] == layer)]
    return dict(zip(part["transformation"], part["value"], strict=True))


def test_a_model_with_known_invariances_gets_its_profile(photos):
    found = profile_model(Luma(), photos, transformations=SOME, untrained=None, pairs=12)
    l2 = values(found)
    assert l2["h_flip"] == pytest.approx(0, abs=1e-6)
    assert values(found, measure="cka")["h_flip"] == pytest.approx(1, abs=1e-4)
    assert l2["rotate"] > 0.05 and l2["hue"] > 0.01


def test_the_table_is_tidy_and_has_every_measure_for_both_models(small):
    found = profile_model(small, transformations=SOME, pairs=40, name="mine", seed=3)
    assert len(found) == len(SOME) * 2 * 4 == len(found.drop_duplicates(["kind", "transformation", "measure"]))
    assert set(found["measure"]) == {"sensitivity_l2", "sensitivity_cosine", "sensitivity_dot", "cka"}
    assert set(found["split"]) == {"pairs"} and set(found["model"]) == {"mine"} and set(found["seed"]) == {3}
    assert (found["low"] < found["value"]).all() and (found["value"] < found["high"]).all()
    pd.testing.assert_frame_equal(found, profile_model(small, transformations=SOME, pairs=40, name="mine", seed=3))


def test_all_18_by_default_and_a_batch_boundary_changes_nothing(small, monkeypatch):
    whole = profile_model(small, pairs=10, untrained=None)
    assert list(dict.fromkeys(whole["transformation"])) == list(TRANSFORMATIONS)
    monkeypatch.setattr(profiling, "BATCH", 4)
    in_parts = profile_model(small, pairs=10, untrained=None)
    assert np.allclose(whole["value"], in_parts["value"], atol=1e-4, equal_nan=True)


def test_layers_are_measured_side_by_side(small):
    found = profile_model(small, transformations=["rotate"], pairs=20, layers=["2", OUTPUT], untrained=None)
    alone = profile_model(small, transformations=["rotate"], pairs=20, untrained=None)
    assert values(found) == values(alone)
    assert values(found, layer="2") != values(found)


def test_the_untrained_copy_is_fresh_and_leaves_the_model_alone(small):
    before = {name: value.clone() for name, value in small.state_dict().items()}
    copies = [untrained_copy(small, seed) for seed in (0, 0, 1)]
    weights = [copy[0].weight for copy in copies]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], small[0].weight)
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())

    class Token(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.linear = nn.Parameter(torch.zeros(3)), nn.Linear(3, 3)

    assert untrained_copy(Token()) is None and untrained_copy(Luma()) is None
    state = torch.get_rng_state()
    untrained_copy(small)
    assert torch.equal(torch.get_rng_state(), state)


def test_photos_are_cut_square_and_each_makes_one_pair(photos):
    pictures = read_photos(photos, 32, most=5)
    assert pictures.shape == (5, 3, 32, 32) and pictures.dtype == torch.uint8
    found = profile_model(Luma(), photos, transformations=["hue"], pairs=500, untrained=None)
    assert set(found["pairs"]) == {12}
    other = profile_model(Luma(), photos, transformations=["hue"], pairs=500, untrained=None, size=48)
    assert values(other) != values(found)


def test_normalisation_is_the_model_s_own(photos):
    class Clipped(nn.Module):
        def forward(self, images):
            return images.clamp(-1, 1).flatten(1)

    plain = profile_model(Clipped(), photos, transformations=["hue"], untrained=None)
    clipped = profile_model(Clipped(), photos, transformations=["hue"], untrained=None, mean=[0.5, 0.4, 0.3], std=0.1)
    assert values(plain) != values(clipped)


def test_the_figure_has_a_bar_a_transformation_and_a_panel_a_layer(small):
    found = profile_model(small, transformations=SOME, pairs=20, layers=["2", OUTPUT])
    figure = sensitivity_profile(found)
    assert [axis.get_title() for axis in figure.axes] == ["2", OUTPUT]
    bars = [bar for container in figure.axes[1].containers if hasattr(container, "patches") for bar in container]
    assert sorted(bar.get_width() for bar in bars) == pytest.approx(sorted(values(found).values()))


def test_the_figure_by_depth_has_a_panel_a_transformation(small):
    found = profile_model(small, transformations=SOME, pairs=20, layers=["2", "8", OUTPUT])
    panels = [axis for axis in sensitivity_by_depth(found).axes if axis.get_visible()]
    assert [axis.get_title() for axis in panels] == ["rotate", "h flip", "hue", "grayscale"]
    assert all(axis.get_ylim()[1] > found.loc[found["measure"] == "sensitivity_l2", "high"].max() for axis in panels)
    given, fresh = panels[2].lines
    expected = [
        values(found, kind, layer=layer)["hue"] for kind in ("given", "untrained") for layer in ("2", "8", OUTPUT)
    ]
    assert [*given.get_ydata(), *fresh.get_ydata()] == expected


def test_files_are_whole(small, tmp_path, monkeypatch):
    found = profile_model(small, transformations=["hue"], pairs=10)
    paths = profiling.save(found, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["profile.csv", "profile.png", "profile.svg"]
    back = pd.read_csv(paths[0])
    assert np.allclose(back["value"], found["value"]) and list(back.columns) == list(found.columns)
    old = paths[0].read_bytes()
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *args, **options: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        profiling.save(found, tmp_path / "new" / "folder")
    assert paths[0].read_bytes() == old and len(list(paths[0].parent.iterdir())) == 3


class Wrong(nn.Module):
    def __init__(self, give):
        super().__init__()
        self.give = give

    def forward(self, images):
        return self.give(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transformations": ["rotat"]}, r"Unknown transformation 'rotat'. Did you mean 'rotate'\?"),
        ({"transformations": []}, "No transformations to measure"),
        ({"layers": []}, "No layers to measure"),
        ({"layers": ["nope"]}, "Unknown layer 'nope'"),
        ({"pairs": 3}, "pairs 3 is not usable: give a whole number of at least 4"),
        ({"device": "cuda:99"}, "No device 'cuda:99' here"),
        ({"device": "gpu"}, "Unknown device 'gpu'"),
        ({"images": "glyph"}, "Unknown images 'glyph'. Did you mean 'glyphs'"),
        ({"images": "/nowhere/photos"}, "No folder /nowhere/photos"),
        ({"images": "scenes10", "size": 64}, "scenes10 has images of 32 x 32, not 64 x 64"),
        ({"images": "scenes10", "pairs": 10_001}, "there are 10,000 test images"),
        ({"size": 12}, "A canvas of 12 pixels is too small"),
        ({"size": 0}, "size 0 is not usable: give a whole number"),
        ({"size": 32.0}, r"size 32\.0 is not usable: give a whole number"),
        ({"size": 20_000}, "size 20000 is not usable: give a whole number from 1 to 1024"),
        ({"std": 0}, "std 0: give one number or three"),
        ({"mean": [0.1, 0.2]}, "mean .* give one number or three"),
    ],
)
def test_bad_choices_are_named_before_any_work(small, monkeypatch, options, message):
    monkeypatch.setattr(profiling, "_features", lambda *arguments: pytest.fail("work started"))
    with pytest.raises(InputError, match=message) as error:
        profile_model(small, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda x: x, r"gives .*\(2, 3, 32, 32\) for 2 images"),
        (lambda x: x.flatten(1) / 0, "not finite"),
        (lambda x: [x], "list"),
        (lambda x: x.reshape(5, 7), "fails on images of 32 x 32"),
    ],
)
def test_a_backbone_that_cannot_be_measured_is_named(give, message):
    with pytest.raises(InputError, match=message):
        profile_model(Wrong(give))


def test_a_representation_of_too_few_images_is_named():
    with pytest.raises(InputError, match=r"given model gives at layer 'output' .* \(2, 3072\) for 10 images"):
        profile_model(Wrong(lambda x: x.flatten(1)[:2]), transformations=["hue"], pairs=10)


class Dying(nn.Module):
    """A convolution, and after it a layer that gives the same for every image."""

    def __init__(self, scale):
        super().__init__()
        self.alive, self.dead, self.scale = nn.Conv2d(3, 4, 3), nn.Identity(), scale

    def forward(self, images):
        alive = self.alive(images).mean((2, 3))
        return alive + self.dead(alive * self.scale)


def test_a_dead_layer_has_no_values_and_a_note_and_the_others_do():
    given = {"transformations": ["hue", "blur"], "pairs": 20, "layers": ["dead", OUTPUT], "untrained": None}
    table = profile_model(Dying(0), **given)
    assert table[table["layer"] == "dead"]["value"].isna().all()
    alone = profile_model(Dying(0), **{**given, "layers": [OUTPUT]})
    assert len(table) == 2 * len(alone) == 16 and not alone["value"].isna().any()
    said = profiling.notes(table, profiling.Loaded(Dying(0), "mine"))
    assert any(
        "given model does not tell images apart at layer 'dead'" in note and "hue, blur" in note for note in said
    )
    assert len(profiling.summary(table)) == 2 and sensitivity_profile(table) and sensitivity_by_depth(table)
    with pytest.raises(InputError, match="mine gives the same representation for every image at layer dead"):
        profile_model(Dying(0), **{**given, "layers": ["dead"]}, name="mine")


def test_what_is_undefined_alone_leaves_the_other_measures():
    table = profile_model(Wrong(lambda x: x.mean((1, 2, 3))[:, None] + 5), transformations=["hue"], pairs=20)
    assert [measure for measure, value in zip(table["measure"], table["value"], strict=True) if value != value] == [
        "sensitivity_cosine"
    ]


def test_where_a_representation_breaks_is_named():
    broken = Wrong(lambda x: x.flatten(1) / (len(x) < 3))
    with pytest.raises(InputError, match=r"the given model mine at layer 'output' under hue: .* not finite"):
        profile_model(broken, transformations=["hue"], pairs=20, name="mine")


def test_too_few_or_broken_photos_are_named(photos):
    for path in sorted(photos.iterdir())[3:]:
        path.unlink()
    with pytest.raises(InputError, match=r"holds 3 images .* need at least 4"):
        profile_model(Luma(), photos)
    for k in range(3):
        (photos / f"broken{k}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"Cannot read the image .*broken0\.png"):
        profile_model(Luma(), photos)


def run(*arguments):
    return CliRunner().invoke(app, ["profile", *map(str, arguments)])


@pytest.fixture
def user_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from torch import nn\nimport neighbour\n\n"
        "def load():\n    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 8))\n\n"
        "def number():\n    return 3\n\ndef broken():\n    return 1 / 0\n\n"
        "def leave():\n    raise SystemExit(3)\n"
    )
    (tmp_path / "neighbour.py").write_text("")
    return path


def test_the_command_profiles_a_model_of_one_s_own_on_one_s_own_photos(user_file, photos, tmp_path):
    out = tmp_path / "out"
    done = run(f"{user_file}:load", "--images", photos, "--transforms", "rotate,blur", "--size", 48, "--out", out)
    assert done.exit_code == 0, done.output
    assert "load on" in done.output and "12 pairs of 48 x 48" in done.output and "mean 0.5" in done.output
    assert "rotate" in done.output and "untrained" in done.output
    assert "The strength of blur is set in pixels" in " ".join(done.output.split())
    assert len(pd.read_csv(out / "profile.csv")) == 2 * 2 * 4
    assert {path.suffix for path in out.iterdir()} == {".csv", ".png", ".svg"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smal"], "error: Unknown model 'smal'. Did you mean 'small'?"),
        (["{file}:nope"], "error: Unknown function of "),
        (["{file}:number"], "gives int: it must return a torch.nn.Module"),
        (["{file}:broken"], "fails: ZeroDivisionError: division by zero"),
        (["{file}:leave"], "fails: SystemExit: 3"),
        (["small", "--size", "0"], "error: size 0 is not usable: give a whole number from 1 to 1024"),
        (["small", "--size", "20000"], "error: size 20000 is not usable: give a whole number from 1 to 1024"),
        (["/nowhere/x.py:load"], "error: No file /nowhere/x.py"),
        (["small", "--pretrained"], "error: There are no published weights for 'small'"),
        (["small", "--mean", "a"], "error: --mean a: give one number, or three"),
        (["small", "--out", "{file}"], "error: Cannot write to"),
        (["small", "--weights", "/nowhere.pt"], "error: "),
        (["small", "--weights", "{file}"], "error: "),
        (["small", "--device", "cuda:99"], "error: No device 'cuda:99' here"),
    ],
)
def test_a_mistake_is_one_line(user_file, tmp_path, arguments, message):
    done = run(*(a.format(file=user_file) for a in arguments), *(() if "--out" in arguments else ("--out", tmp_path)))
    assert done.exit_code == 2, done.output
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("profile.*"))


def test_weights_of_a_model_of_the_book(tmp_path):
    trained = models.build("small", 7, 5)
    models.save_weights(trained, tmp_path / "trained.safetensors")
    torch.save(trained.state_dict(), tmp_path / "trained.pt")
    for name in ("trained.safetensors", "trained.pt"):
        loaded = load_backbone("small", tmp_path / name)
        assert torch.equal(loaded.network[0].weight, trained.backbone[0].weight)
        assert not torch.equal(loaded.untrained[0].weight, trained.backbone[0].weight)
    with pytest.raises(InputError, match="another architecture"):
        load_backbone("small_resnet", tmp_path / "trained.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "trained.safetensors").read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cut\.safetensors"):
        load_backbone("small", tmp_path / "cut.safetensors")


def test_weights_for_a_model_of_one_s_own(user_file, tmp_path):
    state = load_backbone(f"{user_file}:load").network.state_dict()
    state["2.bias"] = torch.arange(8.0)
    torch.save(state, tmp_path / "mine.pt")
    loaded = load_backbone(f"{user_file}:load", tmp_path / "mine.pt")
    assert loaded.network[2].bias.tolist() == list(range(8)) and loaded.untrained == "auto"


@pytest.mark.skipif(find_spec("timm") is not None, reason="timm is installed")
def test_timm_is_named_where_it_is_missing():
    with pytest.raises(InputError, match="needs timm, which is not installed"):
        load_backbone("timm:resnet18")


def test_models_of_timm_come_with_their_normalisation_and_size(monkeypatch, small):
    calls = []
    monkeypatch.setattr(
        models, "wrap", lambda *given, **options: calls.append((*given, options)) or models.Classifier(small, 96, 1)
    )
    plain, trained = load_backbone("timm:resnet18"), load_backbone("timm:resnet18", pretrained=True, size=160)
    assert (plain.size, plain.untrained) == (224, None) and plain.mean == profiling.IMAGENET[0]
    assert (trained.size, trained.untrained) == (160, small)
    assert [call[2].get("pretrained", False) for call in calls] == [False, False, False, True]
    assert calls[2][2]["seed"] != calls[3][2]["seed"]


def test_the_package_offers_it_and_stays_light():
    assert invariance.profile_model is profile_model
    check = "import sys, invariance; sys.exit('torch' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", check]) == 0


def test_prose_says_where_bars_and_lines_stand():
    bars = [("given", "hue", 0.2), ("given", "blur", 0.5), ("given", "noise", 0.9)]
    bars += [("untrained", name, 0.5) for name in ("hue", "blur", "noise")]
    table = pd.DataFrame(bars, columns=["kind", "transformation", "value"]).assign(measure="sensitivity_l2")
    table = table.assign(low=table["value"] - 0.1, high=table["value"] + 0.1)
    names = ("noise", "hue", "blur", "rotate")
    expected = "left of its diamond for hue, at its diamond for blur, right of its diamond for noise"
    assert profiling.beside_untrained(table, names) == expected
    assert profiling.beside_untrained(table, ["rotate"]) == "not measured"
    depth = [("hue", 0.4), ("hue", 0.6), ("hue", 0.4), ("blur", 0.1), ("blur", 0.3), ("noise", 0.4), ("noise", 0.1)]
    depth += [("shear", 0.4), ("shear", 0.35)]
    lines = pd.DataFrame(depth, columns=["transformation", "value"]).assign(kind="given", measure="sensitivity_l2")
    lines = lines.assign(high=lines["value"] + 0.1)
    expected = "clearly below its highest point for noise and hue, at or near its highest point for blur"
    assert profiling.ends(lines, names) == expected
    assert profiling.ends(lines, ["shear", *names]).endswith("for shear and blur")
