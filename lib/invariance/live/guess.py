"""The explorer of chapter 3 in a page and in a notebook: readers guess, then see 200 test images answered."""

import html
import json

import numpy as np
import torch
from torch import Tensor

from invariance.live import page, transfer
from invariance.live.networks import label
from invariance.live.transfer import CLASSES, GUESSES, HINT, IMAGES, NETWORKS, QUESTION, TITLE

BLOCK = """<fieldset class="live-guess live-only"><legend>@question</legend>@guesses</fieldset>
<div class="live-buttons live-only">
<button type="button" class="live-main" disabled>Show @count test images</button></div>
<div class="live-reading"><div class="live-seen"><div class="live-views">@views</div>@table</div>
<figure class="live-curve"><svg viewBox="0 0 360 190" role="img" aria-label="Share of right answers so far"></svg>
<figcaption>The share of right answers so far: 1 is always right, guessing gives @chance.</figcaption></figure></div>
"""


def as_html() -> str:
    """The explorer for a page of the book."""
    first = page.figure("test image", page.picture(transfer.test_images()[0]))
    choice = '<label><input type="radio" name="live-guess" value="{}"> {}</label>'
    rows = "".join(
        f'<tr><th scope="row">{page.swatch(place)}{label(name)}</th><td>?</td><td>?</td></tr>'
        for place, name in enumerate(NETWORKS)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("network", "answers", "right so far"))
    parts = {
        "@question": QUESTION,
        "@guesses": "".join(choice.format(*each) for each in GUESSES.items()),
        "@count": str(IMAGES),
        "@views": first,
        "@table": f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>",
        "@chance": f"{1 / len(CLASSES):.2f}",
    }
    block = BLOCK
    for mark, text in parts.items():
        block = block.replace(mark, text)
    about = {
        "script": "transfer",
        "networks": {name: label(name) for name in NETWORKS},
        "transformation": transfer.TRANSFORMATION,
        "classes": CLASSES,
        "guesses": GUESSES,
        "close": transfer.CLOSE,
    }
    return page.framed("transfer", TITLE, html.escape(HINT), block, json.dumps(about))


def notebook() -> object:
    """The explorer for a running notebook: the library answers. Needs ipywidgets; raises `InputError` without it."""
    from invariance.live.widgets import ENLARGED, w

    strip = _strip(transfer.test_images()[0][:8]).repeat(ENLARGED - 2, 0).repeat(ENLARGED - 2, 1)
    guess = w.RadioButtons(
        options=[(text, name) for name, text in GUESSES.items()], value=None, layout={"width": "auto"}
    )
    button = w.Button(description=f"Answer {IMAGES} test images", disabled=True, layout={"width": "auto"})
    result = w.HTML()

    def enable(change: dict) -> None:
        button.disabled = False

    def answer(_: object) -> None:
        result.value = html.escape(transfer.said(guess.value, transfer.accuracies()))

    guess.observe(enable, "value")
    button.on_click(answer)
    head = w.HTML(f"<b>{TITLE}</b><br>{html.escape(HINT)}<br>{QUESTION}")
    return w.VBox([head, w.Image(value=page.png(strip), format="png"), guess, button, result])


def _strip(images: Tensor) -> np.ndarray:
    # Images side by side, uint8 (32, N * 32, 3).
    return page.picture(torch.cat(list(images), dim=2)[None])
