"""The studies, one module a chapter: question, design, effects, figures.

Sizes and statements are in a YAML file of the same name, the paper's values in paper/.
"""

from importlib import import_module

from invariance.errors import check_known
from invariance.studies.study import Study

NAMES = (
    "measuring_invariance",
    "invariances_or_classes",
    "other_factors",
    "natural_images",
    "when_invariance_harms",
    "invariance_transfer",
    "mismatch",
)
"""The studies of the chapters, in their order."""
BESIDE = ("slips", "learning_curves", "training_length")
"""Studies of which chapters only show what was published: they are too long for a reader's own run."""


def get(name: str) -> Study:
    """A study by name. Raises `InputError` for an unknown one."""
    check_known("study", name, (*NAMES, *BESIDE))
    return import_module(f"invariance.studies.{name}").STUDY


def all_studies() -> list[Study]:
    """The studies of the chapters, in their order."""
    return [get(name) for name in NAMES]


def read_by(stems: list[str]) -> list[Study]:
    """The studies that chapters read, by the beginnings of file names such as "03_invariances_or_classes".

    A chapter reads the study of its own name; the ledger, reproducibility and the page on the paper's numbers read all.
    """
    own = {stem.split("_", 1)[1] for stem in stems}
    if own & {"claims", "reproducibility", "the_papers_numbers"}:
        return all_studies()
    if "intro" in own:
        own.add("invariances_or_classes")
    if "profile_your_model" in own:
        own.add("measuring_invariance")
    return [get(name) for name in NAMES if name in own]
