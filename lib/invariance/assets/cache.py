"""Rendered pictures kept on disk, so that a second start costs milliseconds."""

import warnings
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from invariance.files import cache_dir, write_aside


def cached(name: str, shape: tuple[int, ...], render: Callable[[], np.ndarray]) -> np.ndarray:
    """Return the uint8 array `name` of the given shape from the disk cache, else render and keep it.

    A file that is unreadable or holds anything else is replaced. `name` must change whenever the
    pictures do, so it carries their version and size.
    """
    path = cache_dir() / "assets" / f"{name}.npy"
    with suppress(Exception):  # absent or damaged in any way: rendering again repairs it
        images = np.load(path, allow_pickle=False)
        if images.shape == shape and images.dtype == np.uint8:
            return images
    images = render()
    try:
        with write_aside(path) as aside:
            np.save(aside, images)
    except OSError as error:  # a read-only or full disk costs time, not the result
        warnings.warn(f"Cannot keep rendered pictures in {path.parent}: {error}", stacklevel=3)
    return images
