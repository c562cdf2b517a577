"""Large batches on a CPU: in chunks that stay in its cache, one thread each."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import torch

CHUNK = 128
"""Images made at once on a CPU: few enough to stay in its cache, enough to make calls cheap beside them."""

LEAST = 32
"""Images that are worth a thread."""


def in_chunks(fill: Callable[[slice], object], count: int, device: torch.device) -> None:
    """Call `fill` with slices that cover 0 .. count: on a CPU with small ones, in parallel; else with one.

    PyTorch lets other threads run inside its operations, so chunks keep all cores busy without the
    waiting at the end of each operation that splitting the operations themselves would cost.
    Images are made in float32 even where a model around them is not.
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
    step = min(CHUNK, max(LEAST, -(-count // threads)))
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
    pool = ThreadPoolExecutor(threads, "chunks", torch.set_num_threads, (1,))
    started = Barrier(threads)
    list(pool.map(lambda _: started.wait(), range(threads)))
    torch.set_num_threads(threads)  # setting it in a thread sets it for threads to come as well
    return pool
