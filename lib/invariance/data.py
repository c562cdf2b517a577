"""Data sets for use outside the book: an ordinary `torch.utils.data.Dataset`, made in one call::

    dataset = transforms_2d("glyphs", transforms=["rotate", "hue"], classes=["umbrella", "airplane"])
    image, label = dataset[0]
    loader = torch.utils.data.DataLoader(dataset, batch_size=512)

`natural_images`, `objects_on_images` and, for pictures of your own, `labelled_images` are made and used in the same
way. In all of them `split` ("train", "validation"
or "test") and `seed` choose which images, and `options` are further fields of the data set's specification, in
`invariance.datasets`. They raise `InputError` for anything unknown or out of range.
Chapters: book/01_transforms_2d.py and book/12_data_card.py.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.data import Dataset

from invariance import plots
from invariance.datasets import LabelledImages, NaturalImages, ObjectsOnImages, Split, Transforms2D
from invariance.datasets.natural import SPLITS
from invariance.datasets.pairs import paired_images
from invariance.errors import InputError, check_known, check_whole

MEMORY = 16 * 2**30
"""Bytes that pairs of images may take: they are made all at once."""


class ImageDataset(Dataset):
    """The images of a split, by index: float32 (3, H, W) in [0, 1], and the label as an int.

    Nothing is stored: an image is made when it is asked for, always the same one for an index. A
    `DataLoader` asks for whole batches, which are made in one call.
    """

    def __init__(self, split: Split) -> None:
        self.split, self.classes = split, split.renderer.spec.class_names()

    def __len__(self) -> int:
        return self.split.count

    def __repr__(self) -> str:
        return f"{len(self):,} images of {len(self.classes)} classes: {self.split.renderer.spec!r}"

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, int]]:
        count = len(self)
        indices = [check_whole("Index", index) for index in indices]
        for index in indices:
            if not -count <= index < count:
                raise IndexError(f"Image {index} of {count}: the index must lie in [{-count}, {count}).")
        images, labels = self.split.batch(torch.tensor([index % count for index in indices]))
        return list(zip(images, labels.tolist(), strict=True))

    def pairs(self, count: int, vary: str = "transformation", seed: int = 0) -> tuple[Tensor, Tensor]:
        """Test images, float32 (count, 3, H, W) each, that differ in one part and share everything else.

        `vary` is one of the data set's parts, `self.split.renderer.parts`: the transformation, the object or the
        background. Sensitivity is measured on such pairs (section 5 of the paper). Raises `InputError` for an unknown
        part, or the transformation where there is none.
        """
        if vary == "transformation" and not getattr(self.split.renderer.spec, "transforms", True):
            raise InputError("The data set has no transformations, so such pairs would be equal: give it some.")
        most = MEMORY // (2 * 3 * 4 * self.split.renderer.size**2)
        return paired_images(self.split.renderer, check_whole("Number of pairs", count, 1, most), seed, vary)

    def preview(self, rows: int = 3, columns: int = 8) -> Figure:
        """A grid of the first images, each with the name of its class; outside a notebook, `.savefig(...)` it."""
        columns = check_whole("Number of columns", columns, 1)
        shown = min(check_whole("Number of rows", rows, 1) * columns, len(self))
        images, labels = self.split.batch(torch.arange(shown))
        names = [self.classes[label] for label in labels.tolist()]
        return plots.contact_sheet(plots.as_pictures(images), names, columns)


def transforms_2d(
    foregrounds: str = "glyphs",
    transforms: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    backgrounds: str = "scenes",
    split: str = "train",
    count: int = 50_000,
    seed: int = 0,
    device: str = "cpu",
    **options: object,
) -> ImageDataset:
    """A Transforms-2D data set (section 3 of the paper) with `count` images.

    `foregrounds` and `backgrounds` are sources of pictures. Of the `options`, `prototypes` is the number of objects of
    each class, by default 1.
    """
    spec = Transforms2D(
        foregrounds=foregrounds, backgrounds=backgrounds, classes=classes, transforms=_in_order(transforms), **options
    )
    return _dataset(spec, split, count, seed, device)


def natural_images(
    source: str = "scenes10",
    transforms: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    split: str = "train",
    count: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    **options: object,
) -> ImageDataset:
    """CIFAR-10, CIFAR-100 or their stand-ins, transformed as whole images (experiment B of the paper).

    `source` is "scenes10", "scenes100", "cifar10" or "cifar100". `count` images of it, by default all, in an order that
    `seed` chooses and that keeps the classes balanced. Raises `InputError` where CIFAR is not at hand.
    """
    spec = NaturalImages(source=source, classes=classes, transforms=_in_order(transforms), **options)
    return _dataset(spec, split, count, seed, device)


def objects_on_images(
    task: str = "objects_mixed",
    images: str = "scenes10",
    objects: Sequence[str] | None = None,
    split: str = "train",
    count: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    **options: object,
) -> ImageDataset:
    """Natural images with an object in the corner (experiment C of the paper).

    `task` is "cifar_only", "cifar_mixed", "objects_mixed" or "objects_only"; the same index shows the same image and
    the same object in all four. `images` is a source of `natural_images`.
    """
    return _dataset(ObjectsOnImages(task=task, images=images, objects=objects, **options), split, count, seed, device)


def labelled_images(
    source: str | Path | Dataset,
    transforms: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    split: str = "train",
    count: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    **options: Any,
) -> ImageDataset:
    """Labelled pictures of your own, to train on and to probe like the others, transformed as whole images.

    `source` is a folder with a folder for each class, or a `torch.utils.data.Dataset` of (picture, label): pictures are
    PIL images, uint8 arrays (H, W, 3), or tensors (3, H, W) of uint8 or of floats in [0, 1]. They are cut to their
    central squares. Of the `options`, `size` is the side of the images (32), `held_out` the share of each class that is
    for validation, and again for the test (0.1; 0 gives every split all pictures, for a source that is split already),
    `mean` and `std` what a network gets them normalised by (0.5), a number or one a channel.
    """
    names = None if classes is None else tuple(classes)
    try:
        spec = LabelledImages(source, tuple(_in_order(transforms)), names, **options)
    except TypeError as error:
        raise InputError(f"labelled_images: {error}.") from None
    return _dataset(spec, split, count, seed, device)


def _in_order(names: Sequence[str]) -> Sequence[str]:
    if isinstance(names, set | frozenset):
        raise InputError("transforms is a set, which has no order: give a list.")
    return names


def _dataset(
    spec: Transforms2D | NaturalImages | ObjectsOnImages | LabelledImages,
    split: str,
    count: int | None,
    seed: int,
    device: str,
) -> ImageDataset:
    check_known("split", split, SPLITS)
    if count is None and not isinstance(spec, Transforms2D):
        count = spec.available(split)
    return ImageDataset(Split(spec.renderer(device), seed, split, count))  # type: ignore[arg-type] # it says so itself
