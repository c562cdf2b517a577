"""What a deviation changes, measured: each function takes about a second and gives numbers by name.

They are cached, since the log asks for them more than once.
"""

from functools import cache

import torch
from torch import Tensor

from invariance import measures, models, sampling, transforms
from invariance.datasets import NaturalImages, ObjectsOnImages, Split, Transforms2D
from invariance.experiments import factors
from invariance.experiments.profiles import PROFILES
from invariance.models.vit import VisionTransformer
from invariance.training.inference import features_of_keys
from invariance.transforms import TRANSFORMATIONS
from invariance.transforms.composition import AS_PUBLISHED
from invariance.transforms.geometric import scaled_side

Effect = dict[str, float]
IMAGES = 2000


def _keys(name: str, count: int = IMAGES) -> Tensor:
    return sampling.keys(sampling.stream(0, "deviations", name), torch.arange(count))


def glyph_objects() -> Tensor:
    """The embedded objects as the experiments use them, RGBA float32 (61, 4, 32, 32)."""
    return Transforms2D().renderer().objects


# --- quirks of the published code --------------------------------------------------------------------


def noise_variants(objects: Tensor) -> tuple[Tensor, Tensor]:
    """Objects (B, 4, H, W) under the same noise: with sums that saturate, and with sums that wrap around."""
    given = {"key": _keys("noise", len(objects))}
    return TRANSFORMATIONS["noise"].apply(objects, given), AS_PUBLISHED["noise"].apply(objects, given)


@cache
def noise_wrap() -> Effect:
    """Over the pixels of the objects: `change` in 8-bit levels, `darker` the share that get darker (by over 2)."""
    objects = glyph_objects()
    saturated, wrapped = noise_variants(objects)
    inside = (objects[:, 3:] > 0.5).expand(-1, 3, -1, -1)
    before, ours, theirs = (images[:, :3][inside] for images in (objects, saturated, wrapped))
    return {
        "change": (theirs - ours).abs().mean().item() * 255,
        "darker": (theirs < before - 2 / 255).double().mean().item(),
    }


@cache
def box_after_scale() -> Effect:
    """Over draws of scale and translate on an opaque square: `cut` the share that leave the canvas in part.

    `fixed_cut` is that share with the box corrected; `shift` the mean distance in pixels between both places.
    """
    generator = Transforms2D().renderer()
    x, y, side, _ = generator.box.tolist()
    square = torch.zeros(IMAGES, 4, 32, 32)
    square[:, :, y : y + side, x : x + side] = 1
    names, boxes = ("scale", "translate"), generator.box.expand(IMAGES, 4)
    drawn = transforms.draw(names, _keys("scale"), 32)
    whole = transforms.apply(names[:1], square, drawn[:1], boxes)[:, 3].sum((1, 2))
    alpha = [transforms.apply(names, square, drawn, boxes, as_published)[:, 3] for as_published in (True, False)]
    theirs, ours = ((a.sum((1, 2)) < 0.98 * whole).double().mean().item() for a in alpha)
    centres = [_centre(a) for a in alpha]
    return {"cut": theirs, "fixed_cut": ours, "shift": (centres[0] - centres[1]).norm(dim=1).mean().item()}


def _centre(alpha: Tensor) -> Tensor:
    along = torch.arange(alpha.shape[-1], dtype=torch.float32)
    total = alpha.sum((1, 2))
    return torch.stack(((alpha.sum(1) @ along) / total, (alpha.sum(2) @ along) / total), 1)


def random_objects(count: int = IMAGES) -> tuple[Tensor, Tensor]:
    """Random pixels uint8 (count, 3, 32, 32): uniform, and float32 numbers whose bytes are read as pixels."""
    numbers = sampling.uniform(_keys("random objects", count), 3 * 32 * 32)
    as_bytes = numbers.view(torch.uint8)[:, : 3 * 32 * 32]  # a picture takes the first quarter of the bytes
    shape = (count, 32, 32, 3)
    return (numbers * 256).byte().reshape(shape).movedim(3, 1), as_bytes.reshape(shape).movedim(3, 1)


@cache
def random_object_bytes() -> Effect:
    """The share of pixel values that are 62 or 63, the top bytes of numbers from 1/8 to 1, beside uniform pixels'."""
    ours, theirs = (((pixels >= 62) & (pixels <= 63)).double().mean().item() for pixels in random_objects(200))
    return {"theirs": theirs, "ours": ours}


@cache
def background_salt() -> Effect:
    """`salts` there are, how many are `different` among 30 draws (10 seeds, 3 splits), and how many of a million."""
    keys = _keys("salt", 30)
    salts, intended = 10 ^ 6, 10**6
    different, expected = (len(sampling.integers(keys, high).unique()) for high in (salts, intended))
    return {"salts": salts, "different": different, "intended": expected}


@cache
def repeated_draws(images: int = 4096, batch: int = 64) -> Effect:
    """The share of `images` with a draw that no earlier one had, for 1, 4 and 12 workers with copies of a generator."""

    def share(workers: int) -> float:
        copies = [torch.Generator().manual_seed(0) for _ in range(workers)]
        drawn = [torch.rand(batch, generator=copies[k % workers], dtype=torch.float64) for k in range(images // batch)]
        return len(torch.cat(drawn).unique()) / images

    return {f"workers_{n}": share(n) for n in (1, 4, 12)}


@cache
def shuffle_seed() -> Effect:
    """The sensitivity of an untrained network under ten seeds of the random pairs: `value` and standard `deviation`."""
    before, after = _untrained_pairs()
    values = torch.tensor([measures.sensitivity(before, after, seed).value for seed in range(10)])
    return {"value": values.mean().item(), "deviation": values.std().item()}


@cache
def _untrained_pairs(pairs: int = 500) -> tuple[Tensor, Tensor]:
    source = Transforms2D(transforms=("rotate",)).renderer()
    content, first, second = measures.pair_keys(source, pairs, seed=0)
    model = models.build("small", 10, 0).eval()
    return tuple(features_of_keys(model, source, content, transformation=keys) for keys in (first, second))


@cache
def cka_quirk() -> Effect:
    """`difference` that the published order of centring and clearing makes, on the pairs of an untrained network."""
    before, after = _untrained_pairs()
    difference = measures.cka(before, after).value - measures.cka(before, after, as_published=True).value
    return {"difference": abs(difference)}


def plain_cka(x: Tensor, y: Tensor) -> float:
    """Linear CKA (Kornblith et al., 2019) of (N, D) and (N, E), with the biased estimate of HSIC."""
    x, y = x - x.mean(0), y - y.mean(0)
    return ((x.T @ y).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())).item()


@cache
def cka_bias(width: int = 96, pairs: int = 4096) -> Effect:
    """CKA of independent representations, which is 0: plain, in minibatches of 32, 128 and 1,024, and unbiased."""
    x, y = (sampling.normal(_keys(name, pairs), width) for name in ("cka x", "cka y"))
    plain = {
        f"plain_{n}": sum(plain_cka(a, b) for a, b in zip(x.split(n), y.split(n), strict=True)) / (pairs // n)
        for n in (32, 128, 1024)
    }
    return {**plain, "unbiased": measures.cka(x, y, batch=32).value}


@cache
def validation_leak() -> Effect:
    """The share of the validation images of one set-up that another set-up had trained on."""
    train, again = (NaturalImages(split_seed=seed) for seed in (0, 1))
    trained_on = _rows(train, "train")
    return {"share": torch.isin(_rows(again, "validation"), trained_on).double().mean().item()}


def _rows(spec: NaturalImages, part: str) -> Tensor:
    source = spec.renderer()
    return source.rows(Split(source, 0, part, spec.available(part)).keys())


# --- paper and code --------------------------------------------------------------------------------------


@cache
def vit_width() -> Effect:
    """Parameters of the ViT with a 30-class head, in millions: with 1,536 hidden units, and with 384."""

    def millions(hidden: int) -> float:
        network = VisionTransformer(32, 4, 7, 384, hidden, 8)
        return (sum(p.numel() for p in network.parameters()) + 385 * 30) / 1e6

    return {"code": millions(1536), "text": millions(384)}


@cache
def whole_pixels() -> Effect:
    """Mean factor of `scale`: as `drawn`, and as `applied` to the side of the canvas."""
    factor = TRANSFORMATIONS["scale"].draw(_keys("factor", 20_000), 32)["factor"]
    return {"drawn": factor.mean().item(), "applied": scaled_side(factor, 32).double().mean().item() / 32}


# --- this book's choices -----------------------------------------------------------------------------------


@cache
def rounding() -> Effect:
    """Mean difference in 8-bit levels between float arithmetic and rounding to 8 bits after every step."""
    names = ("rotate", "hue", "contrast")
    objects = glyph_objects()
    drawn = transforms.draw(names, _keys("rounding", len(objects)), 32)
    exact, rounded = transforms.apply(names, objects, drawn), (objects * 255).round() / 255
    for name, given in zip(names, drawn, strict=True):
        rounded = (transforms.apply([name], rounded, [given]) * 255).round() / 255
    inside = (exact[:, 3:] > 0.5).expand(-1, 3, -1, -1)
    return {"levels": (exact - rounded)[:, :3][inside].abs().mean().item() * 255}


@cache
def dealt_targets(seeds: int = 6) -> Effect:
    """Different transformations among the targets of `seeds` seeds: `dealt`, and drawn independently."""
    dealt = {name for seed in range(seeds) for name in factors.task(PROFILES["quick"], seed).transforms["same"]}
    drawn = {
        name
        for category in transforms.CATEGORIES
        for seed in range(seeds)
        for name in sampling.choose(seed, f"deviations independent {category}", transforms.PAPER[category], 1)
    }
    return {"dealt": len(dealt), "independent": len(drawn)}


@cache
def equal_pairs(pairs: int = 10_000) -> Effect:
    """Share of pairs that show the same object twice when both are drawn from ten: `drawn`, and as `kept` here."""
    generator = ObjectsOnImages(task="cifar_mixed").renderer()
    first, second = _keys("first", pairs), _keys("second", pairs)

    def shown(keys: Tensor) -> Tensor:
        return generator.object_labels(keys, keys)

    drawn = (shown(first) == shown(second)).double().mean().item()
    kept = (shown(first) == shown(generator.differing("object", first, second))).double().mean().item()
    return {"drawn": drawn, "kept": kept}


@cache
def tied_objects(alpha: float = 0.5, images: int = 10_000) -> Effect:
    """Share of images whose object is the one tied to their class, at a correlation of one half."""
    generator = ObjectsOnImages(task="cifar_mixed", correlation=alpha).renderer()
    content = generator.keys(0, "train", torch.arange(images))
    matching = generator.object_labels(content) == generator.natural.labels(content)
    return {"alpha": alpha, "share": matching.double().mean().item()}


@cache
def half_precision() -> Effect:
    """Sensitivity of an untrained network in float32, and its change in bfloat16."""
    source = Transforms2D(transforms=("rotate",)).renderer()
    content, first, second = measures.pair_keys(source, 300, seed=0)
    images = [source.normalise(source.images(content, transformation=keys)) for keys in (first, second)]
    model = models.build("small", 10, 0).eval()
    values = []
    with torch.no_grad():
        for half in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                values.append(measures.sensitivity(*(model.features(x).float() for x in images)).value)
    return {"value": values[0], "change": abs(values[1] - values[0])}


@cache
def quick_levels() -> Effect:
    """Fewest and most pretraining images at `quick`, and the ratio of both, here and in the paper."""
    quick, paper = (PROFILES[name].factors.pretraining_levels for name in ("quick", "paper"))
    return {"first": quick[0], "last": quick[-1], "span": quick[-1] / quick[0], "paper_span": paper[-1] / paper[0]}


@cache
def least_images() -> Effect:
    """Epochs at `quick` on the fewest pretraining images, on the default number, and fine-tuning on `few`."""
    sizes = PROFILES["quick"].factors
    return {
        "fewest": sizes.pretraining_levels[0],
        "epochs_fewest": sizes.epochs_for(sizes.pretraining_levels[0]),
        "samples": sizes.samples,
        "epochs": sizes.epochs_for(sizes.samples),
        "few": int(sizes.few),
        "epochs_few": sizes.tuning_epochs_for(int(sizes.few)),
    }
