import os
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from invariance import models
from invariance.errors import InputError


class Own(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.scale, self.function = nn.Parameter(torch.ones(())), function

    def forward(self, images):
        return self.function(images * self.scale)


def test_a_readers_own_backbone_becomes_a_classifier():
    own = Own(lambda x: x.mean((2, 3))).train()
    model = models.wrap(own, classes=4, width=3, seed=1)
    images = torch.rand(5, 3, 32, 32)
    assert model.width == 3 and own.training
    torch.testing.assert_close(model.features(images), images.mean((2, 3)))
    assert model(images).shape == (5, 4)
    assert torch.equal(model.head.weight, models.wrap(own, 4, seed=1).head.weight)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, r"gives torch.float32 \(2, 3, 32, 32\) for 2 images: make it give real features \(2, D\)"),
        (lambda x: x.flatten(), r"torch.float32 \(6144,\)"),
        (lambda x: (x.flatten(1),), "gives a tuple"),
        (lambda x: x.flatten(1) / 0, "not finite"),
        (lambda x: x.flatten(1) + 0j, "gives torch.complex64"),
        (lambda x: x @ torch.ones(7, 7), r"fails on images of 32 x 32 \(`size`\): .*multiplied"),
    ],
)
def test_backbones_that_cannot_work_are_named(function, message):
    with pytest.raises(InputError, match=message):
        models.wrap(Own(function), classes=4)


def test_a_wrong_width_is_named():
    with pytest.raises(InputError, match="gives 3072 features an image, not 10"):
        models.wrap(Own(lambda x: x.flatten(1)), classes=4, width=10)


def test_timm_models_are_wrapped_by_name():
    model = models.wrap("timm:mobilenetv3_small_050", classes=3, seed=1)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 3)
    again = models.wrap("timm:mobilenetv3_small_050", classes=3, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    with pytest.raises(InputError, match=r"timm cannot give 'mobilenetv3_smal' \(.*\): timm.list_models\(\) lists"):
        models.wrap("timm:mobilenetv3_smal", classes=3)


def test_timm_is_asked_for_its_weights_on_request_only(monkeypatch):
    asked = []

    def create_model(name, **options):
        asked.append(options["pretrained"])
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8))

    monkeypatch.setattr("timm.create_model", create_model)
    models.wrap("timm:resnet18", classes=3)
    models.wrap("timm:resnet18", classes=3, pretrained=True)
    assert asked == [False, True]


def test_timm_weights_that_cannot_be_had_are_named(monkeypatch):
    def create_model(name, **options):
        raise OSError("no network\nand much more")

    monkeypatch.setattr("timm.create_model", create_model)
    with pytest.raises(InputError, match=r"timm cannot give 'resnet18' \(no network\)"):
        models.wrap("timm:resnet18", classes=3, pretrained=True)


def test_missing_timm_and_other_names_say_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)  # importing it now fails
    with pytest.raises(InputError, match="pip install timm"):
        models.wrap("timm:resnet18", classes=3)
    with pytest.raises(InputError, match="'timm:NAME', not 'resnet18'"):
        models.wrap("resnet18", classes=3)


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "pth", "ckpt"])
def test_weights_survive_a_file(tmp_path, suffix):
    model, other = models.build("small", 3, 0), models.build("small", 3, 1)
    path = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        models.save_weights(model, path)
    else:
        torch.save({"state_dict": model.state_dict()} if suffix == "ckpt" else model.state_dict(), path)
    models.load_weights(other, path)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))


class Evil:
    def __reduce__(self):
        return print, ("unpickled",)


def test_files_that_do_not_fit_are_named_and_change_nothing(tmp_path, capsys):
    model = models.build("small", 3, 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    good = tmp_path / "good.safetensors"
    models.save_weights(models.build("small_vgg", 3, 0), good)
    with pytest.raises(InputError, match=r"good.safetensors does not fit \((Missing|Unexpected) key"):
        models.load_weights(model, good)
    models.save_weights(models.build("small", 5, 0), good)
    with pytest.raises(
        InputError,
        match=r"does not fit \(size mismatch for head.*\(\[5.*\(\[3.*: build the model that its weights come from",
    ):
        models.load_weights(model, good)
    save_file({"x": torch.zeros(3)}, good)
    with pytest.raises(InputError, match="build the model that its weights come from"):
        models.load_weights(model, good)
    nan = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file({**nan, "head.bias": torch.full((3,), torch.nan)}, good)
    with pytest.raises(InputError, match=r"'head\.bias' is not finite"):
        models.load_weights(model, good)
    for suffix in ("safetensors", "pt"):
        half = tmp_path / f"half.{suffix}"
        torch.save(model.state_dict(), half)
        half.write_bytes(half.read_bytes()[:3000])
        with pytest.raises(InputError, match=r"half.* is not a whole file of weights"):
            models.load_weights(model, half)
    torch.save({"x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="more than tensors"):
        models.load_weights(model, tmp_path / "evil.pt")
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(InputError, match="no state dict"):
        models.load_weights(model, tmp_path / "list.pt")
    with pytest.raises(InputError, match=r"nowhere\.pt is not a whole file of weights: .*No such file"):
        models.load_weights(model, tmp_path / "nowhere.pt")
    assert "unpickled" not in capsys.readouterr().out
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {1: torch.ones(2)}, "no state dict"),
        (lambda state: {"a": {"b": torch.ones(2)}}, "no state dict"),
        (
            lambda state: {f"a.{k}": v for k, v in state.items()},
            r"Missing key.*: backbone.0.weight.* more; Unexp",
        ),
        (lambda state: {}, "no state dict"),
        (lambda state: {k: v for k, v in state.items() if k != "head.weight"}, "does not fit .Missing.*head.weight"),
        (lambda state: {**state, "head.bias": torch.tensor(1.0)}, "does not fit .size mismatch for head.bias"),
        (lambda state: {**state, "head.bias": torch.ones(3) / 0}, "'head.bias' is not finite"),
    ],
)
def test_damaged_checkpoints_are_named_and_change_nothing(tmp_path, change, message):
    model, path = models.build("small", 3, 0), tmp_path / "damaged.pt"
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.save({"state_dict": change(models.build("small", 3, 1).state_dict())}, path)
    with pytest.raises(InputError, match=rf"damaged\.pt.*{message}") as error:
        models.load_weights(model, path)
    assert "\n" not in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_an_empty_file_and_another_suffix_are_named(tmp_path):
    model = models.build("small", 3, 0)
    (tmp_path / "empty.pt").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.pt is not a whole file of weights: "):
        models.load_weights(model, tmp_path / "empty.pt")
    with pytest.raises(InputError, match=r"give .*new\.pt the suffix \.safetensors"):
        models.save_weights(model, tmp_path / "new.pt")
    assert not (tmp_path / "new.pt").exists()


def test_a_backbone_of_another_float_type_becomes_float32():
    half = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)).half()
    assert models.wrap(half, 3)(torch.rand(2, 3, 32, 32)).dtype == torch.float32


def _as_lightning(state):
    return {"state_dict": {f"model.{k}": v for k, v in state.items()}, "epoch": 3, "optimizer_states": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    "saved",
    [
        _as_lightning,
        lambda state: {f"module.{k}": v for k, v in state.items()},
        lambda state: {f"_orig_mod.{k}": v for k, v in state.items()},
        lambda state: {f"module.model._orig_mod.{k}": v for k, v in state.items()},
        lambda state: {k.replace("backbone.", "backbone._orig_mod."): v for k, v in state.items()},
        lambda state: {"model": state, "epoch": 3},
        lambda state: {"model_state_dict": {f"module.{k}": v for k, v in state.items()}, "optimizer": {}},
        lambda state: {"model": {"state_dict": state, "name": "small"}, "args": {"lr": 0.1}},
        lambda state: {"state_dict_ema": state, "state_dict": {}, "arch": "small"},
        lambda state: {"state_dict": state, "state_dict_ema": {k: v * 0 for k, v in state.items()}},
        lambda state: {**state, "epoch": 3, "arch": "small"},
    ],
)
def test_checkpoints_load_as_people_have_them(tmp_path, saved):
    trained, model, path = models.build("small", 3, 1), models.build("small", 3, 0), tmp_path / "saved.ckpt"
    torch.save(saved(trained.state_dict()), path)
    assert models.load_weights(model, path) == []
    assert all(torch.equal(v, trained.state_dict()[k]) for k, v in model.state_dict().items())


def test_what_the_model_has_no_place_for_is_listed(tmp_path):
    trained, path = models.build("small", 3, 1), tmp_path / "saved.pt"
    torch.save(trained.state_dict() | {"loss.weight": torch.ones(2)}, path)
    model = models.build("small", 3, 0)
    with pytest.warns(UserWarning, match="holds 1 tensors that the model has no place for, left out: loss.weight"):
        assert models.load_weights(model, path) == ["loss.weight"]
    with pytest.warns(UserWarning, match="left out: head.weight, head.bias, loss.weight"):
        models.load_weights(model.backbone, path)
    assert torch.equal(model.backbone[0].weight, trained.backbone[0].weight)
    with pytest.raises(InputError, match=r"A NoneType has no weights: give a torch\.nn\.Module"):
        models.load_weights(None, path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.wrap(None, 3), "A backbone to wrap is .*, not a NoneType"),
        (lambda: models.wrap(nn.Flatten, 3), "A backbone to wrap is .*, not a type"),
        (lambda: models.wrap(nn.Flatten(), "3"), "Number of classes '3' is not usable"),
        (lambda: models.wrap(nn.Flatten(), 10**12), "Number of classes 1000000000000 is not usable"),
        (lambda: models.wrap(nn.Flatten(), 3, seed="a"), "Seed 'a' is not usable"),
        (lambda: models.wrap(nn.Flatten(), 3, size="32"), "size '32' is not usable"),
        (lambda: models.wrap(nn.Flatten(), 3, mean=0.5), "Give mean and std together"),
        (lambda: models.wrap(nn.Flatten(), 3, mean=[1, 2], std=1), r"mean \[1, 2\]: give one number or three"),
        (lambda: models.wrap(nn.Flatten(), 3, mean=1, std=0), "std 0: give one number or three"),
        (lambda: models.build("small", 2, 0).with_head(None), r"A head is a torch\.nn\.Linear, not a NoneType"),
        (lambda: models.save_weights(None, "a.safetensors"), r"has no weights: give a torch\.nn\.Module"),
        (lambda: models.save_weights(nn.Flatten(), None), "give None the suffix .safetensors"),
        (lambda: models.build("small", 2.0, 0), "Number of classes 2.0 is not usable"),
        (lambda: models.build("small", 2, 2**70), "Seed 1180591620717411303424 is not usable"),
    ],
)
def test_a_wrong_type_gets_one_line(call, message):
    with pytest.raises(InputError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["pipe.pt", "pipe.safetensors"])
def test_a_pipe_is_no_file_of_weights(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is not a whole file of weights: It is not a regular file"):
        models.read_weights(tmp_path / name)


def test_pretrained_models_of_timm_bring_their_own_normalisation(monkeypatch):
    import timm

    create = timm.create_model
    monkeypatch.setattr("timm.create_model", lambda name, pretrained, **options: create(name, **options))
    own = models.wrap("timm:test_vit", 3, pretrained=True)
    assert own.size == 160 and own.mean.flatten().tolist() == [0.5] * 3
    given = models.wrap("timm:test_vit", 3, pretrained=True, mean=[0.1, 0.2, 0.3], std=1)
    assert given.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3]) and given.std.item() == 1
    assert models.wrap("timm:mobilenetv3_small_050", 3).mean is None


# --- transformers ---------------------------------------------------------------------------------------------------


def _config(kind):
    from transformers import ConvNextConfig, Dinov2Config, ResNetConfig, ViTConfig

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return {
        "vit": lambda: ViTConfig(**small, image_size=16, patch_size=8),
        "dinov2": lambda: Dinov2Config(**small, image_size=16, patch_size=8, mlp_ratio=1),
        "resnet": lambda: ResNetConfig(embedding_size=4, hidden_sizes=[4, 16], depths=[1, 1], layer_type="basic"),
        "convnext": lambda: ConvNextConfig(hidden_sizes=[4, 4, 4, 16], depths=[1, 1, 1, 1]),
    }[kind]()


@pytest.mark.parametrize("kind", ["vit", "dinov2", "resnet", "convnext"])
def test_models_of_transformers_are_loaded_by_name_or_folder(tmp_path, kind):
    transformers = pytest.importorskip("transformers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        saved = transformers.AutoModel.from_config(_config(kind)).eval()
    saved.save_pretrained(tmp_path)
    name, images = f"hf:{tmp_path}", torch.rand(2, 3, 32, 32)
    if kind == "vit":
        mean = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.5, 0.25], "size": {"height": 16, "width": 16}}
        transformers.ViTImageProcessor(**mean).save_pretrained(tmp_path)
        images = images[..., :16, :16]
    model = models.wrap(name, 3, size=images.shape[-1], pretrained=True)
    assert model.width == 16
    expected = saved(pixel_values=images).pooler_output.flatten(1)
    torch.testing.assert_close(model.eval().features(images), expected)
    untrained = models.wrap(name, 3, size=images.shape[-1], seed=1)
    assert not torch.allclose(untrained.eval().features(images), expected, atol=1e-3)
    if kind == "vit":
        assert model.size == 16 and model.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
        assert untrained.mean is None


def test_what_transformers_cannot_give_is_named(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "transformers", None)
        with pytest.raises(InputError, match="'hf:a/b' needs transformers, which is not installed: run `pip install"):
            models.wrap("hf:a/b", 3)
    pytest.importorskip("transformers")
    with pytest.raises(InputError, match=r"transformers cannot give .*: give OWNER/NAME of the Hub, or a folder"):
        models.wrap(f"hf:{tmp_path}", 3)
