"""The picture that a link to the book shows elsewhere: one object on many backgrounds, transformed."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from invariance import plots
from invariance.datasets import Transforms2D
from invariance.pictures import class_names

ROWS, COLUMNS, ENLARGED = 3, 8, 5


def write_picture(file: Path, title: str) -> None:
    """A PNG of 1200 x 630 pixels with the title of the book."""
    names = class_names("glyphs")
    data = Transforms2D(foregrounds="glyphs", backgrounds="scenes", classes=names, transforms=["rotate", "hue", "blur"])
    shown = plots.draws(data, names.index("chess_knight"), ROWS * COLUMNS)
    shown = shown.repeat(ENLARGED, 1).repeat(ENLARGED, 2)
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in np.split(shown, ROWS)])[:, :1200]
    figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    figure.figimage(sheet, 0, 0)
    figure.text(0.5, 0.86, title, ha="center", va="center", fontsize=27, color="#1d3b40")
    figure.savefig(file, transparent=False, facecolor="white")
    plt.close(figure)
