"""Where and with what a unit ran: hardware, arithmetic, versions, commit. Recorded at the time it ran."""

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from invariance import __version__
from invariance.datasets.devices import fast_bf16, hardware
from invariance.units.unit import Values

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "numpy", "scipy", "pillow")


def facts(device: torch.device) -> Values:
    """The facts of a run on this device, as plain values."""
    on_cpu = device.type == "cpu"
    return {
        "hardware": hardware(device),
        "instructions": torch.backends.cpu.get_cpu_capability() if on_cpu else "CUDA",
        "bfloat16": fast_bf16(device),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "code": commit() or __version__,
    }


@cache
def commit() -> str:
    """The commit of the checkout that the code runs from, with + where files of the package differ; "" without one."""
    here = Path(__file__).parents[1]

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", here, *words], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + "+" * bool(git("status", "--porcelain", "--", "."))
    except (OSError, subprocess.SubprocessError):
        return ""
