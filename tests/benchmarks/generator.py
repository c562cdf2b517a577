"""How fast images are made: the 18 transformations alone, and three triples up to normalised batches."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import baseline
import numpy as np
import torch
from clock import rate
from PIL import Image

from invariance import transforms
from invariance.datasets import Split, Transforms2D
from invariance.datasets.chunks import in_chunks
from invariance.pictures import backgrounds, foregrounds
from invariance.transforms import TRANSFORMATIONS

TRIPLES = (("scale", "hue", "blur"), ("translate", "brightness", "elastic"), ("rotate", "posterize", "noise"))
CORES = os.cpu_count() or 1
BATCH = {"cpu": 1024, "cuda": 16_384}
SHARE = 300
"""Images a baseline process makes at a call: some milliseconds, beside which the call is nothing."""


def baseline_rate(pool, names, end):
    """Images a second of the per-image baseline, in one process a core."""
    tasks = [(names,) * CORES, (SHARE,) * CORES, range(CORES), (end,) * CORES]
    return rate(lambda: list(pool.map(baseline.make, *tasks)), SHARE * CORES)


def alone(device, names):
    """Draws and applies one transformation to a batch of objects, and leaves them as tensors."""
    count = BATCH[device.type]
    generator = Transforms2D(transforms=names).renderer(device)
    keys = Split(generator, 0, "bench/train", count).keys()
    objects, boxes = generator.foregrounds(keys), generator.box.expand(count, 4)

    def step():
        drawn = transforms.draw(names, keys, 32)
        in_chunks(
            lambda rows: transforms.apply(names, objects[rows], transforms.take(drawn, rows), boxes[rows]),
            count,
            32,
            device,
        )

    return step


def finished(device, names):
    """From keys to a normalised batch."""
    generator = Transforms2D(transforms=names).renderer(device)
    keys = Split(generator, 0, "bench/train", BATCH[device.type]).keys()
    return lambda: generator.normalise(generator.images(keys))


def ours_rate(device, names, end):
    """Images a second of the batched generator on `device`."""
    make = (finished if end == "finished" else alone)(device, names)

    def step():
        make()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return rate(step, BATCH[device.type])


def table(device):
    """One row a case: images a second of the baseline and of ours, and their ratio.

    `baseline` ends as ours does, in float32 tensors. `PIL only` is the baseline that leaves a picture of 8 bits,
    which nothing can be trained on; the difference is `ToTensor`.
    """
    pictures = foregrounds("glyphs", 32).images.permute(0, 2, 3, 1).numpy()
    objects = [Image.fromarray(np.ascontiguousarray(p)) for p in pictures]
    scenes = backgrounds("scenes", 32)[:100].permute(0, 2, 3, 1).numpy()
    scenes = [Image.fromarray(np.ascontiguousarray(p)) for p in scenes]
    cases = [((name,), "tensor") for name in TRANSFORMATIONS] + [(names, "finished") for names in TRIPLES]
    rows = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, context, initializer=baseline.hold, initargs=(objects, scenes)) as pool:
        for names, end in cases:
            pil = baseline_rate(pool, names, "picture")
            theirs = baseline_rate(pool, names, end)
            ours = ours_rate(device, names, end)
            label = " + ".join(names) + (" + paste + normalise" if end == "finished" else "")
            rows.append({"case": label, "PIL only": pil, "baseline": theirs, "ours": ours, "ratio": ours / theirs})
    return rows


def summary(rows):
    """The two numbers that matter."""
    ratios = np.array([row["ratio"] for row in rows])
    return {"geometric mean": float(np.exp(np.log(ratios).mean())), "least": float(ratios.min())}
