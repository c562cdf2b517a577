"""Representations and accuracies of a model on a whole split, in large batches."""

import torch
from torch import Tensor

from invariance.datasets.chunks import batches_at_once
from invariance.datasets.devices import EVALUATED_AT_ONCE, autocast
from invariance.datasets.split import Renderer, Split, as_split
from invariance.models import Classifier


@torch.no_grad()
def features_of_keys(model: Classifier, renderer: Renderer, content: Tensor, **exchanged: Tensor | None) -> Tensor:
    """Representations float32 (N, D) of the images of these content keys; `exchanged` parts have keys of their own."""
    device, batch = renderer.device, EVALUATED_AT_ONCE[renderer.device.type]
    model, found = model.to(device).eval(), []
    made_at_once = batch * batches_at_once(batch, renderer.size, device)
    for chosen in torch.arange(len(content), device=device).split(made_at_once):
        own = {part: keys[chosen] for part, keys in exchanged.items() if keys is not None}
        images = renderer.normalise(renderer.images(content[chosen], **own))
        with autocast(device):
            found += [model.features(some).float() for some in images.split(batch)]
    return torch.cat(found)


def features(model: Classifier, split: Split, redraw: int = 0) -> tuple[Tensor, Tensor]:
    """Representations float32 (N, D) and labels int64 (N,) of every image of a split, in one of its redraws."""
    split = as_split(split)
    keys = split.keys()
    found = features_of_keys(model, split.renderer, keys, transformation=split.draws(keys, None, redraw))
    return found, split.renderer.labels(keys)


@torch.no_grad()
def accuracy(model: Classifier, split: Split) -> float:
    """Share of the split's images that the model's own head classifies correctly."""
    representation, labels = features(model, split)
    return (model.head(representation).argmax(1) == labels).float().mean().item()
