"""Which device and which arithmetic: decided once, checked before long work starts."""

import os

import torch

from invariance.errors import InputError


def pick_device(name: str = "auto") -> torch.device:
    """The device for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` takes a GPU if there is one.

    Raises `InputError` if the device does not exist here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"Unknown device {name!r}. Known: auto, cpu, cuda, cuda:N, mps.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise InputError(f"No device {name!r} here: {count} CUDA devices found. Use auto or cpu.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("No device 'mps' here. Use auto or cpu.")
    return device


def fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 arithmetic is faster than float32 on this device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.12
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def hardware(device: torch.device) -> str:
    """What a reader calls the device: "2 CPU cores", or the GPU's own name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} CPU core{'s' if cores != 1 else ''}"
