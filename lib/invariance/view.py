"""Data sets for use outside the book: an ordinary `torch.utils.data.Dataset`, made in one call.

dataset = transforms_2d("glyphs", transforms=["rotate", "hue"], classes=["umbrella", "airplane"])
image, label = dataset[0]
loader = torch.utils.data.DataLoader(dataset, batch_size=512)
"""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.data import Dataset

from invariance import figures, gallery
from invariance.datasets import Split, Transforms2D
from invariance.errors import InputError
from invariance.training import pick_device


class ImageDataset(Dataset):
    """The images of a split, by index: float32 (3, H, W) in [0, 1], and the label as an int.

    Nothing is stored: an image is made when it is asked for, always the same one for an index. A
    `DataLoader` asks for whole batches, which are made in one call.
    """

    def __init__(self, split: Split, classes: Sequence[str]) -> None:
        self.split, self.classes = split, tuple(classes)

    def __len__(self) -> int:
        return self.split.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, int]]:
        count = len(self)
        for index in indices:
            if not -count <= index < count:
                raise IndexError(f"Image {index} of {count}: the index must lie in [{-count}, {count}).")
        images, labels = self.split.batch(torch.tensor([int(index) % count for index in indices]))
        return list(zip(images, labels.tolist(), strict=True))

    def preview(self, rows: int = 3, columns: int = 8) -> Figure:
        """A grid of the first images, each with the name of its class."""
        shown = min(rows * columns, len(self))
        images, labels = self.split.batch(torch.arange(shown))
        names = [self.classes[label] for label in labels.tolist()]
        return figures.contact_sheet(gallery.pictures(images), names, columns)


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

    `foregrounds` and `backgrounds` are asset sources; `split` and `seed` choose which images;
    `options` are further fields of `invariance.datasets.Transforms2D`, such as `size`. Raises
    `InputError` for anything unknown or out of range.
    """
    if isinstance(transforms, str) or isinstance(classes, str):
        raise InputError("transforms and classes are lists of names, such as ['rotate', 'hue'].")
    spec = Transforms2D(
        foregrounds=foregrounds,
        backgrounds=backgrounds,
        classes=None if classes is None else tuple(classes),
        transforms=tuple(transforms),
        **options,
    )
    source = spec.generator(pick_device(device))
    return ImageDataset(Split(source, seed, split, count), spec.class_names())
