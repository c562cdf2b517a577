"""The explorers' networks: small ones trained once, as float16 weights in the repository.

`invariance live train` makes them. Each is the result of a `Pretraining`; `networks.jsonl` beside the weights names
its digest, its configuration, and what the library measures on it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from invariance import models
from invariance.datasets import ObjectsOnImages, Transforms2D
from invariance.datasets.devices import pick_device
from invariance.errors import InputError, check_known
from invariance.files import write_aside
from invariance.models import Classifier
from invariance.transforms import PAPER_NAMES
from invariance.units import Pretraining, Sensitivity
from invariance.units.run import compute

FOLDER = Path(__file__).parent / "networks"
UNTRAINED, PLAIN = "untrained", "plain"
TRAINED = (PLAIN, "rotate", "translate", "hue", "blur", "noise", "elastic")
"""Networks that know all objects: trained without transformations, or with the one that it is named after."""
SEEN = {
    "cifar_only": "saw pictures alone",
    "cifar_mixed": "saw both, asked for the picture",
    "objects_mixed": "saw both, asked for the object",
    "objects_only": "saw objects alone",
}
"""Networks trained on pictures with an object in the corner, by their task, and what readers are told of them."""
NAMES = (UNTRAINED, *TRAINED, *SEEN)
"""All; those but the first have their weights in the repository."""
PARTS = {"object": "object", "picture": "background"}
"""What is exchanged in images with an object in the corner, and the part of the data set that this is."""
OWN: dict[str, Classifier] = {}
"""A reader's own networks by name, for explorers in a notebook."""
MODEL, PAIRS = "small", 2_000


def unit(name: str) -> Pretraining:
    """The pretraining of one network: a task of `SEEN`, or every class of the glyphs, one transformation at most."""
    return Pretraining(
        data=_data(name),
        model=MODEL,
        samples=30_000,
        validation_samples=2_000,
        epochs=0 if name == UNTRAINED else 4,
        batch_size=96,
        learning_rate=2e-3,
        schedule="linear",
    )


def _data(name: str) -> Transforms2D | ObjectsOnImages:
    if name in SEEN:
        return ObjectsOnImages(task=name)
    return Transforms2D(transforms=() if name in (UNTRAINED, PLAIN) else (name,))


def label(name: str) -> str:
    """What readers are told of a network."""
    if name in OWN:
        return name
    return {**SEEN, UNTRAINED: "untrained", PLAIN: "trained without transformations"}.get(name, f"trained with {name}")


def network(name: str) -> Classifier:
    """One of the explorers' networks, float32 and in evaluation mode, with its float16 weights; or one of `OWN`.

    Raises `InputError` for an unknown name, or where its weights are not there.
    """
    return OWN[name] if name in OWN else _network(name)


@cache
def _network(name: str) -> Classifier:
    check_known("network", name, [*NAMES, *OWN])
    model = unit(name).build().eval()
    weights = FOLDER / f"{name}.safetensors"
    if name == UNTRAINED:
        given = {key: value.half() for key, value in model.state_dict().items()}
    elif weights.exists():
        given = load_file(weights)
    else:
        raise InputError(f"The network {name!r} has no weights: `invariance live train {name}` trains it.")
    model.load_state_dict(
        {key: value.float() for key, value in given.items() if value.is_floating_point()}, strict=False
    )
    return model.requires_grad_(False)


def available() -> list[str]:
    """The networks whose weights are there."""
    return [name for name in NAMES if name == UNTRAINED or (FOLDER / f"{name}.safetensors").exists()]


def add(backbones: Mapping[str, nn.Module]) -> None:
    """Make a reader's own networks known; raises `InputError` for one that does not take the explorers' images."""
    for name, backbone in backbones.items():
        OWN[name] = models.wrap(backbone, classes=2).eval().requires_grad_(False)


def facts() -> dict[str, dict]:
    """What `networks.jsonl` holds, by name: digest, configuration, values measured, hash of the weights' file."""
    file = FOLDER / "networks.jsonl"
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return {line["name"]: line for line in map(json.loads, lines)}


def train(names: Sequence[str] = NAMES, device: str = "auto") -> None:
    """Train these networks, measure each with the library, and put weights and a line each into the package.

    What the cache holds is not trained again. Raises `InputError` for an unknown name.
    """
    for name in names:
        check_known("network", name, NAMES)
    for name in names:
        kept = {**facts(), name: _made(name, pick_device(device))}
        with write_aside(FOLDER / "networks.jsonl") as aside:
            aside.write_text("".join(json.dumps(kept[each]) + "\n" for each in NAMES if each in kept), "utf-8")
        print(f"{name}: {kept[name]['values']}", flush=True)


def _made(name: str, device: torch.device) -> dict:
    # Writes the weights of one network, and gives its line.
    trained, line = unit(name), {"name": name}
    if name != UNTRAINED:
        weights = {key: value.half().contiguous() for key, value in trained.trained(device).cpu().state_dict().items()}
        content = save({key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")})
        with write_aside(FOLDER / f"{name}.safetensors") as aside:
            aside.write_bytes(content)
        line["sha256"] = hashlib.sha256(content).hexdigest()
    curve = trained.rows(compute(trained, device)["values"]) if trained.epochs else []
    values = {row["measure"]: row["value"] for row in curve} | _sensitivities(name, trained, device)
    return line | {"digest": trained.digest, "pairs": PAIRS, "values": values, "configuration": trained.configuration()}


def _sensitivities(name: str, trained: Pretraining, device: torch.device) -> dict[str, float]:
    # By transformation, or by what is exchanged in images with an object in the corner.
    how = {"pretraining": trained, "measured": ("l2",), "pairs": PAIRS}
    if name not in SEEN:
        units = {"transformation": Sensitivity(data={"t2d": Transforms2D()}, transforms=PAPER_NAMES, **how)}
    else:
        both = {"both": _data("cifar_mixed")}
        units = {part: Sensitivity(data=both, vary=vary, **how) for part, vary in PARTS.items()}
    rows = [(part, row) for part, unit in units.items() for row in unit.rows(compute(unit, device)["values"])]
    return {row["transformation"] or part: round(row["value"], 4) for part, row in rows}
