"""The five architectures of section 4 and appendix of the paper for 32 x 32 images, and this book's small ones.

The paper's come from torchvision's classes where those give the same network. The small ones keep what makes
each family (shortcuts, concatenation, plain stacks with pooling, attention) at a size that one CPU core trains on
2,000 to 4,500 images a second (bfloat16, batches of 96).
"""

from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import nn

from invariance import sampling
from invariance.errors import check_known, check_whole
from invariance.models.classifier import Classifier
from invariance.models.vit import VisionTransformer

Backbone = tuple[nn.Module, int]
"""A network from images (B, 3, 32, 32) to representations (B, D), and D."""


def _block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _small() -> Backbone:
    blocks = (_block(*shape) for shape in ((3, 24, 2), (24, 32, 2), (32, 64, 1), (64, 96, 2), (96, 96, 1)))
    return nn.Sequential(*chain.from_iterable(blocks), nn.AdaptiveAvgPool2d(1), nn.Flatten()), 96


def _resnet(name: str, width: int) -> Backbone:
    from torchvision import models  # takes seconds to load

    net = getattr(models, name)()
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    net.fc = nn.Identity()
    return net, width


def _densenet(growth: int, blocks: tuple[int, ...], bottleneck: int, stride: int) -> Backbone:
    from torchvision.models import DenseNet

    net = DenseNet(growth, blocks, 24, bottleneck)
    net.features.conv0 = nn.Conv2d(3, 24, 3, stride, padding=1, bias=False)
    for name in ("norm0", "relu0", "pool0"):
        setattr(net.features, name, nn.Identity())
    width = net.classifier.in_features
    net.classifier = nn.Identity()
    return net, width


def _vgg(layers: list[Any]) -> Backbone:
    from torchvision.models.vgg import make_layers  # the whole class would add 120 million weights of its classifier

    return nn.Sequential(make_layers(layers, True), nn.AdaptiveAvgPool2d(1), nn.Flatten()), layers[-2]


def _small_resnet() -> Backbone:
    from torchvision.models.resnet import BasicBlock

    def stage(inputs: int, outputs: int) -> nn.Module:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))
        return BasicBlock(inputs, outputs, 2, shortcut)

    layers = [*_block(3, 16, 2), stage(16, 48), stage(48, 96)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 96


MODELS: dict[str, Callable[[], Backbone]] = {
    "small": _small,
    "small_resnet": _small_resnet,
    "small_densenet": lambda: _densenet(24, (1, 2, 2), bottleneck=2, stride=2),
    "small_vgg": lambda: _vgg([16, "M", 32, "M", 64, "M", 96, 96, "M"]),
    "small_vit": lambda: (VisionTransformer(32, 8, 3, 96, 192, 4), 96),
    "resnet18": lambda: _resnet("resnet18", 512),
    "resnet50": lambda: _resnet("resnet50", 2048),
    "densenet121": lambda: _densenet(12, (6, 12, 24, 16), bottleneck=4, stride=1),
    "vgg11": lambda: _vgg([64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]),
    "vit": lambda: (VisionTransformer(32, 4, 7, 384, 1536, 8), 384),
}
"""Backbone builders by name; each gives the network and the width of its representation."""


def build(name: str, classes: int, seed: int) -> Classifier:
    """A classifier with PyTorch's default first weights, float32, a function of `seed` alone.

    Raises `InputError` for an unknown name.
    """
    check_known("model", name, MODELS)
    seed, kind = check_whole("Seed", seed), torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float32)  # other types draw other numbers
        with sampling.torch_seed(seed):
            backbone, width = MODELS[name]()
            _default_weights(backbone)
            return Classifier(backbone, width, classes).to(memory_format=torch.channels_last)
    finally:
        torch.set_default_dtype(kind)


def with_maps(model: Classifier) -> Classifier:
    """A model whose representation is DenseNet's maps before its last ReLU and pooling; others as they are.

    On images of 32 pixels these are 4 x 4: 6,144 numbers for densenet121. Its head is not trained.
    """
    maps = getattr(model.backbone, "features", None)
    return model if maps is None else Classifier(nn.Sequential(maps, nn.Flatten()), 16 * model.width, 1)


def _default_weights(net: nn.Module) -> None:
    # torchvision starts its ResNets and DenseNets from weights of its own; the paper's code from the layers' default.
    for layer in net.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()  # type: ignore[operator]
