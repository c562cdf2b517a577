"""Drawings that explain: the recipe of an image, a sensitivity, an experiment, the swap of roles, the class sets.

Each is SVG in one style, as wide as a telephone. Text and lines have the colour of the page's text; what matches the
target has that of matched models in the figures, what does not that of mismatched ones.
"""

import html
from collections.abc import Sequence

from IPython.display import HTML

from invariance.errors import check_known
from invariance.plots import MATCHED, MISMATCHED

WIDE = 360
"""Width of every drawing in its own units, which are pixels on a telephone."""
LINE = 15


def _drawing(height: int, alt: str, caption: str, *parts: str) -> HTML:
    look = "max-width:27rem;width:100%;fill:currentColor;font-family:inherit;font-size:12px"
    below = "max-width:27rem;margin:.4rem 0 0;text-align:left"
    return HTML(
        f'<figure class="drawing" style="margin:1rem 0"><svg viewBox="0 0 {WIDE} {height}" role="img" '
        f'aria-label="{html.escape(alt)}" style="{look}">{"".join(parts)}</svg>'
        f'<figcaption style="{below}">{html.escape(caption)}</figcaption></figure>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", **look: str) -> str:
    style = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in look.items())
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{style}>{html.escape(text)}</text>'


def _box(x: float, y: float, wide: float, lines: Sequence[str], colour: str = "currentColor", dashes: str = "") -> str:
    tall = LINE * len(lines) + 13
    texts = (_text(x + wide / 2, y + LINE * (k + 1) + 2, line) for k, line in enumerate(lines))
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{tall}" rx="6" {_stroke(colour, dashes)}/>{"".join(texts)}'
    )


def _stroke(colour: str = "currentColor", dashes: str = "", width: float = 1.5) -> str:
    return f'fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-dasharray="{dashes or "none"}"'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "currentColor", dashes: str = "") -> str:
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" {_stroke(colour, dashes, 2)}/>'


def _arrow(x: float, y: float, long: float, down: bool = False) -> str:
    """An arrow to the right, or down, from a point."""
    shaft, head = (f"v{long:g}", "m-4 -5l4 5l4 -5") if down else (f"h{long:g}", "m-5 -4l5 4l-5 4")
    return f'<path d="M{x:g} {y:g}{shaft}{head}" {_stroke()}/>'


# --- chapter 1 -------------------------------------------------------------------------------------------------

TILE = 72
KEY = "M-14 -6a7 7 0 1 1 0 12a7 7 0 1 1 0 -12M-4 0h24v8M12 0v6"
"""An object, around (0, 0): a key."""


def _tile(x: float, land: bool = False, turn: float | None = None) -> str:
    sun = f'<circle cx="{x + 56}" cy="18" r="7" opacity="0.4"/>'
    scene = f'<path d="M{x} 52q18 -22 36 -6t36 -10v36h-72z" opacity="0.3"/>{sun}'
    place = f"translate({x + TILE / 2} {TILE / 2}) rotate({turn or 0})"
    key = f'<path d="{KEY}" transform="{place}" {_stroke(MATCHED, width=3.5)}/>'
    frame = f'<rect x="{x}" y="1" width="{TILE}" height="{TILE}" rx="4" {_stroke(width=1)}/>'
    return f"{scene * land}{'' if turn is None else key}{frame}"


def recipe() -> HTML:
    """How an image of Transforms-2D is made: an object is transformed, then pasted on a background."""
    places, names = (4, 97, 190, 284), ("object o", "turned: t(o)", "background b", "b(t(o))")
    drawn = ("class", "angle", "scene", "")
    tiles = (_tile(4, turn=0), _tile(97, turn=50), _tile(190, land=True), _tile(284, land=True, turn=50))
    texts = [_text(x + TILE / 2, 92, name) for x, name in zip(places, names, strict=True)]
    texts += [
        _text(x + TILE / 2, 110, f"draw: {what}", opacity="0.8") for x, what in zip(places, drawn, strict=True) if what
    ]
    signs = [_arrow(79, 37, 13), _text(179.5, 42, "+", font_size="18"), _text(273, 42, "=", font_size="18")]
    alt = "An object is turned, a background is chosen, and the turned object is pasted on the background."
    return _drawing(
        116, alt, "The recipe of an image. Every step has a random draw of its own.", *tiles, *texts, *signs
    )


# --- chapter 2 -------------------------------------------------------------------------------------------------


def sensitivity() -> HTML:
    """A sensitivity is the ratio of two mean distances between representations."""
    points = {"f(x)": (96, 96, -12, 18), "f(x′)": (150, 62, 0, -12), "f(y)": (290, 118, 22, 5)}
    dots = [
        f'<circle cx="{x}" cy="{y}" r="5"/>{_text(x + dx, y + dy, name)}' for name, (x, y, dx, dy) in points.items()
    ]
    lines = [_line(96, 96, 150, 62, MATCHED), _line(96, 96, 290, 118, MISMATCHED, "6 4")]
    texts = [
        _text(32, 28, "x and x′: the same image, transformed anew", "start"),
        _text(340, 148, "y: any other image", "end"),
        _text(WIDE / 2, 180, "sensitivity = mean short ÷ mean long distance", font_weight="600"),
    ]
    frame = f'<rect x="20" y="8" width="324" height="148" rx="8" {_stroke(width=1)} opacity="0.5"/>'
    alt = "Three points: f of x and f of x prime are close together, f of y is far away; a line for each distance."
    caption = "Representations as points. A sensitivity is the ratio of two mean distances between such points."
    return _drawing(188, alt, caption, frame, *lines, *dots, *texts)


# --- chapters 3 to 8 -------------------------------------------------------------------------------------------


EXPERIMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "invariances_or_classes": (
        ("four choices of classes,", "two of transformations"),
        ("30 classes under", "three transformations"),
        ("its accuracy",),
    ),
    "other_factors": (
        ("one factor varied,", "right or other", "transformations"),
        ("30 classes under", "three transformations"),
        ("accuracy by level,", "both transformations"),
        ("a new linear layer,", "or all weights"),
    ),
    "natural_images": (
        ("four choices of classes,", "right or other", "transformations"),
        ("half of the classes", "of natural images,", "transformed"),
        ("its accuracy",),
    ),
    "when_invariance_harms": (
        ("picture, object or", "both; asked for", "one of the two"),
        ("picture, object or", "both; asked for", "one of the two"),
        ("had reason to ignore", "against never saw"),
        ("a new linear layer;", "exchanged parts"),
    ),
    "invariance_transfer": (
        ("objects, under one", "transformation t"),
        ("ten kinds of data,", "no labels"),
        ("trained with t", "against with another"),
        ("sensitivity to t",),
    ),
    "mismatch": (
        ("30 classes, the first", "i transformations"),
        ("same classes, the", "first j of them"),
        ("with the model", "for which i = j"),
    ),
}
"""For each study what a network is pretrained on, what it is read on, what is compared, and what reads it (a new linear
layer, unless another reader is named), as lines of text of at most 24 letters."""


def experiment(study: str) -> HTML:
    """Pretrain, freeze, probe: the experiment of one of `EXPERIMENTS`. Raises `InputError` for an unknown one."""
    check_known("experiment", study, EXPERIMENTS)
    pretrained, target, compared, *others = EXPERIMENTS[study]
    read = others[0] if others else ("new linear layer",)
    down = LINE * max(map(len, (pretrained, target))) + 13
    second, third = 24 + down + 40, 24 + 2 * down + 78
    parts = [
        _text(4, 16, "1  pretrain", "start", font_weight="600"),
        _box(4, 24, 162, pretrained, MATCHED),
        _arrow(168, 38, 22),
        _box(194, 24, 90, ["network"]),
        _arrow(239, 55, second - 59, down=True),
        _text(247, second - 24, "frozen", "start"),
        _text(4, second - 8, "2  probe", "start", font_weight="600"),
        _box(4, second, 162, target),
        _arrow(168, second + 14, 22),
        _box(194, second, 90, ["network"], dashes="4 3"),
        _arrow(239, second + 31, third - second - 35, down=True),
        _text(4, third - 8, "3  compare", "start", font_weight="600"),
        _box(4, third, 162, compared, MISMATCHED),
        _box(194, third, 162, read),
        f'<path d="M192 {third + 14}h-22m5 -4l-5 4l5 4" {_stroke()}/>',
    ]
    tall = third + LINE * max(len(compared), len(read)) + 16
    alt = f"Pretrained on {', '.join(pretrained)}; probed on {', '.join(target)}; compared: {', '.join(compared)}."
    return _drawing(tall, alt, "The experiment: pretrain a network, freeze it, and read it on the target.", *parts)


def swap() -> HTML:
    """Both sets of transformations are the target's once, so that an easy one counts on both sides."""
    rows = ((34, "A"), (110, "B"))
    boxes = [_box(4, y, 128, ["pretrained", f"under set {name}"]) for y, name in rows]
    boxes += [_box(228, y, 128, ["same classes", f"under set {name}"]) for y, name in rows]
    lines = [_line(134, y + 21, 226, y + 21, MATCHED) for y, _ in rows]
    lines += [_line(134, y + 21, 226, 165 - y, MISMATCHED, "6 4") for y, _ in rows]
    texts = [
        _text(68, 20, "two models", font_weight="600"),
        _text(292, 20, "two targets", font_weight="600"),
        _text(180, 46, "matched"),
        _text(206, 97, "others", "start"),
        _text(180, 178, "gap = mean of solid − mean of dashed", font_weight="600"),
    ]
    alt = "Two models and two targets: each model is probed on both. Two of the four probes match, two do not."
    caption = (
        "The swap of roles: each model is probed under its own transformations (solid) and under the others (dashed)."
    )
    return _drawing(186, alt, caption, *boxes, *lines, *texts)


def class_sets() -> HTML:
    """How the classes of pretraining relate to those of the target."""
    sets = {"subset": (45, 11, 45, 24), "disjoint": (24, 14, 66, 14)}
    sets |= {"same": (45, 24, 45, 24), "superset": (45, 36, 45, 24)}
    parts = []
    for k, (name, (x, radius, target, around)) in enumerate(sets.items()):
        parts += [
            f'<circle cx="{90 * k + x}" cy="44" r="{radius}" fill="{MATCHED}" opacity="0.45"/>',
            f'<circle cx="{90 * k + target}" cy="44" r="{around}" {_stroke(dashes="5 3", width=2)}/>',
            _text(90 * k + 45, 100, name),
        ]
    alt = "Four pairs of circles: pretraining inside the target, beside it, equal to it, and around it."
    caption = "Classes of pretraining (filled) and of the target (dashed): a part, none, the same, or these and more."
    return _drawing(108, alt, caption, *parts)
