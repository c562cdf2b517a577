"""A backbone and the linear head on it: the one form in which every model is trained, probed and measured."""

import copy

from torch import Tensor, nn

from invariance.errors import InputError


class Classifier(nn.Module):
    """A backbone and a linear head: normalised images (B, 3, H, W) to logits (B, classes)."""

    def __init__(self, backbone: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        if classes < 1:
            raise InputError(f"A classifier for {classes} classes: it needs at least 1.")
        self.backbone, self.width = backbone, width
        self.head = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        """The representation (B, width) that the head reads."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))

    def with_head(self, head: nn.Linear) -> "Classifier":
        """A trainable copy of this model with a copy of `head`, a linear probe's for example, in place of its own.

        Raises `InputError` if the head reads another width than the backbone's.
        """
        if head.in_features != self.width:
            raise InputError(f"A head for {head.in_features} features on a backbone with {self.width}: fit it on this.")
        model = copy.deepcopy(self)
        model.head = copy.deepcopy(head).to(next(self.parameters()).device)
        return model.requires_grad_(True)
