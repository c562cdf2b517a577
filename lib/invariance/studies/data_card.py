"""The numbers of the data card. Chapter: book/12_data_card.py."""

from invariance import pictures
from invariance.datasets import TASKS
from invariance.pictures import glyphs, scenes
from invariance.pictures.natural import TEST, TRAIN
from invariance.studies.invariances_or_classes import SIZES
from invariance.studies.tasks import T2D


def numbers() -> dict[str, str]:
    """What the page says of the data sets, by name."""
    paper = SIZES["paper"]
    counts = {
        "n_classes": len(glyphs.CLASSES),
        "n_prototypes": glyphs.PROTOTYPES,
        "n_scenes": len(pictures.backgrounds("scenes", 32)),
        "n_types": len(scenes.TYPES),
        "n_target": T2D.target,
        "n_tasks": len(TASKS),
        "n_natural": TRAIN,
        "n_test": TEST,
        "paper_train": paper.samples,
        "paper_validation": paper.validation_samples,
        "paper_test": paper.test_samples,
    }
    return {**{name: f"{count:,}" for name, count in counts.items()}, "version": pictures.VERSION}
