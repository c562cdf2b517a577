"""How many images are made at once: on a CPU as many as its cache holds, on a GPU enough to keep it busy."""

from collections.abc import Callable
from functools import cache

import torch

CHUNK = {"cpu": 128 * 32 * 32, "cuda": 16_384 * 32 * 32}
"""Pixels made at once. On a CPU few enough to stay in a core's own cache and enough to share among cores; on a GPU
enough that to start some hundred operations takes less time than they do, in two or three gigabytes."""

ASKED = {"cpu": 8 * CHUNK["cpu"], "cuda": CHUNK["cuda"]}
"""Pixels to ask for at once, whose parameters are drawn together: that costs the same for few images as for many."""


def in_chunks(fill: Callable[[slice], object], count: int, size: int, device: torch.device) -> None:
    """Call `fill` with slices that cover `count` images of `size` x `size` pixels, one after another.

    Memory does not grow with `count`. Images are made in float32 even where a model around them is not.
    """
    step = max(1, CHUNK[device.type] // size**2)
    if device.type == "cpu":
        _keep_freed_memory()
    with torch.autocast(device.type, enabled=False):
        for start in range(0, count, step):
            fill(slice(start, min(start + step, count)))


def batches_at_once(batch_size: int, size: int, device: torch.device) -> int:
    """How many batches of images of `size` x `size` pixels are worth asking for at once, at least 1."""
    return max(1, ASKED[device.type] // (batch_size * size**2))


@cache
def _keep_freed_memory() -> None:
    # glibc hands freed memory back to the system, which clears every page of it again for the next
    # chunk: half of the time. Once it has seen a block of just under 32 MiB freed, it keeps that much.
    torch.empty(31 * 2**20, dtype=torch.uint8)
