"""Natural images: CIFAR-10 and CIFAR-100, or their embedded stand-ins, transformed as whole images (section 4).

Of the 50,000 training images one in ten of each class is for validation, the same ones for a
`split_seed`, whatever else varies: the published code redraws them at every set-up.

Chapter: book/01_transforms_2d.py.
"""

from functools import cached_property, lru_cache
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import field_validator, model_validator
from torch import Tensor

from invariance import pictures, sampling, transforms
from invariance.config import Config
from invariance.datasets.devices import pick_device
from invariance.datasets.split import normalise
from invariance.datasets.whole_images import WholeImages, rows_to_keys
from invariance.errors import InputError, check_known
from invariance.pictures.natural import SIZE, TEST, TRAIN
from invariance.protocol import CORRECTED, Protocol

SPLITS = ("train", "validation", "test")
VALIDATION_SHARE = 0.1
OTHER_STD = (0.2023, 0.1994, 0.2010)
"""Deviations that the published code divides CIFAR-10 by; the images' own are 0.247, 0.243 and 0.262."""
STATISTICS_ROWS = 2000
"""Rendered training images that the stand-ins' channel means and deviations are computed from."""


class NaturalImages(Config, frozen=True):
    """Labelled natural images of 32 x 32 pixels. Two equal specifications describe the same images.

    `transforms` act on the whole image, in the order given; `translate` then shifts by up to 15 %.
    `classes` may be any of the source's; None means all. `split_seed` chooses the validation images. `protocol` may be
    given by its name.
    """

    parts: ClassVar[tuple[str, ...]] = ("transformation",)

    kind: Literal["natural_images"] = "natural_images"
    source: str = "scenes10"
    classes: tuple[str, ...] | None = None
    transforms: tuple[str, ...] = ()
    split_seed: int = 0
    protocol: Protocol = CORRECTED

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        check_known("source of natural images", source, pictures.NATURAL)
        return source

    @field_validator("transforms")
    @classmethod
    def _known_transforms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        transforms.check_size(names, SIZE)
        return names

    @model_validator(mode="after")
    def _known_classes(self) -> "NaturalImages":
        if self.classes is not None:
            pictures.check_classes(self.classes, pictures.natural_classes(self.source))
        return self

    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their labels."""
        return pictures.natural_classes(self.source) if self.classes is None else self.classes

    def available(self, split: str) -> int:
        """Number of images of these classes in "train", "validation" or "test"."""
        return len(self.class_names()) * self._per_class(split)

    def samples(self, per_class: int | float, split: str = "train") -> int:
        """Number of images in all for a count a class (int), or for a share of each class in (0, 1] (float).

        Experiment B varies both. A share is rounded, to at least one image a class. Raises
        `InputError` for more than there are.
        """
        most = self._per_class(split)
        if isinstance(per_class, float) and 0 < per_class <= 1:
            return len(self.class_names()) * max(1, round(per_class * most))
        if isinstance(per_class, bool) or not isinstance(per_class, int) or not 1 <= per_class <= most:
            raise InputError(
                f"{per_class!r} {split} images a class of {self.source}: give a count from 1 to {most}, "
                f"or a share above 0.0 up to 1.0."
            )
        return len(self.class_names()) * per_class

    def _per_class(self, split: str) -> int:
        check_known("split", split, SPLITS)
        classes = len(pictures.natural_classes(self.source))
        held_out = round(TRAIN // classes * VALIDATION_SHARE)
        return {"train": TRAIN // classes - held_out, "validation": held_out, "test": TEST // classes}[split]

    def renderer(self, device: str | torch.device = "cpu") -> "NaturalRenderer":
        """The images of this data set, made on `device`: `auto`, `cpu`, `cuda` or `cuda:N`."""
        return _renderer(self, pick_device(device))


class NaturalRenderer(WholeImages):
    """Makes images of one `NaturalImages` specification on one device."""

    size = SIZE

    def __init__(self, spec: NaturalImages, device: torch.device) -> None:
        self.spec, self.device, self.protocol = spec, device, spec.protocol
        self.names = spec.transforms
        known = pictures.natural_classes(spec.source)
        label_of = torch.full((len(known),), -1)
        label_of[[known.index(name) for name in spec.class_names()]] = torch.arange(len(spec.class_names()))
        self._labels = label_of[torch.from_numpy(pictures.natural_labels(spec.source))].to(device)
        self.pictures = _pictures(spec.source, device)

    def __reduce__(self) -> tuple:
        # A spawned worker makes its own, from the disk cache: sent with it, the pictures would be 184 MB.
        return _renderer, (self.spec, self.device)

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        """Content keys (B,) of the images at `indices` of the split that the last word of `name` says.

        The first k x classes indices hold k images of each class, chosen and ordered by `seed` and `name`.
        Raises `InputError` for an unknown split and for an index beyond what there is.
        """
        split = name.rsplit("/", 1)[-1]
        check_known("split", split, SPLITS)
        order = _order(self.spec.source, self.spec.class_names(), self.spec.split_seed, seed, name, self.device)
        on_host = indices.device.type == "cpu"  # elsewhere the check would make the device wait; `Split` made it
        if on_host and len(indices) and not 0 <= indices.min() <= indices.max() < len(order):
            wanted, most = int(indices.max()) + 1, len(order)
            raise InputError(
                f"The split {name!r} is to have {wanted} images, but {self.spec.source} has {most} {split} images "
                f"of these {len(self.spec.class_names())} classes: ask for at most {most}."
            )
        indices = indices.to(self.device)
        return rows_to_keys(order[indices], sampling.keys(sampling.stream(seed, name), indices))

    def prepare(self, content: Tensor) -> None:
        """Get the images of these content keys in large blocks: scenes are rendered several times as fast then."""
        self.pictures.load(self.rows(content))

    def labels(self, content: Tensor) -> Tensor:
        """Class labels, int64 (B,), of content keys (B,)."""
        return self._labels[self.rows(content)]

    def splits(self, content: Tensor) -> Tensor:
        """Which of `SPLITS` each image belongs to, int64 (B,)."""
        return self._split_of_row[self.rows(content)]

    @cached_property
    def _split_of_row(self) -> Tensor:
        found = torch.zeros(TRAIN + TEST, dtype=torch.int64, device=self.device)
        for number, split in enumerate(SPLITS):
            rows = _rows_of(self.spec.source, self.spec.class_names(), self.spec.split_seed, split)
            found[rows.flatten().to(self.device)] = number
        return found

    def untransformed(self, content: Tensor) -> Tensor:
        """The images as they are, float32 (B, 3, 32, 32) in [0, 1]."""
        return self.pictures.take(self.rows(content)).float() / 255

    def normalise(self, images: Tensor) -> Tensor:
        """With the means and deviations of the source's own channels, channels last."""
        mean, std = self.pictures.statistics
        if self.protocol.other_normalisation and self.spec.source == "cifar10":
            std = torch.tensor(OTHER_STD, device=self.device)[:, None, None]
        return normalise(images, mean, std)


class Pictures:
    """All images of a source on one device, as uint8; scenes come in when they are first asked for."""

    def __init__(self, source: str, device: torch.device) -> None:
        self.source, self.device = source, device
        with torch.inference_mode(False):  # rows are written later, perhaps outside that mode
            self.pixels = torch.empty(TRAIN + TEST, 3, SIZE, SIZE, dtype=torch.uint8, device=device)
        self.missing = np.ones(TRAIN + TEST, bool)
        if device.type != "cpu" or not source.startswith("scenes"):  # to look what is missing would make a GPU wait
            self._read(np.arange(TRAIN + TEST))
        self.statistics = self._statistics()

    def take(self, rows: Tensor) -> Tensor:
        """Images uint8 (B, 3, 32, 32) with these row numbers (B,)."""
        self.load(rows)
        return self.pixels[rows]

    def load(self, rows: Tensor) -> None:
        """Render or read what is missing of these rows (B,)."""
        if self.missing.any():
            wanted = np.unique(rows.numpy())
            self._read(wanted[self.missing[wanted]])

    def _read(self, rows: np.ndarray) -> None:
        for block in np.array_split(rows, -(-len(rows) // 5000)) if len(rows) else ():
            images = torch.from_numpy(pictures.natural_images(self.source, block))
            self.pixels[torch.from_numpy(block).to(self.device)] = images.permute(0, 3, 1, 2).to(self.device)
        self.missing[rows] = False

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each channel over the training images, (3, 1, 1) each."""
        count = STATISTICS_ROWS if self.source.startswith("scenes") else TRAIN
        rows = torch.arange(count, device=self.device)
        blocks = [self.take(block).double().transpose(0, 1).flatten(1) / 255 for block in rows.split(5000)]
        mean = torch.stack([block.mean(1) for block in blocks]).mean(0)
        square = torch.stack([block.square().mean(1) for block in blocks]).mean(0)
        std = (square - mean.square()).sqrt()
        return mean.float()[:, None, None], std.float()[:, None, None]


@lru_cache(maxsize=64)  # data sets that differ in their transformations share it
def _order(source: str, names: tuple[str, ...], split_seed: int, seed: int, name: str, device: torch.device) -> Tensor:
    """Rows int64 (available,) of a split: round after round, one of each class in a random order."""
    rows = _rows_of(source, names, split_seed, name.rsplit("/", 1)[-1])
    classes, count = rows.shape
    stream = sampling.stream(seed, name, "images")
    own = torch.arange(rows.numel())
    shuffled = rows.gather(1, sampling.keys(stream, own).reshape(classes, count).argsort(1))
    turn = sampling.keys(sampling.stream(seed, name, "turns"), own).reshape(classes, count).argsort(0)
    return shuffled.gather(0, turn).T.flatten().to(device)


def _rows_of(source: str, names: tuple[str, ...], split_seed: int, split: str) -> Tensor:
    """Rows int64 (classes, count) of one split."""
    labels, known = pictures.natural_labels(source), pictures.natural_classes(source)
    start, stop = (TRAIN, TRAIN + TEST) if split == "test" else (0, TRAIN)
    rows = []
    for name in names:
        own = torch.from_numpy(np.flatnonzero(labels[start:stop] == known.index(name)) + start)
        if split != "test":
            order = sampling.permutation(sampling.stream(split_seed, "validation", name), len(own))
            held_out = round(len(own) * VALIDATION_SHARE)
            own = own[order[:held_out] if split == "validation" else order[held_out:]].sort().values
        rows.append(own)
    return torch.stack(rows)


@lru_cache(maxsize=4)  # renderers share their pictures, up to 184 MB
def _pictures(source: str, device: torch.device) -> Pictures:
    return Pictures(source, device)


@lru_cache(maxsize=16)
def _renderer(spec: NaturalImages, device: torch.device) -> NaturalRenderer:
    return NaturalRenderer(spec, device)
