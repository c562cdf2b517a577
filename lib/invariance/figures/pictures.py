"""Small pictures in rows and sheets."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from invariance.figures.style import detached


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
