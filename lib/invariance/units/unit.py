"""What a unit is: a frozen configuration with a digest, and a `compute` that gives plain values.

A unit's identity is its digest: of all its fields, of the files and own transformations behind its data, and of the
version of the code that gives results. Where it runs is not part of it.
"""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Self

import torch
from pydantic import Field

from invariance import pictures, transforms
from invariance.config import Config
from invariance.datasets import NaturalImages, ObjectsOnImages, Transforms2D
from invariance.errors import InputError

VERSION = f"6-{pictures.VERSION}"
"""Raise the number when a change of code changes results: older results are then left alone."""

Values = dict[str, Any]
"""What a unit gives: numbers, texts, lists and dicts, as JSON holds them."""

Data = Annotated[Transforms2D | NaturalImages | ObjectsOnImages, Field(discriminator="kind")]


class Unit(Config, frozen=True):
    """A computation whose result is kept. Raises `InputError` for what could only fail, when it is made."""

    seed: int = 0

    @cached_property
    def digest(self) -> str:
        """What this unit's result is found by: 24 hexadecimal digits."""
        text = json.dumps([VERSION, type(self).__name__, self.configuration(), self.made_from()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def model_copy(self, **options: Any) -> Self:
        """A copy, perhaps with changes, and so with a digest of its own."""
        copied = super().model_copy(**options)
        copied.__dict__.pop("digest", None)
        return copied

    def configuration(self) -> Values:
        """All fields, defaults included, as plain values; a needed unit by its digest."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        own = self.model_dump(mode="json", exclude={k for k, v in fields.items() if isinstance(v, Unit)})
        return own | {name: value.digest for name, value in fields.items() if isinstance(value, Unit)}

    def data_sets(self) -> list[Data]:
        """The data sets that the unit works on."""
        raise NotImplementedError

    def made_from(self) -> str:
        """The state of picture files and own transformations behind the data; "" for the book's own."""
        sources = sorted({source for data in self.data_sets() for source in sources_of(data)})
        names = sorted({name for data in (self, *self.data_sets()) for name in getattr(data, "transforms", ())})
        return "".join([*map(pictures.fingerprint, sources), transforms.fingerprint(names)])

    def needs(self) -> "Unit | None":
        """The unit whose result this one reads."""
        return None

    def cost(self) -> float:
        """Rough amount of work, as images that pass through a network."""
        raise NotImplementedError

    def compute(self, device: torch.device) -> Values:
        """The values, computed now."""
        raise NotImplementedError

    def rows(self, values: Values) -> list[Values]:
        """The values as parts of tidy rows: measure, value and what tells the rows apart."""
        raise NotImplementedError


def rounded(values: Any) -> Any:
    """Values with their numbers to seven digits, which is what float32 holds and more than two runs agree in."""
    if isinstance(values, dict):
        return {name: rounded(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [rounded(value) for value in values]
    return float(f"{values:.7g}") if isinstance(values, float) else values


def sources_of(data: Data) -> list[str]:
    """Where the pictures of a data set come from, such as "glyphs" or "folder:PATH"."""
    return [getattr(data, name) for name in ("foregrounds", "backgrounds", "images", "source") if hasattr(data, name)]


def check_available(data: Data, **counts: int) -> None:
    """Raise `InputError` where a data set of fixed size has fewer images: found out now, not after a training."""
    for split, count in counts.items():
        if hasattr(data, "available") and count > data.available(split):
            raise InputError(
                f"{count:,} {split} images are asked for, and there are {data.available(split):,}: take fewer."
            )
