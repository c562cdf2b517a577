"""What does each slip of the published code change? One flag at a time, against the same computation without it.

Each flag that can matter is an experiment on the study that it touches: new classes with matched and mismatched
transformations (experiment A), fine-tuning on few images, the ViT's schedule, DenseNet's representation, CIFAR's
normalisation, and objects on images. *Pooled* accuracies need no run of their own.

Chapter: book/11_deviations.py.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pandas as pd
from IPython.display import HTML

from invariance import plots, statistics
from invariance.protocol import find
from invariance.statistics import PerSeed
from invariance.studies import factors, measuring_invariance, natural_images
from invariance.studies import when_invariance_harms as harm
from invariance.studies.other_factors import OtherFactorsSizes
from invariance.studies.sizes import pretraining, probes, sizes_of
from invariance.studies.study import Findings, Study
from invariance.studies.tasks import CIFAR10, SETS, T2D, TRANSFORMS, pretrained, targets
from invariance.units import Sensitivity
from invariance.units.run import Design

SIZES = sizes_of(OtherFactorsSizes, "other_factors", "slips")
NEW = factors.Level("class_relationship", 1, "disjoint", classes="disjoint")
VIT, DENSENET = 4, 2
VIT_EPOCHS = 50
"""The ViT's schedule counts epochs, so it is tried on so many short ones."""
CORRELATION = 0.8
"""How much the tied objects say about the label where `random_tie` is tried."""


def design(sizes: OtherFactorsSizes) -> Design:
    """Every experiment without its flags, and with each; `flag` is empty where there is none."""
    planned: Design = []
    for (name, experiment), seed in product(EXPERIMENTS.items(), range(sizes.seeds)):
        for flag in ("", *FLAGS[name]):
            changed = sizes.model_copy(update={"protocol": find("+".join(filter(None, ("corrected", flag))))})
            columns = {"experiment": name, "flag": flag}
            planned += [({**columns, **what}, unit) for what, unit in experiment(changed, seed)]
    return planned


def _new_classes(sizes: OtherFactorsSizes, seed: int) -> Iterator[tuple[dict[str, Any], Any]]:
    first = {"first": targets(sizes, seed)["first"]}
    for kind, used in zip(TRANSFORMS, SETS, strict=True):
        yield {"what": kind, "probed_on": "first"}, probes(sizes, pretrained(sizes, seed, "disjoint", used), first)


def _few_images(sizes: OtherFactorsSizes, seed: int) -> Iterator[tuple[dict[str, Any], Any]]:
    for kind, used in zip(TRANSFORMS, SETS, strict=True):
        trained = factors.pretrained_at(sizes, seed, NEW, used, T2D)
        yield {"what": kind, "probed_on": "first"}, factors.tuning(sizes, trained, T2D, sizes.few, NEW)


def _vit(sizes: OtherFactorsSizes, seed: int) -> Iterator[tuple[dict[str, Any], Any]]:
    schedule = "slow_cosine" if sizes.protocol.slow_vit else "warmup_cosine"
    once = pretrained(sizes, seed, "disjoint", "first", model=sizes.models[VIT])
    samples = max(1, once.samples * once.epochs // VIT_EPOCHS // 2)
    trained = once.model_copy(update={"schedule": schedule, "samples": samples, "epochs": VIT_EPOCHS})
    yield {"what": "matched", "probed_on": "first"}, probes(sizes, trained, {"first": targets(sizes, seed)["first"]})


def _densenet(sizes: OtherFactorsSizes, seed: int) -> Iterator[tuple[dict[str, Any], Any]]:
    models = (sizes.models[DENSENET], *sizes.models[1:])
    of = measuring_invariance.SIZES[sizes.budget].model_copy(update={"models": models, "protocol": sizes.protocol})
    of = of.model_copy(update={"tasks": sizes.tasks})
    for kind in ("untrained", "matched"):
        yield {"what": kind}, measuring_invariance.to_transforms(of, seed, kind, "first")


def _natural(sizes: OtherFactorsSizes, seed: int) -> Iterator[tuple[dict[str, Any], Any]]:
    of = natural_images.SIZES[sizes.budget].model_copy(update={"protocol": sizes.protocol, "tasks": sizes.tasks})
    count = of.as_level(of.probe_samples, CIFAR10)
    first = {"first": targets(of, seed, CIFAR10)["first"]}
    for kind, used in zip(TRANSFORMS, SETS, strict=True):
        trained = factors.pretrained_at(of, seed, NEW, used, CIFAR10)
        samples = (CIFAR10.count(first["first"], count),)
        yield {"what": kind, "probed_on": "first"}, probes(of, trained, first, samples)


def _objects(sizes: OtherFactorsSizes, seed: int) -> Iterator[tuple[dict[str, Any], Any]]:
    of = harm.SIZES[sizes.budget].model_copy(update={"protocol": sizes.protocol})
    how: dict[str, Any] = {"measured": ("l2",), "intervals": False, "pairs": of.pairs, "seed": seed, "vary": "object"}
    for what, changes in {"tied": {"correlation": CORRELATION}, "moved": {"translate": True}}.items():
        shown = harm.data(of, seed, "cifar_mixed", **changes)
        trained, moved = (
            pretraining(of, shown, of.model, seed),
            shown.translate and not of.protocol.pairs_at_fixed_place,
        )
        target = harm.data(of, seed, "cifar_mixed", translate=shown.translate)
        both = {"both": harm.data(of, seed, "cifar_mixed", translate=moved)}
        yield {"what": what, "probed_on": "cifar_mixed"}, probes(of, trained, {"cifar_mixed": target})
        yield {"what": what}, Sensitivity(pretraining=trained, data=both, **how)


EXPERIMENTS: Mapping[str, Callable[..., Iterator[tuple[dict[str, Any], Any]]]] = {
    "new classes": _new_classes,
    "few images": _few_images,
    "vit": _vit,
    "densenet": _densenet,
    "natural images": _natural,
    "objects on images": _objects,
}
FLAGS = {
    "new classes": ("last_epoch", "shared_draws", "repeated_draws", "darkens_translucent"),
    "few images": ("short_decay", "head_from_many"),
    "vit": ("slow_vit",),
    "densenet": ("densenet_maps",),
    "natural images": ("other_normalisation",),
    "objects on images": ("random_tie", "equal_pairs", "pairs_at_fixed_place"),
}
"""The flags that each experiment is done with."""
POOLED = "pooled_accuracy"
"""The flag that changes only how accuracies are taken: it is read from the results without a flag."""


def effects(table: pd.DataFrame) -> Mapping[str, PerSeed]:
    """What flags change, paired by seed: `change.FLAG.MEASURE.WHAT`, and `change.FLAG.accuracy.gap`.

    MEASURE is accuracy (on test images) or sensitivity; WHAT is matched or mismatched transformations, or a case of the
    experiment. `without.EXPERIMENT.MEASURE.WHAT` is the value without a flag.
    """
    rows = table.assign(measure=table["measure"].str.replace("sensitivity_l2", "sensitivity"))
    rows = rows[rows["measure"].isin(["accuracy", "sensitivity"]) & rows["split"].isin(["test", "pairs"])]
    wide = statistics.per_seed(rows, ["experiment", "flag", "measure", "what"])
    found = {}
    for experiment, flags in FLAGS.items():
        for measure, what in dict.fromkeys(key[2:] for key in wide if key[0] == experiment):
            without = wide[experiment, "", measure, what]
            found[f"without.{experiment}.{measure}.{what}"] = without
            changed = {flag: statistics.column(wide, experiment, flag, measure, what) for flag in flags}
            found |= {f"change.{flag}.{measure}.{what}": values - without for flag, values in changed.items()}
    return found | _pooled(table) | _gaps(found)


def _gaps(found: Mapping[str, PerSeed]) -> dict[str, PerSeed]:
    ends = ".accuracy.matched", ".accuracy.mismatched"
    names = [name.removesuffix(ends[1]) for name in found if name.endswith(ends[1])]
    return {f"{name}.accuracy.gap": found[name + ends[0]] - found[name + ends[1]] for name in names}


def _pooled(table: pd.DataFrame) -> dict[str, PerSeed]:
    # The mean over classes on all splits' images, minus the share of the test images.
    rows = table[(table["experiment"] == "new classes") & (table["flag"] == "")]
    wide = [statistics.per_seed(rows[rows["split"] == split], ["what"], of) for split, of in _TAKEN]
    kinds = {kind: statistics.column(wide[0], kind) - statistics.column(wide[1], kind) for kind in TRANSFORMS}
    found = {f"change.{POOLED}.accuracy.{kind}": values for kind, values in kinds.items()}
    return found | _gaps(found)


_TAKEN = (("pooled", "macro"), ("test", "value"))
WORDS = {
    "matched": "matched transformations",
    "mismatched": "mismatched transformations",
    "gap": "gap",
    "untrained": "untrained",
    "tied": "object tied to the label",
    "moved": "object moved",
}


def changes(found: Findings) -> HTML:
    """Every flag with what it changes: the value without it, and the change with its interval; the clear ones first.

    What a flag cannot reach, so that nothing changed in any seed, is left out.
    """
    known = {name: one for name, one in found.estimates.items() if name.startswith("change.") and any(one.seeds)}
    rows = []
    for name in sorted(known, key=lambda name: (not known[name].excludes(0), -abs(known[name].value))):
        _, flag, measure, what = name.split(".")
        experiment = next((name for name, flags in FLAGS.items() if flag in flags), "new classes")
        base = found[f"without.{experiment}.{measure}.{what}"]
        about = {"flag": flag, "experiment": experiment, "measured": f"{measure}, {WORDS.get(what, what)}"}
        clear = {"clear": "yes" if known[name].excludes(0) else ""}
        rows.append({**about, "without": f"{base:.3f}", "change (95 % interval)": f"{known[name]:.3i}", **clear})
    return plots.table(rows)


def clear_flags(found: Findings) -> list[str]:
    """The flags that change an accuracy clearly, in the order of `FLAGS`."""
    clear = {name.split(".")[1] for name, one in found.estimates.items() if ".accuracy." in name and one.excludes(0)}
    return [flag for flags in FLAGS.values() for flag in flags if flag in clear]


STUDY = Study(name="slips", sizes=SIZES, design=design, effects=effects, tables={"changes": changes})
