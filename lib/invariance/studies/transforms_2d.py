"""The pictures of chapter 1: objects, backgrounds, the 18 transformations over their range, compositions.

Chapter: book/01_transforms_2d.py.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from IPython.display import HTML
from matplotlib.figure import Figure

from invariance import plots, sampling, transforms
from invariance.datasets import Transforms2D, paste
from invariance.pictures import glyphs, scenes
from invariance.transforms import TRANSFORMATIONS, Parameters, Transformation, names_of


def numbers(names: Sequence[str]) -> dict[str, int]:
    """Counts that the chapter names; `names` are the transformations that it combines."""
    return {"n_classes": len(glyphs.CLASSES), "n_prototypes": glyphs.PROTOTYPES, "n_combined": len(names)}


def objects() -> Figure:
    """Every object class by its first prototype, at 64 pixels, with its name."""
    return plots.contact_sheet(glyphs.render(64)[:, 0], glyphs.CLASSES)


def backgrounds(count: int = 9, size: int = 48) -> Figure:
    """`count` scenes of each type, one row a type."""
    labels = scenes.labels(np.arange(len(scenes.TYPES) * count * 4))
    rows = {k: scenes.render(np.flatnonzero(labels == k)[:count], size) for k in range(len(scenes.TYPES))}
    return plots.picture_grid({scenes.TYPES[k].replace("_", " "): row for k, row in rows.items()})


def category(name: str, object_class: str) -> Figure:
    """The transformations of one category, each in a row over its range."""
    return plots.picture_grid({each: sweep(each, object_class, 9)[0][:9] for each in names_of(name)})


def composition(names: Sequence[str], object_class: str, seed: int) -> Figure:
    """Nine draws of one object under several transformations: the object alone, and on its background."""
    data = Transforms2D(classes=(object_class,), transforms=tuple(names))
    renderer = data.renderer()
    content = sampling.keys(sampling.stream(seed, "gallery"), torch.arange(9))
    moved = renderer.transformed(content, content)
    finished = paste(moved, renderer.backgrounds(content))
    return plots.picture_grid({"object": plots.as_pictures(moved), "image": plots.as_pictures(finished)})


def sweep(name: str, object_class: str, count: int) -> tuple[np.ndarray, list[str]]:
    """One transformation over its whole range, on one object and background: images uint8 (n, 32, 32, 3) and labels.

    A parameter runs from the low to the high end of its range, two together go around it; a switch shows off and on; a
    random field shows several draws.
    """
    values, labels = _path(TRANSFORMATIONS[name], count)
    renderer = Transforms2D(classes=(object_class,)).renderer()
    content = sampling.keys(sampling.stream(1, "sweep"), torch.zeros(len(labels), dtype=torch.int64))
    boxes = renderer.box.expand(len(labels), 4)
    moved = transforms.apply([name], renderer.foregrounds(content), [values], boxes)
    return plots.as_pictures(paste(moved, renderer.backgrounds(content))), labels


def _path(t: Transformation, count: int) -> tuple[Parameters, list[str]]:
    drawn = t.draw(sampling.keys(0, torch.arange(count)), 32)
    if not t.ranges:
        return _switch(drawn, count)
    (parameter, limits), *_ = t.ranges.items()
    if drawn[parameter].ndim == 1:
        along = torch.linspace(limits.low, limits.high, count)
        return {parameter: along}, [f"{parameter} {_number(v, limits.unit)}" for v in along.tolist()]
    middle, half = (limits.low + limits.high) / 2, (limits.high - limits.low) / 2
    turn = torch.arange(count) * (2 * math.pi / count)
    around = middle + half * torch.stack((turn.cos(), turn.sin()), 1).clamp(-0.999, 0.999)
    around = around.to(drawn[parameter].dtype)
    return {parameter: around}, [f"{parameter} {_number(x)}, {_number(y, limits.unit)}" for x, y in around.tolist()]


def _switch(drawn: Parameters, count: int) -> tuple[Parameters, list[str]]:
    frames = count if drawn else 1  # without anything random, one picture shows all
    labels = ["off"] + [f"draw {k + 1}" if drawn else "on" for k in range(frames)]
    values = {key: torch.cat((value[:1], value[:frames])) for key, value in drawn.items()}
    return {**values, "on": torch.arange(frames + 1) > 0}, labels


def _number(value: float, unit: str = "") -> str:
    text = f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2f}"
    return f"{text} {unit}".strip()


def table() -> HTML:
    """The transformations with their categories, effects, ranges and probabilities."""
    rows = []
    for t in TRANSFORMATIONS.values():
        drawn = "; ".join(f"{name} {_number(r.low)} to {_number(r.high, r.unit)}" for name, r in t.ranges.items())
        about = {"category": t.category, "name": t.name, "effect": t.summary, "drawn from": drawn}
        rows.append({**about, "probability": f"{t.probability:g}"})
    return plots.table(rows)
