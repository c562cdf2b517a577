"""Backbones for 32 x 32 images, and the classifier around them.

A backbone maps normalised images (B, 3, H, W) to a representation (B, D); a `Classifier` adds a
linear head. `resnet18` follows section 4 of the paper: a 3 x 3 stem with stride 1 and no pooling.
`small` is this book's own: five convolutions, sized so that a laptop trains it in seconds.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from invariance.errors import InputError, check_known


class Classifier(nn.Module):
    """A backbone and a linear head: (B, 3, H, W) to logits (B, classes)."""

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


def _block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def _small() -> tuple[nn.Module, int]:
    layers = [
        *_block(3, 24, 2),
        *_block(24, 32, 2),
        *_block(32, 64, 1),
        *_block(64, 96, 2),
        *_block(96, 96, 1),
    ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 96


def _resnet18() -> tuple[nn.Module, int]:
    from torchvision.models import resnet18  # takes seconds to load

    net = resnet18()
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    net.fc = nn.Identity()
    return net, 512


MODELS: dict[str, Callable[[], tuple[nn.Module, int]]] = {"small": _small, "resnet18": _resnet18}
"""Backbone builders by name; each gives the network and the width of its representation."""


def build(name: str, classes: int, seed: int) -> Classifier:
    """A freshly initialised classifier; its weights are a function of `seed` alone.

    Raises `InputError` for an unknown name.
    """
    check_known("model", name, MODELS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone, width = MODELS[name]()
        return Classifier(backbone, width, classes).to(memory_format=torch.channels_last)
