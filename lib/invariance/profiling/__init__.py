"""The sensitivity of any backbone to each transformation: a table and a figure for a model of your own::

    table = invariance.profile_model(backbone, images="photos/", pairs=500)

`invariance profile` is the same on the command line. Chapter: book/09_profile_your_model.py.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from invariance import measures, models
from invariance.datasets import Renderer, normalise
from invariance.datasets.pairs import pair_keys
from invariance.datasets.photos import Photos, check_images, renderers
from invariance.datasets.split import Numbers, per_channel
from invariance.errors import InputError, check_whole
from invariance.profiling.backbones import Loaded, load_backbone, untrained_copy
from invariance.profiling.keeping import PROBED, Kept
from invariance.profiling.showing import folder_for, notes, report, save, sensitivity_by_depth, sensitivity_profile
from invariance.progress import Progress
from invariance.training import pick_device
from invariance.transforms import TRANSFORMATIONS, check_size

__all__ = ["Loaded", "check_choices", "load_backbone", "profile_model", "untrained_copy"]
__all__ += ["folder_for", "notes", "report", "save", "sensitivity_by_depth", "sensitivity_profile"]

OUTPUT = "output"
"""The layer name that stands for what the backbone gives."""
BATCH, BATCH_PIXELS = 256, 2**22
"""By default a batch has so many images, or fewer that have so many pixels in all, which bounds its memory."""

Read = Callable[[Tensor], dict[str, Tensor]]


def profile_model(
    backbone: nn.Module,
    images: str | Path = "glyphs",
    transforms: Sequence[str] | None = None,
    layers: Sequence[str] = (OUTPUT,),
    pairs: int = 500,
    size: int = 32,
    device: str = "auto",
    seed: int = 0,
    mean: Numbers = 0.5,
    std: Numbers = 0.5,
    untrained: nn.Module | str | None = "auto",
    name: str = "model",
    batch_size: int | None = None,
    progress: bool = False,
    keep: str | Path | None = None,
) -> pd.DataFrame:
    """Sensitivity of a backbone to each transformation, and of an untrained copy to compare with.

    `backbone` maps normalised images (B, 3, size, size) to representations (B, D), in float32; it is left on the
    device in evaluation mode. `images` is "glyphs", one of `pictures.NATURAL`, or a folder of pictures, each of which
    makes one pair. `layers` are names for `measures.layer_extractor`, and "output". `mean` and `std`, a number or one
    a channel, normalise images in [0, 1]. `untrained` is a model, None, or "auto" for `untrained_copy`. `keep` is a CSV
    file for the rows of each transformation as soon as it is measured: with it a profile that was stopped goes on.

    Gives a tidy table of value, low and high (95 % interval) by kind ("given", "untrained"), layer, transformation
    and measure ("sensitivity_l2", "sensitivity_cosine", "sensitivity_dot", "cka"), NaN where images are not told
    apart. Raises `InputError` for bad input, before long work, and if all values are NaN.
    """
    check_choices(images, transforms, pairs, size, device)
    place, names = pick_device(device), list(TRANSFORMATIONS if transforms is None else transforms)
    batch = check_whole("batch_size", min(BATCH, BATCH_PIXELS // size**2) if batch_size is None else batch_size, 1)
    scaling = per_channel(mean, "mean", place), per_channel(std, "std", place)
    read = partial(_features, _readers(backbone, untrained, layers, size, seed, place), scaling, batch)
    found, pairs = renderers(str(images), names, size, pairs, seed, place)
    steps = _counted(found, f"Measuring {name}") if progress else found.items()
    settings = {"images": str(images), "pairs": pairs, "size": size, "seed": seed, "mean": mean, "std": std}
    kept = Kept(keep, settings | {"pictures": _hash_of(found)})
    table = pd.DataFrame([row for what, renderer in steps for row in _rows(read, renderer, what, pairs, seed, kept)])
    if table.loc[table["kind"] == "given", "value"].isna().all():
        raise InputError(f"{name} tells no images apart at layer {', '.join(layers)}: check its weights.")
    return table.assign(model=name, images=str(images), pairs=pairs, seed=seed)


def check_choices(
    images: str | Path, transforms: Sequence[str] | None = None, pairs: int = 500, size: int = 32, device: str = "auto"
) -> None:
    """Raise `InputError` for what `profile_model` could not work with; for use before the model is at hand."""
    pick_device(device)
    check_images(str(images), pairs, size)
    check_size(list(TRANSFORMATIONS) if transforms is None else transforms, size)
    if transforms is not None and not len(transforms):
        raise InputError("No transformations to measure: name at least one, or leave them out for all.")


def _readers(
    backbone: nn.Module, untrained: nn.Module | str | None, layers: Sequence[str], size: int, seed: int, device: Any
) -> dict[str, Read]:
    # For each network what gives its representations (B, D) of normalised images (B, 3, size, size), by layer.
    if not isinstance(untrained, nn.Module) and untrained not in (None, "auto"):
        raise InputError(f"untrained {untrained!r}: give a torch.nn.Module, None, or 'auto'.")
    if not isinstance(backbone, nn.Module) or not layers:
        raise InputError(f"Nothing to measure: the model must be a torch.nn.Module, layers names or {OUTPUT!r}.")
    fresh = untrained_copy(backbone, seed) if untrained == "auto" else untrained
    networks: dict[str, Any] = {"given": backbone} | ({} if fresh is None else {"untrained": fresh})
    wrapped = {kind: models.wrap(network.to(device), 1, size=size).backbone for kind, network in networks.items()}
    return {kind: _reader(network.eval(), layers) for kind, network in wrapped.items()}


def _reader(network: nn.Module, layers: Sequence[str]) -> Read:
    inner = layers if isinstance(layers, str) else [layer for layer in layers if layer != OUTPUT]
    inside = measures.layer_extractor(network, inner) if inner else lambda images: {}
    return lambda images: inside(images) | ({OUTPUT: network(images)} if OUTPUT in layers else {})


@torch.no_grad()
def _features(readers: dict[str, Read], scaling: tuple, batch: int, renderer: Renderer, *keys: Tensor) -> dict:
    # Representations (N, D) by kind of network and layer, of images with these contents and draws.
    parts = []
    try:
        for content, draws in zip(*(key.split(batch) for key in keys), strict=True):
            images = normalise(renderer.images(content, transformation=draws), *scaling)
            parts.append({(kind, layer): x for kind, read in readers.items() for layer, x in read(images).items()})
        return {at: torch.cat([part[at] for part in parts]).float() for at in parts[0]}
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise InputError(f"Not enough memory for {batch} images at once: choose a smaller batch size.") from error


def _hash_of(renderers: Mapping[str, Renderer]) -> str:
    # Of the pictures of a folder, which may change; they are the same for all transformations.
    found = [one.pictures for one in renderers.values() if isinstance(one, Photos)][:1]
    return "".join(hashlib.sha256(one.cpu().numpy().tobytes()).hexdigest() for one in found)


def _rows(
    read: Callable[..., dict], renderer: Renderer, transformation: str, pairs: int, seed: int, kept: Kept
) -> list[dict]:
    content, *sides = pair_keys(renderer, pairs, seed)
    if kept.path is None:
        return _measured_rows(read, renderer, transformation, seed, content, *sides)
    state = kept.state(transformation, [read(renderer, content[:PROBED], draws[:PROBED]) for draws in sides])
    if (rows := kept.rows(state)) is None:
        rows = _measured_rows(read, renderer, transformation, seed, content, *sides)
        kept.add(state, rows)
    return rows


def _measured_rows(
    read: Callable[..., dict], renderer: Renderer, transformation: str, seed: int, content: Tensor, *sides: Tensor
) -> list[dict]:
    first, second = (read(renderer, content, draws) for draws in sides)
    rows, category = [], TRANSFORMATIONS[transformation].category
    for (kind, layer), x in first.items():
        about = {"kind": kind, "layer": layer, "category": category, "transformation": transformation}
        try:
            rows += [about | values for values in _measured(x, second[kind, layer], seed)]
        except InputError as error:
            where = f"the {kind} model at layer {layer!r} under {transformation}"
            raise InputError(f"Cannot measure {where}: {error}") from error
    return rows


def _counted(renderers: Mapping[str, Renderer], title: str) -> Iterator[tuple[str, Renderer]]:
    with Progress(title, len(renderers)) as progress:
        for transformation, renderer in renderers.items():
            progress.advance(0, transformation)
            yield transformation, renderer
            progress.advance()


def _measured(x: Tensor, x_prime: Tensor, seed: int, kinds: Sequence[str] = measures.MEASURES) -> list[dict]:
    try:
        found = measures.measure_all(x, x_prime, seed, kinds)
    except measures.Undefined:
        if len(kinds) > 1:
            return [row for kind in kinds for row in _measured(x, x_prime, seed, [kind])]
        found = {kinds[0]: measures.Measured(*3 * [float("nan")])}
    names = {kind: kind if kind == "cka" else f"sensitivity_{kind}" for kind in found}
    return [{"measure": names[kind], "value": m.value, "low": m.low, "high": m.high} for kind, m in found.items()]
