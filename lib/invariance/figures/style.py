"""The look of the book's figures, and what several of them share.

Backgrounds are transparent and axes a neutral grey, so that one picture serves light and dark pages. The colours
(after Okabe and Ito) can be told apart by colour-blind readers, and never stand alone: marks differ too.
"""

from collections.abc import Callable, Sequence
from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib_inline.backend_inline import set_matplotlib_formats

from invariance.results import spread

GREY = "#808791"
SAME, DISJOINT, THIRD, FOURTH = "#2a8fd0", "#e0801a", "#1fa37a", "#c065a8"
WIDTH = 6.6
"""Inches: a figure as wide as the page's text, whose letters stay legible on a phone."""
COLOUR_MAP = "viridis"
"""Grows lighter with the value, and suits colour-blind readers."""
BAR_ALPHA = 0.35
"""Bars are pale, so that the marks on them stand out."""

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


def level_name(level: object) -> str:
    """A level as an axis shows it: "50k" for 50000, "1 %" for 0.01, "small\\nViT" for small_vit."""
    text = str(level)
    try:
        number = float(text)
    except ValueError:
        return MODEL_NAMES.get(text, text.replace("_", "\n"))
    if "." in text and number <= 1:
        return f"{100 * number:g} %"
    return f"{number / 1000:.3g}k" if number >= 1000 else f"{number:g}"


def on_seeds(
    axis: Axes,
    places: Sequence[float],
    stats: pd.DataFrame,
    colour: str,
    marker: str,
    label: str | None = None,
    horizontal: bool = False,
    **look,
) -> ErrorbarContainer:
    """Means with their 95 % intervals (columns value, low, high, one row a place) as marks with bars."""
    value = stats["value"].to_numpy()
    # One seed gives no interval: it is drawn as a mark without bars.
    error = np.nan_to_num(np.abs(stats[["low", "high"]].to_numpy().T - value))
    x, y = (value, places) if horizontal else (places, value)
    bars = {"xerr" if horizontal else "yerr": error}
    look = {"markersize": 7, "capsize": 3, "linewidth": 1.4, **look}
    return axis.errorbar(x, y, **bars, color=colour, marker=marker, label=label, **look)


def by_level(table: pd.DataFrame, key: str, order: Sequence) -> pd.DataFrame:
    """Mean and interval over seeds for each value of one column, in this order; NaN where it has none."""
    return spread(table, [key]).set_index(key).reindex(order)


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
