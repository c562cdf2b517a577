"""Representations and accuracies of a model on a whole split, in large batches."""

import torch
from torch import Tensor

from invariance.datasets.chunks import batches_at_once
from invariance.datasets.split import Renderer, Split, as_split, redraw_keys
from invariance.models import Classifier
from invariance.training.devices import fast_bf16

BATCH = {"cpu": 500, "cuda": 2000}
"""Images that go through a network at once."""


@torch.no_grad()
def features_of_keys(model: Classifier, renderer: Renderer, content: Tensor, **parts: Tensor | None) -> Tensor:
    """Representations float32 (N, D) of the images with these content keys and exchanged parts."""
    model = model.to(renderer.device).eval()
    device = renderer.device
    found, batch = [], BATCH[device.type]
    made_at_once = batch * batches_at_once(batch, renderer.size, device)
    for chosen in torch.arange(len(content), device=device).split(made_at_once):
        given = {name: keys[chosen] for name, keys in parts.items() if keys is not None}
        images = renderer.normalise(renderer.images(content[chosen], **given))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bf16(device)):
            found += [model.features(some).float() for some in images.split(batch)]
    return torch.cat(found)


def features(model: Classifier, split: Split, redraw: int = 0) -> tuple[Tensor, Tensor]:
    """Representations float32 (N, D) and labels int64 (N,) of every image of a split, in one of its views."""
    split = as_split(split)
    keys = split.keys()
    found = features_of_keys(model, split.renderer, keys, transformation=redraw_keys(keys, redraw))
    return found, split.renderer.labels(keys)


@torch.no_grad()
def accuracy(model: Classifier, split: Split) -> float:
    """Share of the split's images that the model's own head classifies correctly."""
    representation, labels = features(model, split)
    return (model.head(representation).argmax(1) == labels).float().mean().item()
