"""Explorers: widgets that react in the rendered book, where no Python runs.

`frame_explorer` shows precomputed pictures by a slider. Its pictures travel inside the page, as one WebP
sheet for each choice, and a few lines of plain JavaScript show them; it works alike in Jupyter and in the
built site.
"""

import base64
import hashlib
import html
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from IPython.display import HTML
from PIL import Image

from invariance.errors import InputError

# Colour is subsampled by lossy WebP, which shows when small pictures are enlarged; these are stored exactly.
LOSSLESS_UP_TO = 48
LOSSY_QUALITY = 85


@dataclass(frozen=True)
class Choice:
    """What the explorer shows for one choice: frames that a slider steps through.

    `frames` are uint8 pictures (n, height, width, 3 or 4), or several such stacks that stand side by side, by
    their caption: `{"object": …, "on background": …}`. `labels` are the n parameter values, such as
    "angle 45°". `start` is the frame shown first.
    """

    frames: np.ndarray | Mapping[str, np.ndarray]
    labels: Sequence[str]
    caption: str = ""
    start: int = 0


def frame_explorer(choices: Mapping[str, Choice], name: str = "Choice", width: int = 192) -> HTML:
    """Dropdown, slider and pictures for the `choices`; returns an HTML object that displays itself.

    `name` labels the dropdown, for example "Transformation"; `width` is that of a picture on screen, in CSS
    pixels. Raises `InputError` for frames of another type or shape, or that do not match the labels.
    Chapter 1 is built on this.
    """
    if not choices:
        raise InputError("frame_explorer needs at least one choice.")
    data = json.dumps({key: _packed(key, choice) for key, choice in choices.items()}, ensure_ascii=False)
    unique = "frames-" + hashlib.sha256(f"{name}{width}{data}".encode()).hexdigest()[:12]
    options = "".join(f"<option>{html.escape(key)}</option>" for key in choices)
    parts = {
        "id": unique,
        "name": html.escape(name),
        "width": str(width),
        "options": options,
        "data": data.replace("</", "<\\/"),
    }
    return HTML(re.sub("@(id|name|width|options|data)", lambda mark: parts[mark[1]], TEMPLATE))


def _packed(key: str, choice: Choice) -> dict:
    """The choice as plain data: all its pictures in one sheet, row by row in the order frame, column."""
    columns = choice.frames if isinstance(choice.frames, Mapping) else {"": choice.frames}
    stacks = [np.asarray(stack) for stack in columns.values()]
    shape, count = stacks[0].shape, len(choice.labels)
    for caption, stack in zip(columns, stacks, strict=True):
        place = f"Choice {key!r}, pictures {caption!r}:"
        if stack.dtype != np.uint8 or stack.ndim != 4 or stack.shape[3] not in (3, 4):
            raise InputError(
                f"{place} frames must be uint8 of shape (n, height, width, 3 or 4), "
                f"not {stack.dtype} of shape {stack.shape}."
            )
        if len(stack) != count or stack.shape[1:3] != shape[1:3]:
            raise InputError(f"{place} {stack.shape[:3]} frames for {count} labels and {shape[1:3]} pixels.")
    if not 0 <= choice.start < count:
        raise InputError(f"Choice {key!r}: start is {choice.start}, not a frame from 0 to {count - 1}.")
    cells = [_rgba(stack[frame]) for frame in range(count) for stack in stacks]
    across = math.ceil(math.sqrt(len(cells)))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % across)
    rows = [np.concatenate(cells[i : i + across], axis=1) for i in range(0, len(cells), across)]
    return {
        "sheet": _webp(np.concatenate(rows), lossless=max(shape[1:3]) <= LOSSLESS_UP_TO),
        "across": across,
        "size": [shape[2], shape[1]],
        "columns": list(columns),
        "labels": list(choice.labels),
        "caption": choice.caption,
        "start": choice.start,
    }


def _rgba(picture: np.ndarray) -> np.ndarray:
    opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
    return picture if picture.shape[2] == 4 else np.concatenate([picture, opaque], axis=2)


def _webp(picture: np.ndarray, lossless: bool) -> str:
    """An RGBA picture as a WebP data URI; the colours of wholly transparent pixels are not kept."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "WEBP", lossless=lossless, quality=100 if lossless else LOSSY_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


# One element with its own style and script. Colours are the page's own, so it fits light and dark themes.
TEMPLATE = """<div id="@id" class="frame-explorer" role="group" aria-label="@name explorer">
<style>
#@id { color: inherit; max-width: 100%; margin: .5rem 0 1rem; }
#@id .controls { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; }
#@id label, #@id .slide { display: flex; gap: .5rem; align-items: center; margin: 0; }
#@id .slide { flex: 1 1 16rem; }
#@id select { font: inherit; color: inherit; background: transparent; padding: .2rem .4rem;
  border: 1px solid color-mix(in srgb, currentColor 40%, transparent); border-radius: .3rem; }
#@id option { color: CanvasText; background: Canvas; }
#@id input { flex: 1 1 8rem; min-width: 6rem; height: 1.75rem; accent-color: #2f8f9d; }
#@id output { min-width: 7.5rem; font-variant-numeric: tabular-nums; }
#@id .pictures { display: flex; flex-wrap: wrap; gap: .75rem 1rem; margin-top: .75rem; }
#@id figure { margin: 0; padding: 0; flex: 1 1 5.5rem; max-width: @widthpx; text-align: center; }
#@id canvas { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: .25rem;
  background: repeating-conic-gradient(#8883 0 25%, transparent 0 50%) 0 0 / 16px 16px; }
#@id figcaption, #@id .caption { font-size: .85em; opacity: .8; margin: .25rem 0 0; text-align: inherit; }
#@id .caption { margin-top: .5rem; }
</style>
<div class="controls">
<label><span>@name</span> <select>@options</select></label>
<div class="slide"><input type="range" min="0" aria-label="Frame"><output aria-live="polite"></output></div>
</div>
<div class="pictures"></div>
<p class="caption"></p>
<script type="application/json">@data</script>
<script>
(() => {
  for (const root of document.querySelectorAll("#@id:not([data-ready])")) {
    root.dataset.ready = "yes";
    const find = (selector) => root.querySelector(selector);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const [select, slider, output, pictures] = ["select", "input", "output", ".pictures"].map(find);
    const sheet = new Image();
    let choice;
    const draw = () => {
      const frame = Number(slider.value);
      output.textContent = choice.labels[frame];
      slider.setAttribute("aria-valuetext", choice.labels[frame]);
      const [width, height] = choice.size;
      root.querySelectorAll("canvas").forEach((canvas, column) => {
        const cell = frame * choice.columns.length + column;
        const [x, y] = [cell % choice.across, Math.floor(cell / choice.across)];
        const context = canvas.getContext("2d");
        context.clearRect(0, 0, width, height);
        const place = [x * width, y * height, width, height];
        if (sheet.complete) context.drawImage(sheet, ...place, 0, 0, width, height);
        const said = [select.value, choice.columns[column], choice.labels[frame]];
        canvas.setAttribute("aria-label", said.join(" "));
      });
    };
    const choose = () => {
      choice = data[select.value];
      slider.max = choice.labels.length - 1;
      slider.value = choice.start;
      pictures.replaceChildren(...choice.columns.map((caption) => {
        const figure = document.createElement("figure");
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = choice.size;
        canvas.setAttribute("role", "img");
        figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: caption }));
        return figure;
      }));
      find(".caption").textContent = choice.caption;
      sheet.src = choice.sheet;
      draw();
    };
    sheet.addEventListener("load", draw);
    select.addEventListener("change", choose);
    slider.addEventListener("input", draw);
    choose();
  }
})();
</script>
</div>"""
