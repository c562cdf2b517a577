"""Backbones by name, and the untrained copies that they are compared with."""

import copy
import runpy
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from invariance import models, sampling
from invariance.errors import InputError, check_known
from invariance.models.outside import LIBRARIES, named_backbone, own_images, unwrapped


@dataclass(frozen=True)
class Loaded:
    """A backbone and what belongs to it, as arguments of `profile_model`; `untrained` is None if it is itself."""

    backbone: nn.Module
    name: str
    size: int = 32
    mean: float | Sequence[float] = 0.5
    std: float | Sequence[float] = 0.5
    untrained: nn.Module | str | None = "auto"


def load_backbone(
    model: str, weights: str | Path | None = None, pretrained: bool = False, size: int | None = None, seed: int = 0
) -> Loaded:
    """The backbone that `model` names: one of `models.MODELS`, "timm:NAME", "hf:NAME" or "FILE.py:function".

    `weights` is a file that `models.load_weights` reads; `pretrained` downloads the published ones. The function must
    return an `nn.Module`; its file is executed. Size and normalisation are the model's own where its library knows
    them, else 32 and 0.5. Raises `InputError` for whatever cannot be found, executed or loaded.
    """
    library = model.partition(":")[0] if ":" in model else ""
    if pretrained and library not in LIBRARIES:
        raise InputError(f"There are no published weights for {model!r}: give a file as --weights.")
    seeds = seed, sampling.stream(seed, "untrained")
    own: dict[str, Any] = {"name": model, "size": 32}
    whole: Any
    fresh: Any
    if ".py:" in model:
        file, own["name"] = model.rsplit(":", 1)
        whole, fresh = _called(Path(file).expanduser(), own["name"], seeds)
    elif library in LIBRARIES:
        whole, fresh = named_backbone(model, seeds[0], pretrained), named_backbone(model, seeds[1])
        own |= own_images(whole)
    else:
        check_known("model", model, [*models.MODELS, "timm:NAME", "hf:NAME", "FILE.py:function"])
        names = models.build(model, 1, 0).state_dict()
        found = {} if weights is None else unwrapped(models.read_weights(weights), names)
        classes = found["head.bias"].numel() if "head.bias" in found else 1
        whole, fresh = (models.build(model, classes, each) for each in seeds)
        if found and "head.bias" not in found:  # a backbone's alone
            whole, fresh = whole.backbone, fresh.backbone
    if weights is not None:
        models.load_weights(whole, weights)
    if isinstance(whole, models.Classifier):
        whole, fresh = whole.backbone, fresh.backbone
    trained = pretrained or weights is not None or ".py:" in model
    own["untrained"] = None if not trained else fresh if is_fresh(fresh, whole) else "auto"
    return Loaded(whole, **own | ({} if size is None else {"size": size}))


def _called(path: Path, name: str, seeds: Sequence[int]) -> list[nn.Module]:
    # What a function of a file gives under each of these torch seeds.
    if not path.is_file():
        raise InputError(f"No file {path}: give your model as FILE.py:function.")
    networks = []
    sys.path.insert(0, str(path.parent.resolve()))  # as for a script: its neighbours can be imported
    try:
        found = runpy.run_path(str(path), run_name=path.stem)
        check_known(f"function of {path}", name, [key for key, value in found.items() if callable(value)])
        for seed in seeds:
            with sampling.torch_seed(seed):
                networks.append(found[name]())
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's file raises
        raise InputError(f"{path}:{name} fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    if not isinstance(networks[0], nn.Module):
        raise InputError(f"{path}:{name} gives {type(networks[0]).__name__}: it must return a torch.nn.Module.")
    return networks


def untrained_copy(backbone: nn.Module, seed: int = 0) -> nn.Module | None:
    """The same architecture with fresh weights on the CPU, a function of `seed`, or None where that is not sure.

    Layers draw by their own `reset_parameters`; a model of timm, torchvision or this book that holds more, such as a
    class token, is built once more. There is none where a tensor would stay as it is: in parametrised layers, say.
    """
    if _holds_more(backbone):
        return None
    try:
        fresh = copy.deepcopy(backbone).cpu()
        for value in _tensors(fresh).values():
            value.detach().fill_(float("nan"))  # what nobody draws anew can then be told
    except (RuntimeError, TypeError, ValueError):  # it holds what has no copy, or is not there yet
        return None
    with sampling.torch_seed(sampling.stream(seed, "untrained")):
        for module in reversed([*fresh.modules()]):  # a parent has the last word, as in its constructor
            for name in ("reset_parameters", "_reset_parameters"):
                with suppress(Exception):  # there is none, or it is no function, or wants arguments
                    getattr(module, name)()
        for module in () if _drawn(fresh) else fresh.modules():
            _build_again(module)
    return fresh if _tensors(fresh) and _drawn(fresh) else None


def is_fresh(model: nn.Module, trained: nn.Module) -> bool:
    """Whether all tensors differ from the trained model's, but those of one number only, as a batch norm's ones."""
    new, old = _tensors(model), _tensors(trained)
    same = [v for name, v in new.items() if name in old and torch.equal(v.cpu(), old[name].cpu())]
    return bool(new) and new.keys() == old.keys() and all((v == v.flatten()[:1]).all() for v in same)


def _holds_more(backbone: nn.Module) -> bool:
    # What training could have changed, and neither parameters nor buffers of floats show: a plain tensor, a module in
    # a list, packed or whole numbers of a quantised layer.
    known = {id(one) for one in (*backbone.modules(), *backbone.parameters(), *backbone.buffers())}
    for module in backbone.modules():
        if any(buffer.dtype in (torch.int8, torch.uint8) or buffer.is_quantized for buffer in module.buffers(False)):
            return True
        waiting = [value for name, value in vars(module).items() if name not in ("_parameters", "_buffers", "_modules")]
        while waiting:
            value = waiting.pop()
            if isinstance(value, (Tensor, nn.Module, torch.ScriptObject)) and id(value) not in known:
                return True
            waiting += value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else ()
    return False


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    # All that training could change: parameters, and buffers but those that normalise the images.
    buffers = {k: v for k, v in module.named_buffers() if k.rpartition(".")[2] not in ("mean", "std") or v.numel() > 3}
    found = dict(module.named_parameters()) | buffers
    return {name: value for name, value in found.items() if value.is_floating_point() or value.is_complex()}


def _drawn(module: nn.Module) -> bool:
    return not any(value.isnan().any() for value in _tensors(module).values())


def _build_again(module: nn.Module) -> None:
    # Give a module of a library the values of a new one, from the likeliest of its architectures.
    for build in () if _drawn(module) else _builders(module):
        new = _tensors(build())
        for name, value in _tensors(module).items():
            if name in new and new[name].shape == value.shape:
                value.detach().copy_(new[name])
        if _drawn(module):
            return


def _builders(module: Any) -> Sequence[Callable[[], nn.Module]]:
    library = type(module).__module__.partition(".")[0]
    if library == "timm" and hasattr(module, "pretrained_cfg"):
        import timm

        return [lambda: timm.create_model(module.pretrained_cfg["architecture"], num_classes=0)]
    if library == "torchvision":
        from torchvision import models as zoo

        size = sum(weight.numel() for weight in module.parameters())
        apart = {n: abs(next(iter(zoo.get_model_weights(n))).meta["num_params"] - size) for n in zoo.list_models(zoo)}
        builders = [zoo.get_model_builder(name) for name in sorted(apart, key=apart.get)]
        return [build for build in builders if build.__annotations__["return"] is type(module)][:2]
    return [lambda make=make: make()[0] for make in models.MODELS.values()] if library == "invariance" else []
