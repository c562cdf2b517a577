"""Transformations as a module that fits into pipelines of torchvision: images in, transformed images out."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from invariance.errors import InputError
from invariance.transforms.composition import apply, draw, find


class RandomTransformations(nn.Module):
    """Transformations with a new draw for every image, for `torchvision.transforms.v2.Compose` or alone on a batch.

    Takes square images (B, 3, H, H) or (3, H, H), uint8 or floats in [0, 1], on any device, and gives the same type.
    What comes with them, as further arguments or in a list or tuple, is given back as it is: labels stay labels, and
    boxes or masks are not moved. Draws come from PyTorch's own generator: `torch.manual_seed` repeats them. Put it
    before the normalisation. Raises `InputError` for unknown names and for other images.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(t.name for t in find(names))

    def forward(self, images: Any, *others: Any) -> Any:
        if others:
            return self._changed(images), *others
        if isinstance(images, list | tuple) and images:
            return type(images)((self._changed(images[0]), *images[1:]))
        return self._changed(images)

    def _changed(self, images: Tensor) -> Tensor:
        _check(images)
        batch = images.reshape(-1, *images.shape[-3:])
        floats = batch.float() / (255 if images.dtype == torch.uint8 else 1)
        if floats.numel() and not 0 <= floats.min() <= floats.max() <= 1:
            raise InputError("RandomTransformations takes images in [0, 1]: put it before the normalisation.")
        keys = torch.randint(2**62, (len(batch),)).to(images.device)
        changed = apply(self.names, floats, draw(self.names, keys, images.shape[-1]))
        out = (changed * 255).round() if images.dtype == torch.uint8 else changed
        return out.to(images.dtype).reshape(images.shape)

    def extra_repr(self) -> str:
        return ", ".join(self.names)


def _check(images: Any) -> None:
    square = isinstance(images, Tensor) and images.ndim in (3, 4) and images.shape[-1] == images.shape[-2]
    if not square or images.shape[-3] != 3 or not (images.is_floating_point() or images.dtype == torch.uint8):
        given = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else f"a {type(images).__name__}"
        raise InputError(
            f"RandomTransformations got {given}: it takes square images (B, 3, H, H) or (3, H, H), uint8 or floats."
        )
