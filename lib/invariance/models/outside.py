"""Models from elsewhere as a `Classifier`: a reader's own backbone, or one of timm's or transformers'."""

import copy
import warnings
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from invariance import sampling
from invariance.datasets.split import Numbers
from invariance.errors import InputError, check_whole
from invariance.files import write_aside
from invariance.models.classifier import Classifier


def wrap(
    backbone: nn.Module | str,
    classes: int,
    width: int | None = None,
    *,
    size: int | None = None,
    seed: int = 0,
    pretrained: bool = False,
    mean: Numbers | None = None,
    std: Numbers | None = None,
) -> Classifier:
    """A `Classifier` with a new head, from `seed`, on any backbone that maps (B, 3, H, W) to features (B, D).

    `backbone` is a module, which becomes float32, or the name of one: "timm:NAME" or "hf:NAME", a model or a folder for
    `transformers`, where these are installed; `pretrained` asks for the published weights. `width` is D where it should
    be checked. `fit` and `features` bring images to `size` pixels and normalise them with `mean` and `std`, a number or
    one a channel for images in [0, 1]; pretrained models have their own, and else these are as the data set has them.

    Raises `InputError` if a dry run on two images fails or does not give finite features (2, D), for a name that is not
    known, and without the library that it names.
    """
    if isinstance(backbone, str):
        backbone = named_backbone(backbone, seed, pretrained)
        own: dict[str, Any] = own_images(backbone) if pretrained else {}
        size, mean, std = (  # type: ignore[assignment]
            own.get(name) if given is None else given for name, given in (("size", size), ("mean", mean), ("std", std))
        )
    if not isinstance(backbone, nn.Module):
        raise InputError(
            f"A backbone to wrap is a torch.nn.Module, 'hf:NAME' or 'timm:NAME', not a {type(backbone).__name__}."
        )
    size = None if size is None else check_whole("size", size, 1)
    backbone = backbone.float()
    found = _dry_run(backbone, size or 32)
    if width not in (None, found):
        raise InputError(f"The backbone gives {found} features an image, not {width}: pass that as width.")
    with sampling.torch_seed(check_whole("Seed", seed)):
        model = Classifier(backbone, found, classes, size, mean, std)
    return model.to(_device(backbone), memory_format=torch.channels_last)  # type: ignore[call-overload]


LIBRARIES = {"timm": "timm", "hf": "transformers"}
"""By the prefix of a name, the library that knows the model."""


def named_backbone(name: str, seed: int = 0, pretrained: bool = False) -> nn.Module:
    """The backbone "timm:NAME" or "hf:NAME" without its head; raises `InputError` as `wrap` does."""
    prefix, _, own = name.partition(":")
    if prefix not in LIBRARIES or not own:
        raise InputError(f"A backbone to wrap is a torch.nn.Module, 'hf:NAME' or 'timm:NAME', not {prefix!r}.")
    library = LIBRARIES[prefix]
    try:
        with sampling.torch_seed(seed):
            return _from_timm(own, pretrained) if prefix == "timm" else TransformersBackbone(own, pretrained)
    except Exception as error:  # no library, no such model, or whatever its downloads raise
        if isinstance(error, ImportError) and error.name == library:
            raise InputError(
                f"{name!r} needs {library}, which is not installed: run `pip install {library}`."
            ) from error
        listed = "timm.list_models() lists all" if prefix == "timm" else "give OWNER/NAME of the Hub, or a folder"
        raise InputError(f"{library} cannot give {own!r} ({_reason(error)}): {listed}.") from error


def _from_timm(name: str, pretrained: bool) -> nn.Module:
    import timm

    return timm.create_model(name, pretrained=pretrained, num_classes=0)


class TransformersBackbone(nn.Module):
    """A vision model of `transformers`, by its name on the Hub or its folder, with one vector for an image.

    That is what the model pools itself; else of tokens the first, and of maps the average. Weights are read from
    safetensors, and no code of the repository runs.
    """

    def __init__(self, name: str, pretrained: bool = False) -> None:
        super().__init__()
        from transformers import AutoConfig, AutoModel

        if pretrained:
            self.model = AutoModel.from_pretrained(name, use_safetensors=True, trust_remote_code=False)
        else:
            self.model = AutoModel.from_config(AutoConfig.from_pretrained(name, trust_remote_code=False))
        self.images = _images_of_transformers(name, self.model.config)

    def forward(self, images: Tensor) -> Tensor:
        found = self.model(pixel_values=images)
        pooled = getattr(found, "pooler_output", None)
        if pooled is not None:
            return pooled.flatten(1)
        last = found.last_hidden_state
        return last[:, 0] if last.ndim == 3 else last.mean((2, 3))


def _images_of_transformers(name: str, config: object) -> dict[str, Any]:
    from transformers import AutoImageProcessor

    found: dict[str, Any] = {}
    sides: Any
    side = getattr(config, "image_size", None)
    with suppress(OSError, ValueError, ImportError):  # not every model has one
        processor = AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
        if processor.do_normalize:
            found = {"mean": tuple(processor.image_mean), "std": tuple(processor.image_std)}
        sides = getattr(processor, "crop_size", None) if getattr(processor, "do_center_crop", False) else processor.size
        side = side or max(dict(sides).values())
    return found | ({"size": side} if isinstance(side, int) else {})


def own_images(backbone: nn.Module) -> dict[str, Any]:
    """The size, mean and deviation of the images that a model of timm or transformers was made for, where it says."""
    if isinstance(backbone, TransformersBackbone):
        return backbone.images
    if not hasattr(backbone, "pretrained_cfg"):
        return {}
    import timm

    config = timm.data.resolve_model_data_config(backbone)
    return {"size": config["input_size"][-1], "mean": config["mean"], "std": config["std"]}


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters(), torch.empty(0)).device


@torch.no_grad()
def _dry_run(backbone: nn.Module, size: int) -> int:
    training, about = backbone.training, f"The backbone {type(backbone).__name__}"
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float32) * 2 - 1
    try:
        found = backbone.eval()(images.to(_device(backbone)))
    except Exception as error:  # whatever a network raises on images that it cannot take
        raise InputError(f"{about} fails on images of {size} x {size} (`size`): {_reason(error)}") from error
    finally:
        backbone.train(training)
    if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != 2 or found.is_complex():
        given = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        raise InputError(f"{about} gives {given} for 2 images: make it give real features (2, D).")
    if not torch.isfinite(found).all():
        raise InputError(f"{about} gives features that are not finite: load sound weights into it.")
    return found.shape[1]


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write the weights of `model` to a `.safetensors` file, whole or not at all.

    Raises `InputError` for another suffix, from which `load_weights` would expect another format.
    """
    _check_module(model)
    if not isinstance(path, (str, Path)) or Path(path).suffix != ".safetensors":
        raise InputError(f"Weights are saved as safetensors: give {path} the suffix .safetensors.")
    with write_aside(path) as aside:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, aside)


def load_weights(model: nn.Module, path: str | Path) -> list[str]:
    """Load weights into `model` from a `.safetensors` file, or a state dict in a `.pt`, `.pth` or `.ckpt` file.

    The latter are read without unpickling objects. What training wraps around a model may be in the names, such as
    "module.". Gives the names of tensors that the model has no place for, with a warning. Raises `InputError` for a
    file that is missing, damaged, or lacks tensors of the model or has them in other shapes or with numbers that are
    not finite; `model` is then unchanged.
    """
    _check_module(model)
    trial = copy.deepcopy(model)
    weights = unwrapped(read_weights(path), trial.state_dict())
    problems: list[str] = []
    found: Any = None
    try:
        found = trial.load_state_dict(weights, strict=False)
        problems = [f"Missing key(s): {_listed(found.missing_keys)}"] if found.missing_keys else []
    except RuntimeError as error:
        lines = [line.strip().rstrip(".") for line in str(error).splitlines()[1:]]
        absent = [name for name in trial.state_dict() if name not in weights]
        problems = [_listed(lines)] + ([f"Missing key(s): {_listed(absent)}"] if absent else [])
    if problems:
        extra = [name for name in weights if name not in trial.state_dict()]
        problems += [f"Unexpected key(s): {_listed(extra)}"] if extra else []
        raise InputError(f"{path} does not fit ({'; '.join(problems)}): build the model that its weights come from.")
    broken = next((name for name, value in trial.state_dict().items() if not torch.isfinite(value).all()), None)
    if broken:
        raise InputError(f"{path}: the tensor {broken!r} is not finite; the training that wrote it has diverged.")
    model.load_state_dict(trial.state_dict())
    if found.unexpected_keys:
        what = f"{len(found.unexpected_keys)} tensors that the model has no place for"
        warnings.warn(f"{path} holds {what}, left out: {_listed(found.unexpected_keys)}.", stacklevel=2)
    return list(found.unexpected_keys)


def _check_module(model: object) -> None:
    if not isinstance(model, nn.Module):
        raise InputError(f"A {type(model).__name__} has no weights: give a torch.nn.Module.")


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def unwrapped(weights: dict[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """Weights by the names of the model that they are for, without what training has put before these.

    That is "module." (data parallel), "model." (Lightning, and many scripts), "_orig_mod." (torch.compile), and the
    like, up to three of them: those without which most of `names` are found.
    """
    weights = {name.replace("_orig_mod.", ""): value for name, value in weights.items()}
    tried = ["".join(parts) for depth in range(4) for parts in product(WRAPPERS, repeat=depth)]
    best = max(tried, key=lambda prefix: sum(k.startswith(prefix) and k[len(prefix) :] in names for k in weights))
    return {name.removeprefix(best): value for name, value in weights.items()}


WRAPPERS = ("module.", "model.", "backbone.", "encoder.", "network.", "net.")
HOLDERS = ("state_dict", "model_state_dict", "model", "model_state", "net", "network", "state_dict_ema", "model_ema")
"""Where in a checkpoint the weights may be, beside the optimiser's state and the like; averages come last."""


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a file, as `load_weights` takes it, without unpickling objects; raises `InputError`."""
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe would be read for ever
            raise OSError("It is not a regular file")
        if Path(path).suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(f"{path} holds more than tensors, which is not safe: save model.state_dict().") from error
    except Exception as error:  # no such file, or one that is cut off
        raise InputError(f"{path} is not a whole file of weights: {_reason(error)}.") from error
    state = _state(found)
    if not state:
        raise InputError(f"{path} holds no state dict: save model.state_dict().")
    return state


def _state(found: object) -> dict[str, Tensor]:
    # Tensors by name, from the first holder that has some; numbers and texts may stand beside them.
    if not isinstance(found, dict):
        return {}
    within = next((state for name in HOLDERS if (state := _state(found.get(name)))), {})
    return within or {name: v for name, v in found.items() if isinstance(name, str) and isinstance(v, Tensor)}


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
