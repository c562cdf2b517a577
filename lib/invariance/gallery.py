"""Pictures to look at: objects, backgrounds, transformations over their range, finished images.

Everything is uint8 (n, H, W, 3 or 4), channels last, as figures and explorers take it.
"""

import math

import numpy as np
import torch
from IPython.display import HTML
from torch import Tensor

from invariance import sampling, tables, transforms
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D, paste
from invariance.pictures import scenes
from invariance.transforms import TRANSFORMATIONS, Parameters, Transformation


def pictures(images: Tensor) -> np.ndarray:
    """Float images (B, C, H, W) in [0, 1] as uint8 (B, H, W, C)."""
    return (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def scene_types(size: int, count: int) -> tuple[list[np.ndarray], list[str]]:
    """`count` scenes of each type as rows, and the types' names."""
    labels = scenes.labels(np.arange(len(scenes.TYPES) * count * 4))
    rows = [scenes.render(np.flatnonzero(labels == k)[:count], size) for k in range(len(scenes.TYPES))]
    return rows, [name.replace("_", " ") for name in scenes.TYPES]


def examples(spec: Transforms2D | NaturalImages | ObjectsOnImages, count: int, seed: int = 0) -> np.ndarray:
    """The first `count` images of a data set's split of examples, uint8 (n, H, W, 3); equal seeds, equal contents."""
    return pictures(Split(spec.renderer("cpu"), seed, "examples/test", count).batch()[0])


def draws(spec: Transforms2D, label: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One object of class `label` under `count` draws of the transformations.

    Gives the transformed objects (RGBA) and the finished images (RGB) on changing backgrounds.
    """
    generator = spec.renderer()
    content = sampling.keys(sampling.stream(seed, "gallery"), torch.arange(count))
    parameters = transforms.draw(spec.transforms, sampling.fold(content, "transforms"), spec.size)
    plain = generator.foregrounds(content, torch.full((count,), label))
    boxes = generator.box.expand(count, 4)
    moved = transforms.apply(spec.transforms, plain, parameters, boxes)
    return pictures(moved), pictures(paste(moved, generator.backgrounds(content)))


def sweep(name: str, object_class: str, count: int = 16) -> tuple[np.ndarray, list[str]]:
    """One transformation over its whole range, on one object and background: images and labels.

    A parameter runs from the low to the high end of its range, two together go around it; a
    switch shows off and on; a random field shows several draws.
    """
    t = TRANSFORMATIONS[name]
    values, labels = _path(t, count)
    generator = Transforms2D(classes=(object_class,)).renderer()
    frames = len(labels)
    content = sampling.keys(sampling.stream(1, "sweep"), torch.zeros(frames, dtype=torch.int64))
    boxes = generator.box.expand(frames, 4)
    moved = transforms.apply([name], generator.foregrounds(content), [values], boxes)
    return pictures(paste(moved, generator.backgrounds(content))), labels


def _path(t: Transformation, count: int) -> tuple[Parameters, list[str]]:
    drawn = t.draw(sampling.keys(0, torch.arange(count)), 32)
    if not t.ranges:
        frames = count if drawn else 1  # without anything random, one picture shows all
        labels = ["off"] + [f"draw {k + 1}" if drawn else "on" for k in range(frames)]
        values = {key: torch.cat((value[:1], value[:frames])) for key, value in drawn.items()}
        return {**values, "on": torch.arange(frames + 1) > 0}, labels
    (parameter, limits), *_ = t.ranges.items()
    middle, half = (limits.low + limits.high) / 2, (limits.high - limits.low) / 2
    if drawn[parameter].ndim == 1:
        along = torch.linspace(limits.low, limits.high, count)
        labels = [f"{parameter} {_number(v, limits.unit)}" for v in along.tolist()]
        return {parameter: along}, labels
    turn = torch.arange(count) * (2 * math.pi / count)
    around = middle + half * torch.stack((turn.cos(), turn.sin()), 1).clamp(-0.999, 0.999)
    around = around.to(drawn[parameter].dtype)
    labels = [f"{parameter} {_number(x)}, {_number(y, limits.unit)}" for x, y in around.tolist()]
    return {parameter: around}, labels


def _number(value: float, unit: str = "") -> str:
    text = f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2f}"
    return f"{text} {unit}".strip()


def transformation_table() -> HTML:
    """The transformations with their categories, effects, ranges and probabilities."""
    rows = [
        {
            "category": t.category,
            "name": t.name,
            "effect": t.summary,
            "drawn from": "; ".join(
                f"{name} {_number(r.low)} to {_number(r.high, r.unit)}" for name, r in t.ranges.items()
            ),
            "probability": f"{t.probability:g}",
        }
        for t in TRANSFORMATIONS.values()
    ]
    return tables.show(rows)
