"""Linear probe: a new linear head on a frozen backbone's features (section 4 of the paper).

The paper trains the head for 200 epochs of Adam at 1e-3 and keeps the best validation epoch
(`method="adam"`). `method="lbfgs"` solves the same multinomial logistic regression to its optimum,
in a fraction of the time, and chooses its weight decay on the validation split.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from invariance import sampling
from invariance.errors import InputError, check_known

METHODS = ("adam", "lbfgs")
WEIGHT_DECAYS = (1e-5, 1e-3)
LBFGS_STEPS = 100

Labelled = tuple[Tensor, Tensor]
"""Features float32 (N, D) and labels int64 (N,)."""


@dataclass(frozen=True)
class Probe:
    """A fitted head and its validation accuracy (a share)."""

    head: nn.Linear
    validation_accuracy: float

    @torch.no_grad()
    def accuracy(self, data: Labelled) -> float:
        """Share of `data` that the head classifies correctly."""
        return _accuracy(self.head, data)


def linear_probe(
    train: Labelled,
    validation: Labelled,
    classes: int,
    seed: int,
    method: str = "adam",
    epochs: int = 200,
    learning_rate: float = 1e-3,
    batch_size: int = 512,
) -> Probe:
    """Fit a linear head on cached features.

    `epochs`, `learning_rate` and `batch_size` are those of `method="adam"`. Raises `InputError`
    for an unknown method or features that are not finite.
    """
    check_known("probe method", method, METHODS)
    if not torch.isfinite(train[0]).all():
        raise InputError("The features for the probe are not finite: the backbone has diverged.")
    if method == "lbfgs":
        return _lbfgs(train, validation, classes)
    return _adam(train, validation, classes, seed, epochs, learning_rate, batch_size)


@torch.no_grad()
def _accuracy(head: nn.Linear, data: Labelled) -> float:
    return (head(data[0]).argmax(1) == data[1]).float().mean().item()


def _adam(
    train: Labelled,
    validation: Labelled,
    classes: int,
    seed: int,
    epochs: int,
    learning_rate: float,
    batch_size: int,
) -> Probe:
    inputs, labels = train
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(inputs.shape[1], classes).to(inputs.device)
    optimiser = torch.optim.Adam(head.parameters(), lr=learning_rate, fused=True)
    best_accuracy, best_weights = -1.0, {}
    for epoch in range(epochs):
        order = sampling.permutation(sampling.stream(seed, "probe", epoch), len(labels)).to(inputs.device)
        for chosen in order.split(batch_size):
            optimiser.zero_grad()
            cross_entropy(head(inputs[chosen]), labels[chosen]).backward()
            optimiser.step()
        accuracy = _accuracy(head, validation)
        if accuracy > best_accuracy:
            best_accuracy = accuracy
            best_weights = {name: value.clone() for name, value in head.state_dict().items()}
    head.load_state_dict(best_weights)
    return Probe(head, best_accuracy)


def _lbfgs(train: Labelled, validation: Labelled, classes: int) -> Probe:
    mean, std = train[0].mean(0), train[0].std(0).clamp_min(1e-6)
    scaled = ((train[0] - mean) / std, train[1])
    probes = []
    for decay in WEIGHT_DECAYS:
        weight, bias = _solve(scaled, classes, decay)
        head = nn.Linear(weight.shape[1], classes).to(weight.device).requires_grad_(False)
        head.weight.copy_(weight / std)  # fold the scaling of the features into the head
        head.bias.copy_(bias - (weight / std) @ mean)
        probes.append(Probe(head, _accuracy(head, validation)))
    return max(probes, key=lambda probe: probe.validation_accuracy)


def _solve(train: Labelled, classes: int, decay: float) -> tuple[Tensor, Tensor]:
    inputs, labels = train
    weight = inputs.new_zeros(classes, inputs.shape[1]).requires_grad_()
    bias = inputs.new_zeros(classes).requires_grad_()
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=LBFGS_STEPS, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = cross_entropy(inputs @ weight.T + bias, labels) + decay * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weight.detach(), bias.detach()
