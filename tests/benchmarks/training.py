"""How fast models train and give features, and what a linear probe costs beside forward passes.

On a CPU the small model is measured, on a GPU also the paper's ResNet-18 at its batch of 512.
"""

import os
import random
import statistics
import time
import warnings

import baseline
import pytorch_lightning as pl
import torch
from clock import rate
from PIL import Image
from torch.autograd import DeviceType
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset

from invariance import models
from invariance.datasets import Split, Transforms2D
from invariance.datasets.chunks import batches_at_once
from invariance.datasets.devices import autocast
from invariance.datasets.module import Batches, ImageData
from invariance.pictures import backgrounds, foregrounds
from invariance.training import linear_probe
from invariance.training.fit import fit
from invariance.training.inference import features_of_keys

TRIPLE = ("scale", "hue", "blur")
CLASSES = 61
WORKERS = min(12, os.cpu_count() or 1)


def tables(device):
    """Tables by title; without a unit, numbers are images a second."""
    torch.backends.cudnn.deterministic = True  # as in `fit`
    batch, images = {"cpu": (256, 10_000), "cuda": (4096, 200_000)}[device.type]
    return {
        **steps(device, "small", batch),
        f"small, batch {batch:,}, whole runs": runs(device, "small", batch, images),
        "linear probe of 200 epochs beside its forward passes": [
            probe_cost(device, "small", 4_000, 20),
            probe_cost(device, "resnet18", *((50_000, 20) if device.type == "cuda" else (10_000, 2))),
        ],
        **(large_model(device) if device.type == "cuda" else {}),
    }


def large_model(device, name="resnet18", batch=512, images=50_000):
    """The tables that need a GPU."""
    return {
        **steps(device, name, batch),
        f"{name}, batch {batch}, whole runs": runs(device, name, batch, images, compile=True),
        f"{name}, batch {batch}, how busy the device is": [
            {"case": "device busy, percent of the step", "value": busy(device, name, batch)},
            {"case": f"host waits in an epoch of {images // batch} steps", "value": waits(device, name, batch, images)},
        ],
    }


def renderer(device):
    """A Transforms-2D renderer with all classes and three transformations."""
    return Transforms2D(transforms=TRIPLE).renderer(device)


def trainer_step(device, name):
    """A training step as `fit` takes it: a function of a batch of images and labels."""
    model = models.build(name, CLASSES, 0).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step(images, labels):
        with autocast(device):
            loss = cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return model, step


def synchronised(function, device):
    """The function, and then a wait for the device."""

    def run():
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run


def steps(device, name, batch):
    """Training steps and features, on ready images and with the data made on the fly: two tables.

    What is timed ends with the last of the batches that are made at once, and holds all their making.
    """
    model, step = trainer_step(device, name)
    split = Split(renderer(device), 0, "bench/train", batch * batches_at_once(batch, 32, device))
    batches, keys = Batches(split, batch, seed=0), split.keys()
    ready = next(iter(batches))

    @torch.no_grad()
    def forward():
        with autocast(device):
            model.features(ready[0])

    found = {
        "training step": lambda: [step(*ready) for _ in range(len(batches))],
        "training step, data made on the fly": lambda: [step(*made) for made in batches],
        "making the data": lambda: list(batches),
        "features": lambda: (model.eval(), forward()),
        "features, data made on the fly": lambda: features_of_keys(model, split.renderer, keys),
    }
    found = {case: synchronised(function, device) for case, function in found.items()}
    added = percent_added(found["training step"], found["training step, data made on the fly"])
    images = {case: batch if case == "features" else split.count for case in found}
    rows = [{"case": case, "images a second": rate(function, images[case])} for case, function in found.items()]
    title = f"{name}, batch {batch:,}"
    return {title: rows, f"{title}, what the data cost": [{"case": "added to a step, percent", "value": added}]}


def percent_added(without, within, rounds=15):
    """How much longer `within` takes; the median of rounds in which they take turns, since machines change speed."""

    def seconds(function):
        started = time.perf_counter()
        function()
        return time.perf_counter() - started

    return 100 * (statistics.median(seconds(within) / seconds(without) for _ in range(rounds)) - 1)


def runs(device, name, batch, images, compile=False):
    """`fit` with Lightning, from indices to weights, and the plain loop that most people would write."""
    rates = {"fit, data made on the fly": fit_rate(device, name, batch, images)}
    if compile:
        rates["the same, compiled, with cuDNN's fastest algorithms"] = fit_rate(device, name, batch, images, True)
    rates[f"plain Lightning loop in float32, PIL loader with {WORKERS} workers"] = plain_rate(device, name, batch)
    return [{"case": case, "images a second": value} for case, value in rates.items()]


def splits(device, images, batch):
    """A data module with `images` to train on and a fifth as many to validate."""
    train, validation = (
        Split(renderer(device), 0, f"bench/{part}", n)
        for part, n in (("train", images), ("validation", max(images // 5, 1)))
    )
    return ImageData(train, validation, batch, 0)


def fit_rate(device, name, batch, images, compile=False):
    """Images a second of `fit` in the best of three epochs, validation not counted."""
    model = models.build(name, CLASSES, 0)
    curve = fit(model, splits(device, images, batch), 3, 1e-3, device, compile=compile, bitwise=not compile)
    return max(epoch["images_per_second"] for epoch in curve)


class PilImages(Dataset):
    """The data set as most people would write it: one picture at a time, with PIL and torchvision."""

    def __init__(self, count):
        self.count = count
        self.objects = [Image.fromarray(p) for p in foregrounds("glyphs", 32).images.permute(0, 2, 3, 1).numpy()]
        self.scenes = [Image.fromarray(p) for p in backgrounds("scenes", 32)[:100].permute(0, 2, 3, 1).numpy()]

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = random.Random(index)
        label = rng.randrange(len(self.objects))
        image = self.objects[label]
        for name in TRIPLE:
            image = baseline.FUNCTIONS[name](image, rng)
        return baseline.finish(image, rng.choice(self.scenes)), label


class Plain(pl.LightningModule):
    """The shortest training loop in Lightning; notes the time after each step."""

    def __init__(self, model):
        super().__init__()
        self.model, self.times = model, []

    def training_step(self, batch, index):
        return cross_entropy(self.model(batch[0]), batch[1])

    def on_train_batch_end(self, *_):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())

    def configure_optimizers(self):
        return torch.optim.Adam(self.model.parameters(), lr=1e-3)


def plain_rate(device, name, batch, batches=60, warm_up=20):
    """Images a second of the plain loop once its loader's workers run."""
    module = Plain(models.build(name, CLASSES, 0).to(memory_format=torch.contiguous_format))
    loader = DataLoader(PilImages(batch * batches), batch, num_workers=WORKERS, pin_memory=device.type == "cuda")
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(
        accelerator=device.type, devices=1, max_epochs=1, enable_model_summary=False, precision="32-true", **quiet
    )
    trainer.fit(module, loader)
    return batch * (batches - 1 - warm_up) / (module.times[-1] - module.times[warm_up])


def probe_cost(device, name, samples, epochs):
    """Seconds of 200 epochs of the paper's probe, from `epochs` of them, and how many times as long forwards take."""
    model = models.build(name, CLASSES, 0).to(device).eval()
    keys = Split(renderer(device), 0, "bench/train", 4096 if device.type == "cuda" else 64).keys()
    images = renderer(device).normalise(renderer(device).images(keys))

    @torch.no_grad()
    def forward():
        with autocast(device):
            model.features(images)

    forwards = 200 * samples / rate(synchronised(forward, device), len(images))
    inputs, labels = torch.randn(samples, model.width, device=device), torch.arange(samples, device=device) % 30
    linear_probe((inputs, labels), (inputs[:1000], labels[:1000]), 30, 0, epochs=1)
    started = time.perf_counter()
    linear_probe((inputs, labels), (inputs[:10_000], labels[:10_000]), 30, 0, epochs=epochs)
    probe = (time.perf_counter() - started) * 200 / epochs
    case = f"{name}, {samples:,} x {model.width} features"
    return {"case": case, "probe, seconds": probe, "forwards, seconds": forwards, "ratio": forwards / probe}


def busy(device, name, batch, count=64):
    """Percent of the time in which the device works, over training steps with the data made on the fly."""
    _, step = trainer_step(device, name)
    batches = Batches(Split(renderer(device), 0, "bench/train", batch * count), batch, seed=0)

    def train():
        for images, labels in batches:
            step(images, labels)

    run = synchronised(train, device)
    run()
    kind = {"cuda": (ProfilerActivity.CUDA, DeviceType.CUDA), "cpu": (ProfilerActivity.CPU, DeviceType.CPU)}[
        device.type
    ]
    with profile(activities=[kind[0]]) as profiler:
        run()
    spans = [(e.time_range.start, e.time_range.end) for e in profiler.events() if e.device_type == kind[1]]
    worked, until = 0.0, min(start for start, _ in spans)
    for start, end in sorted(spans):
        worked += max(0.0, end - max(start, until))
        until = max(until, end)
    return 100 * worked / (until - min(start for start, _ in spans))


def waits(device, name, batch, images):
    """How often the host waits for the GPU in one epoch of `fit`, validation included."""
    data, model = splits(device, images, batch), models.build(name, CLASSES, 0)
    fit(model, data, 1, 1e-3, device)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            fit(model, data, 1, 1e-3, device)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing" in str(warning.message) for warning in caught)
