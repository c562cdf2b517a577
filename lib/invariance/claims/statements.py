"""The paper's seven claims, split into statements; the thresholds are fixed here, before any run."""

from invariance.claims import effects
from invariance.claims.rules import Statement

FACTOR_NAMES = {
    "class_relationship": "class relationships",
    "architecture": "architectures",
    "pretraining_samples": "numbers of pretraining images",
}
ANY = "any effect counts: the claim names no size"


def _above(claim, text, experiment, quantity, per_seed, threshold=0.0, reason=ANY, **options) -> Statement:
    return Statement(claim, text, experiment, quantity, "above", threshold, reason, per_seed, **options)


def _below(claim, text, experiment, quantity, per_seed, threshold=0.0, reason=ANY) -> Statement:
    return Statement(claim, text, experiment, quantity, "below", threshold, reason, per_seed)


_SENSITIVITY = ("sensitivity_l2", "exchanged")
_ACCURACY = ("accuracy", "target")
_GAP = "gap (same − other transformations)"
_NATURAL = (("cifar10", "10 classes (CIFAR-10 in the paper)"), ("cifar100", "100 classes (CIFAR-100 in the paper)"))
_FIRST = ", first direction"

NOT_SUFFICIENT = "With other transformations even the most images do not suffice"

STATEMENTS: tuple[Statement, ...] = (
    _above(
        1,
        "With new classes, the target's transformations give far better transfer than others",
        "factors",
        f"{_GAP} by linear probe",
        effects.gap_at("disjoint"),
        0.05,
        "“far better” is taken as five points of accuracy, ten times the error of reading the paper's plots",
    ),
    *(
        _above(
            1,
            f"The gap is as large as the range over {name} ({kind} transformations)",
            "factors",
            f"mean gap − range within {kind}",
            effects.gap_minus_range(factor, within),
            reason="“as large as, or larger”: the difference must not be negative",
        )
        for factor, name in FACTOR_NAMES.items()
        for within, kind in (("same", "same"), ("disjoint", "other"))
    ),
    _above(
        2,
        "At the same number of images, full fine-tuning narrows the gap",
        "factors",
        f"gap by linear probe − gap by fine-tuning{_FIRST}",
        effects.minus(
            effects.mean_gap("finetuning_samples", first_only=True),
            effects.mean_gap("finetuning_samples", transfer="full-few"),
        ),
    ),
    _above(
        2,
        "Fine-tuning on more images narrows the gap",
        "factors",
        f"gap with few − gap with many images{_FIRST}",
        effects.minus(
            effects.mean_gap("class_relationship", transfer="full-few"),
            effects.mean_gap("class_relationship", transfer="full-many"),
        ),
    ),
    _above(
        2,
        "A linear probe with more images has a smaller gap",
        "factors",
        "gap with fewest − gap with most images",
        effects.minus(effects.gap_at(0, "finetuning_samples"), effects.gap_at(-1, "finetuning_samples")),
    ),
    _above(
        2,
        "Full fine-tuning on few images does not close the gap",
        "factors",
        f"mean gap with few images{_FIRST}",
        effects.mean_gap("class_relationship", transfer="full-few"),
        reason="“does not vanish” means more than zero",
    ),
    _above(
        3,
        "With the same transformations about 200 images suffice for near-perfect accuracy",
        "factors",
        "accuracy at the second number of images",
        effects.probe_accuracy("same", 1),
        0.95,
        "“near-perfect” is taken as at most one error in twenty",
    ),
    _below(
        3,
        NOT_SUFFICIENT,
        "factors",
        "accuracy at the last number of images",
        effects.probe_accuracy("disjoint", -1),
        0.95,
        "the same mark as for the same transformations",
    ),
    *(
        _above(
            4,
            f"On augmented natural images, {name}, the target's transformations transfer better to new classes",
            f"factors_{data}",
            f"{_GAP} by linear probe",
            effects.gap_at("disjoint", data=data),
        )
        for data, name in _NATURAL
    ),
    *(
        _below(
            4,
            f"On augmented natural images, {name}, the gap is smaller than the range over class relationships",
            f"factors_{data}",
            "mean gap − range within same",
            effects.gap_minus_range("class_relationship", "same", data),
            reason="“smaller gap against the class relationship”: the difference must be negative",
        )
        for data, name in _NATURAL
    ),
    _below(
        5,
        "A model learns to ignore objects that are there but do not matter",
        "relevance",
        "sensitivity to objects, of “both, label: image” − of “image only”",
        effects.relevance(*_SENSITIVITY, "objects", "cifar_mixed", "cifar_only"),
    ),
    _below(
        5,
        "A model learns to ignore images that are there but do not matter",
        "relevance",
        "sensitivity to images, of “both, label: object” − of “object only”",
        effects.relevance(*_SENSITIVITY, "cifar", "objects_mixed", "objects_only"),
    ),
    _below(
        5,
        "That invariance harms transfer to a task that needs the objects",
        "relevance",
        "accuracy on “both, label: object”, of “both, label: image” − of “image only”",
        effects.relevance(*_ACCURACY, "objects_mixed", "cifar_mixed", "cifar_only"),
    ),
    _below(
        5,
        "That invariance harms transfer to a task that needs the images",
        "relevance",
        "accuracy on “both, label: image”, of “both, label: object” − of “object only”",
        effects.relevance(*_ACCURACY, "cifar_mixed", "objects_mixed", "objects_only"),
    ),
    *(
        _above(
            5,
            f"Accuracy where {name} are the label correlates with sensitivity to them",
            "relevance",
            "Pearson's correlation over the four models",
            effects.relevance_correlation(exchanged),
            reason="a positive correlation: the claim names no size",
            correlation=exchanged,
        )
        for exchanged, name in (("cifar", "images"), ("objects", "objects"))
    ),
    *(
        _above(
            6,
            text,
            "invariance_transfer",
            "sensitivity, trained with another − trained with it",
            effects.advantage(trained_on, *columns),
        )
        for text, trained_on, columns in (
            ("Invariance learned on objects transfers to new objects", "image", ("new objects",)),
            ("… in part to random objects", "image", ("random objects and backgrounds",)),
            ("… and to natural images", "image", ("cifar10", "cifar100")),
            ("Invariance learned on random objects transfers to new random ones", "random", ("new random objects",)),
            ("… and to image objects", "random", ("image objects",)),
        )
    ),
    *(
        _above(
            6,
            f"The more the data differ, the less: {text}",
            "invariance_transfer",
            "difference of the two advantages",
            effects.minus(effects.advantage("image", nearer), effects.advantage("image", farther)),
        )
        for text, nearer, farther in (
            ("less on new objects than on the training's", "in-distribution objects", "new objects"),
            ("less on random objects than on new ones", "new objects", "random objects and backgrounds"),
        )
    ),
    _below(
        7,
        "Pretraining on a superset of the target's transformations costs nearly nothing",
        "mismatch",
        "mean loss of accuracy against the matching model",
        effects.superset_cost,
        0.02,
        "“nearly nothing” is taken as two points of accuracy, a third of what one missing transformation costs there",
    ),
    _below(
        7,
        "On a subset, accuracy falls with the number of missing transformations",
        "mismatch",
        "slope of accuracy per missing transformation",
        effects.slope_per_missing,
    ),
    _above(
        7,
        "Each further missing transformation costs accuracy on the same target "
        "(mean over the targets that can lack so many)",
        "mismatch",
        "smallest loss by one more missing transformation",
        effects.smallest_step,
    ),
)
"""The seven claims, in the order of the paper."""
