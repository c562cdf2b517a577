"""Splits: which images there are, and how to get a batch of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from typing import Protocol as Interface

import torch
from torch import Tensor

from invariance import sampling
from invariance.datasets.chunks import in_chunks
from invariance.errors import InputError, check_whole
from invariance.protocol import CORRECTED, Protocol

MEAN, STD = 0.5, 0.5
"""Normalisation of Transforms-2D: (x - 0.5) / 0.5 in every channel."""

Numbers = float | Sequence[float]
"""One number, or one a channel."""

MOST_AT_ONCE = 500_000_000
"""Images of a split that keys are listed of: these alone take 4 GB."""
TRIES = 100
"""How often the second image of a pair is drawn again to differ: even a coin falls otherwise before that."""


class Renderer:
    """What renders the images of a data set: keys in, labels and images out, on `device`.

    A content key, int64, stands for one image and everything random in it. `parts` names what can be
    exchanged in an image: `images(content, transformation=other)` keeps all but the draw of the
    transformations, which comes from the keys `other` (B,) instead. `size` is the side of its images in pixels,
    `spec` the specification of the data, and `protocol` says which slips of the published code are repeated.
    """

    device: torch.device
    parts: tuple[str, ...]
    size: int
    spec: Any
    protocol: Protocol = CORRECTED

    def keys(self, seed: int, name: str, indices: Tensor) -> Tensor:
        """Content keys (B,) of the images at `indices` of a split: here, every index is an image of its own."""
        return sampling.keys(sampling.stream(seed, name), indices)

    def prepare(self, content: Tensor) -> None:
        """Told what will be asked for in small batches, where it is quicker to get it all at once."""

    def labels(self, content: Tensor) -> Tensor:
        """Class labels, int64 (B,), of content keys (B,)."""
        raise NotImplementedError

    def images(self, content: Tensor, **parts: Any) -> Tensor:
        """Images float32 (B, 3, size, size) in [0, 1], from int64 keys (B,); each part may have keys of its own."""
        raise NotImplementedError

    def differing(self, part: str, first: Tensor, second: Tensor) -> Tensor:
        """Keys `second` (B,) for the other image of a pair, none of which draws the same part as `first`."""
        return move_on(first, second, lambda keys: keys)

    def normalise(self, images: Tensor) -> Tensor:
        """Images as networks take them, channels last: here [0, 1] becomes [-1, 1]."""
        return normalise(images)


@dataclass(frozen=True)
class Split:
    """The images 0 .. count-1 of one split: a renderer, a seed and the split's name.

    `name` ("train", "validation", "test", ...) and `seed` choose the stream of keys; equal splits
    hold equal images. Raises `InputError` unless seed and count are whole numbers and the renderer has so many images.
    """

    renderer: Renderer
    seed: int
    name: str
    count: int

    def __post_init__(self) -> None:
        for name, what in (("seed", "Seed"), ("count", "Number of images")):  # NumPy's small integers would overflow
            object.__setattr__(self, name, check_whole(what, getattr(self, name)))
        if self.count < 1:
            raise InputError(f"The {self.name} split has {self.count} images: it needs at least 1.")
        last = torch.tensor([self.count - 1])
        self.renderer.keys(self.seed, self.name, last)  # a renderer may have fewer: say so now

    def keys(self, indices: Tensor | None = None) -> Tensor:
        """Content keys (B,) of the images at `indices`, by default of all."""
        device = self.renderer.device
        if indices is None and self.count > MOST_AT_ONCE:
            raise InputError(f"{self.count:,} {self.name} images are too many to go through all: take fewer.")
        indices = torch.arange(self.count, device=device) if indices is None else indices.to(device)
        return self.renderer.keys(self.seed, self.name, indices)

    def batch(self, indices: Tensor | None = None, redraw: int = 0) -> tuple[Tensor, Tensor]:
        """Images in [0, 1], float32 (B, 3, H, W), and labels, int64 (B,).

        `redraw` 1, 2, ... gives the same contents under other draws of the transformations.
        """
        content = self.keys(indices)
        drawn = self.draws(content, indices, redraw)
        return self.renderer.images(content, transformation=drawn), self.renderer.labels(content)

    def draws(self, content: Tensor, indices: Tensor | None = None, redraw: int = 0) -> Tensor | None:
        """Keys (B,) that the transformations of the contents at `indices` are drawn from; None for the contents' own.

        Where the protocol repeats draws, a redraw deals out those of the split anew. Where it shares them, they are the
        same for image 0, 1, ... of every split of this seed.
        """
        protocol, device = self.renderer.protocol, self.renderer.device
        if protocol.repeated_draws or protocol.shared_draws:
            numbers = torch.arange(self.count, device=device) if indices is None else indices.to(device)
            if protocol.repeated_draws and redraw:
                numbers, redraw = _dealt(self.seed, self.name, self.count, redraw, device)[numbers], 0
            shared = sampling.stream(self.seed, "shared draws")
            content = sampling.keys(shared, numbers) if protocol.shared_draws else self.keys(numbers)
        elif not redraw:
            return None
        return sampling.fold(content, f"redraw {redraw}") if redraw else content


@lru_cache(maxsize=4)  # one a pass over the training images
def _dealt(seed: int, name: str, count: int, redraw: int, device: torch.device) -> Tensor:
    return sampling.permutation(sampling.stream(seed, name, "dealt", redraw), count).to(device)


class HasSplit(Interface):
    """What `invariance.data` gives: a data set with a split behind it."""

    split: Split


def as_split(data: Split | HasSplit) -> Split:
    """The split itself, or that of a data set from `invariance.data`. Raises `InputError` for anything else."""
    found = data if isinstance(data, Split) else getattr(data, "split", None)
    if not isinstance(found, Split):
        raise InputError(
            f"Data of type {type(data).__name__} cannot be used here: make them with invariance.transforms_2d(...), "
            "natural_images(...) or objects_on_images(...)."
        )
    return found


def move_on(
    first: Tensor,
    second: Tensor,
    drawn: Callable[[Tensor], Tensor],
    again: Callable[[Tensor], Tensor] = lambda keys: sampling.fold(keys, "again"),
) -> Tensor:
    """Keys `second` (B,), drawn again where both stand for the same.

    `drawn(keys)` numbers what keys stand for, such as the class of the object. Raises `InputError`
    if that never helps, because there is only one thing to draw.
    """
    ours = drawn(first)
    for _ in range(TRIES):
        same = drawn(second) == ours
        if not same.any():
            return second
        second = torch.where(same, again(second), second)
    raise InputError("Pairs cannot differ where there is only one thing to choose from: allow for two or more.")


def per_channel(values: Numbers, word: str, device: torch.device | str = "cpu") -> Tensor:
    """A mean or deviation, float32 (1, 1, 1) or (3, 1, 1); raises `InputError` for other than one number or three."""
    try:
        found = torch.as_tensor(values, dtype=torch.float32, device=device).reshape(-1, 1, 1)
    except (TypeError, ValueError, RuntimeError):
        found = torch.empty(0)
    if len(found) not in (1, 3) or not torch.isfinite(found).all() or (word == "std" and (found <= 0).any()):
        raise InputError(f"{word} {values!r}: give one number or three, for images in [0, 1]; std above 0.")
    return found


def normalise(images: Tensor, mean: Tensor | float = MEAN, std: Tensor | float = STD) -> Tensor:
    """(x - mean) / std, in the channels-last layout that convolutions are fastest with."""
    out = torch.empty_like(images, memory_format=torch.channels_last)

    def fill(rows: slice) -> None:
        torch.mul(images[rows], 1 / std, out=out[rows]).sub_(mean / std)

    in_chunks(fill, len(images), images.shape[-1], images.device)
    return out
