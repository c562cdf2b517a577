"""What cannot be trained is named before training."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from trainings import CPU, SPEC, data, trained

from invariance import models, training
from invariance.datasets import Split
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.training.fit import fit
from invariance.training.guards import _dry_run


def test_what_cannot_work_is_named_before_training():
    with pytest.raises(InputError, match=r"train split has a label 2, and the model only 2 classes"):
        fit(models.build("small", 2, 0), data(), 1, 1e-3, CPU)
    for epochs in (0, 1.5, True):
        with pytest.raises(InputError, match=f"epochs {epochs} is not usable: give a whole number of at least 1"):
            trained(epochs=epochs)
    for rate in (0.0, float("inf"), "0.1"):
        with pytest.raises(InputError, match=f"learning_rate {rate!r} is not usable: give a number above 0"):
            trained(learning_rate=rate)
    for decay in (float("nan"), -1.0):
        with pytest.raises(InputError, match=r"weight_decay .* is not usable: give a number above 0, or 0"):
            trained(weight_decay=decay)
    with pytest.raises(InputError, match=r"Unknown schedule 'cosine'"):
        trained(schedule="cosine")
    with pytest.raises(InputError, match="All weights of the model are frozen"):
        fit(models.build("small", 3, 0).requires_grad_(False), data(), 1, 1e-3, CPU)
    with pytest.raises(InputError, match=r"Unknown choice of weights to keep 'first'. Known: best, last"):
        trained(keep="first")
    with pytest.raises(InputError, match="Batch size '8' is not usable"):
        data(batch_size="8")
    with pytest.raises(InputError, match=r"No device 'cuda:[0-9]+' here"):
        fit(models.build("small", 3, 0), data(), 1, 1e-3, torch.device("cuda", torch.cuda.device_count()))
    if torch.cuda.is_available():
        with pytest.raises(InputError, match="split is made on cpu and training runs on cuda:0: use one device"):
            fit(models.build("small", 3, 0), data(), 1, 1e-3, torch.device("cuda"))


@pytest.mark.parametrize(("name", "size"), [("small_vit", 16), ("vgg11", 8)])
def test_a_model_for_images_of_another_size_is_named_before_training(name, size):
    renderer = SPEC.model_copy(update={"size": size}).renderer()
    small = ImageData(Split(renderer, 0, "train", 50), Split(renderer, 0, "validation", 50), 50, 0)
    with pytest.raises(InputError, match=f"The model fails on training images of {size} x {size}: .* for one size"):
        fit(models.build(name, 3, 0), small, 1, 1e-3, CPU)


@pytest.mark.parametrize(
    ("give", "shape"), [(lambda x: x.flatten(1)[:2], r"\(2, 3\)"), (lambda x: x.flatten(2)[..., :3072], r"\(3, 3, 3\)")]
)
def test_a_backbone_that_gives_another_shape_is_named_before_training(give, shape):
    class Wrong(nn.Module):
        def forward(self, images):
            return give(images)

    model = models.Classifier(Wrong(), 1024 if "3, 3, 3" in shape else 3072, 3)
    with pytest.raises(InputError, match=f"The model gives on training images of 32 x 32: {shape} instead of"):
        fit(model, data(), 1, 1e-3, CPU)


def test_the_dry_run_changes_nothing():
    model = models.build("small", 3, 0)
    model.backbone.append(nn.Dropout())
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    _dry_run(model, data(), CPU)
    assert model.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_devices_are_checked_before_work_starts():
    assert training.pick_device("cpu") == CPU
    with pytest.raises(InputError, match=r"Unknown device 'gpu'\. Known: auto, cpu, cuda"):
        training.pick_device("gpu")
    with pytest.raises(InputError, match="CUDA devices found"):
        training.pick_device(f"cuda:{torch.cuda.device_count()}")


def test_what_is_no_classifier_or_no_data_is_named_in_a_line():
    for model, given, message in (
        (nn.Flatten(), data(), r"A Flatten is no Classifier: make one with models.wrap\(backbone, classes\)"),
        (None, data(), "A NoneType is no Classifier"),
        (models.build("small", 3, 0), DataLoader([1]), r"fit takes ImageData\(.*\), not a DataLoader"),
    ):
        with pytest.raises(InputError, match=message):
            fit(model, given, 1, 1e-3, CPU)
    for wrong, message in (
        ({"loss": None}, "The loss is a function of logits and labels, not a NoneType"),
        ({"logger": "x"}, "logger 'x': give a logger of Lightning"),
        ({"checkpoint": 3}, "checkpoint 3: give the path of a file"),
    ):
        with pytest.raises(InputError, match=message):
            trained(epochs=1, **wrong)
    assert len(trained(epochs=1, callbacks=None)[1]) == 1
    split = data().validation
    with pytest.raises(InputError, match="A Flatten is no Classifier"):
        training.features(nn.Flatten(), split)
    with pytest.raises(InputError, match=r"The model fails on images of 32 x 32: .* Build both for one size"):
        training.features(models.Classifier(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), 2, 3), split)
