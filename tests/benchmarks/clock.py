"""Rates by the wall clock."""

import time

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
