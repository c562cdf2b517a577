"""Which device images are made and models trained on: decided once, checked before long work starts."""

import torch

from invariance.errors import InputError


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
        raise InputError(f"No device {name!r} here: {count} CUDA devices found. Use auto or cpu.")
    if device.type == "cuda" and device.index is None:  # which one, so that tensors on it compare as equal
        return torch.device("cuda", torch.cuda.current_device())
    return device
