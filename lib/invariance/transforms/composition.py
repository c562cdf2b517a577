"""The 18 transformations by name, and their composition in a given order.

    parameters = draw(["rotate", "hue"], keys, size=32)
    images = apply(["rotate", "hue"], objects, parameters, boxes)

Chapter: book/01_transforms_2d.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError, check_known
from invariance.protocol import CORRECTED, Protocol
from invariance.transforms import own, published
from invariance.transforms.base import Parameters, Transformation
from invariance.transforms.corruption import CORRUPTION
from invariance.transforms.geometric import GEOMETRIC
from invariance.transforms.identity import identity
from invariance.transforms.photometric import PHOTOMETRIC

TRANSFORMATIONS: dict[str, Transformation] = {t.name: t for t in GEOMETRIC + PHOTOMETRIC + CORRUPTION}
"""The paper's 18, in the order of its Table 1. Add your own: `TRANSFORMATIONS[mine.name] = mine`."""

_PAPER = dict(TRANSFORMATIONS)

CATEGORIES = ("geometric", "photometric", "corruption")

PAPER: dict[str, tuple[str, ...]] = {
    category: tuple(t.name for t in TRANSFORMATIONS.values() if t.category == category) for category in CATEGORIES
}
"""Names of the paper's 18 by category, in its order: its experiments draw from these alone."""

PAPER_NAMES: tuple[str, ...] = tuple(name for names in PAPER.values() for name in names)


def names_of(category: str) -> list[str]:
    """Names of the transformations of one category, in the paper's order, and then your own."""
    check_known("category", category, CATEGORIES)
    return [t.name for t in TRANSFORMATIONS.values() if t.category == category]


def find(names: Sequence[str], protocol: Protocol = CORRECTED) -> list[Transformation]:
    """Transformations by name, as a protocol has them.

    Raises `InputError` for an unknown or a repeated name, or one of two names.
    """
    if isinstance(names, str):
        raise InputError(f"transforms must be a list of names, got the string {names!r}; write [{names!r}].")
    for name in names:
        check_known("transformation", name, TRANSFORMATIONS)
    if len(set(names)) < len(names):
        raise InputError(f"A transformation is listed twice: {', '.join(names)}. List each once.")
    table = TRANSFORMATIONS if protocol is CORRECTED else {**_PAPER, **_variants(protocol), **own_ones()}
    found = [table[name] for name in names]
    for name, t in zip(names, found, strict=True):
        if getattr(t, "name", None) != name:
            raise InputError(f"TRANSFORMATIONS[{name!r}] must be a Transformation of that name.")
    return found


@lru_cache(maxsize=64)
def _variants(protocol: Protocol) -> dict[str, Transformation]:
    changed = published.changes(protocol)
    return {name: replace(_PAPER[name], **fields) for name, fields in changed.items()}


def is_own(t: Transformation) -> bool:
    """Whether a transformation is a reader's own, perhaps in place of one of the paper's."""
    return t.name not in _PAPER or TRANSFORMATIONS.get(t.name) is not _PAPER[t.name]


def own_ones() -> dict[str, Transformation]:
    """Your own transformations by name, for a process that has the paper's alone."""
    return {name: t for name, t in TRANSFORMATIONS.items() if is_own(t)}


def fingerprint(names: Sequence[str]) -> str:
    """What tells two states of your own transformations among `names` apart; "" for the paper's. See `identity`."""
    mine = [t for t in find(names) if is_own(t)]
    return "\n".join(identity((t.name, t.draw, t.apply, t.move_box, t.probability)) for t in mine)


def check_size(names: Sequence[str], size: int) -> None:
    """Raise `InputError` if a canvas of `size` pixels is too small for one of the transformations."""
    for t in find(names):
        if size < t.min_size:
            raise InputError(
                f"A canvas of {size} pixels is too small for {t.name!r}, which needs at least {t.min_size}."
            )


def draw(names: Sequence[str], keys: Tensor, size: int) -> list[Parameters]:
    """Parameters of every transformation for every image.

    `keys` is int64 (B,); `size` the canvas side in pixels. Each transformation draws from its
    own stream, so that its parameters do not depend on which others are in the list. Where one
    is applied with a probability, `on` (B,) says to which images. Raises `InputError` for other keys, and where your
    own transformation draws something else.
    """
    if not isinstance(keys, Tensor) or keys.dtype != torch.int64 or keys.ndim != 1:
        raise InputError("keys must be an int64 tensor (B,), such as sampling.keys(0, torch.arange(8)) gives.")
    drawn = []
    for t in find(names):
        stream = sampling.fold(keys, t.name)
        parameters = t.draw(stream, size)
        if is_own(t):
            own.check_drawn(t, parameters, keys)
        if t.probability < 1:
            parameters["on"] = sampling.bernoulli(sampling.fold(stream, "on"), t.probability)
        drawn.append(parameters)
    return drawn


def take(parameters: Sequence[Parameters], rows: slice) -> list[Parameters]:
    """The parameters of some images of the batch, such as `draw` would give for these images alone."""
    return [{name: value[rows] for name, value in given.items()} for given in parameters]


def apply(
    names: Sequence[str],
    images: Tensor,
    parameters: Sequence[Parameters],
    boxes: Tensor | None = None,
    protocol: Protocol = CORRECTED,
    overwrite: bool = False,
) -> Tensor:
    """Apply transformations in order to float32 (B, C, size, size) images in [0, 1].

    `boxes` (B, 4), int64 x, y, width, height, are the objects' bounding boxes; without them the
    images are whole pictures (C = 3) and `translate` shifts by up to 15 % of the side. `protocol` says which slips of
    the published code are repeated. `overwrite` allows to use the memory of `images`. Raises `InputError` for other
    images, and where your own transformation gives other than such, at its first use also for values that are not in
    [0, 1].
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        raise InputError("images must be a float tensor (B, C, size, size) in [0, 1].")
    check_size(names, images.shape[-1])
    if len(images) == 0:
        return images
    steps = list(zip(find(names, protocol), parameters, strict=True))
    for k, (t, given) in enumerate(steps):
        before, move = images, t.move_box
        images = _where_on(t, images, given if boxes is None or move is None else {**given, "box": boxes}, overwrite)
        images = published.settled(t.name, images, protocol)
        if boxes is not None and move is not None and any(later.move_box for later, _ in steps[k + 1 :]):
            moved = move(boxes, given, images.shape[-1])
            if is_own(t):
                own.check_like(t, "move_box", moved, boxes)
            boxes = torch.where(given["on"][:, None], moved, boxes) if "on" in given else moved
        overwrite = overwrite or images.untyped_storage().data_ptr() != before.untyped_storage().data_ptr()
    return images


def _where_on(t: Transformation, images: Tensor, parameters: Parameters, overwrite: bool) -> Tensor:
    change, in_place = t.apply, getattr(t.apply, "overwrite", t.apply)
    if is_own(t):
        change, in_place = (partial(own.apply_checked, t, function) for function in (change, in_place))
    overwrite = overwrite and images.is_contiguous()  # what was expanded, for one, cannot be written to
    if "on" not in parameters:
        return (in_place if overwrite else change)(images, parameters)
    on = parameters["on"]
    rest = {name: value for name, value in parameters.items() if name != "on"}
    if images.is_cuda:  # choosing a subset would make the device wait for the host
        return torch.where(on[:, None, None, None], change(images, rest), images)
    chosen = on.nonzero()[:, 0]
    if len(chosen) == 0:
        return images
    some = in_place(images.index_select(0, chosen), {name: value[chosen] for name, value in rest.items()})
    out = images if overwrite else images.clone(memory_format=torch.contiguous_format)
    _wide(out).index_copy_(0, chosen, _wide(some.contiguous()))
    return out


def _wide(images: Tensor) -> Tensor:
    # They are copied element by element: sixteen bytes at a time take a quarter of the time.
    rows = images.flatten(1)
    return rows.view(torch.complex128) if rows.shape[1] % 4 == 0 else rows
