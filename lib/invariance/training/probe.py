"""Linear probe: a new linear head on a frozen backbone's features (section 4 of the paper).

The paper trains the head for 200 epochs of Adam at 1e-3 and keeps the best validation epoch
(`method="adam"`). `method="lbfgs"` solves the same multinomial logistic regression to its optimum,
in a fraction of the time, and chooses its weight decay on the validation split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from invariance import sampling
from invariance.errors import InputError, check_known, check_rate, check_whole
from invariance.training import logistic

METHODS = ("adam", "lbfgs")
WEIGHT_DECAYS = (1e-2, 1e-3, 1e-4)

Labelled = tuple[Tensor, Tensor]
"""Features float32 (N, D) and labels int64 (N,)."""

Views = Labelled | Sequence[Labelled]
"""Features of the training images, or a list of them: one for each draw of the transformations."""


@dataclass(frozen=True)
class Probe:
    """A fitted head and its validation accuracy (a share)."""

    head: nn.Linear
    validation_accuracy: float

    @torch.no_grad()
    def accuracy(self, data: Labelled) -> float:
        """Share of `data` that the head classifies correctly."""
        return _accuracy(self.head.weight, self.head.bias, data).item()

    macro = accuracy


def linear_probe(
    train: Views,
    validation: Labelled,
    classes: int,
    seed: int,
    method: str = "adam",
    epochs: int = 200,
    learning_rate: float = 1e-3,
    batch_size: int = 512,
) -> Probe:
    """Fit a linear head on cached features.

    With several views of the training images, epochs of Adam take them in turn; L-BFGS takes them together. `epochs`,
    `learning_rate` and `batch_size` are those of `method="adam"`. Raises `InputError` for an unknown method, features
    that are not finite (N, D) of one width and type with a label each, views of other lengths, or labels outside
    0 .. classes - 1.
    """
    return linear_probes([train], [validation], classes, seed, method, epochs, learning_rate, batch_size)[0]


def linear_probes(
    trains: Sequence[Views],
    validations: Sequence[Labelled],
    classes: int,
    seed: int,
    method: str = "adam",
    epochs: int = 200,
    learning_rate: float = 1e-3,
    batch_size: int = 512,
) -> list[Probe]:
    """Fit many heads at once, for different numbers of samples, labels or backbones of one width.

    Gives the probes that `linear_probe` would give one by one, to rounding; Adam trains them in one pass. Slices of
    the same features cost no memory.
    """
    check_known("probe method", method, METHODS)
    for name, value in (("classes", classes), ("epochs", epochs), ("batch_size", batch_size)):
        check_whole(name, value, 1)
    check_rate("learning_rate", learning_rate)
    if not trains or len(trains) != len(validations):
        raise InputError(f"{len(trains)} training and {len(validations)} validation sets: give one of each a probe.")
    problems = [_checked(views, validation, classes) for views, validation in zip(trains, validations, strict=True)]
    if len({_described(views[0][0]) for views, _ in problems}) > 1:
        raise InputError("Probes that are trained together need features of one width and type: train them one by one.")
    with torch.no_grad():
        if method == "lbfgs":
            return [_exact(views, validation, classes) for views, validation in problems]
        return _adam(problems, classes, seed, epochs, learning_rate, batch_size)


Problem = tuple[list[Labelled], Labelled]


def _checked(views: Views, validation: Labelled, classes: int) -> Problem:
    views = list(views) if not len(views) or isinstance(views[0], (tuple, list)) else [views]
    parts = [_labelled(part, classes) for part in (*views, validation)]
    found = list(dict.fromkeys(_described(inputs) for inputs, _ in parts))
    if len(found) > 1:
        raise InputError(f"Features of one probe are {' and '.join(found)}: take all from one backbone, as one type.")
    *views, validation = parts
    counts = {len(labels) for _, labels in views}
    if len(counts) != 1:
        lengths = ", ".join(map(str, sorted(counts))) or "none"
        raise InputError(f"Views of lengths {lengths}: give at least one, each of the same training images.")
    return views, validation


def _labelled(part: Labelled, classes: int) -> Labelled:
    if len(part) != 2 or not all(isinstance(values, Tensor) for values in part):
        raise InputError("Data for a probe must be a pair of tensors: features (N, D) and N labels.")
    inputs, labels = part
    if inputs.dim() != 2 or labels.dim() != 1 or len(inputs) != len(labels) or not len(labels) or not inputs.shape[1]:
        shapes = f"{tuple(inputs.shape)} with {len(labels) if labels.dim() == 1 else tuple(labels.shape)} labels"
        raise InputError(f"Features of shape {shapes}: a probe needs (N, D) and N labels, N and D at least 1.")
    if inputs.dtype not in (torch.float32, torch.float64):
        raise InputError(f"Features of {inputs.dtype} for a probe: give float32, such as features.float().")
    if labels.is_floating_point() or labels.is_complex() or labels.device != inputs.device:
        raise InputError(
            f"Labels of {labels.dtype} on {labels.device} for features on {inputs.device}: "
            "give int64 labels on the same device."
        )
    if not torch.isfinite(inputs).all():
        raise InputError("The features for the probe are not finite: the backbone has diverged.")
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(f"A label lies outside 0 .. {classes - 1}: pass the number of classes that the data have.")
    return inputs, labels.long()


def _described(inputs: Tensor) -> str:
    return f"{inputs.shape[1]} wide, {str(inputs.dtype).removeprefix('torch.')} on {inputs.device}"


def _accuracy(weight: Tensor, bias: Tensor, data: Labelled) -> Tensor:
    return (torch.addmm(bias, data[0], weight.T).argmax(1) == data[1]).float().mean()


def _head(weight: Tensor, bias: Tensor) -> nn.Linear:
    like = {"device": weight.device, "dtype": weight.dtype}
    head = skip_init(nn.Linear, weight.shape[1], len(weight), **like).requires_grad_(False)  # no random weights first
    head.weight.copy_(weight)
    head.bias.copy_(bias)
    return head


def _exact(views: list[Labelled], validation: Labelled, classes: int) -> Probe:
    inputs, labels = (torch.cat(parts) for parts in zip(*views, strict=True))
    solutions = logistic.solve(inputs, labels, classes, WEIGHT_DECAYS)
    probes = [Probe(_head(*solution), _accuracy(*solution, validation).item()) for solution in solutions]
    return max(probes, key=lambda probe: probe.validation_accuracy)


def _adam(
    problems: list[Problem], classes: int, seed: int, epochs: int, learning_rate: float, batch_size: int
) -> list[Probe]:
    # Longest first: those that still have batches left in an epoch are then the first so many.
    ranked = sorted(range(len(problems)), key=lambda i: -len(problems[i][0][0][1]))
    problems = [problems[i] for i in ranked]
    counts = [len(views[0][1]) for views, _ in problems]
    inputs = problems[0][0][0][0]
    with sampling.torch_seed(sampling.stream(seed, "probe head")):
        start = nn.Linear(inputs.shape[1], classes)
    weights = start.weight.detach().to(inputs).repeat(len(problems), 1, 1)  # (heads, classes, D)
    biases = start.bias.detach().to(inputs).repeat(len(problems), 1)
    # Each head is a parameter of its own within the common tensor: where it has no gradient, Adam leaves it alone.
    parameters = [*weights, *biases]
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, fused=True)
    best = [torch.full((len(problems),), -1.0, device=inputs.device), weights.clone(), biases.clone()]
    for epoch in range(epochs):
        data = [views[epoch % len(views)] for views, _ in problems]
        stream = sampling.stream(seed, "probe", epoch)
        orders = {n: sampling.keys(stream, torch.arange(n, device=inputs.device)).argsort() for n in set(counts)}
        for first in range(0, counts[0], batch_size):
            active = sum(count > first for count in counts)
            chosen = [orders[count][first : first + batch_size] for count in counts[:active]]
            gradients = _gradients(weights[:active], biases[:active], data[:active], chosen)
            for group, found in zip((parameters[: len(counts)], parameters[len(counts) :]), gradients, strict=True):
                for i, parameter in enumerate(group):
                    parameter.grad = found[i] if i < active else None
            optimiser.step()
        accuracies = [
            _accuracy(w, b, validation) for w, b, (_, validation) in zip(weights, biases, problems, strict=True)
        ]
        now = (torch.stack(accuracies), weights, biases)
        better = now[0] > best[0]
        best = [
            torch.where(better.view(-1, *[1] * (new.dim() - 1)), new, old) for new, old in zip(now, best, strict=True)
        ]
    probes = [Probe(_head(w, b), a.item()) for a, w, b in zip(*best, strict=True)]
    return [probes[ranked.index(i)] for i in range(len(ranked))]


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
