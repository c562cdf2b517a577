"""The explorer of chapter 6: an image with an object in its corner, and four networks that saw different parts of it.

Readers guess which network notices an exchanged object least, then exchange the object or the picture behind it.
"""

import html
import json
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from invariance.datasets import ObjectsOnImages, Split, paste
from invariance.live import networks, page
from invariance.live.networks import SEEN, network

TITLE = "Which part of the image does a network look at?"
HINT = (
    "Exchange the object in the corner, then the picture behind it. Each bar says how far a network's representation "
    "moves: 0 not at all, 1 as far as to another image with another object."
)
QUESTION = "Guess first: the object is exchanged for another one. Which network notices it least?"
IMAGES = 200
"""Over so many pairs of random images the unit of the distances is a mean."""
START = {"picture": 0, "object": 1}
"""What the second image shows at first; the first one shows picture 0 and object 0."""

BLOCK = """<fieldset class="live-guess live-only"><legend>@question</legend>@guesses</fieldset>
<p class="live-reply" aria-live="polite"></p>
<div class="live-choices"></div>
<div class="live-reading"><div class="live-seen"><div class="live-views">@views</div></div>
<div class="live-parts" hidden><table></table></div></div>"""


@cache
def renderer() -> nn.Module:
    """Makes images that show both parts."""
    return ObjectsOnImages(task="cifar_mixed").renderer()


@cache
def _keys() -> Tensor:
    return Split(renderer(), 0, "explorer/test", IMAGES).keys()


@cache
def pictures() -> Tensor:
    """A test picture of each class: float32 (10, 3, 32, 32) in [0, 1]."""
    labels = renderer().natural.labels(_keys())
    first = [int((labels == label).nonzero()[0]) for label in range(len(picture_names()))]
    return renderer().natural.untransformed(_keys()[first])


def picture_names() -> tuple[str, ...]:
    """The classes of the pictures."""
    return renderer().natural.spec.class_names()


def object_names() -> tuple[str, ...]:
    """The objects."""
    return renderer().spec.object_names()


def image(picture: int, object: int) -> Tensor:
    """A picture with an object in its corner: float32 (1, 3, 32, 32) in [0, 1]."""
    return paste(renderer().objects[object : object + 1], pictures()[picture : picture + 1])


class Seen(nn.Module):
    """One of the four networks: images in [0, 1] to representations."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.model = network(name)

    def forward(self, images: Tensor) -> Tensor:
        return self.model.features(renderer().normalise(images))


@cache
@torch.no_grad()
def between(name: str) -> float:
    """How far apart a network's representations of random images are on average."""
    found = Seen(name)(renderer().images(_keys()))
    return (found - found.roll(1, 0)).norm(dim=1).mean().item()


@torch.no_grad()
def distance(name: str, picture: int, object: int) -> float:
    """How far a network's representation moves from the first image to another one, in units of `between`."""
    first, second = Seen(name)(torch.cat((image(0, 0), image(picture, object))))
    return (first - second).norm().item() / between(name)


def measured() -> dict[str, dict[str, float]]:
    """The sensitivity of each network to exchanging "object" and "picture", as the library measured it."""
    return {name: {part: networks.facts()[name]["values"][part] for part in networks.PARTS} for name in SEEN}


def replies() -> dict[str, str]:
    """What a reader learns about each guess."""
    found = {name: parts["object"] for name, parts in measured().items()}
    best = min(found, key=found.get)
    verdict = {name: "You guessed right" if name == best else f"It is the one that {SEEN[best]}" for name in found}
    values = "; ".join(f"{SEEN[name]} {value:.2f}" for name, value in found.items())
    pairs = f"Sensitivity to the object over {networks.PAIRS:,} pairs"
    return {name: f"{text}. {pairs}: {values}." for name, text in verdict.items()}


def data(packed: Callable[[bytes], str]) -> dict:
    """What the page needs beside graphs and networks."""
    whole = pictures().mul(255).round().to(torch.uint8)
    return {"pictures": packed(whole.numpy().tobytes()), "objects": packed(renderer().objects.numpy().tobytes())}


def as_html() -> str:
    """The explorer for a page of the book."""
    choice = '<label><input type="radio" name="live-seen" value="{}"> {}</label>'
    shown = {"first image": image(0, 0), "second image": image(**START)}
    parts = {
        "@question": QUESTION,
        "@guesses": "".join(choice.format(*each) for each in SEEN.items()),
        "@views": "".join(page.figure(caption, page.picture(each)) for caption, each in shown.items()),
    }
    block = BLOCK
    for mark, text in parts.items():
        block = block.replace(mark, text)
    about = {"script": "relevance", "networks": SEEN, "replies": replies(), "measured": measured(), "start": START}
    about |= {"pictures": picture_names(), "objects": object_names()}
    return page.framed("relevance", TITLE, html.escape(HINT), block, json.dumps(about))


def notebook() -> object:
    """The explorer for a running notebook: the library answers. Needs ipywidgets; raises `InputError` without it."""
    from invariance.live.widgets import ENLARGED, LABELS, w

    guess = w.RadioButtons(options=[(text, name) for name, text in SEEN.items()], value=None, layout={"width": "auto"})
    choices = {
        part: w.Dropdown(
            description=part, options=[(name.replace("_", " "), k) for k, name in enumerate(names)], value=START[part]
        )
        for part, names in (("picture", picture_names()), ("object", object_names()))
    }
    for choice in choices.values():
        choice.style = LABELS
    seen, reply, table = [w.Image(format="png") for _ in range(2)], w.HTML(), w.HTML()

    def show(_: object = None) -> None:
        state = {part: choice.value for part, choice in choices.items()}
        for each, what in zip(seen, (image(0, 0), image(**state)), strict=True):
            each.value = page.png(page.picture(what).repeat(ENLARGED, 0).repeat(ENLARGED, 1))
        if guess.value is not None:
            reply.value = html.escape(replies()[guess.value])
            rows = (f"<tr><td>{text}</td><td>{distance(name, **state):.2f}</td></tr>" for name, text in SEEN.items())
            table.value = f"<table><tr><th>network</th><th>distance</th></tr>{''.join(rows)}</table>"

    for control in (guess, *choices.values()):
        control.observe(show, "value")
    show()
    head = w.HTML(f"<b>{TITLE}</b><br>{html.escape(HINT)}<br>{QUESTION}")
    return w.VBox([head, guess, reply, w.HBox(list(choices.values())), w.HBox(seen), table])
