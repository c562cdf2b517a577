"""Large batches on a CPU: in chunks that stay in its cache, one after another."""

from collections.abc import Callable
from functools import cache

import torch

CHUNK = 256 * 32 * 32
"""Pixels made at once on a CPU: few enough to stay in its cache, enough to share among its cores."""


def in_chunks(fill: Callable[[slice], object], count: int, size: int, device: torch.device) -> None:
    """Call `fill` with slices that cover `count` images of `size` x `size` pixels.

    On a CPU these are small, and PyTorch's operations split each among the cores; elsewhere there is one
    slice. Images are made in float32 even where a model around them is not.
    """
    step = max(1, CHUNK // size**2) if device.type == "cpu" else max(1, count)
    if device.type == "cpu":
        _keep_freed_memory()
    with torch.autocast(device.type, enabled=False):
        for start in range(0, count, step):
            fill(slice(start, min(start + step, count)))


@cache
def _keep_freed_memory() -> None:
    # glibc hands freed memory back to the system, which clears every page of it again for the next
    # chunk: half of the time. Once it has seen a block of just under 32 MiB freed, it keeps that much.
    torch.empty(31 * 2**20, dtype=torch.uint8)
