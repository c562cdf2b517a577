"""`make bench`: how fast data are made, and models trained, on this machine.

Every row is measured in this one run, ours and the baseline on the same cores. Prints tables and
writes `_build/bench.json`.
"""

import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import baseline
import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy

from invariance import models, transforms
from invariance.assets import backgrounds, foregrounds
from invariance.datasets import Split, Transforms2D, normalise
from invariance.files import write_aside
from invariance.training.inference import features_of_keys
from invariance.transforms import TRANSFORMATIONS

TRIPLES = (("scale", "hue", "blur"), ("translate", "brightness", "elastic"), ("rotate", "posterize", "noise"))
CORES = os.cpu_count() or 1
BATCH = 128
LEAST_SECONDS = 0.6


def rate(step, images):
    """Images a second of `step()`, which makes `images`; best of three windows, after a warm-up."""
    step()
    best = 0.0
    for _ in range(3):
        started, made = time.perf_counter(), 0
        while time.perf_counter() - started < LEAST_SECONDS:
            step()
            made += images
        best = max(best, made / (time.perf_counter() - started))
    return best


def baseline_rate(pool, objects, scenes, names, finished):
    """Images a second of the per-image baseline, in one process a core."""
    share = 150
    tasks = [(objects, scenes, names, share, seed, finished) for seed in range(CORES)]

    def step():
        list(pool.map(baseline.make, *zip(*tasks, strict=True)))

    return rate(step, share * CORES)


def ours_rate(device, names, finished):
    """Images a second of the batched generator on `device`."""
    batch = BATCH if device.type == "cpu" else 16_384
    generator = Transforms2D(transforms=names).generator(device)
    keys = Split(generator, 0, "bench", batch).keys()
    objects = generator.foregrounds(keys)
    boxes = generator.box.expand(batch, 4)

    def alone():
        transforms.apply(names, objects, transforms.draw(names, keys, 32), boxes)

    def whole():
        normalise(generator.images(keys))

    def step():
        (whole if finished else alone)()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return rate(step, batch)


def generator_table(device):
    """One row a case: the baseline's images a second, ours, and their ratio."""
    pictures = foregrounds("glyphs", 32).images.permute(0, 2, 3, 1).numpy()
    objects = [Image.fromarray(np.ascontiguousarray(p)) for p in pictures]
    scenes = [Image.fromarray(p) for p in backgrounds("scenes", 32)[:100].permute(0, 2, 3, 1).numpy()]
    cases = [((name,), False) for name in TRANSFORMATIONS] + [(names, True) for names in TRIPLES]
    rows = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for names, finished in cases:
            theirs = baseline_rate(pool, objects, scenes, names, finished)
            ours = ours_rate(device, names, finished)
            label = " + ".join(names) + (" + paste + normalise" if finished else "")
            rows.append({"case": label, "baseline": theirs, "ours": ours, "ratio": ours / theirs})
    return rows


def model_table(device):
    """Images a second of the small model: training on ready images, features with the data made on the fly."""
    count = 256 if device.type == "cpu" else 4096
    model = models.build("small", 30, 0).to(device)
    split = Split(Transforms2D(transforms=TRIPLES[0]).generator(device), 0, "bench", count)
    images, labels = split.batch()
    images = normalise(images)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)

    def train():
        optimiser.zero_grad()
        cross_entropy(model(images), labels % 30).backward()
        optimiser.step()

    rows = [{"case": "small: training step", "ours": rate(train, count)}]

    def train_with_data():
        nonlocal images
        images = normalise(split.batch()[0])
        train()

    rows.append({"case": "small: training step, data made on the fly", "ours": rate(train_with_data, count)})
    model.eval()

    @torch.no_grad()
    def forward():
        model.features(images)

    rows.append({"case": "small: features", "ours": rate(forward, count)})
    keys = split.keys()
    rows.append(
        {
            "case": "small: features, data made on the fly",
            "ours": rate(lambda: features_of_keys(model, split.source, keys), count),
        }
    )
    return rows


def show(title, rows):
    """Print rows as a table."""
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "case" else "right")
    for row in rows:
        table.add_row(
            *(v if isinstance(v, str) else f"{v:,.1f}" if k == "ratio" else f"{v:,.0f}" for k, v in row.items())
        )
    Console().print(table)


def main():
    """Measure on the CPU and, where there is one, on a CUDA device."""
    devices = [torch.device("cpu")] + ([torch.device("cuda")] if torch.cuda.is_available() else [])
    record = {"cores": CORES, "torch": torch.__version__}
    for device in devices:
        rows = generator_table(device)
        ratios = np.array([row["ratio"] for row in rows])
        show(f"Images a second, {device} against PIL and torchvision on {CORES} cores", rows)
        print(f"geometric mean {np.exp(np.log(ratios).mean()):.1f} times the baseline, least {ratios.min():.1f}")
        models_rows = model_table(device)
        show(f"Small model, images a second, {device}", models_rows)
        record[device.type] = {"generator": rows, "models": models_rows}
    with write_aside(Path("_build/bench.json")) as aside:
        aside.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
