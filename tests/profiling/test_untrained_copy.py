"""Untrained copies of models to compare with."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torchvision.ops import FrozenBatchNorm2d

from invariance import models
from invariance.profiling import untrained_copy


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


def with_more(**given):
    layer = nn.Linear(4, 4)
    for name, value in given.items():
        setattr(layer, name, value)
    return layer


def _whole_numbers():
    layer = nn.Linear(4, 4)
    layer.register_buffer("packed", torch.randint(-9, 9, (4, 4)).to(torch.int8))
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
        lambda: with_more(layers=[nn.Linear(4, 4)]),
        lambda: with_more(named={"last": nn.Linear(4, 4)}),
        lambda: with_more(scale=torch.full((4,), 7.0)),
        _whole_numbers,
    ],
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
