import pytest
import torch

from invariance import models, sampling, training
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.training.fit import fit

CPU = torch.device("cpu")
SPEC = Transforms2D(classes=("umbrella", "airplane", "anchor"), backgrounds="black")


def data(seed=0, samples=384, batch_size=64):
    source = SPEC.generator()
    return ImageData(Split(source, seed, "train", samples), Split(source, seed, "validation", 200), batch_size, seed)


def trained(seed=0, epochs=3, learning_rate=2e-3):
    model = models.build("small", 3, seed)
    curve = fit(model, data(seed), epochs, learning_rate, CPU)
    return model, curve


def test_fit_learns_and_keeps_the_best_validation_epoch():
    model, curve = trained()
    best = max(epoch["accuracy"] for epoch in curve)
    assert [epoch["epoch"] for epoch in curve] == [1, 2, 3]
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert best > 0.8
    assert training.accuracy(model, data().validation) == pytest.approx(best, abs=1e-6)
    assert not model.training


def test_the_same_seed_gives_the_same_model():
    (a, first), (b, second) = trained(epochs=1), trained(epochs=1)
    assert first == second
    assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_a_diverging_run_fails_early_with_the_remedy():
    with pytest.raises(FloatingPointError, match="epoch 1: lower the learning rate"):
        trained(epochs=5, learning_rate=1e30)


def test_features_do_not_depend_on_what_else_is_in_the_batch(monkeypatch):
    model = models.build("small", 3, 0)
    split = Split(SPEC.generator(), 0, "test", 50)
    whole, labels = training.features(model, split)
    monkeypatch.setattr("invariance.training.inference.BATCH", 7)
    again, _ = training.features(model, split)
    assert whole.shape == (50, model.width)
    assert torch.equal(labels, split.batch()[1])
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5)


def clusters(n, seed, width=20, classes=4, spread=1.0):
    centres = sampling.normal(sampling.keys(9, torch.arange(classes)), width)
    keys = sampling.keys(sampling.stream(seed, "clusters"), torch.arange(n))
    labels = sampling.integers(keys, classes)
    return centres[labels] + spread * sampling.normal(keys, width), labels


def test_both_probes_reach_the_same_accuracy_on_hard_features():
    train, validation, test = (
        clusters(3000, 0, spread=2.0),
        clusters(1000, 1, spread=2.0),
        clusters(5000, 2, spread=2.0),
    )
    adam = training.linear_probe(train, validation, 4, seed=0, method="adam", epochs=200, batch_size=100)
    exact = training.linear_probe(train, validation, 4, seed=0, method="lbfgs")
    assert 0.6 < exact.accuracy(test) < 0.95
    assert abs(adam.accuracy(test) - exact.accuracy(test)) < 0.01


def test_the_exact_probe_does_not_care_about_the_scale_of_features():
    train, validation, test = (clusters(500, seed) for seed in range(3))
    scale = torch.logspace(-4, 4, 20)
    plain = training.linear_probe(train, validation, 4, 0, "lbfgs").accuracy(test)
    scaled = [(x * scale + 100 * scale, y) for x, y in (train, validation, test)]
    assert abs(training.linear_probe(*scaled[:2], 4, 0, "lbfgs").accuracy(scaled[2]) - plain) < 0.02


def test_probe_input_is_checked():
    train = clusters(50, 0)
    with pytest.raises(InputError, match=r"Unknown probe method 'sgd'. Known: adam, lbfgs"):
        training.linear_probe(train, train, 4, 0, "sgd")
    with pytest.raises(InputError, match="not finite"):
        training.linear_probe((train[0] * float("nan"), train[1]), train, 4, 0)


def test_devices_are_checked_before_work_starts():
    assert training.pick_device("cpu") == CPU
    with pytest.raises(InputError, match=r"Unknown device 'gpu'\. Known: auto, cpu, cuda"):
        training.pick_device("gpu")
    with pytest.raises(InputError, match="CUDA devices found"):
        training.pick_device(f"cuda:{torch.cuda.device_count()}")
