"""What a device can do, and how many threads of it work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from invariance.datasets.devices import pick_device

__all__ = ["cores", "fast_bf16", "hardware", "pick_device", "threads"]


def fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 arithmetic is faster than float32 on this device."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere, the first with units for it
    if device.type == "cpu":
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.12
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def hardware(device: torch.device) -> str:
    """What a reader calls the device: "2 CPU cores", or the GPU's own name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{cores()} CPU core{'s' if cores() != 1 else ''}"


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def threads(device: torch.device, count: int) -> Iterator[None]:
    """So many threads inside, where the device is a CPU, and as before afterwards.

    Their number changes the last bits of a sum, and training magnifies them.
    """
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
