"""What is measured so far, in a file, so that a profile that was stopped goes on and loses nothing."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from invariance import pictures, transforms
from invariance.files import write_aside

WORDS = ["state", "kind", "layer", "category", "transformation", "measure"]
NUMBERS = ["value", "low", "high"]
PROBED = 8
"""Pairs whose representations tell a model, its weights and its code from others."""


class Kept:
    """Rows by transformation in a CSV file, each with the state that they belong to; without a path, nothing is kept.

    A state is the settings, the pictures and own transformations, and what the networks give for the first pairs: so
    rows are found again only while model, weights and code are what they were.
    """

    def __init__(self, path: str | Path | None, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, json.dumps([pictures.VERSION, settings], default=str)
        self.table = pd.DataFrame({name: [] for name in WORDS + NUMBERS})
        if path is not None and Path(path).exists():
            try:
                found = pd.read_csv(path, dtype=str, keep_default_na=False)[WORDS + NUMBERS]
                numbers = {name: found[name].replace("", "nan").map(float) for name in NUMBERS}  # to the last bit
                self.table = found.assign(**numbers)
            except (OSError, ValueError, KeyError) as error:
                logging.getLogger(__name__).warning("%s is not whole (%s): all is measured again.", path, error)

    def state(self, transformation: str, found: Sequence[dict[Any, Tensor]]) -> str:
        """What the rows of a transformation belong to; `found` are representations of the first pairs."""
        digest = hashlib.sha256(f"{self.settings} {transforms.fingerprint([transformation])}".encode())
        for part in found:
            for at, x in part.items():
                digest.update(f"{at} {tuple(x.shape)}".encode() + x.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:24]

    def rows(self, state: str) -> list[dict[str, Any]] | None:
        """The rows of a state, None where there are none."""
        found = self.table[self.table["state"] == state]
        return found.drop(columns="state").to_dict("records") if len(found) else None

    def add(self, state: str, rows: list[dict[str, Any]]) -> None:
        """Keep the rows of a state."""
        new = pd.DataFrame(rows).assign(state=state)
        self.table = pd.concat([self.table, new], ignore_index=True) if len(self.table) else new
        with write_aside(self.path) as aside:
            self.table.to_csv(aside, index=False)
