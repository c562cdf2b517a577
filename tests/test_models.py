import pytest
import torch

from invariance import models
from invariance.errors import InputError


@pytest.mark.parametrize("name", models.MODELS)
def test_features_feed_a_linear_head(name):
    model = models.build(name, classes=7, seed=0).eval()
    images = torch.rand(2, 3, 32, 32)
    representation = model.features(images)
    assert representation.shape == (2, model.width)
    torch.testing.assert_close(model(images), representation @ model.head.weight.T + model.head.bias)


def test_resnet18_has_the_papers_size():
    model = models.build("resnet18", classes=30, seed=0)
    assert sum(p.numel() for p in model.parameters()) == 11_184_222


def test_initial_weights_follow_the_seed_and_leave_the_global_state_alone():
    state = torch.random.get_rng_state()
    a, b, c = (models.build("small", 3, seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"Unknown model 'resnet19'.*Did you mean 'resnet18'"):
        models.build("resnet19", 3, 0)
    with pytest.raises(InputError, match="0 classes"):
        models.build("small", 0, 0)
