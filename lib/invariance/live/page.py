"""An explorer as a piece of a page: a finished picture, and what makes it live when the reader comes near."""

import base64
import html
import io
import json
import re
import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from invariance.live import graphs, scene
from invariance.live.description import Explorer, State, described, first, kind, without
from invariance.live.frames import Choice, frame_explorer
from invariance.live.graphs import STATIC, NotExportable
from invariance.live.networks import label, network
from invariance.pictures import class_names
from invariance.pictures.scenes import TYPES
from invariance.transforms import CATEGORIES, PAPER_NAMES

COLOURS, DASHES = ("#e0801a", "#2a8fd0", "#1fa37a", "#c065a8"), ("6 3", "", "2 3", "8 3 2 3")
"""Of the networks in their order, as `live.js` has them."""

FRAME = """<div class="live-explorer" id="live-@name" role="group" aria-label="Explorer: @title">
<style>@style</style>
<p class="live-title">@title</p>
<p class="live-hint">@hint</p>
@block<p class="live-begin"><button type="button" class="live-start">Make it live</button></p>
<p class="live-status" role="status" aria-live="polite"></p>
<script type="application/json" class="live-description">@data</script>
<script>@script</script>
</div>
"""

BLOCK = """<div class="live-choices">@choices</div>
<ol class="live-steps">@steps</ol>
<div class="live-reading"><div class="live-seen"><div class="live-views">@views</div>@table</div>@curve@map</div>
@measure<div class="live-buttons live-only">@buttons</div>
@code"""

CURVE = """<figure class="live-curve">@svg<figcaption>How far the representation moves: 0 not at all, 1 as far as to
another image. Click or drag to set the value.</figcaption></figure>"""

MAP = """<figure class="live-map">@svg<figcaption>A map of the representation: grey are 200 other images, the ring is
this one as it is, the disc as it is now, and the line leads through all values of the slider. Shown are the two
directions in which representations differ most; the distance above counts all.</figcaption></figure>"""

MEASURE = f"""<div class="live-measure live-only"><div>
<button type="button" class="live-main" data-act="measure">Measure over {scene.PAIRS} pairs</button>
<p class="live-progress">One image says little. The sensitivity is a mean over pairs that share all but the draw.</p>
<table hidden><thead><tr><th scope="col">network</th><th scope="col">transformation</th>
<th scope="col">here</th><th scope="col">library</th></tr></thead><tbody></tbody></table>
</div><svg viewBox="0 0 360 190" role="img" aria-label="The sensitivity as pairs are added"></svg></div>
"""

CODE = """<details class="live-code"><summary>The code that makes this image</summary>
<pre tabindex="0"><code>@lines</code></pre>
<button type="button" class="live-only" data-act="copyCode">Copy</button></details>
"""


def as_html(explorer: Explorer) -> str:
    """The explorer for a page of the book; beside the pages lie the files of `write_assets`."""
    own, missing = _exported(explorer)
    notes = "".join(_frames(name, why, explorer.start) for name, why in missing.items())
    explorer = without(explorer, missing)
    data = described(explorer) | {"graphs": own, "networks": {name: label(name) for name in explorer.networks}}
    acts = {"drawAll": "Draw at random"} if "draw" in explorer.shows else {}
    acts |= {"reset": "Reset", "copyLink": "Copy link"}
    parts = {
        "choices": _choices(explorer),
        "steps": "".join(_step(explorer, at) for at in range(explorer.steps)),
        "views": "".join(figure(*each) for each in views(explorer)),
        "table": table(explorer.start) if "distances" in explorer.shows else "",
        "curve": CURVE.replace("@svg", curve_svg(explorer.start)) if "curve" in explorer.shows else "",
        "map": MAP.replace("@svg", map_svg(explorer.start)) if "map" in explorer.shows else "",
        "measure": MEASURE if "measure" in explorer.shows else "",
        "buttons": "".join(_button(act, text) for act, text in acts.items()),
        "code": CODE.replace("@lines", html.escape(scene.code(explorer.start))) if "code" in explorer.shows else "",
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    block = _filled(BLOCK, parts)
    return framed(explorer.name, html.escape(explorer.title), html.escape(explorer.hint), block, text) + notes


def framed(name: str, title: str, hint: str, block: str, data: str) -> str:
    """An explorer's `block` in its frame, with the button, style and script that make it live; `data` is JSON."""
    parts = {
        "name": name,
        "title": title,
        "hint": hint,
        "block": block,
        "style": style(),
        "data": data.replace("</", "<\\/"),
        "script": (STATIC / "begin.js").read_text("utf-8"),
    }
    return _filled(FRAME, parts)


def style() -> str:
    """The style of explorers, on one line."""
    return re.sub(r"\s*\n\s*", " ", (STATIC / "live.css").read_text("utf-8"))


def _filled(template: str, parts: dict[str, str]) -> str:
    return re.sub("@(" + "|".join(parts) + r")\b", lambda mark: parts[mark[1]], template)


def _exported(explorer: Explorer) -> tuple[dict[str, dict], dict[str, str]]:
    # The graphs of a reader's own transformations, and why the page cannot run some.
    own, missing = {}, {n: why for n, why in graphs.missing().items() if n in explorer.transformations}
    for name in explorer.transformations:
        try:
            own |= {} if name in PAPER_NAMES else {name: graphs.own(name)}
        except NotExportable as error:
            missing[name] = str(error)
    return own, missing


def _frames(name: str, why: str, state: State) -> str:
    # Pictures computed now, over the first slider, for what the page cannot compute.
    step, objects = first(name), scene.object_of(state)
    sliders = kind(name).sliders
    values = sliders[0].points if sliders else []
    steps = [replace(step, values=(v, *step.values[1:])) for v in values] or [replace(step, on=False), step]
    labels = [f"{sliders[0].label} {v:.3g} {sliders[0].unit}".strip() for v in values] or ["off", "on"]
    images = [scene.image(state, scene.transformed(replace(state, steps=(each,)), objects)) for each in steps]
    choice = Choice(np.stack([picture(image) for image in images]), labels)
    note = f"This page cannot run {html.escape(name)} ({html.escape(why)}). These pictures were computed before."
    return f"<p>{note}</p>\n{frame_explorer({name: choice}, name='Transformation').data}\n"


def views(explorer: Explorer, own: Tensor | None = None, state: State | None = None) -> list[tuple[str, np.ndarray]]:
    """The pictures side by side: captions, and uint8 (32, 32, 3 or 4)."""
    state = state or explorer.start
    objects = scene.object_of(state, own)
    moved = scene.transformed(state, objects)
    image = scene.image(state, moved)
    if "mask" in explorer.shows:
        shown = {"object": moved, "mask": moved[:, 3:].expand(-1, 3, -1, -1), "image": image}
    else:
        shown = {"image as it is": scene.image(state, objects), "transformed": image}
    return [(caption, picture(each)) for caption, each in shown.items()]


def picture(images: Tensor) -> np.ndarray:
    """The first of images (B, C, 32, 32) in [0, 1] as uint8 (32, 32, C)."""
    return images[0].mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 (H, W, 3 or 4), as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def _choices(explorer: Explorer) -> str:
    named = {name: name.replace("_", " ") for name in class_names("glyphs")}
    known = {"": "your picture", **named} if "upload" in explorer.shows else named
    parts = [
        _select("Object", "object", {"": known}),
        _select("Background", "background", {"": {name: name for name in TYPES}}),
    ]
    if explorer.networks and not explorer.fixed:
        parts.append(_select("Network", "network", {"": {name: label(name) for name in explorer.networks}}))
    if "upload" in explorer.shows:
        upload = '<input type="file" accept="image/*">'
        parts.append(f'<label class="live-choice"><span>Your own picture</span>{upload}</label>')
    return "".join(parts)


def _step(explorer: Explorer, at: int) -> str:
    values = '<div class="live-values"></div>'
    if explorer.fixed:
        return f"<li>{values}</li>"
    kinds = [kind(name) for name in explorer.transformations]
    groups = {c: {k.name: k.name.replace("_", " ") for k in kinds if k.category == c} for c in CATEGORIES}
    several = explorer.steps > 1
    text = f"{at + 1}. transformation" if several else "Transformation"
    select = _select(text, "step", {"": {"": "none"} if several else {}, **groups}, f' data-at="{at}"')
    return f"<li>{select}{values}</li>"


def _select(text: str, of: str, groups: dict[str, dict[str, str]], more: str = "") -> str:
    # Options by value, in groups by name; those of the group "" stand first.
    inside = ""
    for name, options in groups.items():
        made = "".join(f'<option value="{value}">{shown}</option>' for value, shown in options.items())
        inside += f'<optgroup label="{name}">{made}</optgroup>' if name and options else made
    select = f'<select data-of="{of}" data-name="{text}"{more}>{inside}</select>'
    return f'<label class="live-choice"><span>{text}</span>{select}</label>'


def _button(act: str, text: str) -> str:
    return f'<button type="button" data-act="{act}">{text}</button>'


def figure(caption: str, picture: np.ndarray) -> str:
    """A picture with its caption."""
    source = base64.b64encode(png(picture)).decode()
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{source}"><figcaption>{caption}</figcaption></figure>'
    )


def table(state: State, own: Tensor | None = None) -> str:
    """How far each network's representation moved, and what it answers, as rows."""
    objects = scene.object_of(state, own)
    before, after = scene.image(state, objects), scene.image(state, scene.transformed(state, objects))
    rows = []
    for place, name in enumerate(state.networks):
        cells = [f"{scene.distances(name, before, after)[0]:.2f}", scene.answer(name, after).replace("_", " ")]
        given = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{swatch(place)}{label(name)}</th>{given}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("network", "distance", "answers"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def swatch(place: int) -> str:
    """The look of a network's line, for its row in a table."""
    look = f'stroke="{COLOURS[place]}" stroke-width="3" stroke-dasharray="{DASHES[place]}"'
    line = f'<line x1="0" x2="24" y1="4" y2="4" {look}/>'
    return f'<svg class="live-swatch" viewBox="0 0 24 8" aria-hidden="true">{line}</svg>'


def curve_svg(state: State, at: int = 0, part: int = 0, own: Tensor | None = None) -> str:
    """The distances over the range of a slider as a drawing, as `live.js` makes it."""
    slider, top = kind(state.steps[at].name).sliders[part], 1.25
    unit = f", {slider.unit}" if slider.unit else ""
    name = f"{state.steps[at].name.replace('_', ' ')}: {slider.label}{unit}"

    def x(value: float) -> float:
        return 34 + 316 * (value - slider.low) / (slider.high - slider.low)

    def y(distance: float) -> float:
        return 158 - 146 * min(distance, top) / top

    parts = [
        f'<line class="live-grid" x1="34" x2="350" y1="{y(d):.1f}" y2="{y(d):.1f}"/>'
        f'<text x="28" y="{y(d) + 4:.1f}" text-anchor="end">{d:g}</text>'
        for d in (0, 0.5, 1)
    ]
    parts += [
        f'<text x="34" y="173">{slider.low:g}</text><text x="350" y="173" text-anchor="end">{slider.high:g}</text>'
    ]
    parts += [f'<text x="192" y="186" text-anchor="middle">{name}</text>']
    for place, line in enumerate(_lines(state, at, part, own).values()):
        points = " ".join(f"{x(v):.1f},{y(d):.1f}" for v, d in zip(slider.points, line, strict=True))
        look = f'stroke="{COLOURS[place]}" stroke-width="2.5" stroke-dasharray="{DASHES[place]}"'
        parts.append(f'<polyline points="{points}" fill="none" {look}/>')
    now = x(state.steps[at].values[part])
    parts.append(f'<line class="live-mark" x1="{now:.1f}" x2="{now:.1f}" y1="8" y2="158"/>')
    return f'<svg viewBox="0 0 360 190" role="img" aria-label="Distance over {name}">{"".join(parts)}</svg>'


def map_svg(state: State, at: int = 0, part: int = 0, own: Tensor | None = None) -> str:
    """Where the first network's representation of the image lies, as a drawing, as `live.js` makes it."""
    name, objects = state.networks[0], scene.object_of(state, own)
    ends = torch.cat((scene.image(state, objects), scene.image(state, scene.transformed(state, objects))))
    before, after, *trail = scene.map_of(name).place(
        scene.features(network(name), torch.cat((ends, scene.swept(state, at, part, own))))
    )
    others = (f'<circle class="live-other" r="1.8" cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in scene.map_of(name).points)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in trail)
    look = f'stroke="{COLOURS[0]}"'
    marks = f'<circle class="live-before" r="5" cx="{before[0]:.1f}" cy="{before[1]:.1f}" {look}/>'
    marks += f'<circle r="5" cx="{after[0]:.1f}" cy="{after[1]:.1f}" fill="{COLOURS[0]}"/>'
    inside = f'{"".join(others)}<polyline class="live-trail" points="{points}" {look}/>{marks}'
    label = "Map of representations, with the way of this image over the range of the slider"
    return f'<svg viewBox="0 0 200 200" role="img" aria-label="{label}">{inside}</svg>'


def _lines(state: State, at: int, part: int, own: Tensor | None) -> dict[str, list[float]]:
    # They do not depend on the value of their own slider: moving it finds them again.
    step = state.steps[at]
    same = replace(step, values=(*step.values[:part], 0.0, *step.values[part + 1 :]))
    return _kept(replace(state, steps=(*state.steps[:at], same, *state.steps[at + 1 :])), at, part, own)


@lru_cache(maxsize=64)
def _kept(state: State, at: int, part: int, own: Tensor | None) -> dict[str, list[float]]:
    return scene.curve(state, at, part, own)


def write_assets(pages: list[Path], folder: Path) -> None:
    """Put the scripts and their files into `folder`, where one of the notebooks `pages` has an explorer or a chart."""
    texts = [page.read_text("utf-8") for page in pages]
    if any("live-explorer" in text for text in texts):
        shutil.copytree(graphs.made(), folder, dirs_exist_ok=True)
        for script in STATIC.glob("*.js"):
            shutil.copy(script, folder)
    if any("/vega-lite/" in text for text in texts):  # a chart names its format
        (folder / "vega.js").write_text(_vega(), "utf-8")


def _vega() -> str:
    # What Vega-Lite's authors publish, in one script whose names stay its own.
    import vl_convert

    return f"(() => {{{vl_convert.javascript_bundle()}}})();\n"
