import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from invariance import models, training
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import Batches, ImageData
from invariance.errors import InputError
from invariance.training.fit import SCHEDULES, _dry_run, fit, schedule_for

CPU = torch.device("cpu")
SPEC = Transforms2D(classes=("umbrella", "airplane", "anchor"), backgrounds="black")


def data(seed=0, samples=384, batch_size=64, device=CPU):
    source = SPEC.renderer(device)
    train = Split(source, seed, "pretraining/train", samples)
    return ImageData(train, Split(source, seed, "pretraining/validation", 200), batch_size, seed)


def trained(seed=0, epochs=3, learning_rate=2e-3, **options):
    model = models.build("small", 3, seed)
    curve = fit(model, data(seed), epochs, learning_rate, CPU, **options)
    return model, curve


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_fit_learns_and_keeps_the_best_validation_epoch():
    model, curve = trained()
    best = max(epoch["accuracy"] for epoch in curve)
    assert [epoch["epoch"] for epoch in curve] == [1, 2, 3]
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert best > 0.8
    assert training.accuracy(model, data().validation) == pytest.approx(best, abs=1e-6)
    assert not model.training


def test_the_same_seed_gives_the_same_model_and_reads_no_global_state():
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    a, first = trained(epochs=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    b, second = trained(epochs=1)
    assert first == second and same(a, b)


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


def test_a_diverging_run_fails_within_its_first_epoch_with_the_remedy(capsys):
    with pytest.raises(FloatingPointError, match=r"in step [123] of epoch 1: lower the learning rate"):
        trained(epochs=5, learning_rate=1e30, progress=True)
    assert "epoch 1/5" in capsys.readouterr().out  # the bar was closed, not left running


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_loss_that_breaks_late_in_an_epoch_is_found_before_validation(device):
    """A CPU finds it at once; a GPU at the end of the epoch, since every look would make it wait."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    device = training.pick_device(device)
    poisoned, steps = data(device=device), {"cpu": 5, "cuda": 6}[device.type]
    made = []

    class Poisoned(Batches):
        def __iter__(self):
            for images, labels in super().__iter__():
                made.append(0)
                yield (images * float("nan") if len(made) == 5 else images), labels

    poisoned.train_dataloader = lambda: Poisoned(poisoned.train, poisoned.batch_size, 0)
    with pytest.raises(FloatingPointError, match="in step 5 of epoch 1"):
        fit(models.build("small", 3, 0), poisoned, 2, 1e-3, device)
    assert len(made) == steps


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


def test_the_curve_is_logged_and_progress_shown(tmp_path, capsys):
    _, curve = trained(epochs=2, log=tmp_path / "runs" / "curve.csv", progress=True)
    table = pd.read_csv(tmp_path / "runs" / "curve.csv")
    pd.testing.assert_frame_equal(table[list(curve[0])], pd.DataFrame(curve))
    assert (table["images_per_second"] > 0).all()
    shown = capsys.readouterr().out
    assert "epoch 2/2" in shown and "images/s" in shown and f"accuracy {curve[-1]['accuracy']:.3f}" in shown


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
    none_at_once = data()
    none_at_once.eval_batch_size = 0
    with pytest.raises(InputError, match="eval_batch_size 0 is not usable"):
        fit(models.build("small", 3, 0), none_at_once, 1, 1e-3, CPU)
    with pytest.raises(InputError, match=f"No device 'cuda:{torch.cuda.device_count()}' here"):
        fit(models.build("small", 3, 0), data(), 1, 1e-3, torch.device("cuda", torch.cuda.device_count()))
    if torch.cuda.is_available():
        with pytest.raises(InputError, match="split is made on cpu and training runs on cuda:0: use one device"):
            fit(models.build("small", 3, 0), data(), 1, 1e-3, torch.device("cuda"))


@pytest.mark.parametrize(("name", "size"), [("small_vit", 16), ("vgg11", 8)])
def test_a_model_for_images_of_another_size_is_named_before_training(name, size):
    source = SPEC.model_copy(update={"size": size}).renderer()
    small = ImageData(Split(source, 0, "train", 50), Split(source, 0, "validation", 50), 50, 0)
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
    assert fit(by_name, data(), 1, 1e-3, "cpu") == fit(by_object, data(), 1, 1e-3, CPU)


def test_a_log_that_cannot_be_written_is_named_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("pytorch_lightning.Trainer.fit", lambda *given, **options: pytest.fail("training started"))
    (tmp_path / "file").write_text("")
    for log in ("/proc/x/y.csv", tmp_path, tmp_path / "file" / "y.csv"):
        with pytest.raises(InputError, match=f"Cannot write the log {log}: .* Choose a file"):
            trained(log=log)


def test_devices_are_checked_before_work_starts():
    assert training.pick_device("cpu") == CPU
    with pytest.raises(InputError, match=r"Unknown device 'gpu'\. Known: auto, cpu, cuda"):
        training.pick_device("gpu")
    with pytest.raises(InputError, match="CUDA devices found"):
        training.pick_device(f"cuda:{torch.cuda.device_count()}")


def test_features_do_not_depend_on_what_else_is_in_the_batch(monkeypatch):
    model = models.build("small", 3, 0)
    split = Split(SPEC.renderer(), 0, "target/test", 50)
    whole, labels = training.features(model, split)
    monkeypatch.setattr("invariance.training.inference.BATCH", {"cpu": 7})
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

source = Transforms2D(classes=("umbrella", "airplane", "anchor"), backgrounds="black").renderer("cpu")
data = ImageData(Split(source, 0, "train", 384), Split(source, 0, "validation", 200), 32, 0)
model = models.build("small", 3, 0)
curve = fit(model, data, 3, 2e-3, torch.device("cpu"), devices=2, strategy="ddp")
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
    assert first["accuracy"] > 0.8
