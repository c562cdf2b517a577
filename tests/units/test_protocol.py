"""What the published code does in training and measuring: each flag changes what a unit computes."""

import importlib

import pytest
import torch
from small_units import one, probe_of

from invariance import models, training
from invariance.datasets import ObjectsOnImages, Split
from invariance.datasets.pairs import pair_keys
from invariance.errors import InputError
from invariance.protocol import FLAGS, find
from invariance.training.schedules import SCHEDULES
from invariance.units import FineTuning, Sensitivity, untrained
from invariance.units.run import compute

CPU = torch.device("cpu")


def under(name, seed=0, **changes):
    unit = one(seed, **changes)
    return one(seed, **changes, data=unit.data.model_copy(update={"protocol": find(name)}))


def tuning(unit, **changes):
    fields = {"samples": 16, "validation_samples": 16, "test_samples": 16, "tuning_epochs": 1, "batch_size": 16}
    return FineTuning(pretraining=unit, target=unit.data, learning_rate=1e-3, **{**fields, **changes})


@pytest.fixture
def called(monkeypatch):
    """The keyword arguments of the last call of each function of `training`, which runs as before."""
    seen = {}

    def watch(place, name):
        before = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *args, **how: seen.update({name: (args, how)}) or before(*args, **how))

    watch(training, "linear_probes")
    watch(training, "finetune")
    watch(importlib.import_module("invariance.training.fit"), "fit")
    return seen


def rates(schedule, epochs, batches=3):
    share = SCHEDULES[schedule]
    return [1e-3 * share(epoch * batches, epochs * batches, batches) for epoch in range(epochs)]


def test_full_finetuning_decays_within_five_epochs_and_not_within_a_batch():
    assert rates("decay_in_5", 12) == pytest.approx([1e-3, 8e-4, 6e-4, 4e-4, 2e-4, *[0.0] * 7])
    assert SCHEDULES["decay_in_5"](2, 36, 3) == 1


def test_the_vit_has_the_published_learning_rate_in_every_epoch():
    found = rates("slow_cosine", 205)
    measured = [1e-6] * 5 + [1e-3, 1e-3, 1e-3, 0.000978, 0.000886, 0.000552, 1.22e-5, 1.01e-5]
    assert [found[epoch - 1] for epoch in (1, 2, 3, 4, 5, 6, 7, 8, 25, 50, 100, 200, 205)] == pytest.approx(
        measured, rel=0.005
    )
    assert rates("slow_cosine", 50) == found[:50]


@pytest.mark.parametrize(("name", "keep"), [("corrected", "best"), ("corrected+last_epoch", "last")])
def test_the_last_epoch_is_kept_everywhere(cache, called, name, keep):
    unit = under(name)
    compute(unit, CPU)
    assert called["fit"][1]["keep"] == keep
    compute(tuning(unit), CPU)
    assert called["linear_probes"][1]["keep"] == called["finetune"][1]["keep"] == keep


@pytest.mark.parametrize(
    ("name", "schedule", "of_probes", "of_tuning"),
    [
        ("corrected", "constant", None, "linear"),
        ("corrected+short_decay", "constant", None, "decay_in_5"),
        ("corrected+slow_vit", "constant", None, "linear"),
        ("corrected+slow_vit+short_decay", "slow_cosine", "slow_cosine", "slow_cosine"),
    ],
)
def test_schedules_of_probes_and_of_fine_tuning(cache, called, name, schedule, of_probes, of_tuning):
    compute(tuning(under(name, schedule=schedule)), CPU)
    assert called["linear_probes"][1].get("schedule") == of_probes
    assert called["finetune"][1]["schedule"] == of_tuning


def test_a_probe_by_adam_follows_its_schedule():
    x, y = torch.randn(40, 5, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 2
    fitted = {
        epochs: training.linear_probe(
            (x, y), (x, y), 2, 0, epochs=epochs, learning_rate=0.1, schedule="decay_in_5", keep="last"
        ).head.weight
        for epochs in (4, 5, 9)
    }
    assert torch.equal(fitted[5], fitted[9]) and not torch.equal(fitted[4], fitted[5])


def test_the_head_before_fine_tuning_may_come_from_more_images(cache, called):
    unit = under("corrected")
    compute(tuning(unit, head_samples=48), CPU)
    assert len(called["linear_probes"][0][0][0][0][1]) == 48
    assert called["finetune"][0][2].count == 16


def test_pretraining_and_target_follow_one_protocol():
    with pytest.raises(InputError, match=r"different protocols, corrected and corrected\+last_epoch"):
        probe_of(one(), targets={"first": under("corrected+last_epoch").data})


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_is_part_of_what_a_unit_is(flag):
    assert under(f"corrected+{flag}").digest != one().digest


def test_pairs_may_be_equal(cache):
    objects = ObjectsOnImages(task="objects_mixed")
    equal = ObjectsOnImages(task="objects_mixed", protocol="corrected+equal_pairs")
    for data, shares in ((objects, (0, 0)), (equal, (0.05, 0.15))):
        renderer = data.renderer()
        _, first, second = pair_keys(renderer, 1_000, 0, "object")
        same = (renderer.object_labels(first, first) == renderer.object_labels(second, second)).float().mean()
        assert shares[0] <= same <= shares[1]


def test_densenets_maps_are_measured_before_the_last_activation(cache):
    model = models.build("small_densenet", 3, 0).eval()
    images = torch.randn(2, 3, 32, 32)
    maps = models.with_maps(model).eval().features(images)
    assert maps.shape == (2, 16 * model.width) and (maps < 0).any()
    pooled = maps.reshape(2, model.width, 16).relu().mean(2)
    assert torch.allclose(pooled, model.features(images), atol=1e-5)
    found = []
    for name in ("corrected", "corrected+densenet_maps"):
        unit = untrained(under(name, model="small_densenet"))
        measured = Sensitivity(pretraining=unit, data={"own": unit.data}, pairs=16, measured=("l2",))
        found.append(compute(measured, CPU)["values"]["measured"][0][3])
    assert found[1] > 1.5 * found[0]  # pooling leaves out what moves from one place to another


@pytest.mark.parametrize("name", ["corrected", "corrected+random_tie"])
def test_a_random_tie_differs_between_splits_and_is_not_one_to_one(name):
    spec = ObjectsOnImages(task="cifar_mixed", correlation=1, protocol=name)
    renderer, ties = spec.renderer(), []
    for split in ("train", "validation", "test"):
        keys = Split(renderer, 0, f"x/{split}", 400).keys()
        pairs = torch.stack((renderer.natural.labels(keys), renderer.object_labels(keys)), 1).unique(dim=0)
        assert len(pairs) == 10  # each class has one object
        ties.append(pairs[:, 1].tolist())
    as_drawn = name != "corrected"
    assert (ties[0] != ties[1] and ties[1] != ties[2]) == as_drawn
    assert (len(set(ties[0])) < 10) == as_drawn


def test_images_with_objects_are_brought_to_one_range():
    images = torch.rand(2, 3, 32, 32)
    other = ObjectsOnImages(task="cifar_mixed", protocol="corrected+other_normalisation").renderer()
    assert torch.allclose(other.normalise(images), 2 * images - 1)
    own = ObjectsOnImages(task="cifar_mixed").renderer()
    assert not torch.allclose(own.normalise(images), 2 * images - 1, atol=0.1)


@pytest.mark.parametrize("name", ["corrected", "corrected+repeated_draws"])
def test_a_number_of_images_gives_the_same_probe_beside_others_and_alone(cache, name):
    """Its redraws are those of its own images, though features of several numbers are made together."""
    how: dict = {"redraws": 3, "validation_samples": 32, "test_samples": 64}
    model = under(name)
    how["targets"] = {"first": model.data}
    both = compute(probe_of(model, samples=(8, 48), **how), CPU)["values"]["accuracies"]
    alone = compute(probe_of(model, samples=(8,), **how), CPU)["values"]["accuracies"]
    assert [row for row in both if row[1] == 8] == alone and len(both) == 2 * len(alone)
