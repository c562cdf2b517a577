"""`invariance profile`, and the models that it loads."""

import ast
import subprocess
import sys
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import invariance
from invariance import models, profiling
from invariance.cli import app
from invariance.errors import InputError
from invariance.profiling import load_backbone, profile_model


def run(*arguments):
    return CliRunner().invoke(app, ["profile", *map(str, arguments)])


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
    for name in "ab":
        (tmp_path / name / "photos").mkdir(parents=True)
        (tmp_path / name / "best.pt").touch()
    given = product((tmp_path / name / "best.pt" for name in "ab"), (f"{tmp_path}/{name}/photos" for name in "ab"))
    both = product(given, ("", "64"))
    folders = [profiling.folder_for("small", file, False, images, text) for (file, images), text in both]
    assert len(set(folders)) == 8 and all(str(one).startswith("profile/small-best-photos-") for one in folders)


def test_a_file_with_a_backbone_alone_or_with_prefixes_is_profiled(tmp_path):
    trained, path = models.build("small", 7, 5), tmp_path / "trained.pt"
    for state in (trained.backbone.state_dict(), {f"module.{k}": v for k, v in trained.state_dict().items()}):
        torch.save({"model": state}, path)
        assert torch.equal(load_backbone("small", path).backbone[0].weight, trained.backbone[0].weight)


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
