"""Representations and accuracies of a model on a whole split, in large batches."""

import torch
from torch import Tensor

from invariance.datasets.split import ImageSource, Split, normalise
from invariance.models import Classifier
from invariance.training.devices import fast_bf16

BATCH = 1000


@torch.no_grad()
def features_of_keys(
    model: Classifier, source: ImageSource, content: Tensor, transformation: Tensor | None = None
) -> Tensor:
    """Representations float32 (N, D) of the images with these content and transformation keys."""
    model = model.to(source.device).eval()
    device = source.device
    parts = []
    for i in range(0, len(content), BATCH):
        images = source.images(
            content[i : i + BATCH], None if transformation is None else transformation[i : i + BATCH]
        )
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bf16(device)):
            parts.append(model.features(normalise(images)).float())
    return torch.cat(parts)


def features(model: Classifier, split: Split) -> tuple[Tensor, Tensor]:
    """Representations float32 (N, D) and labels int64 (N,) of every image of a split."""
    keys = split.keys()
    return features_of_keys(model, split.source, keys), split.source.labels(keys)


@torch.no_grad()
def accuracy(model: Classifier, split: Split) -> float:
    """Share of the split's images that the model's own head classifies correctly."""
    representation, labels = features(model, split)
    return (model.head(representation).argmax(1) == labels).float().mean().item()
