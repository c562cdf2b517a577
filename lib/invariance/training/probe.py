"""Linear probe: a new linear head on a frozen backbone's features (section 4 of the paper).

The paper trains the head for 200 epochs of Adam at 1e-3 and keeps the best validation epoch
(`method="adam"`). `method="lbfgs"` solves the same multinomial logistic regression to its optimum,
in a fraction of the time, and chooses its weight decay on the validation split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from invariance import sampling
from invariance.errors import InputError, check_known, check_rate, check_whole
from invariance.training import logistic
from invariance.training.schedules import SCHEDULES

METHODS = ("adam", "lbfgs")
WEIGHT_DECAYS = (1e-2, 1e-3, 1e-4)

Labelled = tuple[Tensor, Tensor]
"""Features float32 (N, D) and labels int64 (N,)."""

Redraws = Labelled | Sequence[Labelled]
"""Features of the training images, or a list of them: one for each redraw of the transformations."""


@dataclass(frozen=True)
class Probe:
    """A fitted head and its validation accuracy (a share)."""

    head: nn.Linear
    validation_accuracy: float

    @torch.no_grad()
    def accuracy(self, data: Labelled) -> float:
        """Share of `data` that the head classifies correctly (micro accuracy)."""
        return _accuracy(self.head.weight, self.head.bias, data).item()

    @torch.no_grad()
    def macro(self, data: Labelled) -> float:
        """Share of each class of `data` that the head classifies correctly, averaged over the classes (macro)."""
        right, labels = _right(self.head.weight, self.head.bias, data), data[1]
        return torch.stack([right[labels == label].mean() for label in labels.unique()]).mean().item()


def linear_probe(
    train: Redraws,
    validation: Labelled,
    classes: int,
    seed: int,
    method: str = "adam",
    epochs: int = 200,
    learning_rate: float = 1e-3,
    batch_size: int = 512,
    keep: str = "best",
    schedule: str = "constant",
    weight_decay: float = 0.0,
) -> Probe:
    """Fit a linear head on cached features.

    With several redraws of the training images, epochs of Adam take them in turn; L-BFGS takes them together. All that
    stands after `method` is for `method="adam"`: `keep` is "best" for the best validation epoch, or "last", and
    `schedule` one of `SCHEDULES`. Raises `InputError` for an unknown method, features that are not finite, float32 or
    float64 (N, D) of one width with a label each, redraws of other lengths, or labels outside 0 .. classes - 1.
    """
    how = (method, epochs, learning_rate, batch_size, keep, schedule, weight_decay)
    return linear_probes([train], [validation], classes, seed, *how)[0]


def linear_probes(
    trains: Sequence[Redraws],
    validations: Sequence[Labelled],
    classes: int,
    seed: int,
    method: str = "adam",
    epochs: int = 200,
    learning_rate: float = 1e-3,
    batch_size: int = 512,
    keep: str = "best",
    schedule: str = "constant",
    weight_decay: float = 0.0,
) -> list[Probe]:
    """Fit many heads at once, for different numbers of samples, labels or backbones of one width.

    Gives the probes that `linear_probe` would give one by one, to rounding; Adam trains them in one pass. Slices of
    the same features cost no memory.
    """
    check_known("probe method", method, METHODS)
    check_known("choice of epoch", keep, ("best", "last"))
    check_known("schedule", schedule, SCHEDULES)
    for name, value in (("classes", classes), ("epochs", epochs), ("batch_size", batch_size)):
        check_whole(name, value, 1)
    check_rate("learning_rate", learning_rate)
    if not trains or len(trains) != len(validations):
        raise InputError(f"{len(trains)} training and {len(validations)} validation sets: give one of each a probe.")
    problems = [_problem(train, validation, classes) for train, validation in zip(trains, validations, strict=True)]
    kinds = {(x.shape[1], x.dtype, x.device) for redraws, validation in problems for x, _ in (*redraws, validation)}
    if len(kinds) > 1:
        found = " and ".join(f"{width} wide, {kind} on {place}" for width, kind, place in sorted(kinds, key=str))
        raise InputError(f"Features for probes are {found}: take all from backbones of one width, as one type.")
    with torch.no_grad():
        if method == "lbfgs":
            return [_exact(redraws, validation, classes) for redraws, validation in problems]
        rates = _rates(schedule, learning_rate, epochs)
        return _adam(problems, classes, seed, rates, weight_decay, batch_size, keep)


Problem = tuple[list[Labelled], Labelled]


def _problem(train: Redraws, validation: Labelled, classes: int) -> Problem:
    redraws: list[Any] = [train] if len(train) and isinstance(train[0], Tensor) else list(train)
    if len({len(labels) for _, labels in redraws}) != 1:
        raise InputError("A probe needs training features, and of other redraws of the same images equally many.")
    for inputs, labels in (*redraws, validation):
        if inputs.ndim != 2 or labels.shape != inputs.shape[:1] or not inputs.numel():
            shapes = f"{tuple(inputs.shape)} and labels {tuple(labels.shape)}"
            raise InputError(f"Features {shapes}: a probe needs (N, D) and (N,), N and D at least 1.")
        if inputs.dtype not in (torch.float32, torch.float64) or labels.is_floating_point():
            raise InputError(f"Features {inputs.dtype} and labels {labels.dtype}: a probe needs float32 and int64.")
        if not torch.isfinite(inputs).all():
            raise InputError("The features for the probe are not finite: the backbone has diverged.")
        if labels.min() < 0 or labels.max() >= classes:
            raise InputError(f"A label lies outside 0 .. {classes - 1}: pass the number of classes that the data have.")
    return [(inputs, labels.long()) for inputs, labels in redraws], (validation[0], validation[1].long())


def _right(weight: Tensor, bias: Tensor, data: Labelled) -> Tensor:
    if data[0].ndim != 2 or data[0].shape[1] != weight.shape[1] or not len(data[0]):
        raise InputError(f"Features {tuple(data[0].shape)}: this probe reads (N, {weight.shape[1]}), N at least 1.")
    return (torch.addmm(bias, data[0], weight.T).argmax(1) == data[1]).float()


def _accuracy(weight: Tensor, bias: Tensor, data: Labelled) -> Tensor:
    return _right(weight, bias, data).mean()


def _head(weight: Tensor, bias: Tensor) -> nn.Linear:
    like = {"device": weight.device, "dtype": weight.dtype}
    head = skip_init(nn.Linear, weight.shape[1], len(weight), **like).requires_grad_(False)  # no random weights first
    head.weight.copy_(weight)
    head.bias.copy_(bias)
    return head


def _exact(redraws: list[Labelled], validation: Labelled, classes: int) -> Probe:
    inputs, labels = (torch.cat(parts) for parts in zip(*redraws, strict=True))
    solutions = logistic.solve(inputs, labels, classes, WEIGHT_DECAYS)
    probes = [Probe(_head(*solution), _accuracy(*solution, validation).item()) for solution in solutions]
    return max(probes, key=lambda probe: probe.validation_accuracy)


def _rates(schedule: str, learning_rate: float, epochs: int) -> list[float]:
    """The learning rate of every epoch: heads that are trained together have epochs of different lengths."""
    share = SCHEDULES[schedule] or (lambda step, steps, epoch: 1.0)
    return [learning_rate * share(epoch, epochs, 1) for epoch in range(epochs)]


def _adam(
    problems: list[Problem],
    classes: int,
    seed: int,
    rates: list[float],
    weight_decay: float,
    batch_size: int,
    keep: str,
) -> list[Probe]:
    # Longest first: those that still have batches left in an epoch are then the first so many.
    ranked = sorted(range(len(problems)), key=lambda i: -len(problems[i][0][0][1]))
    problems = [problems[i] for i in ranked]
    counts = [len(redraws[0][1]) for redraws, _ in problems]
    inputs = problems[0][0][0][0]
    with sampling.torch_seed(sampling.stream(seed, "probe head")):
        start = nn.Linear(inputs.shape[1], classes, dtype=torch.float32)
    weights = start.weight.detach().to(inputs).repeat(len(problems), 1, 1)  # (heads, classes, D)
    biases = start.bias.detach().to(inputs).repeat(len(problems), 1)
    # Each head is a parameter of its own within the common tensor: where it has no gradient, Adam leaves it alone.
    parameters = [*weights, *biases]
    optimiser = torch.optim.Adam(parameters, weight_decay=weight_decay, fused=True)
    kept = [torch.full((len(problems),), -1.0, device=inputs.device), weights.clone(), biases.clone()]
    for epoch, rate in enumerate(rates):
        optimiser.param_groups[0]["lr"] = rate
        data = [redraws[epoch % len(redraws)] for redraws, _ in problems]
        for chosen in _batches(counts, sampling.stream(seed, "probe", epoch), batch_size, inputs.device):
            active = len(chosen)
            gradients = _gradients(weights[:active], biases[:active], data[:active], chosen)
            for group, found in zip((parameters[: len(counts)], parameters[len(counts) :]), gradients, strict=True):
                for i, parameter in enumerate(group):
                    parameter.grad = found[i] if i < active else None
            optimiser.step()
        heads = zip(weights, biases, problems, strict=True)
        now = (torch.stack([_accuracy(w, b, validation) for w, b, (_, validation) in heads]), weights, biases)
        better = (now[0] > kept[0]) | (keep == "last")
        kept = [
            torch.where(better.view(-1, *[1] * (new.dim() - 1)), new, old) for new, old in zip(now, kept, strict=True)
        ]
    probes = [Probe(_head(w, b), a.item()) for a, w, b in zip(*kept, strict=True)]
    return [probes[ranked.index(i)] for i in range(len(ranked))]


def _batches(counts: list[int], stream: int, size: int, device: torch.device) -> Iterator[list[Tensor]]:
    """One epoch's batches: which images each problem takes, for those that still have some. Longest first."""
    orders = {n: sampling.keys(stream, torch.arange(n, device=device)).argsort() for n in set(counts)}
    for first in range(0, counts[0], size):
        yield [orders[count][first : first + size] for count in counts if count > first]


def _gradients(weights: Tensor, biases: Tensor, data: list[Labelled], chosen: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Gradients of each head's mean cross-entropy; written out, since autograd would take most of the time."""
    largest = len(chosen[0])
    inputs = weights.new_zeros(len(data), largest, weights.shape[2])
    labels = chosen[0].new_zeros(len(data), largest)
    share = weights.new_zeros(len(data), largest, 1)  # of a sample in its batch; 0 beyond a shorter batch
    for i, ((x, y), rows) in enumerate(zip(data, chosen, strict=True)):
        torch.index_select(x, 0, rows, out=inputs[i, : len(rows)])
        labels[i, : len(rows)] = y[rows]
        share[i, : len(rows)] = 1 / len(rows)
    error = torch.baddbmm(biases[:, None], inputs, weights.mT).softmax(2)
    error.scatter_add_(2, labels[..., None], error.new_full((), -1.0).expand(*labels.shape, 1))
    error *= share
    return error.mT @ inputs, error.sum(1)
