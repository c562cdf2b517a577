"""What `fit` does with a model and data."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from trainings import CPU, data, same, spoilt, trained

from invariance import models, training
from invariance.errors import InputError
from invariance.progress import Progress
from invariance.training.fit import fit
from invariance.training.schedules import SCHEDULES, schedule_for


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
        wrapped = models.wrap(models.build("small", 3, 0).backbone, 3)
    finally:
        torch.set_default_dtype(before)
    assert same(plain, model) and torch.equal(again.head.weight, probe.head.weight)
    assert {value.dtype for value in wrapped.parameters()} == {torch.float32}


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


def test_whole_batches_of_training_alone_are_compiled(monkeypatch):
    """Without a compiler, which a reader's machine may lack; `make bench` runs the real one on a GPU."""
    seen = []

    def compile(forward, dynamic):
        return lambda images: (seen.append((len(images), dynamic)), forward(images))[1]

    monkeypatch.setattr(torch, "compile", compile)
    plain, compiled = models.build("small", 3, 0), models.build("small", 3, 0)
    fit(plain, data(samples=200), 1, 2e-3, CPU)
    fit(compiled, data(samples=200), 1, 2e-3, CPU, compile=True)
    assert seen == 3 * [(64, False)] and same(plain, compiled)


def test_an_architecture_is_compiled_once_and_every_training_has_its_own_weights(monkeypatch):
    graphs = []

    def noting(graph, inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=noting))
    for seed in (0, 1):
        plain, compiled = models.build("small", 3, seed), models.build("small", 3, seed)
        fit(plain, data(samples=128), 1, 2e-3, CPU)
        fit(compiled, data(samples=128), 1, 2e-3, CPU, compile=True)
        assert same(plain, compiled)
    assert len(graphs) == 1


def test_validation_images_are_made_once_and_a_network_that_spoils_them_spoils_nothing():
    class Spoiling(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.seen = models.build("small", 3, 0).backbone, []

        def forward(self, images):
            self.seen += [] if self.training else [images.double().sum().item()]
            features = self.inner(images.clone())
            images.zero_()
            return features

    given = data()
    made, batch = [], given.validation.batch
    object.__setattr__(given.validation, "batch", lambda *which: (made.append(which), batch(*which))[1])
    model = models.wrap(Spoiling(), 3)
    model.backbone.seen.clear()
    fit(model, given, 3, 2e-3, CPU)
    seen = model.backbone.seen
    assert len(made) == 1 and len(seen) > 3 and set(seen[-3:]) == {seen[-1]} and seen[-1]


def test_a_batch_larger_than_the_split_is_one_batch():
    model = models.build("small", 3, 0)
    curve = fit(model, data(samples=50, batch_size=512), 2, 1e-3, CPU)
    assert len(curve) == 2


def test_a_device_may_be_named():
    by_name, by_object = models.build("small", 3, 0), models.build("small", 3, 0)
    fit(by_name, data(), 1, 1e-3, "cpu:0")
    fit(by_object, data(), 1, 1e-3, CPU)
    assert same(by_name, by_object)


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
