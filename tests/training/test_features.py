"""Representations of a split, and backbones with a size and normalisation of their own."""

import torch
from torch import nn
from trainings import CPU, SPEC, data

from invariance import models, training
from invariance.datasets import Split, devices
from invariance.datasets.devices import EVALUATED_AT_ONCE
from invariance.training.fit import fit


def test_features_do_not_depend_on_what_else_is_in_the_batch(monkeypatch):
    monkeypatch.setenv("INVARIANCE_BF16", "0")  # bfloat16 rounds by the algorithm, which batches of other sizes have
    model = models.build("small", 3, 0)
    split = Split(SPEC.renderer(), 0, "target/test", 50)
    whole, labels = training.features(model, split)
    monkeypatch.setitem(EVALUATED_AT_ONCE, "cpu", 7)
    again, _ = training.features(model, split)
    assert whole.shape == (50, model.width)
    assert torch.equal(labels, split.batch()[1])
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5)


class Seen(nn.Module):
    """Keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.linear, self.images = nn.Linear(3, 4), []

    def forward(self, images):
        self.images.append(images.detach())
        return self.linear(images.mean((2, 3)))


def test_a_backbone_gets_images_of_its_own_size_and_normalisation():
    own = {"size": 48, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 0.2]}
    plain, wrapped = models.wrap(Seen(), 3), models.wrap(Seen(), 3, **own)
    split = data().validation
    for model in (plain, wrapped):
        model.backbone.images.clear()
        training.features(model, split)
    raw = split.batch()[0]
    (usual,), (given,) = plain.backbone.images, wrapped.backbone.images
    torch.testing.assert_close(usual, raw * 2 - 1)
    larger = nn.functional.interpolate(raw, (48, 48), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(own[name]).reshape(3, 1, 1) for name in ("mean", "std"))
    torch.testing.assert_close(given, (larger - mean) / std, rtol=1e-4, atol=1e-5)
    wrapped.backbone.images.clear()
    fit(wrapped, data(samples=64), 1, 1e-3, CPU)
    assert {tuple(images.shape[1:]) for images in wrapped.backbone.images} == {(3, 48, 48)}
    assert all(images.max() > 2 for images in wrapped.backbone.images)  # beyond what [-1, 1] allows
    assert wrapped.state_dict().keys() == plain.state_dict().keys()


def test_large_images_go_through_a_network_in_smaller_batches():
    assert devices.evaluated_at_once(CPU, 32) == EVALUATED_AT_ONCE["cpu"]
    assert devices.evaluated_at_once(CPU, 512) == 16 and devices.evaluated_at_once(CPU, 10_000) == 1
