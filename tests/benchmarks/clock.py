"""Rates by the wall clock, and the CPU time of functions that take turns."""

import statistics
import time

import torch

LEAST_SECONDS = 0.5


def rate(step, images):
    """Images a second of `step()`, which makes `images`; best of three windows, after a warm-up."""
    step()
    best = 0.0
    for _ in range(3):
        started, made = time.perf_counter(), 0
        while time.perf_counter() - started < LEAST_SECONDS:
            step()
            made += images
        best = max(best, made / (time.perf_counter() - started))
    return best


def cpu_seconds(functions, rounds):
    """Median CPU seconds of each function by name, on one thread, after a warm-up; they take turns in every round."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spent = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            started = time.process_time()
            function()
            if number:
                spent[name].append(time.process_time() - started)
    torch.set_num_threads(threads)
    return {name: statistics.median(seconds) for name, seconds in spent.items()}
