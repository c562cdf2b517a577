"""What an explorer is: what can be chosen and moved, and what is shown. Pages and notebooks are both made from this."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from invariance import sampling
from invariance.errors import InputError, check_known
from invariance.live.networks import TRAINED, UNTRAINED
from invariance.pictures import class_names, scenes
from invariance.transforms import CATEGORIES, PAPER_NAMES, TRANSFORMATIONS, Transformation

SIZE = 32
"""Side of the pictures in pixels."""
SAMPLES = 37
"""Points of a curve at most."""
DRAWS, BINS = 2_000, 24
"""How many draws, in how many bins, show what the experiments draw from."""
FIELDS = 1_000
"""Random fields, as `noise` adds them, have numbers from 0 to this."""
CODE = """import torch
from invariance import pictures, transforms
from invariance.datasets import Transforms2D, paste
from invariance.live.description import key

renderer = Transforms2D(classes=("$object",)).renderer()
objects = renderer.foregrounds(torch.tensor([0]))  # red, green, blue and mask
backgrounds = pictures.backgrounds("scenes", 32)[$scene : $scene + 1] / 255
names = [$names]
parameters = [$parameters]
moved = transforms.apply(names, objects, parameters, renderer.box[None])
image = paste(moved, backgrounds)  # float32 (1, 3, 32, 32) in [0, 1]
"""
"""Makes exactly the image of a state."""
SHOWS = ("code", "upload", "draw", "mask", "distances", "curve", "map", "measure")
"""Parts that an explorer may have beside its choices, sliders and pictures."""


@dataclass(frozen=True)
class Slider:
    """One number of a transformation's parameters: its `Range`, and how often the experiments draw what.

    `part` is its place where a parameter holds two, x and y; `bins` are counts in equal steps over the range. A `field`
    is a random key: the slider numbers them.
    """

    parameter: str
    part: int
    label: str
    low: float
    high: float
    unit: str
    step: float
    start: float
    whole: bool
    field: bool
    bins: tuple[int, ...]

    @property
    def points(self) -> list[float]:
        """The values at which a curve over the slider is computed."""
        count = min(SAMPLES, round(self.high - self.low) + 1) if self.whole else SAMPLES
        values = [self.low + (self.high - self.low) * k / (count - 1) for k in range(count)]
        return [float(int(value + 0.5)) for value in values] if self.whole else values


@dataclass(frozen=True)
class Kind:
    """A transformation as an explorer offers it. `code` makes its parameters of the sliders' values, $0 and so on."""

    name: str
    category: str
    summary: str
    probability: float
    sliders: tuple[Slider, ...]
    code: str

    @property
    def about(self) -> str:
        """What it does and how often, as a sentence."""
        often = f"; the experiments apply it to {self.probability:.0%} of the images" if self.probability < 1 else ""
        return f"{self.name.replace('_', ' ')} {self.summary}{often}."

    def described(self) -> dict:
        """As plain data for a page."""
        sliders = [{**asdict(slider), "points": slider.points} for slider in self.sliders]
        return {**asdict(self), "about": self.about, "sliders": sliders}


@dataclass(frozen=True)
class Step:
    """One transformation with the values of its sliders; `on` says whether it acts."""

    name: str
    values: tuple[float, ...]
    on: bool = True


@dataclass(frozen=True)
class State:
    """All that a reader has chosen: it decides what is shown, and a link holds it."""

    object: str
    background: str
    steps: tuple[Step, ...]
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explorer:
    """One explorer: its first state, what may be chosen, how many steps there are at most, and the parts of `SHOWS`.

    Where it is `fixed`, transformation and networks keep their choice. `hint` says what to try and what to expect.
    """

    name: str
    title: str
    hint: str
    start: State
    shows: tuple[str, ...]
    transformations: tuple[str, ...] = PAPER_NAMES
    networks: tuple[str, ...] = ()
    steps: int = 1
    fixed: bool = False

    def __post_init__(self) -> None:
        for part in self.shows:
            check_known("part of an explorer", part, SHOWS)


def kind(name: str) -> Kind:
    """A transformation's sliders, read off its ranges and its draws. Raises `InputError` for an unknown name."""
    check_known("transformation", name, TRANSFORMATIONS)
    t = TRANSFORMATIONS[name]
    drawn = t.draw(sampling.fold(key(torch.arange(DRAWS)), t.name), SIZE)
    sliders = tuple(s for p in drawn for s in _sliders(t, p, drawn[p]))
    return Kind(t.name, t.category, t.summary, t.probability, sliders, _code(drawn, sliders))


def _code(drawn: Mapping[str, Tensor], sliders: Sequence[Slider]) -> str:
    def tensor(parameter: str) -> str:
        places = [f"${place}" for place, slider in enumerate(sliders) if slider.parameter == parameter]
        values = ", ".join(places)
        whole = f"torch.tensor([{values}])" if drawn[parameter].ndim == 1 else f"torch.tensor([[{values}]])"
        return f"key({whole})" if sliders[int(places[0][1:])].field else whole

    return "{" + ", ".join(f'"{parameter}": {tensor(parameter)}' for parameter in drawn) + "}"


def _sliders(t: Transformation, parameter: str, values: Tensor) -> list[Slider]:
    if parameter not in t.ranges and values.dtype == torch.int64 and values.ndim == 1:
        even = (DRAWS // BINS,) * BINS
        return [Slider(parameter, 0, "random field", 0, FIELDS - 1, "", 1, 3, True, True, even)]
    if parameter not in t.ranges:
        raise InputError(f"Transformation {t.name!r}: its parameter {parameter!r} has no Range, so it has no slider.")
    limits, whole = t.ranges[parameter], not values.is_floating_point()
    columns = values.reshape(DRAWS, -1)
    names = [parameter] if columns.shape[1] == 1 else [f"{parameter} {axis}" for axis in "xyzuvw"[: columns.shape[1]]]
    step = 1 if whole else _round_step((limits.high - limits.low) / 200)
    middle = limits.low + (0.5 if len(names) > 1 else 0.75) * (limits.high - limits.low)
    start = round(middle) if whole else round(middle / step) * step
    found = []
    for part, name in enumerate(names):
        bins, _ = np.histogram(columns[:, part].double().numpy(), BINS, (limits.low, limits.high + whole))
        made = (parameter, part, name.replace("_", " "), limits.low, limits.high, limits.unit, step, round(start, 6))
        found.append(Slider(*made, whole, False, tuple(bins.tolist())))
    return found


def _round_step(step: float) -> float:
    # The next smaller of 1, 2, 5 times a power of ten: so that a slider stands on round numbers.
    power = 10.0 ** np.floor(np.log10(step))
    return float(f"{max(k for k in (1, 2, 5) if k * power <= step * 1.0001) * power:.6g}")


def key(number: Tensor) -> Tensor:
    """Keys int64 (B,) of the explorers' draws and random fields, by their numbers (B,)."""
    return sampling.keys(sampling.stream(0, "explorer"), number)


def first(name: str) -> Step:
    """A transformation as it stands when a reader has just chosen it."""
    return Step(name, tuple(slider.start for slider in kind(name).sliders))


def scene_of(background: str) -> int:
    """Which of the library's backgrounds "scenes" is the explorers' one of this type."""
    check_known("background", background, scenes.TYPES)
    return int(np.flatnonzero(scenes.labels(np.arange(200)) == scenes.TYPES.index(background))[0])


def check(state: State) -> State:
    """The state; raises `InputError` for an unknown name, or a number of values that does not fit."""
    check_known("object", state.object, class_names("glyphs"))
    scene_of(state.background)
    for step in state.steps:
        count = len(kind(step.name).sliders)
        if len(step.values) != count:
            raise InputError(f"{step.name} takes {count} values, not {len(step.values)}.")
    return state


def described(explorer: Explorer) -> dict:
    """The explorer as plain data."""
    return {
        **asdict(explorer),
        "objects": class_names("glyphs"),
        "backgrounds": {name: scene_of(name) for name in scenes.TYPES},
        "code": CODE,
        "categories": CATEGORIES,
        "kinds": {name: kind(name).described() for name in explorer.transformations},
    }


def with_start(explorer: Explorer, names: Sequence[str], object: str | None = None) -> Explorer:
    """The explorer that begins with other transformations, a reader's own among them, or another object."""
    steps = tuple(first(name) for name in names) or explorer.start.steps
    start = check(replace(explorer.start, steps=steps, object=object or explorer.start.object))
    own = tuple(name for name in names if name not in explorer.transformations)
    if own and explorer.fixed:
        raise InputError(f"The explorer {explorer.name!r} keeps its transformation: choose another explorer.")
    name = "-".join((explorer.name, *own))
    return replace(explorer, name=name, start=start, transformations=(*explorer.transformations, *own))


def without(explorer: Explorer, names: Collection[str]) -> Explorer:
    """The explorer that does not offer these transformations."""
    kept = tuple(name for name in explorer.transformations if name not in names)
    steps = tuple(step for step in explorer.start.steps if step.name in kept) or (first(kept[0]),)
    return replace(explorer, transformations=kept, start=replace(explorer.start, steps=steps))


EXPLORERS = {
    one.name: one
    for one in (
        Explorer(
            "transformations",
            "Transform an object",
            "Move a slider and watch the object. Then add a second transformation: does their order matter?",
            State("chess_knight", "desert", (Step("rotate", (60.0,)), Step("hue", (0.25,)))),
            ("mask", "draw", "upload", "code"),
            steps=3,
        ),
        Explorer(
            "invariance",
            "How far does a representation move?",
            "Turn the object and watch the distance. Then choose the network that was trained with rotations: "
            "its curve lies lower. Measure both.",
            State("chess_knight", "desert", (Step("rotate", (60.0,)),), ("plain",)),
            ("draw", "upload", "distances", "curve", "map", "measure"),
            networks=(UNTRAINED, *TRAINED),
        ),
        Explorer(
            "story",
            "Turn the object: which network notices?",
            "Both networks know this object. One was trained with rotate, so it has seen turned objects; the other has "
            "not. Turn it, and see which one loses it.",
            State("chess_knight", "desert", (Step("rotate", (60.0,)),), ("plain", "rotate")),
            ("distances", "curve"),
            transformations=("rotate",),
            networks=("plain", "rotate"),
            fixed=True,
        ),
    )
}
"""The book's explorers by name."""
