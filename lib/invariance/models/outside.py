"""Models from elsewhere: a reader's own backbone or one of timm's as a `Classifier`, and weights from files."""

import copy
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from invariance import sampling
from invariance.errors import InputError
from invariance.files import write_aside
from invariance.models.classifier import Classifier


def wrap(
    backbone: nn.Module | str,
    classes: int,
    width: int | None = None,
    *,
    size: int = 32,
    seed: int = 0,
    pretrained: bool = False,
) -> Classifier:
    """A `Classifier` with a new head, from `seed`, on any backbone that maps (B, 3, size, size) to features (B, D).

    `backbone` is a module, which becomes float32, or, where timm is installed, "timm:NAME"; `pretrained` asks timm for
    its weights. `width` is D where it should be checked. Normalise images to [-1, 1] or as the backbone was trained.

    Raises `InputError` if a dry run on two images fails or does not give finite features (2, D), for a name that timm
    does not have, and without timm.
    """
    if isinstance(backbone, str):
        backbone = timm_backbone(backbone, seed, pretrained)
    backbone = backbone.float()
    found = _dry_run(backbone, size)
    if width not in (None, found):
        raise InputError(f"The backbone gives {found} features an image, not {width}: pass that as width.")
    with sampling.torch_seed(seed):
        return Classifier(backbone, found, classes).to(_device(backbone), memory_format=torch.channels_last)  # type: ignore[call-overload]


def timm_backbone(name: str, seed: int = 0, pretrained: bool = False) -> nn.Module:
    """The backbone "timm:NAME" without its head; raises `InputError` as `wrap` does."""
    prefix, _, name = name.partition(":")
    if prefix != "timm" or not name:
        raise InputError(f"A backbone to wrap is a torch.nn.Module or 'timm:NAME', not {prefix!r}.")
    try:
        import timm

        with sampling.torch_seed(seed):
            return timm.create_model(name, pretrained=pretrained, num_classes=0)
    except ImportError as error:
        raise InputError(f"'timm:{name}' needs timm, which is not installed: run `pip install timm`.") from error
    except Exception as error:  # no such model, or whatever its downloads raise
        raise InputError(f"timm cannot give {name!r} ({_reason(error)}): timm.list_models() lists all.") from error


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
    if Path(path).suffix != ".safetensors":
        raise InputError(f"Weights are saved as safetensors: give {path} the suffix .safetensors.")
    with write_aside(path) as aside:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, aside)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load weights into `model` from a `.safetensors` file, or a state dict in a `.pt`, `.pth` or `.ckpt` file.

    The latter are read without unpickling objects. Raises `InputError` for a file that is missing, damaged, or holds
    another architecture, another number of classes or numbers that are not finite; `model` is then unchanged.
    """
    weights, trial = read_weights(path), copy.deepcopy(model)
    try:
        trial.load_state_dict(weights)
    except RuntimeError as error:
        problem = str(error).splitlines()[1].strip()[:200]
        raise InputError(f"{path} does not fit ({problem}): build the model that its weights come from.") from error
    broken = next((name for name, value in trial.state_dict().items() if not torch.isfinite(value).all()), None)
    if broken:
        raise InputError(f"{path}: the tensor {broken!r} is not finite; the training that wrote it has diverged.")
    model.load_state_dict(trial.state_dict())


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a file, as `load_weights` takes it, without unpickling objects; raises `InputError`."""
    try:
        if Path(path).suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(f"{path} holds more than tensors, which is not safe: save model.state_dict().") from error
    except Exception as error:  # no such file, or one that is cut off
        raise InputError(f"{path} is not a whole file of weights: {_reason(error)}.") from error
    found = found.get("state_dict", found) if isinstance(found, dict) else None
    if not found or not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()):
        raise InputError(f"{path} holds no state dict: save model.state_dict().")
    return found


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
