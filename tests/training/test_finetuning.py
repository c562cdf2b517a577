import pytest
import torch
from torch import nn

from invariance import models, pictures, training
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.training import lora
from invariance.training.fit import fit

CPU = torch.device("cpu")
NAMES = pictures.class_names("glyphs")
SOURCE = Transforms2D(classes=NAMES[:6], transforms=("rotate",), backgrounds="black").renderer()
OTHER = Transforms2D(classes=NAMES[6:11], backgrounds="black").renderer()
VALIDATION = Split(SOURCE, 0, "target/validation", 200)
OPTIONS = {"device": CPU, "seed": 0, "batch_size": 64}


def split(samples):
    return Split(SOURCE, 0, "target/train", samples)


def probed(model):
    train, validation = training.features(model, split(100)), training.features(model, VALIDATION)
    return model, training.linear_probe(train, validation, 6, 0, method="lbfgs")


@pytest.fixture(scope="module")
def start():
    """A model pretrained on other classes without transformations, and its probe."""
    model = models.build("small", 5, 0)
    parts = (Split(OTHER, 0, f"pretraining/{part}", 640) for part in ("train", "validation"))
    fit(model, ImageData(*parts, 64, 0), 2, 3e-3, CPU)
    return probed(model)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_finetuning_improves_on_the_probe_and_leaves_the_model_alone(start, method):
    model, probe = start
    before = weights(model)
    tuned = training.finetune(model, probe.head, split(640), VALIDATION, 12, 1e-3, method=method, **OPTIONS)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert training.accuracy(tuned, VALIDATION) > probe.validation_accuracy + 0.03
    assert tuned.state_dict().keys() == model.state_dict().keys()
    assert tuned.head.out_features == 6 and not tuned.training
    assert all(p.requires_grad for p in tuned.parameters())


def test_finetuning_starts_from_the_probe(start):
    model, probe = start
    tuned = training.finetune(model, probe.head, split(64), VALIDATION, 1, 1e-9, method="lora", **OPTIONS)
    assert training.accuracy(tuned, VALIDATION) == pytest.approx(probe.validation_accuracy, abs=0.011)
    torch.testing.assert_close(tuned.head.weight, probe.head.weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["small", "small_vit", "small_densenet"])
def test_lora_changes_each_weight_by_a_matrix_of_its_rank_and_nothing_else(name):
    model, probe = probed(models.build(name, 5, 0).eval())
    tuned = training.finetune(
        model, probe.head, split(128), VALIDATION, 2, 1e-2, method="lora", rank=2, device=CPU, seed=0, batch_size=64
    )
    adapted = {n for n, m in model.backbone.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))}
    assert adapted
    for key, value in tuned.backbone.state_dict().items():
        layer, _, kind = key.rpartition(".")
        change = value - model.backbone.state_dict()[key]
        if kind == "weight" and layer in adapted:
            assert torch.linalg.matrix_rank(change.flatten(1).double(), atol=1e-6) == 2, key
        else:
            assert not change.any(), key


def test_a_low_rank_convolution_is_a_convolution_to_few_channels_and_a_pointwise_one():
    conv = nn.Conv2d(6, 8, 3, stride=2, padding=1)
    plain = nn.functional.conv2d
    images = torch.randn(2, 6, 9, 9)
    before = conv(images)
    lora.attach(conv, rank=2, seed=0)
    torch.testing.assert_close(conv(images), before)  # the update starts at zero
    update = conv.parametrizations.weight[0]
    nn.init.normal_(update.up)
    low = plain(images, update.down.view(2, 6, 3, 3), stride=2, padding=1)
    torch.testing.assert_close(conv(images), before + plain(low, update.up.view(8, 2, 1, 1)), rtol=1e-4, atol=1e-5)
    assert sorted(n for n, p in conv.named_parameters() if p.requires_grad) == [
        "parametrizations.weight.0.down",
        "parametrizations.weight.0.up",
    ]


def test_merging_changes_nothing_but_the_form():
    model = models.build("small_vit", 3, 0).eval()
    keys = list(model.state_dict())
    lora.attach(model.backbone, rank=3, seed=0)
    for name, value in model.named_parameters():
        if name.endswith("up"):
            nn.init.normal_(value, std=0.1)
    images = torch.randn(2, 3, 32, 32)
    unmerged = model(images)
    lora.merge(model)
    torch.testing.assert_close(model(images), unmerged)
    assert sorted(model.state_dict()) == sorted(keys)


def test_updates_follow_the_seed_alone():
    a, b, c = (nn.Linear(9, 9) for _ in range(3))
    for layer, seed in ((a, 0), (b, 0), (c, 1)):
        torch.rand(1)
        lora.attach(layer, 2, seed)
    first, second, third = (layer.parametrizations.weight[0].down for layer in (a, b, c))
    assert torch.equal(first, second) and not torch.equal(first, third)


def test_attention_with_its_own_projections_is_adapted_too():
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    lora.attach(attention, 2, 0)
    tokens = torch.randn(2, 3, 8)
    attention(tokens, tokens, tokens)[0].sum().backward()
    assert attention.out_proj.parametrizations.weight[0].up.grad is not None


@pytest.mark.parametrize("method", ["full", "lora"])
def test_fifty_samples_in_a_batch_of_512_are_enough_to_run(start, method):
    model, probe = start
    tuned = training.finetune(model, probe.head, split(50), VALIDATION, 2, device=CPU, seed=0, method=method)
    assert training.accuracy(tuned, VALIDATION) > 1 / 6
    assert not torch.equal(tuned.head.weight, probe.head.weight)


def test_what_cannot_work_is_named(start):
    model, probe = start
    with pytest.raises(InputError, match=r"Unknown fine-tuning method 'adapter'. Known: full, lora"):
        training.finetune(model, probe.head, split(50), VALIDATION, method="adapter", **OPTIONS)
    for rank in (0, 1.5, "4"):
        with pytest.raises(InputError, match=f"rank {rank!r} is not usable: give a whole number of at least 1"):
            training.finetune(model, probe.head, split(50), VALIDATION, method="lora", rank=rank, **OPTIONS)
    with pytest.raises(InputError, match="head for 7 features"):
        training.finetune(model, nn.Linear(7, 3), split(50), VALIDATION, **OPTIONS)
    with pytest.raises(InputError, match="has a label 5, and the model only 2 classes"):
        training.finetune(model, nn.Linear(model.width, 2), split(50), VALIDATION, **OPTIONS)
