"""Representations at any layer of a network, not only the last, through torchvision's feature extraction."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

import torch
from torch import Tensor, nn

from invariance.errors import InputError

ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Hardswish)


def layer_extractor(model: nn.Module, layers: Sequence[str]) -> Callable[[Tensor], dict[str, Tensor]]:
    """A function from normalised images (B, 3, H, W) to the representations (B, D) at `layers`, by name.

    A name is a module's, such as "layer2" (its output) or "layer2.0.conv1", or that of a node of
    `torchvision.models.feature_extraction.get_graph_node_names`. Maps (B, C, H, W) are averaged
    over space. Of tokens (B, T, D) the first is taken where T - 1 is a square, which
    means a class token before a grid of patches, else their mean. Puts the model into evaluation mode. Raises
    `InputError` for an unknown layer, or a model that torch.fx cannot trace.
    """
    from torchvision.models.feature_extraction import create_feature_extractor  # takes seconds to load

    if not isinstance(model, nn.Module) or isinstance(layers, str) or not isinstance(layers, Iterable):
        raise InputError("layer_extractor takes a torch.nn.Module and a list of layer names, such as ['layer2'].")
    nodes = _nodes(model)
    known = {".".join(node.split(".")[:depth]) for node in nodes for depth in range(1, node.count(".") + 2)}
    for name in layers:
        if name not in known:
            near, some = get_close_matches(str(name), known), ", ".join(spread_layers(model))
            hint = f" Near it: {', '.join(near)}." if near else ""
            raise InputError(f"Unknown layer {name!r}.{hint} A list of some from first to last: {some}.")
    kept = {name: name for name in layers}
    extractor = create_feature_extractor(model, train_return_nodes=kept, eval_return_nodes=kept).eval()
    return lambda images: {name: _pooled(value, name) for name, value in extractor(images).items()}


def spread_layers(model: nn.Module, count: int = 5) -> list[str]:
    """At most `count` layers in equal steps from first to last: activations, where the model has modules for them."""
    names, modules = _nodes(model), dict(model.named_modules())
    # A module that is used again makes nodes of its own, such as "layer1.0.relu_1".
    active = [name for name in names if isinstance(modules.get(re.sub(r"_\d+$", "", name)), ACTIVATIONS)]
    found = active or names[1:]
    return [found[k] for k in torch.linspace(0, len(found) - 1, count).round().int().unique()]


def _nodes(model: nn.Module) -> list[str]:
    from torchvision.models.feature_extraction import get_graph_node_names

    try:
        return get_graph_node_names(model.eval())[1]
    except Exception as error:  # whatever the model's own code raises while it is traced
        problem = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"torch.fx cannot trace this model ({problem}): measure its output only.") from None


def _pooled(value: object, name: str) -> Tensor:
    if not isinstance(value, Tensor) or value.ndim not in (2, 3, 4):
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"Layer {name!r} gives {shape}: it must give (B, D), (B, T, D) or (B, C, H, W).")
    if value.ndim == 3:
        has_class_token = value.shape[1] > 1 and math.isqrt(value.shape[1] - 1) ** 2 == value.shape[1] - 1
        return value[:, 0] if has_class_token else value.mean(1)
    return value if value.ndim == 2 else value.mean((2, 3))
