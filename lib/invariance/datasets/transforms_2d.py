"""Transforms-2D: transformed objects on backgrounds, made on the device in batches (section 3).

An image of the data set is b(t(o)): an object o, transformed by t, pasted on a background b.
Its *content* (class, prototype, background) and its *transformation* come from two keys, so that
pairs which share the one and differ in the other are a matter of which keys one passes.

Chapter: book/01_transforms_2d.py.
"""

from functools import lru_cache
from typing import Literal

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from invariance import assets, sampling, transforms
from invariance.assets.sources import BACKGROUNDS, FOREGROUNDS
from invariance.config import Config
from invariance.datasets.split import normalise
from invariance.errors import InputError, check_known
from invariance.transforms.geometric import scale, scaled_side

CHUNK = 128
"""Images made at once on a CPU: small enough to stay in its cache, large enough to be quick."""


class Transforms2D(Config, frozen=True):
    """A Transforms-2D data set. Two equal specifications describe the same images.

    `transforms` apply in the order given. `classes` may be any of the foreground source's;
    None means all. `object_scale` is the share of the canvas that an object fills.
    """

    kind: Literal["transforms_2d"] = "transforms_2d"
    foregrounds: str = "glyphs"
    backgrounds: str = "scenes"
    classes: tuple[str, ...] | None = None
    transforms: tuple[str, ...] = ()
    size: int = Field(default=32, ge=8, le=512)
    prototypes: int = Field(default=1, ge=1)
    object_scale: float = Field(default=0.7, gt=0, le=1)
    as_published: bool = False

    @field_validator("transforms")
    @classmethod
    def _known_transforms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        transforms.find(names)
        return names

    @model_validator(mode="after")
    def _consistent(self) -> "Transforms2D":
        assets.check_source(self.foregrounds, FOREGROUNDS)
        assets.check_source(self.backgrounds, BACKGROUNDS)
        transforms.check_size(self.transforms, self.size)
        known = assets.class_names(self.foregrounds)
        if self.classes is None:
            return self
        if not self.classes:
            raise InputError("The list of classes is empty: name at least one, or leave it out for all.")
        for name in self.classes:
            check_known("class", name, known)
        if len(set(self.classes)) < len(self.classes):
            raise InputError("A class is listed twice: list each once.")
        return self

    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their labels."""
        return assets.class_names(self.foregrounds) if self.classes is None else self.classes

    def generator(self, device: str | torch.device = "cpu") -> "Generator":
        """The images of this data set, made on `device`."""
        return _generator(self, torch.device(device))


class Generator:
    """Makes images of one `Transforms2D` specification on one device (an `ImageSource`)."""

    parts = ("transformation", "object", "background")
    redraws = False

    def __init__(self, spec: Transforms2D, device: torch.device) -> None:
        self.spec, self.device = spec, device
        objects = assets.foregrounds(spec.foregrounds, spec.size, spec.prototypes, spec.class_names())
        side = int(scaled_side(torch.tensor([spec.object_scale]), spec.size))
        start = (spec.size - side) // 2
        self.box = torch.tensor([start, start, side, side], device=device)
        factor = torch.full((len(objects.images),), spec.object_scale)
        self.objects = scale(objects.images.float() / 255, {"factor": factor}).to(device)
        self.first, self.count = objects.first.to(device), objects.count.to(device)
        self.pictures = _backgrounds(spec.backgrounds, spec.size, device)

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        """Content keys (B,) of the images at `indices` of a split: every index is an image of its own."""
        return sampling.keys(sampling.stream(seed, name), indices)

    def normalise(self, images: Tensor) -> Tensor:
        """[0, 1] to [-1, 1], channels last."""
        return normalise(images)

    def labels(self, content: Tensor) -> Tensor:
        """Class labels, int64 (B,), of content keys (B,)."""
        return sampling.integers(sampling.fold(content, "class"), len(self.first))

    def foregrounds(self, content: Tensor, labels: Tensor | None = None) -> Tensor:
        """Untransformed objects, RGBA float32 (B, 4, size, size)."""
        labels = self.labels(content) if labels is None else labels
        prototype = sampling.integers(sampling.fold(content, "prototype"), self.count[labels])
        return self.objects[self.first[labels] + prototype]

    def backgrounds(self, content: Tensor) -> Tensor:
        """Backgrounds, RGB float32 (B, 3, size, size)."""
        key = sampling.fold(content, "background")
        if self.pictures is None:
            return sampling.uniform(key, 3, self.spec.size, self.spec.size)
        return self.pictures[sampling.integers(key, len(self.pictures))]

    def transformed(self, content: Tensor, transformation: Tensor) -> Tensor:
        """Transformed objects, RGBA; `transformation` (B,) are the keys that the draws come from."""
        spec = self.spec
        parameters = transforms.draw(spec.transforms, sampling.fold(transformation, "transforms"), spec.size)
        boxes = self.box.expand(len(content), 4)
        return transforms.apply(spec.transforms, self.foregrounds(content), parameters, boxes, spec.as_published)

    def images(
        self,
        content: Tensor,
        transformation: Tensor | None = None,
        object: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Tensor:
        """Finished pictures, RGB float32 (B, 3, size, size) in [0, 1], from int64 keys (B,).

        Object, transformation and background each come from the content key, or from their own if given.
        """
        whole = [content if part is None else part for part in (object, transformation, background)]
        step = CHUNK if self.device.type == "cpu" else max(len(content), 1)
        chunks = zip(*(part.split(step) for part in whole), strict=True)
        parts = [paste(self.transformed(obj, by), self.backgrounds(behind)) for obj, by, behind in chunks]
        return torch.cat(parts) if parts else self.objects.new_zeros(0, 3, self.spec.size, self.spec.size)


def paste(objects: Tensor, backgrounds: Tensor) -> Tensor:
    """Objects (B, 4, H, W) with straight alpha over backgrounds (B, 3, H, W)."""
    return torch.lerp(backgrounds, objects[:, :3], objects[:, 3:])


@lru_cache(maxsize=4)  # generators share their backgrounds, the bulk of what they hold
def _backgrounds(source: str, size: int, device: torch.device) -> Tensor | None:
    pictures = assets.backgrounds(source, size)
    return None if pictures is None else (pictures.float() / 255).to(device)


@lru_cache(maxsize=16)
def _generator(spec: Transforms2D, device: torch.device) -> Generator:
    return Generator(spec, device)
