"""Rendered pictures kept on disk, so that a second start costs milliseconds."""

import os
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from invariance.files import cache_dir, write_aside


def cached(name: str, shape: tuple[int, ...], render: Callable[[], np.ndarray]) -> np.ndarray:
    """Return the uint8 array `name` of the given shape from the disk cache, else render and keep it.

    A file that is unreadable or holds anything else is replaced: behind the array stands its checksum. `name`
    must change whenever the pictures do, so it carries their version and size.
    """
    path = cache_dir() / "pictures" / f"{name}.npy"
    with suppress(Exception), open(path, "rb") as file:  # absent or damaged in any way: rendering again repairs it
        images = np.load(file, allow_pickle=False)
        if images.shape == shape and images.dtype == np.uint8 and file.read() == _checksum(images):
            return images
    images = np.ascontiguousarray(render())
    try:
        with write_aside(path) as aside, open(aside, "wb") as file:
            np.save(file, images)
            file.write(_checksum(images))
    except OSError as error:  # a read-only or full disk costs time, not the result
        _warn(path, error)
    return images


def cached_rows(
    name: str, shape: tuple[int, ...], rows: np.ndarray, render: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return some rows of a long uint8 array, (N, *shape), from the disk cache; render what it lacks.

    `rows` are int64 (N,), each at most once; `render(rows)` gives (N, *shape). The file has a place for every
    row, empty ones taking no room, and a checksum in each: a row that was never or only half written is
    rendered again, and processes that write the same rows at once write the same bytes.
    """
    path = cache_dir() / "pictures" / f"{name}.rows"
    images = np.empty((len(rows), *shape), np.uint8)
    found = np.zeros(len(rows), bool)
    with suppress(OSError), open(path, "rb") as file:
        found = np.array([_read_row(file, row, image) for row, image in zip(rows, images, strict=True)], bool)
    missing = rows[~found]
    if len(missing):
        images[~found] = rendered = render(missing)
        try:
            _write_rows(path, missing, rendered)
        except OSError as error:
            _warn(path, error)
    return images


def _read_row(file, row: int, image: np.ndarray) -> bool:
    file.seek(int(row) * (image.nbytes + 4))
    record = file.read(image.nbytes + 4)
    if len(record) < image.nbytes + 4 or _checksum(record[4:]) != record[:4]:
        return False
    image[:] = np.frombuffer(record, np.uint8, offset=4).reshape(image.shape)
    return True


def _write_rows(path: Path, rows: np.ndarray, images: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with open(handle, "r+b") as file:
        for row, image in zip(rows, images, strict=True):
            data = image.tobytes()
            file.seek(int(row) * (len(data) + 4))
            file.write(_checksum(data) + data)


def _checksum(data: bytes | np.ndarray) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _warn(path: Path, error: OSError) -> None:
    warnings.warn(f"Cannot keep rendered pictures in {path.parent}: {error}", stacklevel=3)
