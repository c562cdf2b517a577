"""Does a superset of transformations cost accuracy because training is short? A question that the mismatch leaves open.

The target has the first four of a seed's eight transformations. One model is pretrained on these four and one on all
eight, each for as long as in the mismatch and for several times as long. Seeds begin at `FIRST`, so that no other study
uses them.

Chapter: book/08_mismatch.py.
"""

from collections.abc import Mapping
from itertools import product

import pandas as pd

from invariance import statistics
from invariance.statistics import PerSeed
from invariance.studies import mismatch
from invariance.studies.sizes import Count, Sizes, pretraining, probes, sizes_of
from invariance.studies.study import LARGER, Findings, Study
from invariance.units.run import Design

FIRST = 9_100
TARGETS, MOST = 4, mismatch.MOST
"""How many transformations the target has, and the superset."""


class LengthSizes(Sizes):
    """`lengths` are the lengths of training, short and long, as multiples of `epochs`."""

    lengths: tuple[Count, Count]


SIZES = sizes_of(LengthSizes, "training_length")


def design(sizes: LengthSizes) -> Design:
    """Probes on the target for each seed, length of training and number of transformations in pretraining."""
    planned: Design = []
    for place, length, count in product(range(sizes.seeds), sizes.lengths, (TARGETS, MOST)):
        seed = FIRST + place
        shown, target = mismatch.data(sizes, seed, count), {"target": mismatch.data(sizes, seed, TARGETS)}
        trained = pretraining(sizes, shown, sizes.model, seed, epochs=sizes.epochs * length)
        planned.append(({"length": length, "pretrained_on": count}, probes(sizes, trained, target)))
    return planned


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """By length of training: accuracy of the matching model, what the superset loses against it, and how much less."""
    rows = table[table["split"] == "test"]
    wide = statistics.per_seed(rows, ["length", "pretrained_on"])
    lengths = sorted(rows["length"].unique())
    found = {f"accuracy.{length}": wide[length, TARGETS] for length in lengths}
    losses = {f"loss.{length}": wide[length, TARGETS] - wide[length, MOST] for length in lengths}
    return {**found, **losses, "narrowing": losses[f"loss.{lengths[0]}"] - losses[f"loss.{lengths[-1]}"]}


def told() -> str:
    """What was found, in sentences, from the record at the largest budget that has it."""
    found = STUDY.largest(LARGER)
    return _sentences(found) if found else "The experiment that would tell has not been run yet."


def _sentences(found: Findings) -> str:
    sizes, (short, long) = found.sizes, found.sizes.lengths
    images = [f"{sizes.samples * sizes.epochs * length:,}" for length in (short, long)]
    verdict = found["narrowing"].told(
        "Whether that is less, these seeds do not tell",
        "So the loss came from short training, at least in part",
        "So longer training does not remove the loss",
    )
    return (
        f"So on {sizes.seeds} fresh seeds one model was pretrained on the target's four transformations, one on eight. "
        f"After {images[0]} images the first reaches {found[f'accuracy.{short}']:.3f}, and the second is "
        f"{found[f'loss.{short}']:.3i} behind it. After {images[1]} images the first reaches "
        f"{found[f'accuracy.{long}']:.3f}, and the second is {found[f'loss.{long}']:.3i} behind. {verdict}: the "
        f"difference of the two losses is {found['narrowing']:.3i}."
    )


STUDY = Study(name="training_length", sizes=SIZES, design=design, effects=effects)
