"""What some deviations change, measured: each function takes about a second and gives numbers by name."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from invariance import measures, models, sampling, studies, transforms
from invariance.datasets import Transforms2D
from invariance.datasets.pairs import pair_keys
from invariance.protocol import CORRECTED, find
from invariance.studies.study import LARGER
from invariance.training.inference import features_of_keys

Effect = dict[str, float]
IMAGES = 2000


def _keys(name: str, count: int = IMAGES) -> Tensor:
    return sampling.keys(sampling.stream(0, "deviations", name), torch.arange(count))


def objects() -> Tensor:
    """The embedded objects as the studies use them, RGBA float32 (61, 4, 32, 32)."""
    return Transforms2D().renderer().objects


def noise_variants(images: Tensor) -> tuple[Tensor, Tensor]:
    """Objects (B, 4, H, W) under the same noise: with sums that saturate, and with sums that wrap around."""
    given = {"key": _keys("noise", len(images))}
    protocols = CORRECTED, find("corrected+noise_wraps")
    saturated, wrapped = (transforms.apply(["noise"], images, [given], protocol=protocol) for protocol in protocols)
    return saturated, wrapped


class _Told(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "(not measured yet)"


@cache
def slips() -> Mapping[str, str]:
    """What flags change, with 95 % intervals, by names such as "last_epoch.accuracy.gap": the published experiments."""
    found = studies.get("slips").largest(LARGER)
    known = found.estimates.items() if found else ()
    return _Told({name.removeprefix("change."): f"{one:.3i}" for name, one in known if one.n})


@cache
def noise_wrap() -> Effect:
    """Over the pixels of the objects: `change` in 8-bit levels, `darker` the share that get darker (by over 2)."""
    inside = (objects()[:, 3:] > 0.5).expand(-1, 3, -1, -1)
    before, ours, theirs = (images[:, :3][inside] for images in (objects(), *noise_variants(objects())))
    darker = (theirs < before - 2 / 255).double().mean().item()
    return {"change": (theirs - ours).abs().mean().item() * 255, "darker": darker}


@cache
def box_after_scale() -> Effect:
    """Over draws of scale and translate on an opaque square: `cut` the share that leave the canvas in part.

    `fixed_cut` is that share with the box corrected; `shift` the mean distance in pixels between both places.
    """
    return _box_after("scale")


@cache
def box_after_rotate() -> Effect:
    """The same over draws of rotate and translate."""
    return _box_after("rotate")


def _box_after(name: str) -> Effect:
    box = Transforms2D().renderer().box
    x, y, side, _ = box.tolist()
    square = torch.zeros(IMAGES, 4, 32, 32)
    square[:, :, y : y + side, x : x + side] = 1
    names, boxes = (name, "translate"), box.expand(IMAGES, 4)
    drawn = transforms.draw(names, _keys(name), 32)
    whole = transforms.apply(names[:1], square, drawn[:1], boxes)[:, 3].sum((1, 2))
    protocols = find("corrected+boxes_stay"), CORRECTED
    theirs, ours = (transforms.apply(names, square, drawn, boxes, protocol)[:, 3] for protocol in protocols)
    cut, fixed = ((alpha.sum((1, 2)) < 0.98 * whole).double().mean().item() for alpha in (theirs, ours))
    return {"cut": cut, "fixed_cut": fixed, "shift": (_centre(theirs) - _centre(ours)).norm(dim=1).mean().item()}


@cache
def translate_on_images() -> Effect:
    """Of `translate` on whole images of 32 pixels, the mean shift to the right and the mean distance, in pixels."""
    dot = torch.zeros(IMAGES, 3, 32, 32)
    dot[:, :, 16, 16] = 1
    drawn = transforms.draw(("translate",), _keys("translate"), 32)
    protocols = find("corrected+shifts_right_and_down"), CORRECTED
    theirs, ours = (_centre(transforms.apply(("translate",), dot, drawn, None, p)[:, 0]) - 16 for p in protocols)
    found = {"theirs": theirs[:, 0].mean(), "ours": ours[:, 0].mean()}
    found |= {"their_distance": theirs.norm(dim=1).mean(), "our_distance": ours.norm(dim=1).mean()}
    return {name: value.item() for name, value in found.items()}


@cache
def elastic_border() -> Effect:
    """`change` of whole images' colours in 8-bit levels by how `elastic` weighs what it reads across the border."""
    images = Transforms2D().renderer().backgrounds(_keys("elastic", 200))
    drawn = transforms.draw(("elastic",), _keys("elastic", len(images)), 32)
    protocols = find("corrected+elastic_dims_border"), CORRECTED
    theirs, ours = (transforms.apply(("elastic",), images, drawn, protocol=p) for p in protocols)
    return {"change": (theirs - ours).abs().mean().item() * 255}


@cache
def macro() -> Effect:
    """`difference` of a mean over classes and the share of images, on test images of the published experiment A."""
    found = studies.get("invariances_or_classes").largest(("paper", "night", "quick"))
    if not found:
        return {"difference": float("nan")}
    rows = found.table[found.table["split"] == "test"]
    return {"difference": (rows["macro"] - rows["value"]).abs().mean()}


def _centre(alpha: Tensor) -> Tensor:
    along = torch.arange(alpha.shape[-1], dtype=torch.float32)
    return torch.stack((alpha.sum(1) @ along, alpha.sum(2) @ along), 1) / alpha.sum((1, 2))[:, None]


def random_objects(count: int) -> tuple[Tensor, Tensor]:
    """Random pixels in 256 steps of [0, 1], (count, 3, 32, 32): uniform, and the bytes of float32 numbers."""
    numbers = sampling.uniform(_keys("random objects", count), 3 * 32 * 32)
    as_bytes = numbers.view(torch.uint8)[:, : 3 * 32 * 32]  # a picture takes the first quarter of the bytes
    uniform, floats = (x.reshape(count, 32, 32, 3).movedim(3, 1) / 255 for x in ((numbers * 256).byte(), as_bytes))
    return uniform, floats


@cache
def random_object_bytes() -> Effect:
    """The share of pixel values that are 62 or 63, the top bytes of numbers from 1/8 to 1, beside uniform pixels'."""
    ours, theirs = ((255 * x - 62.5).abs().lt(0.6).double().mean().item() for x in random_objects(200))
    return {"theirs": theirs, "ours": ours}


@cache
def _untrained_pairs() -> tuple[Tensor, Tensor]:
    renderer = Transforms2D(transforms=("rotate",)).renderer()
    content, first, second = pair_keys(renderer, 500, seed=0)
    model = models.build("small", 10, 0).eval()
    x, x_prime = (features_of_keys(model, renderer, content, transformation=keys) for keys in (first, second))
    return x, x_prime


@cache
def shuffle_seed() -> Effect:
    """The sensitivity of an untrained network under ten seeds of the random pairs: `value` and standard `deviation`."""
    values = torch.tensor([measures.sensitivity(*_untrained_pairs(), seed).value for seed in range(10)])
    return {"value": values.mean().item(), "deviation": values.std().item()}


@cache
def cka_quirk() -> Effect:
    """`difference` that the published order of centring and clearing makes, on the pairs of an untrained network."""
    ours, theirs = (
        measures.cka(*_untrained_pairs(), as_published=as_published).value for as_published in (False, True)
    )
    return {"difference": abs(ours - theirs)}


def plain_cka(x: Tensor, y: Tensor) -> float:
    """Linear CKA (Kornblith et al., 2019) of (N, D) and (N, E), with the biased estimate of HSIC."""
    x, y = x - x.mean(0), y - y.mean(0)
    return ((x.T @ y).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())).item()


@cache
def cka_bias(width: int = 96, pairs: int = 4096) -> Effect:
    """CKA of independent representations, which is 0: plain, in minibatches of 32, 128 and 1,024, and unbiased."""
    x, y = (sampling.normal(_keys(name, pairs), width) for name in ("cka x", "cka y"))

    def plain(n: int) -> float:
        return sum(plain_cka(a, b) for a, b in zip(x.split(n), y.split(n), strict=True)) * n / pairs

    return {**{f"plain_{n}": plain(n) for n in (32, 128, 1024)}, "unbiased": measures.cka(x, y, batch=32).value}
