"""Representations and accuracies of a model on a whole split, in large batches."""

import torch
from torch import Tensor

from invariance.datasets.chunks import batches_at_once
from invariance.datasets.devices import autocast, evaluated_at_once
from invariance.datasets.split import HasSplit, Renderer, Split, as_split
from invariance.errors import InputError
from invariance.models import Classifier
from invariance.models.classifier import check_classifier


@torch.no_grad()
def features_of_keys(model: Classifier, renderer: Renderer, content: Tensor, **exchanged: Tensor | None) -> Tensor:
    """Representations float32 (N, D) of the images of these content keys; `exchanged` parts have keys of their own."""
    check_classifier(model)
    device, size = renderer.device, model.size or renderer.size
    batch = evaluated_at_once(device, size)
    model, found = model.to(device).eval(), []
    made_at_once = batch * batches_at_once(batch, size, device)
    for chosen in torch.arange(len(content), device=device).split(made_at_once):
        own = {part: keys[chosen] for part, keys in exchanged.items() if keys is not None}
        images = model.prepared(renderer.images(content[chosen], **own), renderer.normalise)
        with autocast(device):
            found += [_features(model, some) for some in images.split(batch)]
    return torch.cat(found)


def _features(model: Classifier, images: Tensor) -> Tensor:
    try:
        return model.features(images).float()
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:  # as networks say it
        if "memory" in str(error) or "CUDA" in str(error):
            raise
        reason, side = (str(error).strip() or type(error).__name__).splitlines()[0], images.shape[-1]
        raise InputError(f"The model fails on images of {side} x {side}: {reason}. Build both for one size.") from error


def features(model: Classifier, split: Split | HasSplit, redraw: int = 0) -> tuple[Tensor, Tensor]:
    """Representations float32 (N, D) and labels int64 (N,) of every image of a split, in one of its redraws."""
    split = as_split(split)
    keys = split.keys()
    found = features_of_keys(model, split.renderer, keys, transformation=split.draws(keys, None, redraw))
    return found, split.renderer.labels(keys)


@torch.no_grad()
def accuracy(model: Classifier, split: Split | HasSplit) -> float:
    """Share of the split's images that the model's own head classifies correctly."""
    representation, labels = features(model, split)
    return (model.head(representation).argmax(1) == labels).float().mean().item()
