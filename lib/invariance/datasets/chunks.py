"""Large batches on a CPU: in chunks that stay in its cache, one thread each."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import torch

CHUNK = 128 * 32 * 32
"""Pixels made at once on a CPU: few enough to stay in its cache, enough to make calls cheap beside them."""

LEAST = CHUNK // 4
"""Pixels that are worth a thread."""


def in_chunks(fill: Callable[[slice], object], count: int, size: int, device: torch.device) -> None:
    """Call `fill` with slices that cover `count` images of `size` x `size` pixels.

    On a CPU these are small and go through several threads. PyTorch lets other threads run inside its
    operations, so chunks keep all cores busy without the waiting at the end of each operation that
    splitting the operations themselves would cost. On another device there is one slice. Images are
    made in float32 even where a model around them is not.
    """
    inference = torch.is_inference_mode_enabled()  # a thread does not inherit it

    def run(rows: slice) -> None:
        with torch.inference_mode(inference), torch.autocast(device.type, enabled=False):
            fill(rows)

    if device.type != "cpu":
        if count:
            run(slice(0, count))
        return
    threads = torch.get_num_threads()
    most, least = (max(1, pixels // size**2) for pixels in (CHUNK, LEAST))
    step = min(most, max(least, -(-count // threads)))
    slices = [slice(start, min(start + step, count)) for start in range(0, count, step)]
    _keep_freed_memory()
    several = _pool(threads, os.getpid()).map if threads > 1 and len(slices) > 1 else map
    for _ in several(run, slices):
        pass


@cache
def _keep_freed_memory() -> None:
    # glibc hands freed memory back to the system, which clears every page of it again for the next
    # chunk: half of the time. Once it has seen a block of just under 32 MiB freed, it keeps that much.
    torch.empty(31 * 2**20, dtype=torch.uint8)


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    # One for each process: threads do not survive a fork.
    pool = ThreadPoolExecutor(threads, "chunks", _use_one_core)
    started = Barrier(threads)
    list(pool.map(lambda _: started.wait(), range(threads)))
    torch.set_num_threads(threads)  # what a thread sets for itself holds for later threads as well
    return pool


def _use_one_core() -> None:
    torch.get_num_threads()  # a thread's first question sets its number to the common one, so ask before
    torch.set_num_threads(1)
