"""Multinomial logistic regression solved to its optimum, for a path of weight decays."""

import torch
from torch import Tensor

MAX_STEPS = 200
GRADIENT_TOLERANCE = 1e-3
"""Largest entry of the gradient, in units in which the curvature is about 1, at which a solution is good enough."""


def solve(inputs: Tensor, labels: Tensor, classes: int, decays: tuple[float, ...]) -> list[tuple[Tensor, Tensor]]:
    """Weights (classes, D) and biases (classes,) for features (N, D), one pair a weight decay.

    Minimises the mean cross-entropy plus decay * sum of squared weights, the weights being those of standardised
    features. Each solution starts from the one before, so give the decays from strong to weak.

    L-BFGS in the eigenbasis of the features, scaled by what the curvature would be if all classes were equally
    likely: representations are strongly correlated, and without this it takes several times as many steps.
    """
    mean, std = inputs.mean(0), inputs.std(0, correction=0).clamp_min(1e-6)
    scaled = (inputs - mean) / std
    variances, basis = torch.linalg.eigh(scaled.T @ scaled / len(scaled))
    scaled = scaled @ basis
    weight, bias = scaled.new_zeros(classes, scaled.shape[1]), scaled.new_zeros(classes, 1)
    found = []
    for decay in decays:
        units = (variances.clamp_min(0) / classes + 2 * decay).rsqrt()
        weight, bias = _minimise((scaled * units).T.contiguous(), labels, weight / units, bias, decay * units**2)
        weight = weight * units
        whole = weight @ basis.T / std
        found.append((whole, bias[:, 0] - whole @ mean))
    return found


def _minimise(inputs: Tensor, labels: Tensor, weight: Tensor, bias: Tensor, decays: Tensor) -> tuple[Tensor, Tensor]:
    # `inputs` (D, N) and the transpose below: with both at hand neither product has to transpose anything.
    rows, count = inputs.T.contiguous(), len(labels)
    truth = labels * count + torch.arange(count, device=labels.device)
    unit = len(bias) ** 0.5  # the bias in units of its own curvature, 1 / classes
    weight, bias = weight.clone(), bias / unit
    optimiser = torch.optim.LBFGS(
        [weight, bias],
        max_iter=MAX_STEPS,
        history_size=10,
        tolerance_grad=GRADIENT_TOLERANCE,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        share = torch.addmm(bias * unit, weight, inputs).softmax(0)  # (classes, N)
        value = -share.view(-1)[truth].clamp_min(1e-30).log().mean() + (decays * weight**2).sum()
        share.view(-1)[truth] -= 1
        weight.grad = share @ rows / count + 2 * decays * weight
        bias.grad = share.mean(1, keepdim=True) * unit
        return value

    optimiser.step(loss)
    return weight, bias * unit
