"""The paper's published values, as the package carries them; each study reads its own part into a table."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

READING_ERROR = 0.005
"""How far an accuracy may be off that was read from the paper's plots."""
NEAR_ONE = 0.995
"""Stands for a plotted value that could only be told to be 0.99 or more: the middle of where it can be."""


@cache
def published(part: str) -> dict[str, Any]:
    """One part of the paper's values: "factors", "mismatch", "relevance" or "invariance_transfer"."""
    return json.loads(files("invariance.studies").joinpath("paper.json").read_text(encoding="utf-8"))[part]
