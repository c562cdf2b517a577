"""An explorer in a running notebook: the controls of the page as ipywidgets, whose numbers the library computes."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from invariance.errors import InputError
from invariance.live import description, networks, page, scene
from invariance.live.description import Explorer, Kind, Slider, Step
from invariance.pictures import class_names, scenes
from invariance.transforms import TRANSFORMATIONS

try:
    import ipywidgets as w
except ModuleNotFoundError:
    raise InputError(
        "Explorers in a notebook need ipywidgets: pip install ipywidgets, then restart the kernel."
    ) from None

ENLARGED = 5
"""Pixels on the screen for one of the picture, along a side."""
LABELS = {"description_width": "initial"}


def object_from(content: bytes) -> Tensor:
    """A picture file as an object, uint8 (4, 32, 32), the whole of it inside the square.

    Raises `InputError` for what is no picture.
    """
    try:
        picture = Image.open(io.BytesIO(content)).convert("RGBA")
    except (UnidentifiedImageError, OSError):
        raise InputError("This file is no picture that can be read: try a PNG or JPEG file.") from None
    picture.thumbnail((description.SIZE, description.SIZE), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (description.SIZE, description.SIZE))
    square.paste(picture, ((description.SIZE - picture.width) // 2, (description.SIZE - picture.height) // 2))
    return torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1)


class Widgets:
    """The explorer: `box` holds its controls, `state` is what they say; it displays itself."""

    def __init__(self, explorer: Explorer, own: Tensor | None = None) -> None:
        self.explorer, self.own, self.first = explorer, own, own
        self.state, self.touched = explorer.start, (0, 0)
        self.choices, self.steps, self.seen = w.HBox(layout={"flex_flow": "row wrap"}), w.VBox(), w.HBox()
        self.table, self.curve, self.code, self.status = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        head = w.HTML(f"<style>{page.style()}</style><b>{explorer.title}</b><br>{explorer.hint}")
        self.box = w.VBox([head, self.choices, self.steps, self.seen, self.table, self.curve, *self._buttons()])
        self.box.children += (self.code, self.status)
        self.build()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    def build(self) -> None:
        """Make the controls as the state has them, and show it."""
        known = [("your picture", "")] if self.own is not None else []
        named = [*known, *((name.replace("_", " "), name) for name in class_names("glyphs"))]
        controls = [self._dropdown("Object", named, "" if known else self.state.object, self._set_object)]
        controls.append(
            self._dropdown("Background", scenes.TYPES, self.state.background, partial(self._set, "background"))
        )
        if not self.explorer.fixed and self.state.networks:
            options = [(networks.label(name), name) for name in (*self.explorer.networks, *networks.OWN)]
            controls.append(self._dropdown("Network", options, self.state.networks[0], self._set_network))
        if "upload" in self.explorer.shows:
            upload = w.FileUpload(accept="image/*", description="Your own picture", layout={"width": "auto"})
            upload.observe(self._upload, "value")
            controls.append(upload)
        self.choices.children = controls
        self.steps.children = [self._step(at) for at in range(self._places())]
        self.show()

    def _places(self) -> int:
        return min(len(self.state.steps) + (not self.explorer.fixed), self.explorer.steps)

    def _dropdown(self, label: str, options: object, value: str, act: Callable[[str], None]) -> w.Dropdown:
        made = w.Dropdown(description=label, options=options, value=value, style=LABELS, layout={"width": "auto"})
        made.observe(lambda change: act(change["new"]), "value")
        return made

    def _step(self, at: int) -> w.Widget:
        step = self.state.steps[at] if at < len(self.state.steps) else None
        row = []
        if not self.explorer.fixed:
            own = [name for name in TRANSFORMATIONS if name not in self.explorer.transformations]
            none = [("none" if step else "add one", "")] if self.explorer.steps > 1 else []
            names = [*none, *((name, name) for name in (*self.explorer.transformations, *own))]
            label = f"{at + 1}. transformation" if self.explorer.steps > 1 else "Transformation"
            row.append(self._dropdown(label, names, step.name if step else "", partial(self._choose, at)))
        if step is None:
            return w.HBox(row)
        about = description.kind(step.name)
        if about.probability < 1:
            acts = w.Checkbox(step.on, description="applied", indent=False, layout={"width": "auto"})
            acts.observe(lambda change: self._put(at, replace(self.state.steps[at], on=change["new"])), "value")
            row.append(acts)
        return w.VBox([w.HBox(row), *(self._slider(at, about, place) for place in range(len(about.sliders)))])

    def _slider(self, at: int, about: Kind, place: int) -> w.Widget:
        slider, value = about.sliders[place], self.state.steps[at].values[place]
        limits = {"min": slider.low, "max": slider.high, "step": slider.step}
        label = f"{slider.label} ({slider.unit})" if slider.unit else slider.label
        look = {"description": label, "style": LABELS, "layout": {"width": "95%", "max_width": "36rem"}}
        if slider.whole:
            limits = {name: int(number) for name, number in limits.items()}
            made = w.IntSlider(int(value), **limits, **look)
        else:
            made = w.FloatSlider(value, **limits, readout_format="g", **look)
        made.observe(lambda change: self._move(at, place, slider, change["new"]), "value")
        return made

    def _buttons(self) -> list[w.Widget]:
        acts = {"Draw at random": self._draw} if "draw" in self.explorer.shows else {}
        acts |= {"Measure over 200 pairs": self._measure} if "measure" in self.explorer.shows else {}
        made = []
        for text, act in {**acts, "Reset": self._reset}.items():
            button = w.Button(description=text, layout={"width": "auto"})
            button.on_click(lambda _, act=act: act())
            made.append(button)
        return [w.HBox(made)]

    # --- what the controls do

    def _set(self, name: str, value: object) -> None:
        self.state = replace(self.state, **{name: value})
        self.show()

    def _set_object(self, name: str) -> None:
        if name:
            self.own = None
            self._set("object", name)

    def _set_network(self, name: str) -> None:
        self._set("networks", (name, *self.state.networks[1:]))

    def _choose(self, at: int, name: str) -> None:
        new = (description.first(name),) if name else ()
        self.touched = (at, 0)
        self.state = replace(self.state, steps=(*self.state.steps[:at], *new, *self.state.steps[at + 1 :]))
        self.build()

    def _put(self, at: int, step: Step) -> None:
        self._set("steps", (*self.state.steps[:at], step, *self.state.steps[at + 1 :]))

    def _move(self, at: int, place: int, slider: Slider, value: float) -> None:
        step, self.touched = self.state.steps[at], (at, place)
        self._put(at, replace(step, values=(*step.values[:place], float(value), *step.values[place + 1 :])))

    def _upload(self, change: dict) -> None:
        try:
            self.own = object_from(bytes(change["new"][0]["content"]))
        except InputError as error:
            self.status.value = str(error)
            return
        self.build()

    def _draw(self) -> None:
        number = int(np.random.default_rng().integers(1_000_000))
        self.state = replace(self.state, steps=tuple(scene.draw(step.name, number) for step in self.state.steps))
        self.build()

    def _measure(self) -> None:
        name, transformation = self.state.networks[0], self.state.steps[0].name
        found = scene.sensitivity(networks.network(name), transformation)
        text = f"{networks.label(name)}: sensitivity to {transformation} {found.value:.3f}"
        self.status.value += f"<p>{text} [{found.low:.3f}, {found.high:.3f}], over {scene.PAIRS} pairs</p>"

    def _reset(self) -> None:
        self.own, self.state, self.touched, self.status.value = self.first, self.explorer.start, (0, 0), ""
        self.build()

    # --- what is shown

    def show(self) -> None:
        """Compute what the state shows, and show it."""
        shown = page.views(self.explorer, self.own, self.state)
        if len(self.seen.children) != len(shown):
            images = [w.Image(format="png", width=32 * ENLARGED, height=32 * ENLARGED) for _ in shown]
            self.seen.children = [
                w.VBox([image, w.Label(caption)]) for image, (caption, _) in zip(images, shown, strict=True)
            ]
        for box, (_, picture) in zip(self.seen.children, shown, strict=True):
            box.children[0].value = page.png(picture.repeat(ENLARGED, 0).repeat(ENLARGED, 1))
        if "distances" in self.explorer.shows:
            self.table.value = page.table(self.state, self.own)
        if "curve" in self.explorer.shows:
            self.curve.value = self._curve()
        if "code" in self.explorer.shows:
            self.code.value = f"<details><summary>The code</summary><pre>{scene.code(self.state)}</pre></details>"

    def _curve(self) -> str:
        at, part = self.touched
        if at >= len(self.state.steps) or part >= len(self.state.steps[at].values):
            return ""
        drawn = f'<div style="max-width: 30rem">{page.curve_svg(self.state, at, part, self.own)}</div>'
        if "map" in self.explorer.shows:
            drawn += f'<div style="width: 15rem">{page.map_svg(self.state, at, part, self.own)}</div>'
        return f'<div class="live-drawn">{drawn}</div>'
