"""Profiles of models whose invariances are known, untrained copies, and what goes wrong in one line."""

import ast
import subprocess
import sys
from pathlib import Path

import jupytext
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torchvision.ops import FrozenBatchNorm2d
from typer.testing import CliRunner

import invariance
from invariance import models, profiling
from invariance.cli import app
from invariance.datasets.photos import read_photos
from invariance.errors import InputError
from invariance.profiling import load_backbone, profile_model, untrained_copy
from invariance.transforms import TRANSFORMATIONS

SOME = ["rotate", "h_flip", "hue", "grayscale"]


class Given(nn.Module):
    """A backbone that is a function."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def luma(images):
    # Blind to hue in part, wholly to where a pixel stands.
    return images.mean(1).flatten(1).sort(1).values


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(12):
        tile = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
        Image.fromarray(tile).resize((40 + 3 * k, 80 - 2 * k), Image.Resampling.BICUBIC).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def small():
    return models.build("small", 3, 0).backbone


def values(table, kind="given", measure="sensitivity_l2", layer="output"):
    part = table[(table["kind"] == kind) & (table["measure"] == measure) & (table["layer"] == layer)]
    return dict(zip(part["transformation"], part["value"], strict=True))


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


def test_the_untrained_copy_is_fresh_and_leaves_the_model_alone(small):
    before, state = {name: value.clone() for name, value in small.state_dict().items()}, torch.get_rng_state()
    copies = [untrained_copy(small, seed) for seed in (0, 0, 1)]
    weights = [copy[0].weight for copy in copies]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], small[0].weight)
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


class Holder(nn.Module):
    """A module with a weight of its own, and attributes by name."""

    def __init__(self, **given):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        for name, value in given.items():
            setattr(self, name, value)


def _frozen_norm():
    norm = FrozenBatchNorm2d(4)
    norm.running_mean += torch.randn(4)
    return norm


def _learned_buffer():
    layer = nn.Linear(3, 3)
    layer.register_buffer("centres", torch.randn(3, 3))
    return layer


class Parent(Holder):
    """A parent whose reset reaches its own weight, and not the child's."""

    def reset_parameters(self):
        nn.init.normal_(self.weight)


class Wanting(Holder):
    """A layer that is drawn with an argument only."""

    def reset_parameters(self, std):
        nn.init.normal_(self.weight, std=std)


@pytest.mark.parametrize(
    "build",
    [
        lambda: weight_norm(nn.Conv2d(3, 4, 3)),
        lambda: spectral_norm(nn.Linear(3, 4)),
        _frozen_norm,
        _learned_buffer,
        lambda: Parent(child=Holder()),
        Wanting,
        lambda: Holder(reset_parameters=3),
        lambda: nn.LazyLinear(3),
        lambda: nn.Flatten(),
    ],
    ids=["weight norm", "spectral norm", "frozen norm", "buffer", "parent", "argument", "number", "lazy", "nothing"],
)
def test_there_is_no_untrained_copy_where_a_trained_tensor_would_stay(build):
    assert untrained_copy(build()) is None


@pytest.mark.parametrize(
    "name",
    ["timm:test_vit", "timm:test_convnext", "timm:swin_tiny_patch4_window7_224", "torchvision:swin_t", "small_vit"],
)
def test_models_with_weights_outside_of_layers_get_an_untrained_copy(name):
    library, _, architecture = name.rpartition(":")
    if library == "timm":
        network = pytest.importorskip("timm").create_model(architecture)
    elif library == "torchvision":
        network = nn.Sequential(pytest.importorskip("torchvision.models").get_model(architecture), nn.ReLU())
    else:
        network = models.build(architecture, 3, 0)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.1 + 0.01 * torch.rand_like(weight)  # as training would
    pairs = zip(untrained_copy(network).parameters(), network.parameters(), strict=True)
    assert not any((new == old).any() or new.isnan().any() for new, old in pairs)


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


@pytest.fixture
def user_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\nfrom torch import nn\nimport neighbour\n\n"
        "def load():\n    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 8))\n\n"
        "def trained():\n    model = load()\n"
        "    model.load_state_dict(torch.load(neighbour.PATH))\n    return model\n\n"
        "def number():\n    return 3\n\ndef leave():\n    raise SystemExit(3)\n"
    )
    (tmp_path / "neighbour.py").write_text(f"PATH = {str(tmp_path / 'mine.pt')!r}\n")
    torch.save(nn.Sequential(nn.Identity(), nn.Identity(), nn.Linear(48, 8)).state_dict(), tmp_path / "mine.pt")
    return path


def test_a_model_of_one_s_own_is_compared_with_what_its_function_gives_under_another_seed(user_file):
    loaded = load_backbone(f"{user_file}:load", user_file.with_suffix(".pt"))
    trained = torch.load(user_file.with_suffix(".pt"))["2.weight"]
    assert torch.equal(loaded.backbone[2].weight, trained)
    assert not torch.equal(loaded.untrained[2].weight, trained)
    assert load_backbone(f"{user_file}:trained").untrained == "auto"  # the same weights again: they were loaded


def test_weights_of_a_model_of_the_book(tmp_path):
    trained = models.build("small", 7, 5)
    models.save_weights(trained, tmp_path / "trained.safetensors")
    loaded = load_backbone("small", tmp_path / "trained.safetensors")
    assert torch.equal(loaded.backbone[0].weight, trained.backbone[0].weight)
    assert not torch.equal(loaded.untrained[0].weight, trained.backbone[0].weight)
    assert load_backbone("small").untrained is None
    with pytest.raises(InputError, match="does not fit"):
        load_backbone("small_resnet", tmp_path / "trained.safetensors")


@pytest.mark.parametrize(
    ("name", "size", "mean"),
    [
        ("vit_tiny_patch16_224.augreg_in21k_ft_in1k", 224, 0.5),
        ("test_vit", 160, 0.5),
        ("resnet18.a1_in1k", 224, 0.485),
    ],
)
def test_models_of_timm_come_with_their_own_size_and_normalisation(name, size, mean):
    pytest.importorskip("timm")
    loaded = load_backbone(f"timm:{name}")
    assert (loaded.size, loaded.mean[0], loaded.untrained) == (size, mean, None)
    assert load_backbone(f"timm:{name}", size=96).size == 96


def run(*arguments):
    return CliRunner().invoke(app, ["profile", *map(str, arguments)])


def test_the_command_profiles_a_model_of_one_s_own_on_one_s_own_photos(user_file, photos, tmp_path):
    out = tmp_path / "out"
    done = run(f"{user_file}:load", "--images", photos, "--transforms", "rotate,blur", "--size", 48, "--out", out)
    assert done.exit_code == 0, done.output
    assert "load on" in done.output and "12 pairs of 48 x 48" in done.output and "mean 0.5" in done.output
    assert "rotate" in done.output and "untrained" in done.output
    assert "The strength of blur is set in pixels" in " ".join(done.output.split())
    assert len(pd.read_csv(out / "profile.csv")) == 2 * 2 * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smal"], "error: Unknown model 'smal'. Did you mean 'small'?"),
        (["{file}:nope"], "error: Unknown function of "),
        (["{file}:number"], "gives int: it must return a torch.nn.Module"),
        (["{file}:leave"], "fails: SystemExit: 3"),
        (["/nowhere/x.py:load"], "error: No file /nowhere/x.py"),
        (["small", "--size", "0"], "error: size 0 is not usable: give a whole number from 1 to 1024"),
        (["small", "--pretrained"], "error: There are no published weights for 'small'"),
        (["small", "--weights", "/nowhere.pt"], "error: /nowhere.pt is not a whole file of weights"),
    ],
)
def test_a_mistake_is_one_line(user_file, tmp_path, arguments, message):
    done = run(*(a.format(file=user_file) for a in arguments), "--out", tmp_path)
    assert done.exit_code == 2, done.output
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("profile.*"))


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


def test_the_command_keeps_what_is_measured_and_overwrites_no_other_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measure = profiling._measured_rows

    def interrupted(*given):
        if given[2] == "hue":
            raise KeyboardInterrupt
        return measure(*given)

    with monkeypatch.context() as patch:
        patch.setattr(profiling, "_measured_rows", interrupted)
        done = run("small", "--pairs", 8, "--transforms", "rotate,hue")
        assert done.exit_code == 130 and "what is measured is in profile/small-glyphs/unfinished.csv" in done.stderr
    assert set(pd.read_csv("profile/small-glyphs/unfinished.csv")["transformation"]) == {"rotate"}
    for name in ("small", "small_vgg"):
        assert run(name, "--pairs", 8, "--transforms", "rotate,hue", "--batch-size", 3).exit_code == 0
    assert not Path("profile/small-glyphs/unfinished.csv").exists()
    tables = [pd.read_csv(f"profile/{name}-glyphs/profile.csv") for name in ("small", "small_vgg")]
    assert [set(table["model"]) for table in tables] == [{"small"}, {"small_vgg"}]
    assert profiling.folder_for("timm:vit/x", "runs/a.pt", False, "../photos/") == Path("profile/timm_vit_x-a-photos")


def test_a_file_with_a_backbone_alone_or_with_prefixes_is_profiled(tmp_path):
    trained, path = models.build("small", 7, 5), tmp_path / "trained.pt"
    for state in (trained.backbone.state_dict(), {f"module.{k}": v for k, v in trained.state_dict().items()}):
        torch.save({"model": state}, path)
        assert torch.equal(load_backbone("small", path).backbone[0].weight, trained.backbone[0].weight)


def test_the_chapter_takes_its_transformations_as_a_list():
    chapter = jupytext.read(Path(__file__).parents[1] / "book" / "09_profile_your_model.py")
    (cell,) = (cell for cell in chapter.cells if "parameters" in cell.metadata.get("tags", []))
    given = {}
    exec(cell.source, given)
    assert given["transforms"] == []


def test_the_package_offers_it_and_stays_light():
    assert invariance.profile_model is profile_model
    shortcuts = {"transforms_2d", "natural_images", "objects_on_images", "labelled_images", "profile_model"}
    assert shortcuts < set(dir(invariance)) and shortcuts < set(invariance.__all__)
    assert all(callable(getattr(invariance, name)) for name in shortcuts)
    tree = ast.parse(Path(invariance.__file__).read_text())  # what an editor and a type checker see
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
    assert shortcuts < imported and (Path(invariance.__file__).parent / "py.typed").exists()
    check = "import sys, invariance; sys.exit('torch' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", check]) == 0
