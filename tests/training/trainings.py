"""Small trainings that the tests here share."""

import torch

from invariance import models
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import Batches, ImageData
from invariance.training.fit import fit

CPU = torch.device("cpu")
SPEC = Transforms2D(classes=("umbrella", "airplane", "anchor"), backgrounds="black")


def data(seed=0, samples=384, batch_size=64, device=CPU):
    renderer = SPEC.renderer(device)
    train = Split(renderer, seed, "pretraining/train", samples)
    return ImageData(train, Split(renderer, seed, "pretraining/validation", 200), batch_size, seed)


def trained(seed=0, epochs=3, learning_rate=2e-3, **options):
    model = models.build("small", 3, seed)
    curve = fit(model, data(seed), epochs, learning_rate, CPU, **options)
    return model, curve


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    a, b = (model if isinstance(model, dict) else model.state_dict() for model in (a, b))
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def spoilt(spoil, **options):
    """Data whose training batches pass through `spoil`, a function of epoch and step (from 1), images and labels."""

    class Spoilt(Batches):
        def __iter__(self):
            epoch = self.passes + 1
            for step, (images, labels) in enumerate(super().__iter__(), 1):
                yield spoil(epoch, step, images, labels)

    found = data(**options)
    found.train_dataloader = lambda: Spoilt(found.train, found.batch_size, found.seed)
    return found
