"""The explorers' functions as graphs for the page, exported in a process of its own and checked against torch.

`python -m invariance.live.graphs FOLDER` writes them. It must be another process than that which uses the library:
tables that the library would first fill under `torch.export` would hold no numbers.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import cloudpickle
import torch
from torch import Tensor, nn

from invariance import files, pictures, sampling, transforms
from invariance.datasets import normalise, paste
from invariance.errors import InputError
from invariance.live import description, networks, relevance, scene, transfer
from invariance.live.lowering import Graph, NotExportable, lower
from invariance.transforms import PAPER_NAMES, TRANSFORMATIONS

STATIC = Path(__file__).parent / "static"
DRAWS = 16
"""Random draws on which every graph is compared with torch."""
TOLERANCE = 1e-5
"""By so much a graph may differ from torch, which may add up in another order."""


class Apply(nn.Module):
    """One transformation: object and box, and its parameters in their order, to both afterwards."""

    def __init__(self, name: str, parameters: tuple[str, ...]) -> None:
        super().__init__()
        self.t, self.parameters_given = TRANSFORMATIONS[name], parameters

    def forward(self, objects: Tensor, box: Tensor, *values: Tensor) -> tuple[Tensor, Tensor]:
        given = dict(zip(self.parameters_given, values, strict=True))
        if self.t.move_box is None:
            return self.t.apply(objects, given), box
        return self.t.apply(objects, {**given, "box": box}), self.t.move_box(box, given, objects.shape[-1])


class Draw(nn.Module):
    """The parameters that the experiments draw for an image from its transformation key, and whether it acts."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, key: Tensor) -> tuple[Tensor, ...]:
        (drawn,) = transforms.draw([self.name], sampling.fold(key, "transforms"), description.SIZE)
        return tuple(drawn.values())


class Shrink(nn.Module):
    """A whole picture with its mask to an object of the size that the data set gives it."""

    def forward(self, whole: Tensor) -> Tensor:
        share = torch.full((1,), scene.renderer().spec.object_scale, dtype=torch.float32)
        return TRANSFORMATIONS["scale"].apply(whole, {"factor": share})


class Key(nn.Module):
    """The key of a draw or a random field by its number."""

    def forward(self, number: Tensor) -> Tensor:
        return description.key(number)


class Paste(nn.Module):
    """An object on a background."""

    def forward(self, objects: Tensor, backgrounds: Tensor) -> Tensor:
        return paste(objects, backgrounds)


class Network(nn.Module):
    """A network: an image in [0, 1] to its representation and its answers."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.model = networks.network(name)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        found = self.model.features(normalise(images))
        return found, self.model.head(found)


def _example(number: int) -> dict[str, Tensor]:
    # Everything that graphs take, for one random image.
    key = description.key(torch.tensor([number]))
    objects = scene.renderer().foregrounds(key)
    image = paste(objects, scene.backgrounds()[number % 10 :][:1].float() / 255)
    return {"key": key, "objects": objects, "box": scene.renderer().box[None].clone(), "images": image}


def _apply(name: str) -> tuple[nn.Module, list[dict[str, Tensor]]]:
    t = TRANSFORMATIONS[name]
    drawn = [t.draw(_example(k)["key"], description.SIZE) for k in range(DRAWS)]
    examples = [{"objects": _example(k)["objects"], "box": _example(k)["box"], **drawn[k]} for k in range(DRAWS)]
    return Apply(name, tuple(drawn[0])), examples


def _some(*names: str) -> list[dict[str, Tensor]]:
    return [{name: _example(k)[name] for name in names} for k in range(DRAWS)]


def _common() -> dict[str, tuple[nn.Module, list[dict[str, Tensor]]]]:
    whole = pictures.foregrounds("glyphs", description.SIZE, 1).images
    backgrounds = scene.backgrounds().float() / 255
    return {
        "shrink": (Shrink(), [{"whole": whole[k : k + 1].float() / 255} for k in range(DRAWS)]),
        "paste": (Paste(), [{**_some("objects")[k], "backgrounds": backgrounds[k % 10 :][:1]} for k in range(DRAWS)]),
        "key": (Key(), [{"number": torch.tensor([k])} for k in range(DRAWS)]),
    }


@torch.no_grad()
def exported(module: nn.Module, examples: list[dict[str, Tensor]]) -> Graph:
    """The graph of a module, equal to it on the examples. Raises `NotExportable` with the reason where that fails."""
    wanted = [_tuple(module(*given.values())) for given in examples]  # this fills the library's tables, too
    graph = lower(module, examples[0])
    unknown = graph.operators() - operators()
    if unknown:
        raise NotExportable(f"the page has no operator {', '.join(sorted(unknown))}")
    weights = dict([*module.named_parameters(), *module.named_buffers()])
    for given, want in zip(examples, wanted, strict=True):
        found = graph.run(list(given.values()), [weights[name] for name in graph.weights])
        worst = max((a.double() - b.double()).abs().max().item() for a, b in zip(found, want, strict=True))
        if not worst <= TOLERANCE:
            raise NotExportable(f"the graph differs from torch by {worst:g}")
    return graph


def _tuple(value: object) -> tuple[Tensor, ...]:
    return value if isinstance(value, tuple) else (value,)


@cache
def operators() -> frozenset[str]:
    """The operators that `aten.js` knows."""
    return frozenset(re.findall(r"^  ops\.(\w+) =", (STATIC / "aten.js").read_text("utf-8"), re.MULTILINE))


def pack(graphs: Mapping[str, Graph]) -> dict:
    """Graphs as plain data, with the constants of all in one compressed text, each once."""
    blob, known, described = bytearray(), {}, {}
    for name, graph in graphs.items():
        offsets = []
        for constant in graph.constants:
            content = constant.numpy().tobytes()
            if content not in known:
                blob += b"\0" * (-len(blob) % 8)
                known[content] = len(blob)
                blob += content
            offsets.append(known[content])
        described[name] = graph.described(offsets)
    return {"graphs": described, "constants": packed(bytes(blob))}


def packed(content: bytes) -> str:
    """Bytes as text for a script: compressed, base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _script(name: str, data: object) -> str:
    return f"invarianceLive.add({json.dumps(name)}, {json.dumps(data, separators=(',', ':'))});\n"


def write(folder: Path) -> None:
    """Write every file that pages load beside the scripts: graphs, weights, pictures, and what is missing and why."""
    missing = {}
    for name in PAPER_NAMES:
        try:
            _write(folder, f"graphs/{name}", pack(_both(name)))
        except NotExportable as error:
            missing[name] = str(error)
    _write(folder, "graphs/common", pack({name: exported(*each) for name, each in _common().items()}))
    graph = exported(Network(networks.UNTRAINED), _some("images"))
    _write(folder, "graphs/network", pack({"network": graph}))
    for name in [name for name in networks.available() if name not in networks.SEEN]:
        _write(folder, f"networks/{name}", _weights(name, graph))
    seen = exported(relevance.Seen("cifar_mixed"), _some("images"))
    _write(folder, "graphs/seen", pack({"seen": seen}))
    for name in [name for name in networks.available() if name in networks.SEEN]:
        _write(folder, f"networks/{name}", _numbers(name, seen) | {"between": relevance.between(name)})
    _write(folder, "corner", relevance.data(packed))
    _write(folder, "pictures", _pictures())
    _write(folder, "task", transfer.data(packed))
    (folder / "missing.json").write_text(json.dumps(missing), "utf-8")


def _write(folder: Path, name: str, data: object) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.js").write_text(_script(name, data), "utf-8")


def _numbers(name: str, graph: Graph) -> dict:
    # Every number is one of float16, so nothing is lost.
    own = {f"model.{key}": value for key, value in networks.network(name).state_dict().items()}
    content = b"".join(own[weight].half().numpy().tobytes() for weight in graph.weights)
    return {"shapes": [list(own[weight].shape) for weight in graph.weights], "weights": packed(content)}


def _weights(name: str, graph: Graph) -> dict:
    measured = networks.facts().get(name, {})
    return _numbers(name, graph) | {
        "between": scene.between(name),
        "map": _map(name),
        "pairs": measured.get("pairs", 0),
        "measured": {key: value for key, value in measured.get("values", {}).items() if key in PAPER_NAMES},
    }


def _map(name: str) -> dict:
    made = scene.map_of(name)
    return {
        "axes": [[float(f"{v:.6g}") for v in axis] for axis in made.axes.tolist()],
        "centre": [float(f"{v:.6g}") for v in made.centre.tolist()],
        "points": [[round(v, 1) for v in point] for point in made.points.tolist()],
    }


def _pictures() -> dict:
    pairs = scene.pairs()
    return {
        "objects": packed(pictures.foregrounds("glyphs", description.SIZE, 1).images.numpy().tobytes()),
        "backgrounds": packed(scene.backgrounds().numpy().tobytes()),
        "box": scene.renderer().box.tolist(),
        "labels": pairs.labels.tolist(),
        "scenes": pairs.scenes.tolist(),
        "order": pairs.order.tolist(),
        "first": [str(each) for each in pairs.first.tolist()],
        "second": [str(each) for each in pairs.second.tolist()],
    }


def _fingerprint() -> str:
    # All that the files are made from: the package's own text and weights, and the version of torch.
    package = Path(__file__).parents[1]
    folders = ("transforms", "datasets", "models", "live")
    parts = [*package.glob("*.py"), *(part for folder in folders for part in package.glob(f"{folder}/*.py"))]
    parts += [STATIC / "aten.js", *package.glob("live/networks/*")]
    text = b"".join(part.read_bytes() for part in sorted(parts)) + f"{torch.__version__} {pictures.VERSION}".encode()
    return hashlib.sha256(text).hexdigest()[:24]


def made() -> Path:
    """The folder with the pages' files, from the cache or made now, in a process of its own.

    Raises `InputError` where that process fails.
    """
    folder = files.cache_dir() / "live" / _fingerprint()
    if not (folder / "missing.json").exists():  # what is written last
        files.cache_folder("live")
        aside = folder.with_name(f".{folder.name}-{os.getpid()}")
        done = _process(b"", str(aside))
        if done.returncode:
            raise InputError(f"The explorers could not be exported: {done.stderr.decode().strip().splitlines()[-1]}")
        with suppress(OSError):  # another process was quicker
            aside.rename(folder)
        if aside.exists():
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            shutil.rmtree(aside)
    return folder


def missing() -> dict[str, str]:
    """Transformations of the library that no page can run, and why."""
    return json.loads((made() / "missing.json").read_text("utf-8"))


def own(name: str) -> dict:
    """The graphs of a reader's own transformation, as `pack` gives them, made in a process of its own.

    Raises `NotExportable` with the reason where a page cannot run it.
    """
    given = cloudpickle.dumps((sys.path, TRANSFORMATIONS[name]))
    done = _process(given)
    if done.returncode:
        raise NotExportable(done.stderr.decode().strip().splitlines()[-1])
    found = json.loads(done.stdout)
    if "why" in found:
        raise NotExportable(found["why"])
    return found


def _process(given: bytes, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "invariance.live.graphs", *arguments]
    return subprocess.run(command, input=given, capture_output=True, env=environment)


def _both(name: str) -> dict[str, Graph]:
    return {"apply": exported(*_apply(name)), "draw": exported(Draw(name), _some("key"))}


def _answer() -> None:
    # The other side of `own`.
    sys.path[:], t = cloudpickle.load(sys.stdin.buffer)
    TRANSFORMATIONS[t.name] = t
    try:
        print(json.dumps(pack(_both(t.name))))
    except NotExportable as error:
        print(json.dumps({"why": str(error)}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(Path(sys.argv[1])) if sys.argv[1:] else _answer()
