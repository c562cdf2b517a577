"""A backbone and the linear head on it: the one form in which every model is trained, probed and measured."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from invariance.datasets.split import Numbers, normalise, per_channel
from invariance.errors import InputError, check_whole

MOST_CLASSES = 1_000_000
"""More than that is a mistake, and its head would not fit into memory."""


class Classifier(nn.Module):
    """A backbone and a linear head: normalised images (B, 3, H, W) to logits (B, classes).

    Where `size`, or `mean` and `std`, are given, `prepared` images have them, and not those of their data set.
    """

    mean: Tensor | None
    std: Tensor | None

    def __init__(
        self,
        backbone: nn.Module,
        width: int,
        classes: int,
        size: int | None = None,
        mean: Numbers | None = None,
        std: Numbers | None = None,
    ) -> None:
        super().__init__()
        check_whole("Number of classes", classes, 1, MOST_CLASSES)
        if (mean is None) != (std is None):
            raise InputError(
                "Give mean and std together, or neither: the images are then normalised as their data are."
            )
        self.backbone, self.width, self.size = backbone, width, size
        self.head = nn.Linear(width, classes, dtype=torch.float32)
        for word, values in (("mean", mean), ("std", std)):  # no part of the weights
            self.register_buffer(word, None if values is None else per_channel(values, word), persistent=False)

    def prepared(self, images: Tensor, usual: Callable[[Tensor], Tensor]) -> Tensor:
        """What the backbone takes of images (B, 3, H, W) in [0, 1]; `usual` is how their data set normalises them."""
        if self.size not in (None, images.shape[-1]):
            images = interpolate(images, (self.size, self.size), mode="bilinear", antialias=True).clamp_(0, 1)
        return usual(images) if self.mean is None else normalise(images, self.mean, self.std)  # type: ignore[arg-type]

    def features(self, images: Tensor) -> Tensor:
        """The representation (B, width) that the head reads."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))

    def with_head(self, head: nn.Linear) -> "Classifier":
        """A trainable copy of this model with a copy of `head`, a linear probe's for example, in place of its own.

        Raises `InputError` if the head reads another width than the backbone's.
        """
        if not isinstance(head, nn.Linear):
            raise InputError(f"A head is a torch.nn.Linear, not a {type(head).__name__}.")
        if head.in_features != self.width:
            raise InputError(f"A head for {head.in_features} features on a backbone with {self.width}: fit it on this.")
        model = copy.deepcopy(self)
        model.head = copy.deepcopy(head).to(next(self.parameters()).device)
        return model.requires_grad_(True)


def check_classifier(model: object) -> None:
    """Raise `InputError` for what is no `Classifier`."""
    if not isinstance(model, Classifier):
        raise InputError(f"A {type(model).__name__} is no Classifier: make one with models.wrap(backbone, classes).")
