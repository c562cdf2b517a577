"""The look of the book's figures, and what several of them share.

Backgrounds are transparent and axes a neutral grey, so that one picture serves light and dark pages. The colours
(after Okabe and Ito) can be told apart by colour-blind readers, and never stand alone: marks differ too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib_inline.backend_inline import set_matplotlib_formats
from torch import Tensor

from invariance import sampling, transforms
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D, paste
from invariance.statistics import Estimate

GREY = "#808791"
MATCHED, MISMATCHED, THIRD, FOURTH = "#2a8fd0", "#e0801a", "#1fa37a", "#c065a8"
WIDTH = 6.6
"""Inches: a figure as wide as the page's text, whose letters stay legible on a phone."""
COLOUR_MAP = "viridis"
"""Grows lighter with the value, and suits colour-blind readers."""


@dataclass(frozen=True)
class Look:
    """How one kind of thing is drawn: never by colour alone."""

    colour: str
    marker: str


LOOKS = {
    "matched": Look(MATCHED, "o"),
    "mismatched": Look(MISMATCHED, "s"),
    "third": Look(THIRD, "^"),
    "fourth": Look(FOURTH, "D"),
    "neutral": Look(GREY, "o"),
}

MODEL_NAMES = {
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "densenet121": "DenseNet",
    "vgg11": "VGG-11",
    "vit": "ViT",
    "small": "small",
    "small_resnet": "small\nResNet",
    "small_densenet": "small\nDenseNet",
    "small_vgg": "small\nVGG",
    "small_vit": "small\nViT",
}

BAR_ALPHA = 0.35
"""Bars are pale, so that the marks on them stand out."""

STYLE = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": GREY,
    "axes.titlesize": 11,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.transparent": True,
    "font.size": 10.5,
    "grid.alpha": 0.3,
    "grid.color": GREY,
    "legend.frameon": False,
    "legend.labelcolor": GREY,
    "svg.hashsalt": "invariance",  # an unchanged figure gives an unchanged file
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def use_book_style() -> None:
    """Draw a notebook's figures as SVG, which stays sharp, in the book's look."""
    plt.rcParams.update(STYLE)
    set_matplotlib_formats("svg", metadata={"Date": None})  # a date would change the file at every run


def detached(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the book's look, and let pyplot forget the figure, or a notebook's cell would show it a second time."""

    @wraps(draw)
    def drawn(*args, **options) -> Figure:
        with plt.rc_context(STYLE):
            figure = draw(*args, **options)
        plt.close(figure)
        return figure

    return drawn


# --- estimates ---------------------------------------------------------------------------------------------


def marks(
    axis: Axes,
    estimates: Sequence[Estimate],
    look: Look,
    offset: float = 0.0,
    label: str | None = None,
    places: Sequence[float] | None = None,
    paper: bool = True,
    **line,
) -> None:
    """Estimates at places 0, 1, ... + offset as marks with their intervals; the paper's beside them as hollow marks."""
    places = np.arange(len(estimates)) + offset if places is None else np.asarray(places)
    value, low, high, published = np.array([(e.value, e.low, e.high, e.paper) for e in estimates]).T
    error = np.nan_to_num([value - low, high - value]).clip(0)  # one seed gives no interval: a mark without bars
    line = {"markersize": 7, "capsize": 3, "linewidth": 1.4, **line}
    axis.errorbar(places, value, yerr=error, color=look.colour, marker=look.marker, label=label, **line)
    if paper and not np.isnan(published).all():
        hollow = {"color": look.colour, "fillstyle": "none", "markersize": 7}
        axis.plot(places + 1.3 * offset, published, look.marker, label=label and f"{label}, paper", **hollow)


def seeds(axis: Axes, columns: Sequence[pd.Series], look: Look, offset: float = 0.0) -> None:
    """One value a seed for each place, as small marks."""
    for place, values in enumerate(columns):
        x = np.full(len(values), place + offset)
        axis.plot(x, values, look.marker, color=look.colour, alpha=0.35, markersize=4)


def bars(rows: Mapping[str, tuple[Estimate, pd.Series]], label: str) -> Figure:
    """Estimates as horizontal bars with their intervals, seeds as dots and the paper's values as hollow marks."""
    figure, axis = plt.subplots(figsize=(WIDTH, 0.55 * len(rows) + 0.9), layout="constrained")
    looks = [LOOKS[name] for name in ("matched", "mismatched", "fourth", "third")]
    for y, (one, values) in enumerate(rows.values()):
        bar(axis, -y, one, values, looks[y % len(looks)])
    axis.set_yticks([-y for y in range(len(rows))], list(rows))
    axis.set(xlabel=label)
    return figure


def bar(axis: Axes, y: float, one: Estimate, values: pd.Series, look: Look, height: float = 0.7) -> None:
    """One horizontal bar of `bars`."""
    axis.barh(y, one.value, height, color=look.colour, alpha=BAR_ALPHA)
    axis.plot([one.low, one.high], [y, y], color=look.colour, linewidth=2)
    axis.plot(values, [y] * len(values), ".", color=look.colour, markersize=3.5)
    axis.plot(one.paper, y, look.marker, color=look.colour, markersize=6.5, fillstyle="none")
    axis.axvline(0, color=GREY, linewidth=0.8)  # an interval that crosses it is to be seen
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", visible=True)


def table(rows: Sequence[Mapping[str, str]]) -> HTML:
    """Rows of text as an HTML table that does not change from run to run; keys are the column names."""
    html = pd.DataFrame(rows).to_html(index=False, border=0, justify="left")
    return HTML(re.sub(r"(?<=\d) (±|to) (?=[-−\d])", "\u00a0\\1\u00a0", html))  # a number stays with its interval


def legend(figure: Figure, axis: Axes, columns: int, **look) -> None:
    """One legend above the figure for all its panels: this run's marks first, then the paper's."""
    drawn = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    labels = sorted(drawn, key=lambda label: "paper" in label)
    figure.legend(
        [drawn[label] for label in labels], labels, loc="outside upper center", ncols=columns, fontsize=9, **look
    )


def heat_map(
    axis: Axes,
    values: pd.DataFrame,
    limits: tuple[float, float],
    texts: pd.DataFrame | None = None,
    fontsize: float = 9,
) -> PatchCollection:
    """A heat map of rows and columns, with the texts in its cells; a missing value leaves a gap with a dash.

    A cell's text is black or white, whichever stands out more against the cell, so it reads on any page.
    """
    scale, palette = Normalize(*limits, clip=True), plt.get_cmap(COLOUR_MAP)
    cells = [(r, c) for r in range(values.shape[0]) for c in range(values.shape[1])]
    shown = [(r, c) for r, c in cells if not np.isnan(values.iat[r, c])]
    boxes = PatchCollection([Rectangle((c - 0.48, r - 0.48), 0.96, 0.96) for r, c in shown], cmap=palette, norm=scale)
    boxes.set_array(np.array([values.iat[r, c] for r, c in shown]))
    axis.add_collection(boxes)
    if texts is not None:
        for r, c in cells:
            filled = (r, c) in set(shown)
            colour = text_colour(palette(scale(values.iat[r, c]))) if filled else GREY
            axis.text(
                c, r, texts.iat[r, c] if filled else "–", ha="center", va="center", color=colour, fontsize=fontsize
            )
    axis.set(xlim=(-0.5, values.shape[1] - 0.5), ylim=(values.shape[0] - 0.5, -0.5))
    axis.set_xticks(range(values.shape[1]), [str(name) for name in values.columns])
    axis.set_yticks(range(values.shape[0]), [str(name) for name in values.index])
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    return boxes


def text_colour(background: tuple[float, ...]) -> str:
    """Black or white, whichever has the higher contrast (WCAG 2) against a colour."""
    light = luminance(background)
    return "white" if 1.05 / (light + 0.05) > (light + 0.05) / 0.05 else "black"


def luminance(colour: object) -> float:
    """Relative luminance (WCAG 2) of a colour, from 0 to 1."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


# --- small pictures ----------------------------------------------------------------------------------------


def _rgba(picture: np.ndarray) -> np.ndarray:
    if picture.shape[-1] == 4:
        return picture
    return np.concatenate((picture, np.full_like(picture[..., :1], 255)), axis=-1)


def _mosaic(lines: Sequence[np.ndarray], gap_x: float, gap_y: float) -> np.ndarray:
    # One picture out of many: a figure with a hundred axes takes seconds to draw. Gaps in shares of a side.
    side = lines[0].shape[1]
    across, down = round(side * (1 + gap_x)), round(side * (1 + gap_y))
    columns = max(len(line) for line in lines)
    sheet = np.zeros((down * len(lines), across * columns, 4), np.uint8)
    for r, line in enumerate(lines):
        for c, picture in enumerate(line):
            sheet[r * down : r * down + side, c * across : c * across + side] = _rgba(picture)
    return sheet


def _picture_axis(sheet: np.ndarray, inches: float, side: int, left: float = 0.0) -> tuple:
    # A figure that shows the sheet with a picture's side at `inches`, and room for text on the left.
    height, width = (n * inches / side for n in sheet.shape[:2])
    figure = plt.figure(figsize=(width + left, height))
    axis = figure.add_axes((left / (width + left), 0, width / (width + left), 1))
    axis.set_axis_off()
    axis.imshow(sheet, interpolation="nearest", aspect="auto")
    return figure, axis


@detached
def picture_grid(rows: Sequence[np.ndarray], row_labels: Sequence[str], cell: float = 0.72) -> Figure:
    """Rows of small pictures with a label before each row.

    Each row is uint8 (n, H, H, 3 or 4), with the same H in all; `cell` is a picture's side in inches.
    """
    side = rows[0].shape[1]
    sheet = _mosaic(rows, 0.08, 0.08)
    left = 0.085 * max(len(label) for label in row_labels) + 0.1
    figure, axis = _picture_axis(sheet, cell, side, left)
    step = round(side * 1.08)
    for r, label in enumerate(row_labels):
        axis.text(-0.12 * side, r * step + side / 2, label, ha="right", va="center")
    return figure


@detached
def contact_sheet(pictures: np.ndarray, names: Sequence[str], columns: int = 8, cell: float = 0.86) -> Figure:
    """Pictures uint8 (n, H, H, 3 or 4) in a sheet, each with its name below; `cell` is a side in inches."""
    side = pictures.shape[1]
    lines = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    sheet = _mosaic(lines, 0.08, 0.32)
    figure, axis = _picture_axis(sheet, cell, side)
    across, down = round(side * 1.08), round(side * 1.32)
    for k, name in enumerate(names):
        row, column = divmod(k, columns)
        x, y = column * across + side / 2, row * down + side * 1.06
        axis.text(x, y, name.replace("_", " "), ha="center", va="top", fontsize=7.5)
    return figure


# --- images to look at --------------------------------------------------------------------------------------


def as_pictures(images: Tensor) -> np.ndarray:
    """Float images (B, C, H, W) in [0, 1] as uint8 (B, H, W, C)."""
    return (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def examples(data: Transforms2D | NaturalImages | ObjectsOnImages, count: int, seed: int = 0) -> np.ndarray:
    """The first `count` images of a data set's split of examples, uint8 (n, H, W, 3); equal seeds, equal contents."""
    return as_pictures(Split(data.renderer("cpu"), seed, "examples/test", count).batch()[0])


def draws(data: Transforms2D, label: int, count: int, seed: int = 0) -> np.ndarray:
    """One object of class `label` under `count` draws of the transformations, on changing backgrounds."""
    renderer = data.renderer()
    content = sampling.keys(sampling.stream(seed, "gallery"), torch.arange(count))
    parameters = transforms.draw(data.transforms, sampling.fold(content, "transforms"), data.size)
    plain = renderer.foregrounds(content, torch.full((count,), label))
    moved = transforms.apply(data.transforms, plain, parameters, renderer.box.expand(count, 4))
    return as_pictures(paste(moved, renderer.backgrounds(content)))
