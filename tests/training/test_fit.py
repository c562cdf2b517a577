import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from invariance import models, training
from invariance.datasets import Split, Transforms2D, devices
from invariance.datasets.devices import EVALUATED_AT_ONCE
from invariance.datasets.module import Batches, ImageData
from invariance.errors import InputError
from invariance.progress import Progress
from invariance.training.fit import fit
from invariance.training.guards import _dry_run
from invariance.training.schedules import SCHEDULES, schedule_for

CPU = torch.device("cpu")
SPEC = Transforms2D(classes=("umbrella", "airplane", "anchor"), backgrounds="black")


def data(seed=0, samples=384, batch_size=64, device=CPU):
    renderer = SPEC.renderer(device)
    train = Split(renderer, seed, "pretraining/train", samples)
    return ImageData(train, Split(renderer, seed, "pretraining/validation", 200), batch_size, seed)


def trained(seed=0, epochs=3, learning_rate=2e-3, **options):
    model = models.build("small", 3, seed)
    curve = fit(model, data(seed), epochs, learning_rate, CPU, **options)
    return model, curve


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    a, b = (model if isinstance(model, dict) else model.state_dict() for model in (a, b))
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def spoilt(spoil, **options):
    """Data whose training batches pass through `spoil`, a function of epoch and step (from 1), images and labels."""

    class Spoilt(Batches):
        def __iter__(self):
            epoch = self.passes + 1
            for step, (images, labels) in enumerate(super().__iter__(), 1):
                yield spoil(epoch, step, images, labels)

    found = data(**options)
    found.train_dataloader = lambda: Spoilt(found.train, found.batch_size, found.seed)
    return found


def test_fit_learns():
    model, curve = trained(epochs=4)
    assert [epoch["epoch"] for epoch in curve] == [1, 2, 3, 4]
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert max(epoch["accuracy"] for epoch in curve) > 0.7  # of three classes
    assert all(epoch["seconds"] > 0 and epoch["images_per_second"] > 0 for epoch in curve)
    assert not model.training


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_best_validation_epoch_is_kept_or_the_last(keep):

    def spoil(epoch, step, images, labels):  # from the fourth epoch on
        return images, (labels + (epoch > 3)) % 3

    model = models.build("small", 3, 0)
    accuracies = [epoch["accuracy"] for epoch in fit(model, spoilt(spoil), 5, 2e-3, CPU, keep=keep)]
    assert accuracies[-1] < max(accuracies)  # else the test shows nothing
    kept = accuracies.index(max(accuracies)) if keep == "best" else 4
    until_then = models.build("small", 3, 0)
    fit(until_then, spoilt(spoil), kept + 1, 2e-3, CPU, keep="last")
    assert same(model, until_then)


def test_another_loss_trains_another_model_and_is_what_the_curve_shows():
    def smoothed(logits, labels):
        return cross_entropy(logits, labels, label_smoothing=0.5)

    (usual, _), (other, curve) = trained(epochs=1), trained(epochs=1, loss=smoothed)
    assert not same(usual, other) and curve[0]["loss"] > 0.9  # log 3 is 1.1, and the smoothed loss is at least 0.87


def test_the_same_seed_gives_the_same_model_and_reads_no_global_state():
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    a, first = trained(epochs=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    b, second = trained(epochs=1)
    assert first[0]["loss"] == second[0]["loss"] and same(a, b)


def test_a_backbone_with_dropout_is_deterministic_too():
    def run():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            backbone = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 32 * 32, 8))
        model = models.wrap(backbone, 3)
        fit(model, data(), 1, 1e-3, CPU)
        return model

    torch.manual_seed(1)
    a = run()
    torch.manual_seed(2)
    assert same(a, run())


def test_a_model_in_evaluation_mode_is_trained_all_the_same():
    model = models.build("small", 3, 0).eval()
    before = model.backbone[1].running_mean.clone()
    fit(model, data(), 1, 1e-3, CPU)
    assert not torch.equal(model.backbone[1].running_mean, before)


def test_a_frozen_batch_norm_keeps_its_statistics():
    model = models.build("small", 3, 0)
    model.backbone.requires_grad_(False)
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    fit(model, data(), 1, 1e-2, CPU)
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())


def test_a_diverging_run_fails_within_its_first_epoch_with_the_remedy():
    model = models.build("small", 3, 0)
    before = weights(model)
    with pytest.raises(FloatingPointError, match=r"of epoch 1: lower the learning rate"):
        fit(model, data(), 5, 1e30, CPU)
    assert same(model, before) and not model.training


@pytest.mark.parametrize("broken", [1, 2])
def test_after_a_loss_that_is_not_finite_the_model_holds_its_last_good_weights(broken):
    poisoned = spoilt(lambda epoch, step, x, y: (x * math.nan if (epoch, step) == (broken, 3) else x, y))
    model, good = models.build("small", 3, 0), models.build("small", 3, 0)
    with pytest.raises(FloatingPointError, match=f"became nan in step 3 of epoch {broken}"):
        fit(model, poisoned, 3, 2e-3, CPU)
    if broken == 2:
        fit(good, data(), 1, 2e-3, CPU)
    assert same(model, good)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_ctrl_c_is_a_keyboard_interrupt_and_leaves_the_epochs_so_far(keep):
    def interrupt(epoch, step, images, labels):
        if (epoch, step) == (3, 2):
            signal.raise_signal(signal.SIGINT)
        return images, labels

    model = models.build("small", 3, 0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may ignore Ctrl-C
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(model, spoilt(interrupt), 4, 2e-3, CPU, keep=keep)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler  # the next one counts, too
    finally:
        signal.signal(signal.SIGINT, before)
    assert same(model, trained(epochs=2, keep=keep)[0]) and not model.training


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_loss_that_breaks_late_in_an_epoch_is_found_before_validation(device):
    """A CPU finds it at once; a GPU at the end of the epoch, since every look would make it wait."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    device, made = training.pick_device(device), []

    def poison(epoch, step, images, labels):
        made.append(step)
        return (images * math.nan if step == 5 else images), labels

    with pytest.raises(FloatingPointError, match="in step 5 of epoch 1"):
        fit(models.build("small", 3, 0), spoilt(poison, device=device), 2, 1e-3, device)
    assert made[-1] == {"cpu": 5, "cuda": 6}[device.type]


def test_schedules_have_the_papers_ends():
    steps, epoch = 50 * 98, 98  # the paper's 50 epochs of 50,000 images in batches of 512
    linear = [SCHEDULES["linear"](step, steps, epoch) for step in range(steps + 1)]
    assert linear[0] == 1 and linear[-1] == 0 and linear[steps // 2] == pytest.approx(0.5)
    cosine = [SCHEDULES["warmup_cosine"](step, steps, epoch) for step in range(steps + 1)]
    assert max(cosine) == 1 and cosine.index(1) in (5 * epoch - 1, 5 * epoch)
    assert cosine[-1] == pytest.approx(0.01)
    assert cosine[0] == pytest.approx(1 / (5 * epoch))
    assert SCHEDULES["warmup_cosine"](1, 2, 1) > 0  # a run too short to warm up
    assert schedule_for("vit") == {"schedule": "warmup_cosine", "weight_decay": 5e-5}
    assert schedule_for("resnet18") == {"schedule": "constant", "weight_decay": 0.0}


def test_schedule_and_weight_decay_reach_the_optimiser():
    _, curve = trained(epochs=2, schedule="linear")
    assert [epoch["learning_rate"] for epoch in curve] == pytest.approx([2e-3 * 0.5, 0.0])
    plain, _ = trained(epochs=1)
    decayed, _ = trained(epochs=1, weight_decay=1.0)
    assert decayed.head.weight.norm() < 0.9 * plain.head.weight.norm()


def test_progress_counts_the_images_and_says_how_the_last_epoch_ended(monkeypatch):
    bars = []

    class Kept(Progress):
        def __enter__(self):
            bars.append(self)
            return super().__enter__()

    monkeypatch.setattr("invariance.training.fit.Progress", Kept)
    trained(epochs=1)
    assert not bars
    _, curve = trained(epochs=2, progress=True)
    assert bars[0].done == bars[0].total == 2 * 384
    for part in ("epoch 2: ", " images/s, ", f"accuracy {curve[-1]['accuracy']:.3f}"):
        assert part in bars[0].what


def test_a_default_type_of_float64_changes_nothing():
    def run():
        model, _ = trained(epochs=1)
        found = training.features(model, data().validation)
        return model, training.linear_probe(found, found, 3, 0, epochs=2)

    (plain, probe), before = run(), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        model, again = run()
    finally:
        torch.set_default_dtype(before)
    assert same(plain, model) and torch.equal(again.head.weight, probe.head.weight)


def test_a_users_settings_of_cudnn_are_as_before(monkeypatch):
    cudnn, seen = torch.backends.cudnn, []
    monkeypatch.setattr(cudnn, "benchmark", True)
    fit(
        models.build("small", 3, 0),
        spoilt(lambda *given: (seen.append(cudnn.deterministic), given[2:])[1]),
        1,
        1e-3,
        CPU,
    )
    assert seen[0] and cudnn.benchmark and not cudnn.deterministic


def test_compiling_wraps_the_training_steps_alone(monkeypatch):
    """Without a compiler, which a reader's machine may lack; `make bench` runs the real one on a GPU."""
    used = []

    def compile(forward, dynamic):
        used.append(dynamic)
        return forward

    monkeypatch.setattr(torch, "compile", compile)
    plain, compiled = trained(epochs=1), trained(epochs=1, compile=True)
    assert used == [False] and same(plain[0], compiled[0])


def test_a_batch_larger_than_the_split_is_one_batch():
    model = models.build("small", 3, 0)
    curve = fit(model, data(samples=50, batch_size=512), 2, 1e-3, CPU)
    assert len(curve) == 2


def test_what_cannot_work_is_named_before_training():
    with pytest.raises(InputError, match=r"train split has a label 2, and the model only 2 classes"):
        fit(models.build("small", 2, 0), data(), 1, 1e-3, CPU)
    for epochs in (0, 1.5, True):
        with pytest.raises(InputError, match=f"epochs {epochs} is not usable: give a whole number of at least 1"):
            trained(epochs=epochs)
    for rate in (0.0, float("inf"), "0.1"):
        with pytest.raises(InputError, match=f"learning_rate {rate!r} is not usable: give a number above 0"):
            trained(learning_rate=rate)
    for decay in (float("nan"), -1.0):
        with pytest.raises(InputError, match=r"weight_decay .* is not usable: give a number above 0, or 0"):
            trained(weight_decay=decay)
    with pytest.raises(InputError, match=r"Unknown schedule 'cosine'"):
        trained(schedule="cosine")
    with pytest.raises(InputError, match="All weights of the model are frozen"):
        fit(models.build("small", 3, 0).requires_grad_(False), data(), 1, 1e-3, CPU)
    with pytest.raises(InputError, match=r"Unknown choice of weights to keep 'first'. Known: best, last"):
        trained(keep="first")
    with pytest.raises(InputError, match="Batch size '8' is not usable"):
        data(batch_size="8")
    with pytest.raises(InputError, match=r"No device 'cuda:[0-9]+' here"):
        fit(models.build("small", 3, 0), data(), 1, 1e-3, torch.device("cuda", torch.cuda.device_count()))
    if torch.cuda.is_available():
        with pytest.raises(InputError, match="split is made on cpu and training runs on cuda:0: use one device"):
            fit(models.build("small", 3, 0), data(), 1, 1e-3, torch.device("cuda"))


@pytest.mark.parametrize(("name", "size"), [("small_vit", 16), ("vgg11", 8)])
def test_a_model_for_images_of_another_size_is_named_before_training(name, size):
    renderer = SPEC.model_copy(update={"size": size}).renderer()
    small = ImageData(Split(renderer, 0, "train", 50), Split(renderer, 0, "validation", 50), 50, 0)
    with pytest.raises(InputError, match=f"The model fails on training images of {size} x {size}: .* for one size"):
        fit(models.build(name, 3, 0), small, 1, 1e-3, CPU)


@pytest.mark.parametrize(
    ("give", "shape"), [(lambda x: x.flatten(1)[:2], r"\(2, 3\)"), (lambda x: x.flatten(2)[..., :3072], r"\(3, 3, 3\)")]
)
def test_a_backbone_that_gives_another_shape_is_named_before_training(give, shape):
    class Wrong(nn.Module):
        def forward(self, images):
            return give(images)

    model = models.Classifier(Wrong(), 1024 if "3, 3, 3" in shape else 3072, 3)
    with pytest.raises(InputError, match=f"The model gives on training images of 32 x 32: {shape} instead of"):
        fit(model, data(), 1, 1e-3, CPU)


def test_the_dry_run_changes_nothing():
    model = models.build("small", 3, 0)
    model.backbone.append(nn.Dropout())
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    _dry_run(model, data(), CPU)
    assert model.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_device_may_be_named():
    by_name, by_object = models.build("small", 3, 0), models.build("small", 3, 0)
    fit(by_name, data(), 1, 1e-3, "cpu:0")
    fit(by_object, data(), 1, 1e-3, CPU)
    assert same(by_name, by_object)


def test_devices_are_checked_before_work_starts():
    assert training.pick_device("cpu") == CPU
    with pytest.raises(InputError, match=r"Unknown device 'gpu'\. Known: auto, cpu, cuda"):
        training.pick_device("gpu")
    with pytest.raises(InputError, match="CUDA devices found"):
        training.pick_device(f"cuda:{torch.cuda.device_count()}")


def test_features_do_not_depend_on_what_else_is_in_the_batch(monkeypatch):
    monkeypatch.setenv("INVARIANCE_BF16", "0")  # bfloat16 rounds by the algorithm, which batches of other sizes have
    model = models.build("small", 3, 0)
    split = Split(SPEC.renderer(), 0, "target/test", 50)
    whole, labels = training.features(model, split)
    monkeypatch.setitem(EVALUATED_AT_ONCE, "cpu", 7)
    again, _ = training.features(model, split)
    assert whole.shape == (50, model.width)
    assert torch.equal(labels, split.batch()[1])
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5)


def test_one_run_in_two_processes_ends_with_one_model(tmp_path, shared_cache):
    script = tmp_path / "run.py"
    script.write_text("""
import json, os, torch
from invariance import models
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import ImageData
from invariance.training.fit import fit

renderer = Transforms2D(classes=("umbrella", "airplane", "anchor"), backgrounds="black").renderer("cpu")
data = ImageData(Split(renderer, 0, "train", 384), Split(renderer, 0, "validation", 200), 32, 0)
model = models.build("small", 3, 0)
curve = fit(model, data, 5, 2e-3, torch.device("cpu"), devices=2, strategy="ddp")
total = sum(p.double().sum().item() for p in model.parameters())
with open(f"rank{os.environ['RANK']}.json", "w") as out:
    batches = data.train_dataloader()
    found = {"model": total, "accuracy": curve[-1]["accuracy"], "process": batches.process, "steps": len(batches)}
    json.dump(found, out)
""")
    torchrun = Path(sys.executable).with_name("torchrun")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "INVARIANCE_CACHE": str(shared_cache)}
    command = [torchrun, "--standalone", "--nproc-per-node", "2", script]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert (first.pop("process"), second.pop("process")) == (0, 1)
    assert first == second
    assert first["steps"] == 384 // 32 // 2  # each took half of the batches
    assert first["accuracy"] > 0.6  # of three classes


# --- Lightning's callbacks, and checkpoints -----------------------------------------------------------------------


class Stop(pl.Callback):
    """Raises in the middle of an epoch, counted from 0."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_batch_start(self, trainer, module, batch, index):
        if (trainer.current_epoch, index) == (self.epoch, 1):
            raise RuntimeError("power cut")


@pytest.mark.parametrize("schedule", ["constant", "warmup_cosine"])
def test_a_training_that_stopped_goes_on_as_if_it_never_had(tmp_path, schedule):
    def dropping():
        model = models.build("small", 3, 0)
        model.backbone.append(nn.Dropout(0.3))
        return model

    whole, expected = dropping(), []
    expected = fit(whole, data(), 4, 2e-3, CPU, schedule=schedule)
    file, stopped, resumed = tmp_path / "new" / "state.ckpt", dropping(), models.build("small", 3, 1)
    resumed.backbone.append(nn.Dropout(0.3))
    with pytest.raises(RuntimeError, match="power cut"):
        fit(stopped, data(), 4, 2e-3, CPU, schedule=schedule, checkpoint=file, callbacks=[Stop(2)])
    curve = fit(resumed, data(), 4, 2e-3, CPU, schedule=schedule, checkpoint=file)
    assert same(resumed, whole) and not same(stopped, whole)
    kept = ("epoch", "loss", "accuracy", "learning_rate")
    assert [[row[k] for k in kept] for row in curve] == [[row[k] for k in kept] for row in expected]
    assert [path.name for path in file.parent.iterdir()] == ["state.ckpt"]
    again = dropping()
    assert fit(again, data(), 4, 2e-3, CPU, schedule=schedule, checkpoint=file) == curve and same(again, whole)


def test_a_checkpoint_of_another_training_is_named_and_left_alone(tmp_path):
    file = tmp_path / "state.ckpt"
    trained(epochs=1, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(InputError, match=r"state.ckpt is of another training \(learning_rate 0.002, not 0.003\)"):
        trained(epochs=1, learning_rate=3e-3, checkpoint=file)
    with pytest.raises(InputError, match=r"another training \(schedule constant, not linear\)"):
        trained(epochs=2, schedule="linear", checkpoint=file)
    assert file.read_bytes() == before
    assert len(trained(epochs=2, checkpoint=file)[1]) == 2
    file.write_bytes(before[:1000])
    with pytest.raises(InputError, match="is no whole checkpoint of fit"):
        trained(epochs=1, checkpoint=file)


def test_lightnings_callbacks_and_loggers_see_the_training(tmp_path):
    early = pl.callbacks.EarlyStopping("accuracy", patience=0, mode="max", min_delta=2.0)
    kept = pl.callbacks.ModelCheckpoint(tmp_path / "kept", monitor="loss", save_last=True)
    logger = pl.loggers.CSVLogger(tmp_path, name="log", version="")
    _, curve = trained(epochs=4, callbacks=[early, kept], logger=logger)
    assert len(curve) == 2 and (tmp_path / "kept" / "last.ckpt").exists()
    logged = pd.read_csv(tmp_path / "log" / "metrics.csv")
    assert logged["loss"].dropna().tolist() == pytest.approx([row["loss"] for row in curve])
    with pytest.raises(InputError, match=r"A int is no callback: derive it from pytorch_lightning\.Callback"):
        trained(epochs=1, callbacks=[3])


def test_what_is_no_classifier_or_no_data_is_named_in_a_line():
    for model, given, message in (
        (nn.Flatten(), data(), r"A Flatten is no Classifier: make one with models.wrap\(backbone, classes\)"),
        (None, data(), "A NoneType is no Classifier"),
        (models.build("small", 3, 0), DataLoader([1]), r"fit takes ImageData\(.*\), not a DataLoader"),
    ):
        with pytest.raises(InputError, match=message):
            fit(model, given, 1, 1e-3, CPU)
    split = data().validation
    with pytest.raises(InputError, match="A Flatten is no Classifier"):
        training.features(nn.Flatten(), split)
    with pytest.raises(InputError, match=r"The model fails on images of 32 x 32: .* Build both for one size"):
        training.features(models.Classifier(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), 2, 3), split)


# --- a backbone with its own size and normalisation ---------------------------------------------------------------


class Seen(nn.Module):
    """Keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.linear, self.images = nn.Linear(3, 4), []

    def forward(self, images):
        self.images.append(images.detach())
        return self.linear(images.mean((2, 3)))


def test_a_backbone_gets_images_of_its_own_size_and_normalisation():
    own = {"size": 48, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 0.2]}
    plain, wrapped = models.wrap(Seen(), 3), models.wrap(Seen(), 3, **own)
    split = data().validation
    for model in (plain, wrapped):
        model.backbone.images.clear()
        training.features(model, split)
    raw = split.batch()[0]
    (usual,), (given,) = plain.backbone.images, wrapped.backbone.images
    torch.testing.assert_close(usual, raw * 2 - 1)
    larger = nn.functional.interpolate(raw, (48, 48), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(own[name]).reshape(3, 1, 1) for name in ("mean", "std"))
    torch.testing.assert_close(given, (larger - mean) / std, rtol=1e-4, atol=1e-5)
    wrapped.backbone.images.clear()
    fit(wrapped, data(samples=64), 1, 1e-3, CPU)
    assert {tuple(images.shape[1:]) for images in wrapped.backbone.images} == {(3, 48, 48)}
    assert all(images.max() > 2 for images in wrapped.backbone.images)  # beyond what [-1, 1] allows
    assert wrapped.state_dict().keys() == plain.state_dict().keys()


def test_large_images_go_through_a_network_in_smaller_batches():
    assert devices.evaluated_at_once(CPU, 32) == EVALUATED_AT_ONCE["cpu"]
    assert devices.evaluated_at_once(CPU, 512) == 16 and devices.evaluated_at_once(CPU, 10_000) == 1
