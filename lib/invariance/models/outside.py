"""Models from elsewhere: a reader's own backbone or one of timm's as a `Classifier`, and weights from files."""

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from invariance import sampling
from invariance.errors import InputError
from invariance.files import write_aside
from invariance.models.architectures import MODELS
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

    `backbone` is a module or, where timm is installed, "timm:NAME"; `pretrained` asks timm for its weights. `width`
    is D where it should be checked. Normalise images to [-1, 1] or as the backbone was trained.

    Raises `InputError` if a dry run on two images fails or does not give finite features (2, D), for a name that timm
    does not have, and without timm.
    """
    if isinstance(backbone, str):
        backbone = timm_backbone(backbone, seed, pretrained)
    width = _checked_width(backbone, size, width)
    with sampling.torch_seed(seed):
        model = Classifier(backbone, width, classes)
    return model.to(_device(backbone), memory_format=torch.channels_last)


def timm_backbone(name: str, seed: int = 0, pretrained: bool = False) -> nn.Module:
    """The backbone "timm:NAME" without its head; raises `InputError` as `wrap` does."""
    prefix, _, name = name.partition(":")
    if prefix != "timm" or not name:
        raise InputError(f"A backbone to wrap is a torch.nn.Module or 'timm:NAME', not {prefix!r}.")
    if not find_spec("timm"):
        raise InputError(f"'timm:{name}' needs timm, which is not installed: run `pip install timm`.")
    import timm

    if not timm.is_model(name):
        close = ", ".join(get_close_matches(name.split(".")[0], timm.list_models(), n=3))
        raise InputError(f"timm has no model {name!r}; near it: {close or 'none'}. timm.list_models() lists all.")
    try:
        with sampling.torch_seed(seed):
            return timm.create_model(name, pretrained=pretrained, num_classes=0)
    except Exception as error:  # whatever its downloads raise
        if not pretrained:
            raise
        raise InputError(f"timm could not get the weights of {name!r}: {_reason(error)}") from error


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters(), torch.empty(0)).device


@torch.no_grad()
def _checked_width(backbone: nn.Module, size: int, width: int | None) -> int:
    name, training = type(backbone).__name__, backbone.training
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    try:
        found = backbone.eval()(images.to(_device(backbone)))
    except Exception as error:  # whatever a network raises on images that it cannot take
        raise InputError(
            f"The backbone {name} fails on images of {size} x {size} (`size`): {_reason(error)}"
        ) from error
    finally:
        backbone.train(training)
    if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != 2:
        given = f"a tensor {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        raise InputError(f"The backbone {name} gives {given} for 2 images: make it give features (2, D).")
    if found.is_complex():
        raise InputError(f"The backbone {name} gives complex features: make it give real ones, such as .abs().")
    if width is not None and found.shape[1] != width:
        raise InputError(
            f"The backbone {name} gives {found.shape[1]} features an image, not {width}: pass that as width."
        )
    if not torch.isfinite(found).all():
        raise InputError(f"The backbone {name} gives features that are not finite: load sound weights into it.")
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
    found, wanted = read_weights(path), model.state_dict()
    shapes = {name: value.shape for name, value in wanted.items()}
    wrong = sorted(k for k in shapes.keys() | found.keys() if k not in found or found[k].shape != shapes.get(k))
    head = {"head.weight", "head.bias"}
    if wrong and set(wrong) <= head <= found.keys() & shapes.keys():
        held, own = found["head.bias"].shape, shapes["head.bias"]
        if len(held) == 1 and found["head.weight"].shape[:1] == held != own:
            raise InputError(
                f"{path} holds {held[0]} classes, the model has {own[0]}: build it with classes={held[0]}."
            )
        found_shape, shape = tuple(found[wrong[0]].shape), tuple(shapes[wrong[0]])
        raise InputError(f"{path}: the tensor {wrong[0]!r} is {found_shape}, not {shape}: write or download it again.")
    if wrong and wrong == sorted(shapes.keys() - found.keys()) and len(wrong) < len(shapes):
        count = f"{len(wrong)} of the model's {len(shapes)} tensors are missing, {wrong[0]!r} first"
        raise InputError(f"{path} is incomplete ({count}): save the whole of model.state_dict().")
    if wrong:
        fits = _architecture(found)
        hint = f"build {fits!r}" if fits else "build the model that they come from"
        count = f"{len(wrong)} tensors differ, {wrong[0]!r} first"
        raise InputError(f"{path} holds another architecture's weights ({count}): {hint}.")
    broken = next((k for k, v in found.items() if not torch.isfinite(v).all()), None)
    if broken:
        raise InputError(f"{path}: the tensor {broken!r} is not finite; the training that wrote it has diverged.")
    model.load_state_dict(found)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a file, as `load_weights` takes it, without unpickling objects; raises `InputError`."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"No file {path}: give the path of a .safetensors, .pt, .pth or .ckpt file.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a whole file of weights ({_reason(error)}): write or download it again."
        ) from error
    except Exception as error:  # pickle's own errors, of many types, for objects other than tensors
        raise InputError(
            f"{path} holds more than tensors, which is not safe to load: save model.state_dict()."
        ) from error
    found = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} holds no state dict: save model.state_dict().")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise InputError(f"{path} holds no state dict ({name!r}: {type(value).__name__}): save model.state_dict().")
        if value.layout != torch.strided or value.is_quantized:
            raise InputError(f"{path}: the tensor {name!r} is sparse or quantised: save it dense, as float32.")
    return found


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _architecture(weights: dict[str, Tensor]) -> str | None:
    for name, make in MODELS.items():
        with torch.device("meta"):
            expected = {f"backbone.{k}": v.shape for k, v in make()[0].state_dict().items()}
        if expected == {k: v.shape for k, v in weights.items() if not k.startswith("head.")}:
            return name
    return None
