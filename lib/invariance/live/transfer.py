"""The explorer of chapter 3: one task, two pretrained networks, a linear probe on each, and the same test images.

`invariance.live.guess` shows it. A page makes images and answers itself, from graphs and the heads of the probes.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from invariance import sampling, training, transforms
from invariance.datasets import Split, Transforms2D, paste
from invariance.datasets.split import Renderer
from invariance.live import scene
from invariance.live.description import SIZE
from invariance.live.networks import PLAIN, label, network
from invariance.pictures import class_names
from invariance.training.probe import Probe

TRANSFORMATION = "rotate"
NETWORKS = (PLAIN, TRANSFORMATION)
"""Both know the task's classes; the second one also its transformation."""
CLASSES = class_names("glyphs")[:30]
SAMPLES, VALIDATION, IMAGES = 1_000, 500, 200
CLOSE = 0.03
"""Accuracies that differ by less count as about equal."""
GUESSES = {
    PLAIN: f"the one {label(PLAIN)}",
    TRANSFORMATION: f"the one {label(TRANSFORMATION)}",
    "": "both about equally often",
}
TITLE = "One task, two pretrained networks"
HINT = (
    f"The task: {len(CLASSES)} kinds of objects, each turned by any angle. Both networks saw these kinds in "
    f"pretraining, one {label(PLAIN)}, the other {label(TRANSFORMATION)}. They are frozen, "
    f"and each gets a new linear layer, trained on {SAMPLES:,} images of the task."
)
QUESTION = "Guess first: which one will be right more often on new images?"


@cache
def task() -> Renderer:
    """The target task: 30 classes under one transformation."""
    return Transforms2D(classes=CLASSES, transforms=(TRANSFORMATION,)).renderer()


@cache
def probe(name: str) -> Probe:
    """The linear probe of one network on the task."""
    train, validation = (
        training.features(network(name), Split(task(), 0, f"target/{split}", count))
        for split, count in (("train", SAMPLES), ("validation", VALIDATION))
    )
    return training.linear_probe(train, validation, classes=len(CLASSES), seed=0, method="lbfgs")


@cache
def test_images() -> tuple[Tensor, Tensor]:
    """The explorer's test images (200, 3, 32, 32), before its ten backgrounds, and their labels (200,)."""
    keys = contents()
    drawn = transforms.draw([TRANSFORMATION], sampling.fold(keys, "transforms"), SIZE)
    boxes = task().box.expand(len(keys), 4)
    objects = transforms.apply([TRANSFORMATION], task().foregrounds(keys), drawn, boxes)
    return paste(objects, scene.backgrounds()[scenes_of(keys)].float() / 255), task().labels(keys)


def contents() -> Tensor:
    """The content keys (200,) of the test images."""
    return Split(task(), 0, "target/test", IMAGES).keys()


def scenes_of(keys: Tensor) -> Tensor:
    """Which of the explorers' backgrounds the test images have: (N,)."""
    return sampling.integers(sampling.fold(keys, "background"), len(scene.backgrounds()))


@torch.no_grad()
def answers(name: str) -> Tensor:
    """The labels (200,) that a network with its probe gives the test images."""
    return probe(name).head(scene.features(network(name), test_images()[0])).argmax(1)


def accuracies() -> dict[str, float]:
    """The share of right answers on the test images, by network."""
    labels = test_images()[1]
    return {name: (answers(name) == labels).float().mean().item() for name in NETWORKS}


def winner(found: dict[str, float]) -> str:
    """The guess that is right: a network, or "" where both are about as often right."""
    best, other = sorted(found, key=found.get, reverse=True)
    return best if found[best] - found[other] >= CLOSE else ""


def data(packed: Callable[[bytes], str]) -> dict:
    """What the page needs beside graphs and networks."""
    keys, heads = contents(), [probe(name).head for name in NETWORKS]
    return {
        "labels": task().labels(keys).tolist(),
        "scenes": scenes_of(keys).tolist(),
        "keys": [str(key) for key in keys.tolist()],
        "heads": [[packed(h.weight.detach().numpy().tobytes()), h.bias.tolist()] for h in heads],
    }


def said(guess: str, found: dict[str, float]) -> str:
    """What a reader learns about a guess."""
    shares = "; ".join(f"{label(name)}: right on {round(share * IMAGES)} of {IMAGES}" for name, share in found.items())
    verdict = "You guessed right." if winner(found) == guess else f"It was {GUESSES[winner(found)]}."
    return f"{shares}. {verdict}"
