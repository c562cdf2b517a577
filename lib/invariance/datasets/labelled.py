"""Labelled pictures of your own: a folder with a folder a class, or any `torch.utils.data.Dataset` of pictures.

A picture is read when it is first asked for, cut to its central square, and kept while there is room.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Subset

from invariance import pictures, sampling, transforms
from invariance.datasets.devices import pick_device
from invariance.datasets.split import Numbers, normalise, per_channel
from invariance.datasets.whole_images import WholeImages, rows_to_keys
from invariance.errors import InputError, check_known, check_rate, check_whole
from invariance.pictures.reading import central_square, read_photo
from invariance.pictures.sources import folders_in, image_files

SPLITS = ("train", "validation", "test")
LARGEST, BYTES = 1024, 8 * 2**30
"""Side of the largest images in pixels, and what pictures may take in memory."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Labelled pictures, transformed as whole images; `data.labelled_images` says what the fields mean."""

    source: str | Path | Dataset
    transforms: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    size: int = 32
    held_out: float = 0.1
    mean: Numbers = 0.5
    std: Numbers = 0.5
    pictures: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_whole("size", self.size, 1, LARGEST)
        object.__setattr__(self, "transforms", tuple(t.name for t in transforms.find(self.transforms)))
        transforms.check_size(self.transforms, self.size)
        check_rate("held_out", self.held_out, zero=True)
        if self.held_out >= 0.5:
            raise InputError(f"held_out {self.held_out!r}: give the share of each class, from 0 to less than 0.5.")
        own = ClassFolders(self.source) if isinstance(self.source, str | Path) else Pictures(self.source)
        if self.classes is not None:
            pictures.check_classes(self.classes, own.classes)
        object.__setattr__(self, "pictures", own)

    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their labels."""
        return self.pictures.classes if self.classes is None else tuple(self.classes)

    def available(self, split: str) -> int:
        """Number of images of these classes in "train", "validation" or "test"."""
        return len(self.rows(split))

    def rows(self, split: str) -> Tensor:
        """Numbers int64 (available,) of the pictures in a split: always the same ones."""
        check_known("split", split, SPLITS)
        known, labels, found = self.pictures.classes, self.pictures.labels, []
        for name in self.class_names():
            own = (labels == known.index(name)).nonzero()[:, 0]
            order = own[sampling.permutation(sampling.stream(0, "labelled", name), len(own))]
            held = max(1, round(self.held_out * len(own))) if self.held_out and len(own) > 2 else 0
            parts = {"test": order[:held], "validation": order[held : 2 * held], "train": order[2 * held :]}
            found.append(parts[split] if self.held_out else order)
        return torch.cat(found).sort().values

    def renderer(self, device: str | torch.device = "cpu") -> "LabelledRenderer":
        """The images of this data set, made on `device`: `auto`, `cpu`, `cuda` or `cuda:N`."""
        return LabelledRenderer(self, pick_device(device))


class LabelledRenderer(WholeImages):
    """Makes images of one `LabelledImages` specification on one device."""

    def __init__(self, spec: LabelledImages, device: torch.device) -> None:
        self.spec, self.device, self.size, self.names = spec, device, spec.size, spec.transforms
        known = spec.pictures.classes
        label_of = torch.full((len(known),), -1)
        label_of[[known.index(name) for name in spec.class_names()]] = torch.arange(len(spec.class_names()))
        self._labels = label_of[spec.pictures.labels].to(device)
        self._scaling = per_channel(spec.mean, "mean", device), per_channel(spec.std, "std", device)

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        """Content keys (B,) of the images at `indices` of the split that the last word of `name` says.

        `seed` and `name` choose and order them. Raises `InputError` for an index beyond what there is.
        """
        order = _order(self.spec, seed, name, self.device)
        if indices.device.type == "cpu" and len(indices) and int(indices.max()) >= len(order):
            wanted, split = int(indices.max()) + 1, name.rsplit("/", 1)[-1]
            raise InputError(f"{wanted:,} {split} images are asked for, and there are {len(order):,}: take fewer.")
        indices = indices.to(self.device)
        return rows_to_keys(order[indices], sampling.keys(sampling.stream(seed, name), indices))

    def labels(self, content: Tensor) -> Tensor:
        """Class labels, int64 (B,), of content keys (B,)."""
        return self._labels[self.rows(content)]

    def untransformed(self, content: Tensor) -> Tensor:
        return self.spec.pictures.take(self.rows(content).tolist(), self.size).to(self.device).float() / 255

    def normalise(self, images: Tensor) -> Tensor:
        return normalise(images, *self._scaling)


@lru_cache(maxsize=16)  # asked for with every batch
def _order(spec: LabelledImages, seed: int, name: str, device: torch.device) -> Tensor:
    rows = spec.rows(name.rsplit("/", 1)[-1])
    return rows[sampling.permutation(sampling.stream(seed, name, "images"), len(rows))].to(device)


class Pictures:
    """The pictures of a `Dataset` of pairs (picture, label), as uint8; an item that is none is named."""

    def __init__(self, source: Dataset) -> None:
        if not hasattr(source, "__getitem__") or not hasattr(source, "__len__"):
            raise InputError(
                f"A {type(source).__name__} holds no labelled pictures: give a folder with a folder for each class, or "
                "a torch.utils.data.Dataset of (picture, label)."
            )
        self.source, self._size = source, 0
        self._kept: dict[int, Tensor] = {}
        labels = _known_labels(source)
        self.labels = torch.tensor([self._label(k) for k in range(len(source))] if labels is None else labels).long()
        most = int(self.labels.max()) + 1 if len(self.labels) else 0
        names = getattr(_whole(source), "classes", None) or range(most)
        self.classes = tuple(str(name) for name in names)
        if not len(self.labels) or self.labels.min() < 0 or most > len(self.classes):
            raise InputError("The data set has no pictures, or a label that is none of its classes.")

    def take(self, rows: Sequence[int], size: int) -> Tensor:
        """Pictures uint8 (B, 3, size, size) with these numbers."""
        if size != self._size:
            self._kept, self._size = {}, size
        found = {row: self._kept[row] for row in rows if row in self._kept}
        missing = sorted({*rows} - found.keys())
        for row, picture in zip(missing, self._read(missing, size), strict=True):
            found[row] = torch.tensor(picture).permute(2, 0, 1)
            if (len(self._kept) + 1) * found[row].numel() <= BYTES:
                self._kept[row] = found[row]
        return torch.stack([found[row] for row in rows]) if rows else torch.empty(0, 3, size, size, dtype=torch.uint8)

    def _read(self, rows: Sequence[int], size: int) -> list[np.ndarray]:
        return [central_square(_as_image(self._item(row)[0], row), size) for row in rows]

    def _item(self, row: int) -> Any:
        item = self.source[row]
        if not isinstance(item, tuple | list) or len(item) < 2:
            raise InputError(f"Item {row} of the data set is a {type(item).__name__}: it must be (picture, label).")
        return item

    def _label(self, row: int) -> int:
        label = self._item(row)[1]
        label = label.item() if isinstance(label, Tensor | np.generic) and label.ndim == 0 else label
        return check_whole(f"The label of item {row}", label, 0)


class ClassFolders(Pictures):
    """The pictures of a folder that has a folder for each class, as `torchvision.datasets.ImageFolder` wants it."""

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder).expanduser()
        if not folder.is_dir():
            raise InputError(f"No folder {folder}: give one that has a folder for each class.")
        files = {place.name: image_files(place) for place in folders_in(folder)}
        self.files = [file for own in files.values() for file in own]
        if not files or not all(files.values()):
            empty = next((f"{folder / name}" for name in files), str(folder))
            raise InputError(f"{empty} holds no images: give a folder with a folder for each class, and images in it.")
        self._kept, self._size, self.classes = {}, 0, tuple(files)
        self.labels = torch.arange(len(files)).repeat_interleave(torch.tensor([len(own) for own in files.values()]))

    def _read(self, rows: Sequence[int], size: int) -> list[np.ndarray]:
        with ThreadPoolExecutor() as pool:  # decoding takes the time, and it leaves Python's lock
            return list(pool.map(lambda row: read_photo(self.files[row], size), rows))


def _whole(source: Dataset) -> Dataset:
    return _whole(source.dataset) if isinstance(source, Subset) else source


def _known_labels(source: Any) -> list[int] | None:
    # Those of torchvision's data sets are known before a picture is read.
    if isinstance(source, Subset):
        labels = _known_labels(source.dataset)
        return None if labels is None else [labels[k] for k in source.indices]
    labels = getattr(source, "targets", None)
    if labels is None or getattr(source, "target_transform", None) or len(labels) != len(source):
        return None
    return [int(label) for label in labels]


def _as_image(picture: object, row: int) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture.convert("RGB")
    if isinstance(picture, Tensor) and picture.ndim == 3 and len(picture) in (1, 3):
        pixels = picture.detach().cpu()
        if pixels.is_floating_point() and pixels.min() >= 0 and pixels.max() <= 1:
            pixels = (pixels * 255).round().byte()
        if pixels.dtype == torch.uint8:
            return Image.fromarray(pixels.expand(3, -1, -1).permute(1, 2, 0).numpy())
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3:
        return Image.fromarray(picture)
    raise InputError(
        f"Item {row} of the data set is no picture but {_described(picture)}: give PIL images, arrays (H, W, 3) of "
        "uint8, or tensors (3, H, W) of uint8 or of floats in [0, 1]; leave normalising to mean and std."
    )


def _described(value: object) -> str:
    if isinstance(value, Tensor | np.ndarray):
        return f"{value.dtype} {tuple(value.shape)}" + (f" in [{value.min():g}, {value.max():g}]" if value.size else "")
    return f"a {type(value).__name__}"
