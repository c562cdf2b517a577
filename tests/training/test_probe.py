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
        training.linear_probe(train, validation, 4, seed, "adam", epochs=100, batch_size=100).accuracy(test)
        for seed in range(4)
    ]
    exact = training.linear_probe(train, validation, 4, seed=0, method="lbfgs")
    assert 0.6 < exact.accuracy(test) < 0.95
    assert abs(sum(adam) / 4 - exact.accuracy(test)) < 0.005


def test_both_probes_agree_within_half_a_point_on_a_trained_models_features():
    spec = Transforms2D(classes=pictures.class_names("glyphs")[:6], transforms=("rotate", "hue", "blur"))
    source = spec.renderer()
    model = models.build("small", 6, 0)
    pretraining = [Split(source, 0, f"pretraining/{part}", n) for part, n in (("train", 4000), ("validation", 300))]
    fit(model, ImageData(*pretraining, 96, 0), 8, 3e-3, torch.device("cpu"))
    train, validation, test = (
        training.features(model, Split(source, 1, f"target/{part}", n))
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
    train, validation = clusters(100, 0, spread=3.0), clusters(300, 1, spread=3.0)
    accuracies, epochs = [], 6
    with torch.random.fork_rng():
        torch.manual_seed(2)
        head = torch.nn.Linear(20, 4)
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


def test_epochs_take_the_views_in_turn():
    (inputs, labels), validation = clusters(200, 0), clusters(200, 1)
    wrong = (inputs, (labels + 1) % 4)

    def fitted(views, epochs):
        return training.linear_probe(views, validation, 4, 0, "adam", epochs, learning_rate=0.1, batch_size=50)

    one = fitted((inputs, labels), 1)
    assert torch.equal(fitted([(inputs, labels), wrong], 1).head.weight, one.head.weight)
    assert not torch.equal(fitted([wrong, (inputs, labels)], 1).head.weight, one.head.weight)
    exact = training.linear_probe([(inputs, labels), clusters(200, 5)], validation, 4, 0, "lbfgs")
    whole = tuple(torch.cat(parts) for parts in zip((inputs, labels), clusters(200, 5), strict=True))
    assert torch.equal(exact.head.weight, training.linear_probe(whole, validation, 4, 0, "lbfgs").head.weight)


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_few_samples_suffice_and_a_class_may_be_missing(method):
    inputs, labels = clusters(50, 0)
    kept = labels != 2
    probe = training.linear_probe((inputs[kept], labels[kept]), clusters(100, 1), 4, 0, method, learning_rate=0.05)
    assert probe.accuracy(clusters(1000, 2)) > 0.6


def test_probe_input_is_checked():
    inputs, labels = train = clusters(50, 0)
    with pytest.raises(InputError, match=r"Unknown probe method 'sgd'. Known: adam, lbfgs"):
        training.linear_probe(train, train, 4, 0, "sgd")
    with pytest.raises(InputError, match="not finite"):
        training.linear_probe((inputs * float("nan"), labels), train, 4, 0)
    with pytest.raises(InputError, match=r"outside 0 .. 2"):
        training.linear_probe(train, train, 3, 0)
    with pytest.raises(InputError, match=r"\(50, 20\) with 49 labels"):
        training.linear_probe((inputs, labels[1:]), train, 4, 0)
    with pytest.raises(InputError, match="features of one width and type"):
        training.linear_probes([train, (inputs[:, :9], labels)], [train, (inputs[:, :9], labels)], 4, 0)


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_views_and_validation_must_fit_together(method):
    train, other, validation = clusters(50, 0), clusters(50, 2), clusters(40, 1)
    (inputs, labels), narrow = train, (other[0][:, :9], other[1])
    for views, against, message in (
        ([train, narrow], validation, "20 wide, float32 on cpu and 9 wide, float32 on cpu: take all from one backbone"),
        (train, narrow, "20 wide, float32 on cpu and 9 wide"),
        (train, (validation[0].double(), validation[1]), "float32 on cpu and 20 wide, float64"),
        ([train, clusters(30, 2)], validation, "Views of lengths 30, 50: give at least one, each of the same"),
        ([], validation, "Views of lengths none: give at least one"),
        ((inputs.half(), labels), validation, r"Features of torch.float16 .* such as features\.float\(\)"),
        ((inputs, labels.float()), validation, "Labels of torch.float32 .* give int64"),
        ((inputs, labels[:, None]), validation, r"\(50, 20\) with \(50, 1\) labels"),
        ((inputs[:, :0], labels), validation, r"\(50, 0\) with 50 labels"),
        ((inputs.numpy(), labels.numpy()), validation, "must be a pair of tensors"),
    ):
        with pytest.raises(InputError, match=message):
            training.linear_probe(views, against, 4, 0, method)
    with pytest.raises(InputError, match="0 training and 0 validation sets"):
        training.linear_probes([], [], 4, 0, method)
    with pytest.raises(InputError, match="1 training and 2 validation sets"):
        training.linear_probes([train], [validation] * 2, 4, 0, method)


def test_settings_of_a_probe_are_checked():
    train = clusters(50, 0)
    for name in ("epochs", "batch_size"):
        for value in (0, -1, 1.5, True):
            with pytest.raises(InputError, match=f"{name} {value!r} is not usable: give a whole number of at least 1"):
                training.linear_probe(train, train, 4, 0, **{name: value})
    for rate in (0, float("nan"), "fast"):
        with pytest.raises(InputError, match=r"learning_rate .* is not usable: give a number above 0"):
            training.linear_probe(train, train, 4, 0, learning_rate=rate)


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
