"""How well results repeat, where they come from, and what they cost. Chapter: book/13_reproducibility.py."""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pandas as pd
import torch
from IPython.display import HTML
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from invariance import models, plots, statistics
from invariance.datasets import Transforms2D
from invariance.errors import InputError
from invariance.studies.study import Findings
from invariance.training import pick_device, threads
from invariance.training.inference import features_of_keys
from invariance.units import Pretraining, planned, store

DATA = Transforms2D(transforms=("rotate", "hue"))
HEAD_STEP = 3e-4
"""Seconds that a step of Adam for the heads on one backbone is taken to last on a GPU."""
NOT_LEVELS = {"seed", "value", "macro", "low", "high", "order"}  # columns that differ between seeds of a configuration


def fitted(seed: int, device: str = "cpu", samples: int = 512, epochs: int = 2) -> dict[str, Tensor]:
    """Weights of the small network after a training of seconds, from scratch even where the cache has it."""
    sizes = {"samples": samples, "validation_samples": 128, "epochs": epochs, "batch_size": 64, "learning_rate": 1e-3}
    place = pick_device(device)
    with threads(place, 1):
        values = Pretraining(data=DATA, model="small", seed=seed, **sizes).compute(place)
    return store.read_weights(values["weights"])


def largest_difference(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
    """The largest absolute difference between two sets of weights; 0 if they are identical."""
    return max((first[name].double() - second[name].double()).abs().max().item() for name in first)


def between(first: str, second: str, images: int = 256) -> tuple[float, float]:
    """Largest differences of images, and of an untrained network's representation, as shares of the largest value."""
    found = []
    for device in (first, second):
        renderer = DATA.renderer(pick_device(device))
        keys = renderer.keys(0, "test", torch.arange(images, device=renderer.device))
        features = features_of_keys(models.build("small", 10, 0), renderer, keys)
        found.append((renderer.images(keys).cpu(), features.cpu()))
    return tuple(((a - b).abs().max() / a.abs().max()).item() for a, b in zip(*found, strict=True))


def computed_again(found: Findings, choice: int, device: str = "auto") -> list[dict[str, object]]:
    """The rows of one unit of some findings with their `value`, and the value computed `again` now."""
    place, known = pick_device(device), [unit for _, unit in found.design if unit.digest in found.runs]
    unit = known[choice % len(known)]
    then = unit.rows(found.runs[unit.digest]["values"])
    with threads(place, 1):
        return [{**old, "again": new["value"]} for old, new in zip(then, unit.rows(unit.compute(place)), strict=True)]


def spread(findings: Iterable[Findings]) -> HTML:
    """How far single seeds lie apart: the standard deviation over seeds, variances averaged over configurations."""
    rows = []
    for found in findings:
        for measure in found.table["measure"].unique():
            table = found.table[found.table["measure"] == measure].dropna(axis=1, how="all")
            levels = [name for name in table if name not in NOT_LEVELS]
            variance = statistics.per_seed(table.fillna(dict.fromkeys(levels, "")), levels).var().dropna()
            row = {"study": found.study.name, "measure": measure, "configurations": f"{len(variance):,}"}
            rows.append(row | {"deviation": statistics.fixed(variance.mean() ** 0.5, 3)})
    return plots.table(rows)


def origins(findings: Iterable[Findings]) -> HTML:
    """With what the results were computed: hardware, arithmetic, versions and commit, and how many units with each."""
    runs = {digest: run for found in findings for digest, run in found.runs.items()}.values()  # studies share some
    facts = [{**run["facts"], **run["facts"]["packages"], "packages": run["seconds"]} for run in runs]
    table = pd.DataFrame(facts).rename(columns={"packages": "seconds"})
    groups = table.groupby([name for name in table if name != "seconds"], sort=False, dropna=False)["seconds"]
    counted = groups.agg(**{"units": "size", "worker seconds": "sum"}).round().astype(int).reset_index()
    return plots.table(counted.astype(str).to_dict("records"))


@cache
def forward_gflop(model: str) -> float:
    """Billions of operations (two a multiplication with addition) for one image's way through a backbone."""
    network = models.build(model, 10, 0).backbone.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    return counter.get_total_flops() / 1e9


def gpu_seconds(unit: Any, rate: float) -> float:
    """Seconds of a unit on a GPU that trains ResNet-18 on `rate` images a second: an estimate.

    A network gets through as many operations a second as ResNet-18, yet through no more images: small ones wait for
    the program. Each step of Adam for the heads of a probe takes `HEAD_STEP`; targets of equally many classes share it.
    """
    work = max(forward_gflop((unit.needs() or unit).model) / forward_gflop("resnet18"), 1.0)
    seconds = unit.cost() * work / (3 * rate)
    if getattr(unit, "probe_method", "") == "adam":
        groups = len({len(data.class_names()) for data in unit.data_sets()})
        samples = unit.samples if isinstance(unit.samples, int) else max(unit.samples)
        seconds += groups * unit.probe_epochs * math.ceil(samples / unit.probe_batch_size) * HEAD_STEP
    return seconds


def costs(findings: Iterable[Findings], rate: float) -> HTML:
    """What the results took, and an estimate for one seed at the paper's size. Raises `InputError` unless rate > 0."""
    if not rate > 0:
        raise InputError(f"A rate of {rate:g} images a second: it must be above 0.")
    rows = []
    for found in findings:
        seeds, papers = found.table["seed"].nunique(), found.study.all_units(found.study.at("paper", 1))
        units = [unit for task in planned(papers) for unit in task]
        row = {
            "study": found.study.name,
            "shown here": f"{found.sizes.budget}, {seeds} seeds{', in part' * bool(found.missing)}",
        }
        row |= {"worker seconds": f"{found.seconds:,.0f}", "a seed": f"{found.seconds / seeds:,.0f}"}
        hours = sum(gpu_seconds(unit, rate) for unit in units) / 3600
        rows.append(row | {"paper, a seed: units": f"{len(units):,}", "≈ GPU hours": f"{hours:.1f}"})
    return plots.table(rows)
