"""The sensitivity of any backbone to each transformation: a table and a figure for a model of your own::

    table = invariance.profile_model(backbone, images="photos/", pairs=500)

`invariance profile` is the same on the command line. Chapter: book/09_profile_your_model.py.
"""

import copy
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from rich import box
from rich.progress import Progress
from rich.table import Table
from torch import Tensor, nn

from invariance import figures, measures, models, pictures, sampling, transforms
from invariance.datasets import NaturalImages, Renderer, Transforms2D, normalise
from invariance.datasets.photos import LEAST, Photos, photo_files, read_photos
from invariance.errors import InputError, check_known, check_whole
from invariance.files import write_aside
from invariance.training import pick_device

OUTPUT = "output"
"""The layer name that stands for what the backbone gives."""
BATCH = 250
LARGEST = 1024
"""Side of the largest images in pixels: beyond, they take too long, and too much memory."""
FIXED_IN_PIXELS = {"blur", "elastic", "erasing", "noise"}
"""Transformations whose strength is a number of pixels, chosen for images of 32 x 32."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Means and deviations of ImageNet's channels, with which timm's models were trained."""

Numbers = float | Sequence[float]
Extract = Callable[[Tensor], dict[str, Tensor]]


def profile_model(
    backbone: nn.Module,
    images: str | Path = "glyphs",
    transformations: Sequence[str] | None = None,
    layers: Sequence[str] = (OUTPUT,),
    pairs: int = 500,
    size: int = 32,
    device: str = "auto",
    seed: int = 0,
    mean: Numbers = 0.5,
    std: Numbers = 0.5,
    untrained: nn.Module | str | None = "auto",
    name: str = "model",
    progress: bool = False,
) -> pd.DataFrame:
    """Sensitivity of a backbone to each transformation, and of an untrained copy to compare with.

    `backbone` maps normalised images (B, 3, size, size) to representations (B, D). `images` is "glyphs", one of
    `pictures.NATURAL`, or a folder of pictures, each of which makes one pair. `mean` and `std`, a number or
    one a channel, normalise images in [0, 1]. `layers` are names for `measures.layer_extractor`, and "output".
    `untrained` is a model to compare with, None, or "auto": a copy with fresh weights, where every layer can be reset.
    Runs in float32, in evaluation mode, and leaves the backbone on the device.

    Gives a tidy table with the columns experiment, model, kind ("given" or "untrained"), images, layer, category,
    transformation, pairs, seed, split, measure ("sensitivity_l2", "sensitivity_cosine", "sensitivity_dot", "cka"),
    value, low, high (95 % interval). Where a representation does not tell images apart, as of a dead layer, values are
    NaN, and `notes` say so. Raises `InputError` for bad input, before long work, and if all values are NaN.
    """
    names = list(transforms.TRANSFORMATIONS) if transformations is None else transformations
    check_choices(images, names, pairs, size, device)
    if not layers:
        raise InputError(f"No layers to measure: name at least one, or {OUTPUT!r}.")
    place = pick_device(device)
    shift, scale = (_per_channel(values, word, place) for values, word in ((mean, "mean"), (std, "std")))
    networks = {"given": models.wrap(backbone.to(place), 1, size=size).backbone.eval()}
    if untrained is not None:
        fresh = untrained_copy(backbone, seed) if isinstance(untrained, str) else untrained
        networks |= {} if fresh is None else {"untrained": fresh.to(place).eval()}
    extractors = {kind: _extractor(network, layers) for kind, network in networks.items()}
    sources = _sources(str(images), size, place, pairs, seed)
    if isinstance(first := sources(names[0]), Photos):
        pairs = min(pairs, len(first.pictures))

    rows = []
    with Progress(transient=True, disable=not progress) as bar:
        for transformation in bar.track(names, description=f"measuring {name}"):
            source = sources(transformation)
            content, *sides = measures.pair_keys(source, pairs, seed)
            found = [_features(extractors, source, content, keys, (shift, scale)) for keys in sides]
            for (kind, layer), x in found[0].items():
                about = {
                    "experiment": "profile",
                    "model": name,
                    "kind": kind,
                    "images": str(images),
                    "layer": layer,
                    "category": transforms.TRANSFORMATIONS[transformation].category,
                    "transformation": transformation,
                    "pairs": pairs,
                    "seed": seed,
                    "split": "pairs",
                }
                try:
                    measured = _measured(x, found[1][kind, layer], seed)
                except InputError as error:
                    where = f"the {kind} model {name} at layer {layer!r} under {transformation}"
                    raise InputError(f"Cannot measure {where}: {error}") from error
                rows += [{**about, **values} for values in measured]
    table = pd.DataFrame(rows)
    if table.loc[table["kind"] == "given", "value"].isna().all():
        where = f"layer {', '.join(layers)}"
        raise InputError(f"{name} gives the same representation for every image at {where}: check its weights.")
    return table


def _measured(x: Tensor, x_prime: Tensor, seed: int) -> list[dict[str, str | float]]:
    # A row for each measure; NaN for those that are undefined, such as all of a layer that is the same everywhere.
    try:
        found = measures.measure_all(x, x_prime, seed)
    except measures.Undefined:
        found = {kind: _or_undefined(x, x_prime, seed, kind) for kind in measures.MEASURES}
    names = {kind: kind if kind == "cka" else f"sensitivity_{kind}" for kind in found}
    return [
        {"measure": names[kind], "value": one.value, "low": one.low, "high": one.high} for kind, one in found.items()
    ]


def _or_undefined(x: Tensor, x_prime: Tensor, seed: int, kind: str) -> measures.Measured:
    try:
        return measures.measure_all(x, x_prime, seed, (kind,))[kind]
    except measures.Undefined:
        return measures.Measured(float("nan"), float("nan"), float("nan"))


def check_choices(
    images: str | Path, transformations: Sequence[str] | None, pairs: int, size: int = 32, device: str = "auto"
) -> None:
    """Raise `InputError` for what `profile_model` could not work with; for use before the model is at hand."""
    pick_device(device)
    check_whole("size", size, 1, LARGEST)
    transforms.check_size(list(transforms.TRANSFORMATIONS) if transformations is None else transformations, size)
    if transformations is not None and not len(transformations):
        raise InputError("No transformations to measure: name at least one, or leave them out for all.")
    check_whole("pairs", pairs, LEAST)
    images = str(images)
    if images in pictures.NATURAL:
        most = NaturalImages(source=images).available("test")
        if size != 32:
            raise InputError(
                f"{images} has images of 32 x 32, not {size} x {size}: leave the size out, or use a folder."
            )
        if pairs > most:
            raise InputError(f"{pairs:,} pairs of {images}: there are {most:,} test images. Ask for at most so many.")
    elif images == "glyphs":
        Transforms2D(size=size)
    elif "/" in images or "\\" in images or Path(images).expanduser().exists():
        photo_files(images)
    else:
        check_known("images", images, ("glyphs", *pictures.NATURAL, "or a folder"))


@dataclass(frozen=True)
class Loaded:
    """A backbone to profile, the name and the size of image it goes by, its normalisation, what to compare it with."""

    network: nn.Module
    name: str
    size: int = 32
    mean: Numbers = 0.5
    std: Numbers = 0.5
    untrained: nn.Module | str | None = "auto"


def load_backbone(
    model: str, weights: str | Path | None = None, pretrained: bool = False, size: int | None = None, seed: int = 0
) -> Loaded:
    """The backbone that `model` names: one of `models.MODELS`, "timm:NAME", or "FILE.py:function".

    `weights` is a file that `models.load_weights` reads; `pretrained` downloads the ones that timm publishes.
    The function must return an `nn.Module`; its file is executed. `size` is 32 by default, 224 for timm.
    Raises `InputError` for whatever cannot be found, executed or loaded.
    """
    if size is None:
        size = 224 if model.startswith("timm:") else 32
    check_whole("size", size, 1, LARGEST)
    if pretrained and not model.startswith("timm:"):
        raise InputError(f"There are no published weights for {model!r}: give a file as --weights.")
    if ".py:" in model:
        file, function = model.rsplit(":", 1)
        loaded = Loaded(_from_file(file, function), function, size)
    elif model.startswith("timm:"):
        fresh = models.wrap(model, 1, size=size, seed=sampling.stream(seed, "untrained")).backbone
        network = models.wrap(model, 1, size=size, seed=seed, pretrained=pretrained).backbone
        loaded = Loaded(network, model, size, *IMAGENET, fresh if pretrained or weights else None)
    else:
        check_known("model", model, [*models.MODELS, "timm:NAME", "FILE.py:function"])
        return _from_book(model, weights, size, seed)
    if weights is not None:
        models.load_weights(loaded.network, weights)
    return loaded


def _from_book(name: str, weights: str | Path | None, size: int, seed: int) -> Loaded:
    fresh = models.build(name, 1, seed).backbone
    if weights is None:
        return Loaded(fresh, name, size, untrained=None)
    bias = models.read_weights(weights).get("head.bias")
    model = models.build(name, 1 if bias is None else bias.numel(), seed)
    models.load_weights(model, weights)
    return Loaded(model.backbone, name, size, untrained=fresh)


def _from_file(file: str, function: str) -> nn.Module:
    path = Path(file).expanduser()
    if not path.is_file():
        raise InputError(f"No file {path}: give your model as FILE.py:function.")
    found = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(path.parent.resolve()))  # as for a script: its neighbours can be imported
    try:
        found.loader.exec_module(module)
        check_known(f"function of {path}", function, [k for k, v in vars(module).items() if callable(v)])
        network = getattr(module, function)()
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's file raises
        raise InputError(f"{path}:{function} fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    if not isinstance(network, nn.Module):
        raise InputError(f"{path}:{function} gives {type(network).__name__}: it must return a torch.nn.Module.")
    return network


def untrained_copy(backbone: nn.Module, seed: int = 0) -> nn.Module | None:
    """The same architecture with fresh weights, by each layer's own initialisation, or None.

    A function of `seed` alone. There is none of a model without weights, or with some outside PyTorch's layers (a class
    token), which cannot be reset.
    """
    try:
        fresh = copy.deepcopy(backbone)
    except (RuntimeError, TypeError):  # it holds something that has no copy
        return None
    resets = [
        (module, reset)
        for module in fresh.modules()
        if (reset := getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None))
    ]
    reached = {id(weight) for module, _ in resets for weight in module.parameters()}
    if not reached or any(id(weight) not in reached for weight in fresh.parameters()):
        return None
    with sampling.torch_seed(sampling.stream(seed, "untrained")):
        fresh.cpu()
        for _, reset in resets:
            reset()
    return fresh


def notes(table: pd.DataFrame, loaded: Loaded) -> list[str]:
    """What a reader of this profile should know, a sentence each."""
    said, size = [], loaded.size
    pairs = int(table["pairs"].iloc[0])
    if pairs < 100:
        said.append(f"{pairs} pairs are few: with some hundreds the intervals would be narrower, and truer.")
    fixed = sorted(FIXED_IN_PIXELS & set(table["transformation"]))
    if size != 32 and fixed:
        said.append(
            f"The strength of {', '.join(fixed)} is set in pixels, for images of 32 x 32: at {size} x {size} they "
            "change another share of the image, so do not compare these numbers across sizes."
        )
    undefined = table[table["value"].isna() & (table["measure"] != "cka")]
    for (kind, layer), part in undefined.groupby(["kind", "layer"], sort=False):
        what, under = (", ".join(dict.fromkeys(part[column])) for column in ("measure", "transformation"))
        said.append(
            f"The {kind} model does not tell images apart at layer {layer!r}, so it has no {what} there ({under})."
        )
    if loaded.untrained is None:
        said.append("This model is untrained: give trained weights with --weights FILE (or --pretrained, from timm).")
    elif "untrained" not in set(table["kind"]):
        said.append("No untrained copy to compare with, since some weights of this model cannot be drawn afresh.")
    return said


def summary(table: pd.DataFrame) -> list[dict[str, str]]:
    """The l2 sensitivities as rows of text, one a transformation: by layer, or for one layer with interval and CKA."""
    at = table.set_index(["kind", "layer", "measure", "transformation"])[["value", "low", "high"]]

    def number(kind: str, layer: str, name: str, measure: str = "sensitivity_l2") -> str:
        return f"{at.loc[(kind, layer, measure, name), 'value']:.2f}"

    layers = list(dict.fromkeys(table["layer"]))
    rows = []
    for category, name in dict.fromkeys(zip(table["category"], table["transformation"], strict=True)):
        row = {"category": category, "transformation": name}
        if len(layers) > 1:
            row |= {layer: number("given", layer, name) for layer in layers}
        else:
            _, low, high = at.loc[("given", layers[0], "sensitivity_l2", name)]
            row |= {
                "sensitivity": number("given", layers[0], name),
                "95 % interval": f"{low:.2f} to {high:.2f}",
                "CKA": number("given", layers[0], name, "cka"),
            }
        if "untrained" in set(table["kind"]):
            row["untrained" if len(layers) == 1 else f"untrained, {layers[-1]}"] = number("untrained", layers[-1], name)
        rows.append(row)
    return rows


def beside_untrained(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Where the bars of some transformations stand: "left of its diamond for hue and noise, at it for rotate".

    A bar whose 95 % interval includes the value of the untrained copy is at its diamond. `table` has one layer.
    """
    rows = table[table["measure"] == "sensitivity_l2"].set_index(["kind", "transformation"])
    groups = {"left of its diamond": [], "at its diamond": [], "right of its diamond": []}
    for name in names:
        if ("given", name) in rows.index:
            given, diamond = rows.loc[("given", name)], rows.loc[("untrained", name), "value"]
            place = "left of" if given["high"] < diamond else "right of" if given["low"] > diamond else "at"
            groups[f"{place} its diamond"].append(name)
    return _grouped(groups)


def ends(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Where lines of l2 sensitivity end: "clearly below its highest point for hue, at or near it for rotate".

    Clearly means that the last layer's 95 % interval leaves the highest value out. `table` has several layers, in
    their order.
    """
    rows = table[(table["measure"] == "sensitivity_l2") & (table["kind"] == "given")]
    groups = {"clearly below its highest point": [], "at or near its highest point": []}
    for name in names:
        line = rows[rows["transformation"] == name]
        if len(line):
            falls = line["high"].iloc[-1] < line["value"].max()
            groups[f"{'clearly below' if falls else 'at or near'} its highest point"].append(name)
    return _grouped(groups)


def _grouped(groups: Mapping[str, Sequence[str]]) -> str:
    found = [
        f"{place} for {' and '.join(filter(None, (', '.join(n[:-1]), n[-1])))}" for place, n in groups.items() if n
    ]
    return ", ".join(found) or "not measured"


def terminal_table(table: pd.DataFrame) -> Table:
    """`summary` for a terminal."""
    rows = summary(table)
    shown = Table(box=box.SIMPLE_HEAD, caption="sensitivity: 0 = invariant, 1 = as different as two random images")
    for head in rows[0]:
        shown.add_column(head, justify="left" if head in ("category", "transformation") else "right")
    for row, before in zip(rows, [{"category": ""}, *rows], strict=False):
        shown.add_row(row["category"] * (row["category"] != before["category"]), *list(row.values())[1:])
    return shown


def save(table: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write profile.csv, profile.png and profile.svg into a folder, each whole or not at all; gives their paths."""
    folder = Path(folder)
    sheet = figures.sensitivity_profile(table)
    writers = {
        "profile.csv": lambda path: table.to_csv(path, index=False),
        "profile.png": lambda path: sheet.savefig(path, dpi=160, transparent=False, facecolor="white"),
        "profile.svg": lambda path: sheet.savefig(path, metadata={"Date": None}),
    }
    for name, write in writers.items():
        with write_aside(folder / name) as aside:
            write(aside)
    return [folder / name for name in writers]


def _per_channel(values: Numbers, word: str, device: torch.device) -> Tensor:
    found = torch.as_tensor(values, dtype=torch.float32).reshape(-1, 1, 1)
    if len(found) not in (1, 3) or not torch.isfinite(found).all() or (word == "std" and (found <= 0).any()):
        raise InputError(
            f"{word} {values!r}: give one number or three, for images in [0, 1]{', above 0' * (word == 'std')}."
        )
    return found.to(device)


def _sources(images: str, size: int, device: torch.device, pairs: int, seed: int) -> Callable[[str], Renderer]:
    if images == "glyphs":
        return lambda name: Transforms2D(transforms=(name,), size=size).renderer(device)
    if images in pictures.NATURAL:
        return lambda name: NaturalImages(source=images, transforms=(name,)).renderer(device)
    photos = Photos(read_photos(images, size, pairs, seed).to(device))
    return lambda name: replace(photos, names=(name,))


def _extractor(network: nn.Module, layers: Sequence[str]) -> Extract:
    inner = [layer for layer in layers if layer != OUTPUT]
    extract = measures.layer_extractor(network, inner) if inner or isinstance(layers, str) else lambda batch: {}

    def both(batch: Tensor) -> dict[str, Tensor]:
        found = extract(batch)
        return {layer: network(batch) if layer == OUTPUT else found[layer] for layer in layers}

    return both


@torch.no_grad()
def _features(
    extractors: dict[str, Extract], source: Renderer, content: Tensor, keys: Tensor, scaling: tuple[Tensor, Tensor]
) -> dict[tuple[str, str], Tensor]:
    parts = []
    for chosen, by in zip(content.split(BATCH), keys.split(BATCH), strict=True):
        batch = normalise(source.images(chosen, transformation=by), *scaling)
        parts.append({(kind, layer): x for kind, extract in extractors.items() for layer, x in extract(batch).items()})
        for (kind, layer), x in parts[-1].items():
            if x.ndim != 2 or len(x) != len(batch):
                given = f"{tuple(x.shape)} for {len(batch)} images: make it give ({len(batch)}, D)"
                raise InputError(f"The {kind} model gives at layer {layer!r} a representation {given}.")
    return {key: torch.cat([part[key] for part in parts]).float() for key in parts[0]}
