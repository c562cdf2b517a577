"""Objects on natural images: what is relevant for one task and irrelevant for another (experiment C).

An image holds a natural image and a small object in its upper-right corner. Four tasks show and
ask for different parts of it, always of the same pairs:

    cifar_only      the image alone         label: class of the image
    cifar_mixed     image and object        label: class of the image
    objects_mixed   image and object        label: the object
    objects_only    the object on black     label: the object

As in the published code, natural images of the training and validation splits are cropped at random (with a border of
4 black pixels around them) and mirrored, anew in every epoch; test images are not.

Chapter: book/06_when_invariance_harms.py.
"""

from functools import lru_cache
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from invariance import pictures, sampling, transforms
from invariance.config import Config
from invariance.datasets.devices import pick_device
from invariance.datasets.natural import SPLITS, NaturalImages
from invariance.datasets.split import Renderer, move_on
from invariance.datasets.transforms_2d import Transforms2D, paste
from invariance.errors import InputError
from invariance.pictures.natural import SIZE, TRAIN
from invariance.pictures.sources import FOREGROUNDS
from invariance.protocol import CORRECTED, Protocol
from invariance.transforms.geometric import shifted
from invariance.transforms.published import in_whole_levels

TASKS = ("cifar_only", "cifar_mixed", "objects_mixed", "objects_only")
OBJECTS = 10
SHRUNK = 0.55
"""By so much the objects of Transforms-2D are scaled again: to a canvas of 18 pixels, of which an object fills 12.4."""
MOVED = (9, -10)
"""From the centre to the fixed place, x and y in pixels: the object is seen at x 18 to 31 and y 0 to 12."""
PADDING = 4
"""Pixels by which the crop of a natural image may miss it to either side."""


class ObjectsOnImages(Config, frozen=True):
    """Objects on natural images. Two equal specifications describe the same images.

    `images` is a source of natural images and `objects` are classes of `foregrounds`; None means the
    first ten. With probability `correlation` (alpha, [0, 1]) the object is the one tied to the image's class, the
    k-th to the k-th, else any; a share `availability` (beta, [0, 1]) of the images carries an object.
    `translate` puts the object at a random place inside the image. `protocol` may be given by its name.
    """

    parts: ClassVar[tuple[str, ...]] = ("object", "background", "transformation")

    kind: Literal["objects_on_images"] = "objects_on_images"
    task: Literal["cifar_only", "cifar_mixed", "objects_mixed", "objects_only"]
    images: str = "scenes10"
    foregrounds: str = "glyphs"
    objects: tuple[str, ...] | None = None
    translate: bool = False
    correlation: float = Field(default=0.0, ge=0, le=1)
    availability: float = Field(default=1.0, ge=0, le=1)
    split_seed: int = 0
    protocol: Protocol = CORRECTED

    @model_validator(mode="after")
    def _consistent(self) -> "ObjectsOnImages":
        classes = NaturalImages(source=self.images).class_names()
        pictures.check_source(self.foregrounds, FOREGROUNDS)
        known = pictures.class_names(self.foregrounds)
        if self.objects is not None:
            pictures.check_classes(self.objects, known)
        if self.correlation > 0 and len(self.object_names()) != len(classes):
            raise InputError(
                f"A correlation ties one object to each class of {self.images}: "
                f"{len(self.object_names())} objects for {len(classes)} classes. Name as many objects."
            )
        if self.availability < 1 and self.task.startswith("objects"):
            raise InputError(
                f"Availability {self.availability:g} with the task {self.task!r}: an image without an object "
                "would have no label. Use availability 1, or a task that asks for the image."
            )
        return self

    def object_names(self) -> tuple[str, ...]:
        """The objects in the order of their labels."""
        return pictures.class_names(self.foregrounds)[:OBJECTS] if self.objects is None else self.objects

    def class_names(self) -> tuple[str, ...]:
        """The classes that the task asks for, in the order of their labels."""
        return self.object_names() if self.task.startswith("objects") else self.natural().class_names()

    def natural(self) -> NaturalImages:
        """The data set that the images come from."""
        return NaturalImages(source=self.images, split_seed=self.split_seed, protocol=self.protocol)

    def available(self, split: str) -> int:
        """Number of images in "train", "validation" or "test"."""
        return self.natural().available(split)

    def renderer(self, device: str | torch.device = "cpu") -> "ObjectsRenderer":
        """The images of this data set, made on `device`: `auto`, `cpu`, `cuda` or `cuda:N`."""
        return _renderer(self, pick_device(device), self.object_names(), pictures.fingerprint(self.foregrounds))


class ObjectsRenderer(Renderer):
    """Makes images of one `ObjectsOnImages` specification on one device.

    `background` is the natural image; `transformation` is its crop and mirroring and the place of a translated object.
    """

    parts = ObjectsOnImages.parts
    size = SIZE

    def __init__(self, spec: ObjectsOnImages, device: torch.device) -> None:
        self.spec, self.device, self.protocol = spec, device, spec.protocol
        self.natural = spec.natural().renderer(device)
        chosen: dict[str, Any] = {
            "foregrounds": spec.foregrounds,
            "classes": spec.object_names(),
            "protocol": spec.protocol,
        }
        source = Transforms2D(backgrounds="black", **chosen).renderer(device)
        factor = {"factor": torch.full((len(source.objects),), SHRUNK, device=device)}
        small = transforms.apply(("scale",), source.objects, [factor], protocol=spec.protocol)
        moved = torch.tensor(MOVED, device=device).expand(len(small), 2)
        self.objects = shifted(small, moved)  # (objects, 4, 32, 32), in the corner
        boxes = source.box.expand(len(small), 4)
        boxes = transforms.find(("scale",), spec.protocol)[0].move_box(boxes, factor, SIZE)  # type: ignore[misc]
        self.boxes = torch.cat((boxes[:, :2] + moved, boxes[:, 2:]), 1)  # all the same

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        """Content keys (B,) of the images at `indices` of a split: those of its natural images, for every task."""
        return self.natural.keys(seed, name, indices)

    def prepare(self, content: Tensor) -> None:
        """Get the natural images of these content keys in large blocks."""
        self.natural.prepare(content)

    def labels(self, content: Tensor) -> Tensor:
        """Labels, int64 (B,): the class of the image or of the object, as the task has it."""
        return self.object_labels(content) if self.spec.task.startswith("objects") else self.natural.labels(content)

    def object_labels(self, content: Tensor, exchanged: Tensor | None = None) -> Tensor:
        """Which object each image carries, int64 (B,); with `exchanged` keys (B,) any, tied to nothing."""
        own = sampling.integers(sampling.fold(content if exchanged is None else exchanged, "object"), len(self.objects))
        if exchanged is not None or not self.spec.correlation:
            return own
        tied = sampling.bernoulli(sampling.fold(content, "tied"), self.spec.correlation)
        return torch.where(tied, self._tied(content), own)

    def _tied(self, content: Tensor) -> Tensor:
        """Which object is tied to the class of each image, int64 (B,)."""
        classes = self.natural.labels(content)
        if not self.protocol.random_tie:
            return classes
        stream = sampling.stream(self.spec.split_seed, "tie", *self.spec.object_names())
        return sampling.integers(
            sampling.keys(stream, len(SPLITS) * classes + self.natural.splits(content)), len(self.objects)
        )

    def images(  # type: ignore[override] # its own parts alone
        self,
        content: Tensor,
        object: Tensor | None = None,
        background: Tensor | None = None,
        transformation: Tensor | None = None,
    ) -> Tensor:
        """Images float32 (B, 3, 32, 32) in [0, 1], from int64 keys (B,).

        Object, natural image, and what is drawn of crop and place, each come from the content key, or from their own
        if given. An exchanged object is drawn uniformly and always there.
        """
        task, drawn = self.spec.task, content if transformation is None else transformation
        behind = self._cropped(content if background is None else background, drawn)
        if task == "cifar_only":
            return behind
        if task == "objects_only":
            behind = torch.zeros_like(behind)
        labels = self.object_labels(content, object)
        objects = self.objects[labels]
        if self.spec.translate:
            place = {"place": sampling.uniform(sampling.fold(drawn, "place"), 2)}
            objects = transforms.apply(("translate",), objects, [place], self.boxes[labels], self.protocol)
        if object is None and self.spec.availability < 1:
            there = sampling.bernoulli(sampling.fold(content, "there"), self.spec.availability)
            objects = objects * there[:, None, None, None]
        images = paste(objects, behind)
        return in_whole_levels(images) if self.protocol.eight_bits else images

    def _cropped(self, background: Tensor, drawn: Tensor) -> Tensor:
        """Natural images (B, 3, 32, 32), cropped and mirrored by the keys `drawn` unless they are test images."""
        images, keys = self.natural.untransformed(background), sampling.fold(drawn, "crop")
        shift = (sampling.uniform(keys, 2) * (2 * PADDING + 1)).long() - PADDING
        cropped = shifted(images, shift)
        mirrored = sampling.bernoulli(sampling.fold(keys, "mirror"), 0.5)
        cropped = torch.where(mirrored[:, None, None, None], cropped.flip(3), cropped)
        return torch.where((self.natural.rows(background) < TRAIN)[:, None, None, None], cropped, images)

    def differing(self, part: str, first: Tensor, second: Tensor) -> Tensor:
        if part == "background":
            return move_on(first, second, self.natural.rows, lambda keys: keys.roll(1))
        if part == "object":
            return move_on(first, second, lambda keys: self.object_labels(keys, keys))
        return super().differing(part, first, second)

    def normalise(self, images: Tensor) -> Tensor:
        """With the means and deviations of the natural images, or to [-1, 1]; channels last."""
        return super().normalise(images) if self.protocol.other_normalisation else self.natural.normalise(images)


@lru_cache(maxsize=16)  # by the objects' files too: those of a folder may change at any time
def _renderer(
    spec: ObjectsOnImages, device: torch.device, objects: tuple[str, ...], fingerprint: str
) -> ObjectsRenderer:
    return ObjectsRenderer(spec, device)
