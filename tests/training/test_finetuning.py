import pytest
import torch
from torch import nn

from invariance import models, pictures, training
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.training.fit import fit

CPU = torch.device("cpu")
NAMES = pictures.class_names("glyphs")
RENDERER = Transforms2D(classes=NAMES[:6], transforms=("rotate",), backgrounds="black").renderer()
OTHER = Transforms2D(classes=NAMES[6:11], backgrounds="black").renderer()
VALIDATION = Split(RENDERER, 0, "target/validation", 200)
OPTIONS = {"device": CPU, "seed": 0, "batch_size": 64}


def split(samples):
    return Split(RENDERER, 0, "target/train", samples)


@pytest.fixture(scope="module")
def start():
    """A model pretrained on other classes without transformations, and its probe, which fits few images."""
    model = models.build("small", 5, 0)
    splits = (Split(OTHER, 0, f"pretraining/{name}", 640) for name in ("train", "validation"))
    fit(model, ImageData(*splits, 64, 0), 2, 3e-3, CPU)
    train, validation = training.features(model, split(30)), training.features(model, VALIDATION)
    return model, training.linear_probe(train, validation, 6, 0, method="lbfgs")


def test_finetuning_improves_on_the_probe_and_leaves_the_model_alone(start):
    model, probe = start
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tuned = training.finetune(model, probe.head, split(640), VALIDATION, 8, 1e-3, **OPTIONS)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert training.accuracy(tuned, VALIDATION) > probe.validation_accuracy + 0.05
    assert tuned.head.out_features == 6 and not tuned.training
    assert all(p.requires_grad for p in tuned.parameters())


def test_finetuning_starts_from_the_probe(start):
    model, probe = start
    tuned = training.finetune(model, probe.head, split(64), VALIDATION, 1, 1e-9, **OPTIONS)
    torch.testing.assert_close(tuned.head.weight, probe.head.weight, rtol=0, atol=1e-6)
    torch.testing.assert_close(tuned.backbone[0].weight, model.backbone[0].weight, rtol=0, atol=1e-6)


def test_fifty_samples_in_a_batch_of_512_are_enough_to_run(start):
    model, probe = start
    tuned = training.finetune(model, probe.head, split(50), VALIDATION, 2, device=CPU, seed=0, keep="last")
    assert not torch.equal(tuned.head.weight, probe.head.weight)


def test_what_cannot_work_is_named(start):
    model, probe = start
    with pytest.raises(InputError, match="Unknown schedule 'cosine'"):
        training.finetune(model, probe.head, split(50), VALIDATION, schedule="cosine", **OPTIONS)
    with pytest.raises(InputError, match="head for 7 features"):
        training.finetune(model, nn.Linear(7, 3), split(50), VALIDATION, **OPTIONS)
    with pytest.raises(InputError, match="has a label 5, and the model only 2 classes"):
        training.finetune(model, nn.Linear(model.width, 2), split(50), VALIDATION, **OPTIONS)
