"""What a state of an explorer shows, computed by the library: pictures, distances, curves, sensitivities, code.

The page computes the same from exported graphs (`invariance.live.graphs`), the notebook calls these functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from string import Template

import torch
from torch import Tensor

from invariance import measures, pictures, sampling, transforms
from invariance.datasets import Renderer, Transforms2D, normalise, paste
from invariance.datasets.pairs import pair_keys
from invariance.live.description import CODE, FIELDS, SIZE, Slider, State, Step, check, key, kind, scene_of
from invariance.live.networks import OWN, network
from invariance.models import Classifier
from invariance.pictures import scenes
from invariance.transforms import TRANSFORMATIONS, Parameters

PAIRS, SEED = 200, 0
"""How many pairs of images an explorer measures a sensitivity on, and their seed."""


@cache
def renderer() -> Renderer:
    """Makes the explorers' objects: all glyphs, first prototypes."""
    return Transforms2D().renderer()


@cache
def backgrounds() -> Tensor:
    """The explorers' backgrounds, one of each type: uint8 (10, 3, 32, 32)."""
    return pictures.backgrounds("scenes", SIZE)[[scene_of(name) for name in scenes.TYPES]]


def object_of(state: State, own: Tensor | None = None) -> Tensor:
    """The object, RGBA float32 (1, 4, 32, 32); `own` is one of the reader's own, uint8 (4, 32, 32)."""
    if own is None:
        label = pictures.class_names("glyphs").index(state.object)
        return renderer().foregrounds(torch.tensor([0]), torch.tensor([label]))
    share = torch.tensor([renderer().spec.object_scale], dtype=torch.float32)
    return TRANSFORMATIONS["scale"].apply(own[None].float() / 255, {"factor": share})


def parameters(step: Step) -> Parameters:
    """The parameters of one image under a step, from the values of its sliders."""
    given: dict[str, list[tuple[Slider, float]]] = {}
    for slider, value in zip(kind(step.name).sliders, step.values, strict=True):
        given.setdefault(slider.parameter, []).append((slider, value))
    return {name: _tensor(name, values, step.name) for name, values in given.items()}


def _tensor(parameter: str, values: list[tuple[Slider, float]], name: str) -> Tensor:
    numbers = [int(value) if slider.whole else value for slider, value in values]
    if values[0][0].field:
        return key(torch.tensor(numbers))
    like = TRANSFORMATIONS[name].draw(key(torch.zeros(1, dtype=torch.int64)), SIZE)[parameter]
    return torch.tensor(numbers, dtype=like.dtype).reshape(like.shape)


def transformed(state: State, objects: Tensor) -> Tensor:
    """The object (1, 4, 32, 32) after the state's steps."""
    acting = [step for step in state.steps if step.on]
    return transforms.apply(
        [step.name for step in acting], objects, [parameters(step) for step in acting], renderer().box[None]
    )


def image(state: State, objects: Tensor) -> Tensor:
    """Objects (1, 4, 32, 32) on the state's background: float32 (1, 3, 32, 32) in [0, 1]."""
    at = scenes.TYPES.index(state.background)
    return paste(objects, backgrounds()[at : at + 1].float() / 255)


def draw(name: str, number: int) -> Step:
    """The step that the experiments draw for one image; `number` says which."""
    (drawn,) = transforms.draw([name], sampling.fold(key(torch.tensor([number])), "transforms"), SIZE)
    parts = [
        float(number % FIELDS) if slider.field else drawn[slider.parameter].reshape(-1)[slider.part].item()
        for slider in kind(name).sliders
    ]
    return Step(name, tuple(parts), bool(drawn.get("on", True)))


def code(state: State) -> str:
    """Lines of Python that make exactly the state's image."""
    acting = [step for step in check(state).steps if step.on]
    filled = [_filled(kind(step.name).code, kind(step.name).sliders, step.values) for step in acting]
    return Template(CODE).substitute(
        object=state.object,
        scene=scene_of(state.background),
        names=", ".join(f'"{step.name}"' for step in acting),
        parameters=", ".join(filled),
    )


def _filled(template: str, sliders: Sequence[Slider], values: Sequence[float]) -> str:
    for place, (slider, value) in enumerate(zip(sliders, values, strict=True)):
        template = template.replace(f"${place}", str(int(value)) if slider.whole else repr(float(value)))
    return template


# --- networks --------------------------------------------------------------------------------------------------


def features(model: Classifier, images: Tensor) -> Tensor:
    """Representations (B, D) of images (B, 3, 32, 32) in [0, 1]."""
    with torch.no_grad():
        return model.features(normalise(images))


@dataclass(frozen=True)
class Pairs:
    """Contents of the pairs that sensitivities are measured on, (N,) each, and the `order` of the random pairs."""

    labels: Tensor
    scenes: Tensor
    first: Tensor
    second: Tensor
    order: Tensor


@cache
def pairs() -> Pairs:
    """The library's pairs of test images, on the explorers' backgrounds."""
    content, first, second = pair_keys(renderer(), PAIRS, SEED)
    on = sampling.integers(sampling.fold(content, "background"), len(backgrounds()))
    order = sampling.permutation(sampling.stream(SEED, "random pairs"), PAIRS)
    return Pairs(renderer().labels(content), on, first, second, order)


def pair_images(name: str | None, keys: Tensor) -> Tensor:
    """The images of the pairs under the draws that come from `keys` (N,), or without a transformation."""
    objects = renderer().foregrounds(keys, pairs().labels)
    if name is not None:
        drawn = transforms.draw([name], sampling.fold(keys, "transforms"), SIZE)
        objects = transforms.apply([name], objects, drawn, renderer().box.expand(len(keys), 4))
    return paste(objects, backgrounds()[pairs().scenes].float() / 255)


def sensitivity(model: Classifier, name: str) -> measures.Sensitivity:
    """The sensitivity of a network to a transformation, over the explorers' pairs."""
    both = [features(model, pair_images(name, keys)) for keys in (pairs().first, pairs().second)]
    return measures.sensitivity(*both, SEED)


def between(name: str) -> float:
    """How far apart a network's representations of random images are on average, without transformations."""
    return _between(network(name))


@lru_cache(maxsize=32)
def _between(model: Classifier) -> float:
    found = features(model, pair_images(None, pairs().first))
    return (found[pairs().order] - found[pairs().order.roll(1)]).norm(dim=1).mean().item()


@dataclass(frozen=True)
class Map:
    """The two directions in which representations of random images differ most, for places in a square of 200 x 200.

    A representation (D,) less the `centre` (D,), along the `axes` (2, D), is how far it lies right of and above the
    middle; `points` (N, 2), x and y from the top left, are where the images of the pairs lie.
    """

    axes: Tensor
    centre: Tensor
    points: Tensor

    def place(self, found: Tensor) -> Tensor:
        """Places (B, 2) of representations (B, D)."""
        return 100 + ((found - self.centre) @ self.axes.T) * torch.tensor([1.0, -1.0])


def map_of(name: str) -> Map:
    """The map of a network's representations."""
    return _map_of(network(name))


@lru_cache(maxsize=32)
def _map_of(model: Classifier) -> Map:
    found = features(model, pair_images(None, pairs().first)).double()
    centre = found.mean(0)
    _, directions = torch.linalg.eigh((found - centre).T @ (found - centre))
    axes = directions[:, [-1, -2]].T
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # either sign would do: always the same
    axes = axes * (90 / ((found - centre) @ axes.T).abs().max())
    made = Map(axes.float(), centre.float(), torch.empty(0))
    return replace(made, points=made.place(found.float()))


def distances(name: str, before: Tensor, images: Tensor) -> list[float]:
    """How far a network's representations of images (B, 3, 32, 32) are from that of one, in units of `between`."""
    found = features(network(name), torch.cat((before, images)))
    return ((found[1:] - found[:1]).norm(dim=1) / between(name)).tolist()


def answer(name: str, images: Tensor) -> str:
    """The class that a network answers for an image (1, 3, 32, 32); "" for a reader's own network."""
    if name in OWN:
        return ""
    with torch.no_grad():
        return pictures.class_names("glyphs")[int(network(name)(normalise(images)).argmax())]


def curve(state: State, at: int, part: int, own: Tensor | None = None) -> dict[str, list[float]]:
    """Each network's distances over the range of the slider `part` of step `at`, at its points."""
    before, images = image(state, object_of(state, own)), swept(state, at, part, own)
    return {name: distances(name, before, images) for name in state.networks}


def swept(state: State, at: int, part: int, own: Tensor | None = None) -> Tensor:
    """The images (B, 3, 32, 32) over the range of a slider, at its points."""
    objects, step, images = object_of(state, own), state.steps[at], []
    for value in kind(step.name).sliders[part].points:
        values = (*step.values[:part], value, *step.values[part + 1 :])
        steps = (*state.steps[:at], Step(step.name, values, step.on), *state.steps[at + 1 :])
        images.append(image(state, transformed(State(state.object, state.background, steps), objects)))
    return torch.cat(images)
