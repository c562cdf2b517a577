import torch

from invariance.datasets import Transforms2D
from invariance.datasets.pairs import pair_keys, paired_images


def test_pairs_share_everything_but_the_transformation():
    renderer = Transforms2D(classes=("umbrella",), transforms=("rotate",)).renderer()
    x, x_prime = paired_images(renderer, 40, seed=0)
    content, first, second = pair_keys(renderer, 40, seed=0)
    assert torch.equal(x, renderer.images(content, transformation=first))
    assert (first != second).all()
    assert torch.equal(x[..., 0, :], x_prime[..., 0, :])  # the rotated object stays clear of the top row
    assert (x != x_prime).flatten(1).any(1).float().mean() > 0.9
