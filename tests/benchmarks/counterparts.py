"""The transformations that kornia has, too, on the same batch: batched, with parameters of its own for every image.

Both turn objects with an alpha channel into such objects. Kornia changes colours of three channels only: alpha is put
back beside them. Its contrast multiplies only, where ours blends with the mean; pixelate it does not have.
"""

import kornia.augmentation as K
import torch
from clock import cpu_seconds
from generator import BATCH, alone

from invariance.datasets import Split, Transforms2D

HALF = {"p": 0.5}
AFFINE = {"resample": "nearest", "p": 1.0}
COUNTERPARTS = {
    "scale": K.RandomAffine(0.0, scale=(0.4, 1.0), p=1.0),
    "translate": K.RandomAffine(0.0, translate=(0.15, 0.15), **AFFINE),
    "v_flip": K.RandomVerticalFlip(**HALF),
    "h_flip": K.RandomHorizontalFlip(**HALF),
    "rotate": K.RandomRotation((0.0, 360.0), **AFFINE),
    "shear": K.RandomShear((-50.0, 50.0, -50.0, 50.0), **AFFINE),
    "hue": K.RandomHue((-0.5, 0.5), p=1.0),
    "brightness": K.RandomBrightness((0.0, 2.0), p=1.0),
    "grayscale": K.RandomGrayscale(**HALF),
    "posterize": K.RandomPosterize(1, **HALF),
    "invert": K.RandomInvert(**HALF),
    "sharpen": K.RandomSharpness((7.0, 7.0), **HALF),
    "blur": K.RandomGaussianBlur((7, 7), (0.1, 1.5), p=1.0),
    "noise": K.RandomGaussianNoise(**HALF),
    "elastic": K.RandomElasticTransform((41, 41), (5.0, 5.0), (150 / 32, 150 / 32), **HALF),
    "erasing": K.RandomErasing((0.19, 0.19), (1.0, 1.0), **HALF),
    "contrast": K.RandomContrast((0.0, 2.0), p=1.0),
}
COLOURS = {"hue", "brightness", "grayscale", "posterize", "invert", "sharpen", "noise", "contrast"}
"""Those of the counterparts that leave alpha alone."""
SMALL = 256
"""Images of a small batch: kornia may take the whole one in pieces of this size where it is quicker so."""


def table(rounds=15):
    """One row a transformation: images a second of CPU time on one thread, kornia's and ours, and their ratio."""
    device = torch.device("cpu")
    renderer = Transforms2D().renderer(device)
    objects = renderer.foregrounds(Split(renderer, 0, "bench/train", BATCH["cpu"]).keys())
    rows = []
    for name, known in COUNTERPARTS.items():
        augment = _with_alpha(known) if name in COLOURS else known
        seconds = cpu_seconds(
            {
                "whole": lambda augment=augment: augment(objects),
                "pieces": lambda augment=augment: [augment(part) for part in objects.split(SMALL)],
                "ours": alone(device, (name,)),
            },
            rounds,
        )
        theirs, ours = len(objects) / min(seconds["whole"], seconds["pieces"]), len(objects) / seconds["ours"]
        rows.append({"case": name, "kornia": theirs, "ours": ours, "ratio": ours / theirs})
    return rows


def _with_alpha(augment):
    return lambda objects: torch.cat((augment(objects[:, :3]), objects[:, 3:]), 1)
