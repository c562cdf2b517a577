"""Rendered pictures kept on disk, so that a second start costs milliseconds."""

import os
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

import numpy as np

from invariance.files import cache_dir, cache_folder


def cached(
    name: str, shape: tuple[int, ...], rows: np.ndarray, render: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return some rows of a long uint8 array, (N, *shape), from the disk cache; render what it lacks.

    `rows` are int64 (N,), each at most once; `render(rows)` gives (N, *shape). `name` must change whenever the
    pictures do, so it carries their version and size.

    The file has a place for every row, empty ones taking no room, and a checksum in each: a row that was never or only
    half written, or is damaged, is rendered again, and processes that write the same rows at once write the same bytes.
    """
    path = cache_dir() / "pictures" / f"{name}.rows"
    images = np.empty((len(rows), *shape), np.uint8)
    found = np.zeros(len(rows), bool)
    with suppress(OSError), open(path, "rb") as file:
        found = np.array([_read(file, row, image) for row, image in zip(rows, images, strict=True)], bool)
    if not found.all():
        images[~found] = render(rows[~found])
        try:
            cache_folder("pictures")
            with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
                for index in np.flatnonzero(~found):
                    _write(file, rows[index], images[index])
        except OSError as error:  # a read-only or full disk costs time, not the result
            warnings.warn(f"Cannot keep rendered pictures in {path.parent}: {error}", stacklevel=2)
    return images


def _read(file: BinaryIO, row: int, image: np.ndarray) -> bool:
    file.seek(int(row) * (4 + image.nbytes))
    checksum, data = file.read(4), file.read(image.nbytes)
    if len(data) < image.nbytes or _checksum(data) != checksum:
        return False
    image[...] = np.frombuffer(data, np.uint8).reshape(image.shape)
    return True


def _write(file: BinaryIO, row: int, image: np.ndarray) -> None:
    data = image.tobytes()
    file.seek(int(row) * (4 + len(data)))
    file.write(_checksum(data) + data)


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")
