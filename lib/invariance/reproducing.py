"""How well results repeat, and what they cost: measurements for the chapter on reproducibility.

Chapter: book/13_reproducibility.py.
"""

import time
from collections.abc import Mapping
from functools import cache

import pandas as pd
import torch
from IPython.display import HTML
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from invariance import evidence, models, results, tables
from invariance.datasets import Split, Transforms2D
from invariance.errors import InputError, check_known
from invariance.evidence import Evidence
from invariance.experiments import EXPERIMENTS, execute
from invariance.experiments.profiles import Profile
from invariance.experiments.units import Unit
from invariance.pictures import class_names
from invariance.training import cores, pick_device, threads
from invariance.training.devices import fast_bf16
from invariance.training.inference import features_of_keys

TIMED = {"cpu": (16, 1), "cuda": (512, 20)}
"""Images a batch and batches of the timing, by kind of device."""
GPU_RATE = 40_000
"""Images a second that a GPU of the H200's class is taken to train ResNet-18 on, in estimates."""
NOT_LEVELS = {"seed", "value", "low", "high", "order"}
"""Columns that differ between seeds of one configuration."""


# --- the same again --------------------------------------------------------------------------------------


def fitted(seed: int, device: str = "cpu", samples: int = 512, epochs: int = 2) -> dict[str, Tensor]:
    """Weights on the CPU of the small network after a training of seconds, from scratch and not cached."""
    from invariance.datasets.module import ImageData  # Lightning takes seconds to load
    from invariance.training.fit import fit

    place = pick_device(device)
    source = _data().renderer(place)
    parts = (Split(source, seed, "train", samples), Split(source, seed, "validation", 128))
    model = models.build("small", 10, seed)
    fit(model, ImageData(*parts, batch_size=64, seed=seed), epochs, 1e-3, place)
    return {name: value.cpu() for name, value in model.state_dict().items()}


def _data() -> Transforms2D:
    return Transforms2D(classes=class_names("glyphs")[:10], transforms=("rotate", "hue"))


def largest_difference(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
    """The largest absolute difference between two sets of weights; 0 if they are identical."""
    return max((first[name].double() - second[name].double()).abs().max().item() for name in first)


def between(first: str, second: str, images: int = 256) -> dict[str, float]:
    """Largest differences between two devices in `images` (of values in [0, 1]) and in `representation`.

    The latter is that of an untrained network with equal weights, as a share of its largest value.
    """
    made, represented = [], []
    for device in (first, second):
        source = _data().renderer(pick_device(device))
        keys = source.keys(0, "test", torch.arange(images, device=source.device))
        made.append(source.images(keys).cpu())
        represented.append(features_of_keys(models.build("small", 10, 0), source, keys).cpu())
    pixels, features = ((a - b).abs().max().item() for a, b in (made, represented))
    return {"images": pixels, "representation": features / represented[0].abs().max().item()}


def seed_spread(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How far single seeds lie apart, by experiment and measure: experiment, measure, configurations, deviation.

    `deviation` is the root of the mean variance over seeds of equal configurations; what a seed changes includes
    the classes and transformations of the task.
    """
    rows = []
    for name, table in found.items():
        for measure, part in table.groupby("measure"):
            levels = [column for column in part if column not in NOT_LEVELS]
            variance = part.groupby(levels, dropna=False)["value"].var().dropna()
            if len(variance):
                rows.append((name, measure, len(variance), float(variance.mean() ** 0.5)))
    return pd.DataFrame(rows, columns=["experiment", "measure", "configurations", "deviation"])


# --- what it costs -----------------------------------------------------------------------------------------


@cache
def forward_gflop(model: str) -> float:
    """Billions of operations (two a multiplication with addition) for one image's way through a backbone."""
    network = models.build(model, 10, 0).backbone.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    return counter.get_total_flops() / 1e9


def operations(profile: Profile, experiment: str) -> tuple[int, float]:
    """Number of distinct units of an experiment, and their work in billions of operations.

    It counts images through networks, backwards passes as two; making images and fitting heads is left out.
    """
    check_known("experiment", experiment, EXPERIMENTS)
    planned = EXPERIMENTS[experiment](profile, "cpu")
    units = [unit for stage in execute.stages(unit for _, unit in planned) for unit in stage]
    return len(units), sum(unit.cost() * forward_gflop(_model(unit)) for unit in units)


def _model(unit: Unit) -> str:
    return unit.model if hasattr(unit, "model") else unit.pretraining.model


def training_rate(images_per_second: float) -> float:
    """Billions of operations a second of a machine that trains ResNet-18 on so many images a second, above 0."""
    if images_per_second <= 0:
        raise InputError(f"A rate of {images_per_second:g} images a second: it must be above 0.")
    return 3 * images_per_second * forward_gflop("resnet18")


def gpu_hours(profile: Profile, *experiments: str) -> float:
    """Hours that experiments would take on a GPU that trains ResNet-18 at `GPU_RATE`: an estimate.

    It takes for granted that every network reaches as many operations a second. Raises `InputError` for an
    unknown experiment.
    """
    work = sum(operations(profile, name)[1] for name in experiments)
    return work / training_rate(GPU_RATE) / 3600


def in_hours(hours: float) -> str:
    """An estimate in hours with two digits: "0.15", "1.0", "1,100"."""
    rounded = float(f"{hours:.2g}")
    return f"{rounded:#.2g}" if rounded < 10 else f"{rounded:,.0f}"


def measured_rate(device: str = "auto") -> float:
    """Billions of operations a second of ResNet-18's forward pass here, in the arithmetic of the experiments."""
    place = pick_device(device)
    images, batches = TIMED[place.type]
    network = models.build("resnet18", 10, 0).backbone.eval().to(place)
    batch = torch.zeros(images, 3, 32, 32, device=place).contiguous(memory_format=torch.channels_last)
    half = torch.autocast(place.type, dtype=torch.bfloat16, enabled=fast_bf16(place))
    with torch.no_grad(), half, threads(place, cores()):
        network(batch).sum().item()
        started = time.perf_counter()
        for _ in range(batches):
            last = network(batch)
        last.sum().item()  # waits for a GPU
    return forward_gflop("resnet18") * images * batches / (time.perf_counter() - started)


def costs(found: Mapping[str, Evidence], paper: Profile, rates: Mapping[str, float]) -> list[dict[str, str]]:
    """Rows for readers: what the shown tables took, and an estimate for `paper`, a profile with one seed.

    `rates`, in billions of operations a second by the name of what reaches them, turn work into hours. The estimate
    takes for granted that every network reaches the rate.
    """
    rows = []
    for name, one in found.items():
        units, needed = operations(paper, name)
        rows.append(
            {
                "experiment": name,
                "shown here": f"{one.record.profile}, {one.seeds} seeds",
                "worker seconds": f"{one.record.seconds:,.0f}",
                "a seed": f"{one.record.seconds / one.seeds:,.0f}",
                "paper: units": f"{units:,}",
                **{f"paper: ≈ hours, {kind}": in_hours(needed / rate / 3600) for kind, rate in rates.items()},
            }
        )
    return rows


def published() -> list[dict[str, str]]:
    """Rows for readers: the published tables with their provenance."""
    rows = []
    for profile, name in evidence.published():
        table, record = results.load(name, evidence.folder() / profile)
        about = {"rows": f"{len(table):,}", "worker seconds": f"{record.seconds:,.0f}", "made with": record.code}
        rows.append({"table": f"{profile}/{name}", "evidence": results.describe(record), **about})
    return rows


def show_published() -> HTML:
    """The published tables, or a sentence where there are none."""
    rows = published()
    return tables.show(rows) if rows else tables.show([{"table": "none yet: `make publish` writes them"}])
