import pytest
import torch

from invariance import models, pictures, sampling, training
from invariance.datasets import Split, Transforms2D
from invariance.datasets.module import ImageData
from invariance.errors import InputError
from invariance.training import logistic
from invariance.training.fit import fit


def clusters(n, seed, width=20, classes=4, spread=1.0):
    centres = sampling.normal(sampling.keys(9, torch.arange(classes)), width)
    keys = sampling.keys(sampling.stream(seed, "clusters"), torch.arange(n))
    labels = sampling.integers(keys, classes)
    return centres[labels] + spread * sampling.normal(keys, width), labels


def test_both_probes_reach_the_same_accuracy_on_hard_features():
    sizes = (3000, 4000, 5000)
    train, validation, test = (clusters(n, seed, spread=2.0) for seed, n in enumerate(sizes))
    adam = [
        training.linear_probe(train, validation, 4, seed, "adam", epochs=60, batch_size=100).accuracy(test)
        for seed in range(4)
    ]
    exact = training.linear_probe(train, validation, 4, seed=0, method="lbfgs")
    assert 0.6 < exact.accuracy(test) < 0.95
    assert abs(sum(adam) / 4 - exact.accuracy(test)) < 0.005


def test_both_probes_agree_within_half_a_point_on_a_trained_models_features():
    spec = Transforms2D(classes=pictures.class_names("glyphs")[:6], transforms=("rotate", "hue", "blur"))
    renderer = spec.renderer()
    model = models.build("small", 6, 0)
    pretraining = [Split(renderer, 0, f"pretraining/{part}", n) for part, n in (("train", 4000), ("validation", 300))]
    fit(model, ImageData(*pretraining, 96, 0), 8, 3e-3, torch.device("cpu"))
    train, validation, test = (
        training.features(model, Split(renderer, 1, f"target/{part}", n))
        for part, n in (("train", 2000), ("validation", 2000), ("test", 4000))
    )
    adam = training.linear_probe(train, validation, 6, seed=0, method="adam", epochs=200, batch_size=64)
    exact = training.linear_probe(train, validation, 6, seed=0, method="lbfgs")
    assert 0.9 < exact.accuracy(test) < 0.99
    assert abs(adam.accuracy(test) - exact.accuracy(test)) < 0.005


def test_the_exact_solution_has_no_gradient_left():
    inputs, labels = clusters(400, 0, width=5, spread=2.0)
    decay = 1e-2
    ((weight, bias),) = logistic.solve(inputs, labels, 4, (decay,))
    std = inputs.std(0, correction=0)
    weight, bias = weight.requires_grad_(), bias.requires_grad_()
    penalty = decay * (weight * std).square().sum()
    (torch.nn.functional.cross_entropy(inputs @ weight.T + bias, labels) + penalty).backward()
    assert (weight.grad / std).abs().max() < 2e-3 and bias.grad.abs().max() < 2e-3


def test_the_exact_probe_does_not_care_about_the_scale_of_features():
    train, validation, test = (clusters(500, seed) for seed in range(3))
    scale = torch.logspace(-4, 4, 20)
    plain = training.linear_probe(train, validation, 4, 0, "lbfgs").accuracy(test)
    scaled = [(x * scale + 100 * scale, y) for x, y in (train, validation, test)]
    assert abs(training.linear_probe(*scaled[:2], 4, 0, "lbfgs").accuracy(scaled[2]) - plain) < 0.02


def test_the_exact_probe_takes_dead_and_repeated_features():
    inputs, labels = clusters(500, 0)
    inputs = torch.cat((inputs, inputs, torch.zeros(500, 3)), 1)
    assert training.linear_probe((inputs, labels), (inputs, labels), 4, 0, "lbfgs").validation_accuracy > 0.95


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_probes_fitted_together_are_those_fitted_alone(method):
    inputs, labels = clusters(300, 0, spread=3.0)
    validations = [clusters(200, 1, spread=3.0), clusters(150, 2, spread=3.0), clusters(200, 1, spread=3.0)]
    trains = [(inputs[:70], labels[:70]), (inputs, labels), (inputs, labels.flip(0))]
    options = {"method": method, "epochs": 5, "learning_rate": 0.1, "batch_size": 64}
    together = training.linear_probes(trains, validations, 4, 3, **options)
    for probe, train, validation in zip(together, trains, validations, strict=True):
        alone = training.linear_probe(train, validation, 4, 3, **options)
        assert probe.validation_accuracy == pytest.approx(alone.validation_accuracy)
        torch.testing.assert_close(probe.head.weight, alone.head.weight, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(probe.head.bias, alone.head.bias, rtol=1e-4, atol=1e-5)


def test_adam_is_torchs_and_keeps_the_best_epoch():
    """In float64, where rounding makes no label another."""
    train, validation = ((x.double(), y) for x, y in (clusters(100, 0, spread=3.0), clusters(300, 1, spread=3.0)))
    accuracies, epochs = [], 6
    with sampling.torch_seed(sampling.stream(2, "probe head")):
        head = torch.nn.Linear(20, 4).double()
    optimiser = torch.optim.Adam(head.parameters(), lr=0.3)
    for epoch in range(epochs):
        order = sampling.permutation(sampling.stream(2, "probe", epoch), 100)
        for rows in order.split(30):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(head(train[0][rows]), train[1][rows]).backward()
            optimiser.step()
        accuracies.append((head(validation[0]).argmax(1) == validation[1]).float().mean().item())
    probe = training.linear_probe(train, validation, 4, 2, "adam", epochs, learning_rate=0.3, batch_size=30)
    assert probe.validation_accuracy == pytest.approx(max(accuracies))
    assert probe.accuracy(validation) == pytest.approx(max(accuracies))
    assert accuracies[-1] < max(accuracies)  # else the test shows nothing


def test_the_last_epoch_is_kept_where_that_is_asked_for():
    train, validation = clusters(100, 0, spread=3.0), clusters(300, 1, spread=3.0)
    options = {"method": "adam", "learning_rate": 0.3, "batch_size": 30}
    probes = [training.linear_probe(train, validation, 4, 2, epochs=n, keep="last", **options) for n in range(1, 7)]
    accuracies = [probe.validation_accuracy for probe in probes]
    assert accuracies[-1] < max(accuracies)  # else the test shows nothing
    best = training.linear_probe(train, validation, 4, 2, epochs=6, **options)
    assert torch.equal(best.head.weight, probes[accuracies.index(max(accuracies))].head.weight)


def test_macro_accuracy_weighs_classes_alike_and_micro_samples():
    head = torch.nn.Linear(2, 2)
    with torch.no_grad():
        head.weight.copy_(torch.eye(2))
        head.bias.zero_()
    labels = torch.tensor([0] * 9 + [1])
    probe, ones = training.probe.Probe(head, 0.0), torch.tensor([[1.0, 0.0]]).repeat(10, 1)  # says 0 to all
    assert probe.accuracy((ones, labels)) == pytest.approx(0.9)
    assert probe.macro((ones, labels)) == pytest.approx(0.5)
    assert probe.macro((ones[:9], labels[:9])) == 1  # of the classes that there are


def test_epochs_take_the_redraws_in_turn():
    (inputs, labels), validation = clusters(200, 0), clusters(200, 1)
    wrong = (inputs, (labels + 1) % 4)

    def fitted(redraws, epochs):
        return training.linear_probe(redraws, validation, 4, 0, "adam", epochs, learning_rate=0.1, batch_size=50)

    one = fitted((inputs, labels), 1)
    assert torch.equal(fitted([(inputs, labels), wrong], 1).head.weight, one.head.weight)
    assert not torch.equal(fitted([wrong, (inputs, labels)], 1).head.weight, one.head.weight)
    exact = training.linear_probe([(inputs, labels), clusters(200, 5)], validation, 4, 0, "lbfgs")
    whole = tuple(torch.cat(both) for both in zip((inputs, labels), clusters(200, 5), strict=True))
    assert torch.equal(exact.head.weight, training.linear_probe(whole, validation, 4, 0, "lbfgs").head.weight)


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_few_samples_suffice_and_a_class_may_be_missing(method):
    inputs, labels = clusters(50, 0)
    kept = labels != 2
    probe = training.linear_probe((inputs[kept], labels[kept]), clusters(100, 1), 4, 0, method, learning_rate=0.05)
    assert probe.accuracy(clusters(1000, 2)) > 0.6


def test_what_cannot_be_fitted_is_named():
    train, validation = clusters(50, 0), clusters(40, 1)
    (inputs, labels), narrow = train, (validation[0][:, :9], validation[1])
    for given, against, message in (
        ((inputs * float("nan"), labels), validation, "not finite"),
        ((inputs, labels + 2), validation, r"outside 0 .. 3: pass the number of classes"),
        ((inputs, labels[1:]), validation, r"\(50, 20\) and labels \(49,\): a probe needs"),
        ((inputs[:, :0], labels), validation, r"\(50, 0\) and labels \(50,\)"),
        ((inputs.half(), labels), validation, r"Features torch.float16 .*: a probe needs float32"),
        (train, narrow, "are 20 wide, torch.float32 on cpu and 9 wide, torch.float32 on cpu: take all from"),
        ([train, clusters(30, 2)], validation, "of other redraws of the same images equally many"),
        ([], validation, "A probe needs training features"),
    ):
        with pytest.raises(InputError, match=message):
            training.linear_probe(given, against, 4, 0)
    with pytest.raises(InputError, match="1 training and 2 validation sets"):
        training.linear_probes([train], [validation] * 2, 4, 0)
    for wrong, message in (
        ({"method": "sgd"}, r"Unknown probe method 'sgd'. Known: adam, lbfgs"),
        ({"keep": "first"}, r"Unknown choice of epoch 'first'. Known: best, last"),
        ({"epochs": 0}, "epochs 0 is not usable: give a whole number of at least 1"),
        ({"learning_rate": 0}, "learning_rate 0 is not usable: give a number above 0"),
    ):
        with pytest.raises(InputError, match=message):
            training.linear_probe(train, validation, 4, 0, **wrong)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32])
@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_small_label_types_do_not_overflow(method, kind):
    (inputs, labels), validation = clusters(500, 0), clusters(200, 1)
    plain = training.linear_probe((inputs, labels), validation, 4, 0, method, epochs=3)
    small = training.linear_probe((inputs, labels.to(kind)), validation, 4, 0, method, epochs=3)
    assert torch.equal(small.head.weight, plain.head.weight)


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_a_probe_leaves_the_global_random_state_alone(method):
    state = torch.get_rng_state()
    training.linear_probe(clusters(50, 0), clusters(50, 1), 4, 0, method, epochs=1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_float64_features_have_a_float64_head(method):
    train = tuple(part.double() if part.is_floating_point() else part for part in clusters(200, 0))
    assert training.linear_probe(train, train, 4, 0, method, epochs=1).accuracy(train) > 0
