"""Trainings that break off: a loss that is not finite, Ctrl-C, a power cut."""

import math
import signal

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from trainings import CPU, SPEC, data, same, spoilt, trained, weights

from invariance import models, training
from invariance.datasets import Split
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.training.fit import fit


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
    with pytest.raises(InputError, match=r"another training \(the first images\)"):
        fit(models.build("small", 3, 0), turned(), 2, 2e-3, CPU, checkpoint=file)
    for other in (models.build("small", 4, 0), models.build("small_vgg", 3, 0)):
        with pytest.raises(InputError, match=r"state.ckpt is of another model: name another file, or remove it"):
            fit(other, data(), 1, 2e-3, CPU, checkpoint=file)
    assert file.read_bytes() == before
    assert len(trained(epochs=2, checkpoint=file)[1]) == 2
    file.write_bytes(before[:1000])
    with pytest.raises(InputError, match="is no whole checkpoint of fit"):
        trained(epochs=1, checkpoint=file)


def turned():
    """The same classes, count, batches and seed, and other images."""
    renderer = SPEC.model_copy(update={"transforms": ("rotate",)}).renderer(CPU)
    return ImageData(Split(renderer, 0, "pretraining/train", 384), data().validation, 64, 0)
