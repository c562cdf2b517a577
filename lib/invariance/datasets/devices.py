"""Devices: on which one images are made and models trained, what it can do, and how many threads of it work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from invariance.errors import InputError

EVALUATED_AT_ONCE = {"cpu": 500, "cuda": 2000}
"""Images that go through a network at once where it does not train, if they are small."""
PIXELS_AT_ONCE = {"cpu": 2**22, "cuda": 2**24}
"""And their pixels in all, which bounds the memory of large ones."""


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device for `auto`, `cpu`, `cuda` or `cuda:N`; `auto` takes a GPU if there is one.

    Raises `InputError` if the device does not exist here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or device.type not in ("cpu", "cuda") or (device.type == "cpu" and device.index):
        raise InputError(f"Unknown device {name!r}. Known: auto, cpu, cuda, cuda:N.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise InputError(f"No device {str(name)!r} here: {count} CUDA devices found. Use auto or cpu.")
    if device.type == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device() if device.index is None else device.index)


def fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 arithmetic is faster than float32 on this device.

    `INVARIANCE_BF16=0` in the environment says that it is not, for results as a machine without it gives them.
    """
    if os.environ.get("INVARIANCE_BF16") == "0":
        return False
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere, the first with units for it
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.12
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def evaluated_at_once(device: torch.device, size: int) -> int:
    """Images of `size` x `size` pixels that go through a network at once where it does not train, at least 1."""
    return max(1, min(EVALUATED_AT_ONCE[device.type], PIXELS_AT_ONCE[device.type] // size**2))


def autocast(device: torch.device) -> torch.autocast:
    """The arithmetic of networks: bfloat16 where that is faster, else float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bf16(device))


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
