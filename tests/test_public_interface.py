"""The public names as a researcher uses them: it runs, and `make types` checks it as code from outside would be."""

from pathlib import Path
from typing import assert_type

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import invariance
from invariance import measures, models
from invariance.datasets.module import ImageData
from invariance.training import accuracy, features
from invariance.training.fit import fit


def test_data_sets_networks_and_measures_have_types() -> None:
    data = invariance.transforms_2d(transforms=["rotate"], classes=["moon", "star"], count=40)
    image, _ = data[0]
    assert_type(image, Tensor)
    model = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8)), 2, mean=0.5, std=0.5)
    validation = invariance.transforms_2d(transforms=["rotate"], classes=["moon", "star"], count=20, split="validation")
    history = fit(model, ImageData(data, validation, batch_size=20, seed=0), 1, 1e-3, "cpu")
    pairs = measures.sensitivity(torch.rand(20, 4).numpy(), torch.rand(20, 4).numpy(), 0, "l2")
    assert_type(pairs.value, float)
    found, labels = features(model, validation)
    assert found.shape == (20, 8) and labels.shape == (20,) and 0 <= accuracy(model, validation) <= 1
    assert history and pairs.value >= 0 and image.shape == (3, 32, 32)


def test_images_of_ones_own_have_types(tmp_path: Path) -> None:
    own = invariance.labelled_images(TensorDataset(torch.rand(12, 3, 32, 32), torch.arange(12) % 3), held_out=0)
    turned = invariance.transforms.RandomTransformations(["rotate"])(torch.rand(2, 3, 32, 32))
    models.save_weights(models.build("small", 3, 0), tmp_path / "small.safetensors")
    assert models.load_weights(models.build("small", 3, 1), tmp_path / "small.safetensors") == []
    assert len(own) == 12 and turned.shape == (2, 3, 32, 32)


@pytest.mark.parametrize("name", invariance.__all__)
def test_every_public_name_is_listed_and_there(name: str) -> None:
    assert name in dir(invariance) and getattr(invariance, name)
