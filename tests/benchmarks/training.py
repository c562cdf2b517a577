"""How fast the small model trains and gives features."""

import torch
from clock import rate
from torch.nn.functional import cross_entropy

from invariance import models
from invariance.datasets import Split, Transforms2D, normalise
from invariance.training.inference import features_of_keys


def tables(device):
    """Tables by title: images a second of the small model on ready images, and with the data made on the fly."""
    count = 256 if device.type == "cpu" else 4096
    model = models.build("small", 30, 0).to(device)
    generator = Transforms2D(transforms=("scale", "hue", "blur")).generator(device)
    split = Split(generator, 0, "bench/train", count)
    images, labels = split.batch()
    images = normalise(images)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)

    def train():
        optimiser.zero_grad()
        cross_entropy(model(images), labels % 30).backward()
        optimiser.step()

    rows = [{"case": "training step", "ours": rate(train, count)}]

    def train_with_data():
        nonlocal images
        images = normalise(split.batch()[0])
        train()

    rows.append({"case": "training step, data made on the fly", "ours": rate(train_with_data, count)})
    model.eval()

    @torch.no_grad()
    def forward():
        model.features(images)

    rows.append({"case": "features", "ours": rate(forward, count)})
    keys = split.keys()
    rows.append(
        {
            "case": "features, data made on the fly",
            "ours": rate(lambda: features_of_keys(model, split.source, keys), count),
        }
    )
    return {"small model": rows}
