"""The numbers and one figure of the data card. Chapter: book/12_data_card.py."""

from matplotlib.figure import Figure

from invariance import data, pictures, plots
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


def scenes10(count: int = 9) -> Figure:
    """`count` images of each class of the stand-in for CIFAR-10."""
    names = pictures.natural_classes("scenes10")
    sets = {name: data.natural_images("scenes10", classes=[name], count=count) for name in names}
    rows = {name.replace("_", " "): plots.as_pictures(one.split.batch()[0]) for name, one in sets.items()}
    return plots.picture_grid(rows, 0.6)
