import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.feature_extraction import create_feature_extractor

from invariance import models
from invariance.errors import InputError
from invariance.models.vit import Block, VisionTransformer

PAPER = {
    "resnet18": (11_184_222, 1.11, 512),
    "resnet50": (23_561_822, 2.60, 2048),
    "densenet121": (1_008_318, 0.25, 384),
    "vgg11": (9_241_374, 0.31, 512),
    "vit": (12_477_726, 1.66, 384),
}
"""Parameters with a 30-class head, forward GFLOP an image (a multiply-add counts as two), width."""


@pytest.mark.parametrize("name", PAPER)
def test_architectures_have_the_papers_size_and_cost(name):
    parameters, gigaflops, width = PAPER[name]
    model = models.build(name, classes=30, seed=0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.rand(1, 3, 32, 32))
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert round(counter.get_total_flops() / 1e9, 2) == gigaflops
    assert model.width == width


@pytest.mark.parametrize("name", models.MODELS)
def test_features_feed_a_linear_head(name):
    model = models.build(name, classes=7, seed=0).eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        representation = model.features(images)
        logits = model(images)
    assert representation.shape == (2, model.width)
    torch.testing.assert_close(logits, representation @ model.head.weight.T + model.head.bias)


@pytest.mark.parametrize("name", [name for name in models.MODELS if name.startswith("small")])
def test_small_models_cost_little_and_can_be_followed_layer_by_layer(name):
    model = models.build(name, classes=30, seed=0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.rand(1, 3, 32, 32))
    assert counter.get_total_flops() < 0.03e9
    nodes = create_feature_extractor(model, {"backbone": "layer"})(torch.rand(2, 3, 32, 32))
    assert nodes["layer"].shape == (2, model.width)


def test_attention_scores_are_divided_by_the_root_of_the_whole_width():
    block = Block(width=24, hidden=48, heads=4).eval()
    tokens = torch.randn(2, 5, 24)
    attention = block.attention
    q, k, v = (
        project(tokens).reshape(2, 5, 4, 6).transpose(1, 2)
        for project in (attention.query, attention.key, attention.value)
    )
    mixed = scaled_dot_product_attention(q * 6**0.5 / 24**0.5, k, v)  # by default it divides by sqrt(24 / 4)
    torch.testing.assert_close(attention(tokens), attention.out(mixed.transpose(1, 2).reshape(2, 5, 24)))


def test_the_vits_perceptron_ends_in_a_gelu():
    outputs = Block(width=24, hidden=48, heads=4).mlp(torch.randn(100, 24) * 5)
    assert outputs.min() > -0.18  # the least value of a GELU


def test_the_vits_representation_depends_on_where_patches_lie():
    model = VisionTransformer(32, 4, 1, 24, 48, 4).eval()
    images = torch.rand(2, 3, 32, 32)
    assert not torch.allclose(model(images), model(images.flip(3)), atol=1e-3)


def test_initial_weights_follow_the_seed_and_leave_the_global_state_alone():
    state = torch.random.get_rng_state()
    for name in ("small", "resnet18"):
        a, b, c = (models.build(name, 3, seed).state_dict().values() for seed in (0, 0, 1))
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
        assert any(not torch.equal(x, y) for x, y in zip(a, c, strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", models.MODELS)
def test_every_layer_starts_from_pytorchs_default(name):
    """Uniform in +-1 / sqrt(fan_in): a deviation of 1 / sqrt(3 fan_in)."""
    model = models.build(name, classes=30, seed=0)
    scaled = [
        layer.weight.flatten() * layer.weight[0].numel() ** 0.5
        for layer in model.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    for weights in scaled:
        assert weights.std().item() == pytest.approx(3**-0.5, abs=4 * 0.26 / len(weights) ** 0.5)  # 4 standard errors
        assert weights.abs().max() <= 1 + 1e-5
    assert torch.cat(scaled).std().item() == pytest.approx(3**-0.5, rel=0.01)
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm2d, nn.LayerNorm)):
            assert (layer.weight == 1).all() and (layer.bias == 0).all()


def test_the_vits_tokens_start_from_a_standard_normal():
    backbone = models.build("vit", classes=30, seed=0).backbone
    assert backbone.positions.std().item() == pytest.approx(1, abs=0.03)
    assert backbone.class_token.std().item() == pytest.approx(1, abs=0.2)


def test_a_model_with_another_head_is_a_copy():
    model = models.build("small", 3, 0)
    model.requires_grad_(False)
    head = torch.nn.Linear(model.width, 5)
    other = model.with_head(head)
    assert torch.equal(other.head.weight, head.weight) and other.head is not head
    assert other(torch.rand(2, 3, 32, 32)).shape == (2, 5)
    assert all(p.requires_grad for p in other.parameters())
    torch.nn.init.zeros_(other.backbone[0].weight)
    assert model.backbone[0].weight.abs().sum() > 0


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"Unknown model 'resnet19'.*Did you mean 'resnet18'"):
        models.build("resnet19", 3, 0)
    with pytest.raises(InputError, match="Number of classes 0 is not usable"):
        models.build("small", 0, 0)
    with pytest.raises(InputError, match="head for 7 features on a backbone with 96"):
        models.build("small", 3, 0).with_head(torch.nn.Linear(7, 3))
