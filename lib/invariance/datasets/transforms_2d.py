"""Transforms-2D: transformed objects on backgrounds, made on the device in batches (section 3).

An image of the data set is b(t(o)): an object o, transformed by t, pasted on a background b.
Its *content* (class, prototype, background) and its *transformation* come from two keys, so that
pairs which share the one and differ in the other are a matter of which keys one passes.

Chapter: book/01_transforms_2d.py.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar, Literal

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from invariance import pictures, sampling, transforms
from invariance.config import Config
from invariance.datasets.chunks import in_chunks
from invariance.datasets.devices import pick_device
from invariance.datasets.split import Renderer, move_on
from invariance.pictures.sources import BACKGROUNDS, FOREGROUNDS
from invariance.protocol import CORRECTED, Protocol
from invariance.transforms.geometric import scaled_side
from invariance.transforms.published import in_whole_levels

FEW_BACKGROUNDS = 9 * 512
"""Random backgrounds with `random_from_floats`: the published code's 12 loader workers each take 9 batches of 50,000
images, and make the same pictures."""


class Transforms2D(Config, frozen=True):
    """A Transforms-2D data set. Two equal specifications describe the same images.

    `transforms` apply in the order given. `classes` may be any of the foreground source's;
    None means all. `object_scale` is the share of the canvas that an object fills. `protocol` may be given by its name.
    """

    parts: ClassVar[tuple[str, ...]] = ("transformation", "object", "background")

    kind: Literal["transforms_2d"] = "transforms_2d"
    foregrounds: str = "glyphs"
    backgrounds: str = "scenes"
    classes: tuple[str, ...] | None = None
    transforms: tuple[str, ...] = ()
    size: int = Field(default=32, ge=8, le=512)
    prototypes: int = Field(default=1, ge=1)
    object_scale: float = Field(default=0.7, gt=0, le=1)
    protocol: Protocol = CORRECTED

    @field_validator("transforms")
    @classmethod
    def _known_transforms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        transforms.find(names)
        return names

    @model_validator(mode="after")
    def _consistent(self) -> "Transforms2D":
        pictures.check_source(self.foregrounds, FOREGROUNDS)
        pictures.check_source(self.backgrounds, BACKGROUNDS)
        transforms.check_size(self.transforms, self.size)
        known = pictures.class_names(self.foregrounds)
        if self.classes is not None:
            pictures.check_classes(self.classes, known)
        return self

    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their labels."""
        return pictures.class_names(self.foregrounds) if self.classes is None else self.classes

    def renderer(self, device: str | torch.device = "cpu") -> "Transforms2DRenderer":
        """The images of this data set, made on `device`: `auto`, `cpu`, `cuda` or `cuda:N`."""
        files = pictures.fingerprint(self.foregrounds), pictures.fingerprint(self.backgrounds)
        return _renderer(self, pick_device(device), self.class_names(), files)


class Transforms2DRenderer(Renderer):
    """Makes images of one `Transforms2D` specification on one device."""

    parts = Transforms2D.parts

    def __init__(self, spec: Transforms2D, device: torch.device) -> None:
        self.spec, self.device, self.size, self.protocol = spec, device, spec.size, spec.protocol
        side = int(scaled_side(torch.tensor([spec.object_scale], dtype=torch.float32), spec.size))
        start = (spec.size - side) // 2
        self.box = torch.tensor([start, start, side, side], device=device)
        chosen = (spec.foregrounds, spec.size, spec.prototypes, spec.class_names(), spec.object_scale, spec.protocol)
        self.objects, self.first, self.count = _objects(*chosen, device, pictures.fingerprint(spec.foregrounds))
        self.one_each = len(self.objects) == len(self.count)
        self.pictures = _backgrounds(spec.backgrounds, spec.size, device, pictures.fingerprint(spec.backgrounds))

    def labels(self, content: Tensor) -> Tensor:
        """Class labels, int64 (B,), of content keys (B,)."""
        return sampling.integers(sampling.fold(content, "class"), len(self.first))

    def foregrounds(self, content: Tensor, labels: Tensor | None = None) -> Tensor:
        """Untransformed objects, RGBA float32 (B, 4, size, size)."""
        return self.objects.index_select(0, self._prototype(content, labels))

    def _prototype(self, content: Tensor, labels: Tensor | None = None) -> Tensor:
        # Which of `objects`: int64 (B,).
        labels = self.labels(content) if labels is None else labels
        if self.one_each:
            return labels
        return self.first[labels] + sampling.integers(sampling.fold(content, "prototype"), self.count[labels])

    def differing(self, part: str, first: Tensor, second: Tensor) -> Tensor:
        drawn = {"object": self.labels, "background": self._picture}.get(part, lambda keys: keys)
        return move_on(first, second, drawn)

    def backgrounds(self, content: Tensor) -> Tensor:
        """Backgrounds, RGB float32 (B, 3, size, size)."""
        return self._backgrounds(self._picture(content))

    def _picture(self, content: Tensor) -> Tensor:
        # Which background: int64 (B,); the key of the pixels where they are random.
        key = sampling.fold(content, "background")
        if self.pictures is not None:
            return sampling.integers(key, len(self.pictures))
        if self.protocol.random_from_floats:
            return sampling.keys(sampling.stream(0, "random backgrounds"), sampling.integers(key, FEW_BACKGROUNDS))
        return key

    def _backgrounds(self, picture: Tensor) -> Tensor:
        if self.pictures is None:
            if self.protocol.random_from_floats:
                return pictures.float_bytes(picture, self.spec.size).float().mul_(1 / 255)
            return sampling.uniform(picture, 3, self.spec.size, self.spec.size)
        return self.pictures.index_select(0, picture).float().mul_(1 / 255)

    def transformed(self, content: Tensor, transformation: Tensor) -> Tensor:
        """Transformed objects, RGBA; `transformation` (B,) are the keys that the draws come from."""
        out = self._empty(len(content), 4)
        make = self._objects(content, transformation)
        in_chunks(lambda rows: out[rows].copy_(make(rows)), len(content), self.spec.size, self.device)
        return out

    def _objects(self, content: Tensor, transformation: Tensor) -> Callable[[slice], Tensor]:
        # A function that gives the transformed objects of some rows of the batch.
        spec, prototype = self.spec, self._prototype(content)
        drawn = transforms.draw(spec.transforms, sampling.fold(transformation, "transforms"), spec.size)

        def make(rows: slice) -> Tensor:
            objects = self.objects.index_select(0, prototype[rows])
            boxes = self.box.expand(len(objects), 4)
            given = transforms.take(drawn, rows)
            return transforms.apply(spec.transforms, objects, given, boxes, self.protocol, overwrite=True)

        return make

    def _empty(self, count: int, channels: int) -> Tensor:
        return torch.empty(count, channels, self.spec.size, self.spec.size, dtype=torch.float32, device=self.device)

    def images(  # type: ignore[override] # its own parts alone
        self,
        content: Tensor,
        transformation: Tensor | None = None,
        object: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Tensor:
        """Finished pictures, RGB float32 (B, 3, size, size) in [0, 1], from int64 keys (B,).

        Object, transformation and background each come from the content key, or from their own if given.
        """
        picture = self._picture(content if background is None else background)
        make = self._objects(
            content if object is None else object, content if transformation is None else transformation
        )
        out = self._empty(len(content), 3)

        def fill(rows: slice) -> None:
            paste(make(rows), self._backgrounds(picture[rows]), out[rows])

        in_chunks(fill, len(content), self.spec.size, self.device)
        return in_whole_levels(out) if self.protocol.eight_bits else out


def paste(objects: Tensor, backgrounds: Tensor, out: Tensor | None = None) -> Tensor:
    """Objects (B, 4, H, W) with straight alpha over backgrounds (B, 3, H, W), written to `out` if given."""
    return torch.lerp(backgrounds, objects[:, :3], objects[:, 3:], out=out)


# What is kept in memory is found by the fingerprints of its files too: those of a folder may change at any time.


@lru_cache(maxsize=16)  # renderers that differ in their transformations share their objects
def _objects(
    source: str,
    size: int,
    prototypes: int,
    classes: tuple[str, ...],
    share: float,
    protocol: Protocol,
    device: torch.device,
    fingerprint: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Objects RGBA (N, 4, size, size) that fill `share` of the canvas; each class's first one and their number."""
    objects = pictures.foregrounds(source, size, prototypes, classes, protocol.random_from_floats)
    whole = objects.images.float() / 255
    factor = torch.full((len(whole),), share, dtype=torch.float32)
    shrunken = transforms.apply(("scale",), whole, [{"factor": factor}], protocol=protocol)
    return shrunken.to(device), objects.first.to(device), objects.count.to(device)


@lru_cache(maxsize=4)  # renderers share their backgrounds, the bulk of what they hold
def _backgrounds(source: str, size: int, device: torch.device, fingerprint: str) -> Tensor | None:
    # In 8 bits, uint8 (N, 3, size, size): to read them takes less time than to convert them.
    found = pictures.backgrounds(source, size)
    return None if found is None else found.to(device)


@lru_cache(maxsize=16)
def _renderer(
    spec: Transforms2D, device: torch.device, classes: tuple[str, ...], fingerprints: tuple[str, str]
) -> Transforms2DRenderer:
    return Transforms2DRenderer(spec, device)
