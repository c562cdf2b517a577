import pytest
import torch
from torch import nn

from invariance import models
from invariance.errors import InputError
from invariance.measures import layer_extractor, spread_layers


@torch.no_grad()
def layer_features(model, images, layers):
    return layer_extractor(model, layers)(images)


@pytest.fixture(scope="module")
def images():
    return torch.randn(10, 3, 32, 32, generator=torch.Generator().manual_seed(0))


class Tokens(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count, self.mix = count, nn.Linear(3, 5)

    def forward(self, images):
        tokens = images.flatten(2).transpose(1, 2)[:, : self.count]
        return self.mix(tokens).mean(1)


def test_maps_are_averaged_over_space(images):
    backbone = models.build("small", 3, 0).backbone
    found = layer_features(backbone, images, ["0", "2"])
    with torch.no_grad():
        expected = backbone[0](images)
        assert torch.allclose(found["0"], expected.mean((2, 3)), atol=1e-5)
        assert torch.allclose(found["2"], backbone[:3](images).mean((2, 3)), atol=1e-5)
    assert found["2"].shape == (10, 24)


def test_a_module_s_name_means_its_output(images):
    backbone = models.build("resnet18", 3, 0).backbone
    found = layer_features(backbone, images[:2], ["layer2", "layer2.1.conv1", "avgpool"])
    assert {name: x.shape[1] for name, x in found.items()} == {"layer2": 128, "layer2.1.conv1": 128, "avgpool": 512}
    with torch.no_grad():
        stem = backbone.maxpool(backbone.relu(backbone.bn1(backbone.conv1(images[:2]))))
        assert torch.allclose(found["layer2"], backbone.layer2(backbone.layer1(stem)).mean((2, 3)), atol=1e-4)


def test_tokens_give_the_class_token_beside_a_grid_of_patches_and_their_mean_otherwise(images):
    for count, pooled in ((17, lambda x: x[:, 0]), (16, lambda x: x.mean(1))):
        model = Tokens(count)
        with torch.no_grad():
            expected = pooled(model.mix(images.flatten(2).transpose(1, 2)[:, :count]))
        assert torch.allclose(layer_features(model, images, ["mix"])["mix"], expected, atol=1e-6)


def test_the_model_measures_as_in_evaluation(images):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 32 * 32, 4)).train()
    found = [layer_features(model, images, ["1"])["1"] for _ in range(2)]
    assert torch.equal(*found) and torch.equal(found[0], images.flatten(1))


def test_what_is_no_model_or_no_list_of_layers_is_named():
    backbone = models.build("small", 3, 0).backbone
    for given in ((None, ["layer1"]), (backbone, None), (backbone, "layer1")):
        with pytest.raises(InputError, match=r"takes a torch\.nn\.Module and a list of layer names"):
            layer_extractor(*given)


def test_an_unknown_layer_names_close_ones_and_not_hundreds(images):
    backbone = models.build("resnet18", 3, 0).backbone
    with pytest.raises(InputError, match=r"Unknown layer 'layr3'\. Near it: layer3") as error:
        layer_features(backbone, images, ["layr3"])
    message = str(error.value)
    assert "layer4.1.relu_1" in message and len(message) < 400 and "\n" not in message


def test_layers_are_spread_from_first_to_last_activation():
    assert spread_layers(models.build("small", 3, 0).backbone) == ["2", "5", "8", "11", "14"]
    found = spread_layers(models.build("resnet18", 3, 0).backbone, 3)
    assert found[0] == "relu" and found[-1] == "layer4.1.relu_1" and len(found) == 3
    assert spread_layers(Tokens(4), 2) == [spread_layers(Tokens(4), 99)[0], spread_layers(Tokens(4), 99)[-1]]


class Branches(nn.Module):
    def forward(self, images):
        return images.flatten(1) if images.sum() > 0 else -images.flatten(1)


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.LSTM(32, 4, batch_first=True)

    def forward(self, images):
        return self.inner(images[:, 0])[0][:, -1]


def test_what_cannot_be_measured_says_why(images):
    with pytest.raises(InputError, match=r"torch\.fx cannot trace this model .* measure its output only"):
        layer_features(Branches(), images, ["flatten"])
    with pytest.raises(InputError, match="'inner' gives tuple: it must give"):
        layer_features(Pair(), images, ["inner"])
