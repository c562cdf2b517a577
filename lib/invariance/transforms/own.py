"""What your own transformation gives, checked where it is used: a mistake there would show as a wrong image.

Types, shapes and devices are checked at every call, which costs nothing; values once, since a GPU has to wait for that.
"""

from collections.abc import Callable

from torch import Tensor

from invariance.errors import InputError
from invariance.transforms.base import Parameters, Transformation

SLACK = 1e-3
"""By so much may values leave [0, 1], from rounding."""

_sound: dict[str, Transformation] = {}  # whose values have been looked at, by name


def check_drawn(t: Transformation, parameters: object, keys: Tensor) -> None:
    """Raise `InputError` unless `t.draw` gave a dict of tensors with an entry for each of `keys` (B,)."""
    wanted = f"a dict of tensors ({len(keys)}, ...) for {len(keys)} images"
    if not isinstance(parameters, dict):
        raise InputError(f"Transformation {t.name!r}: draw gave {_described(parameters)}; it must give {wanted}.")
    for name, value in parameters.items():
        if not isinstance(value, Tensor) or value.shape[:1] != keys.shape or value.device != keys.device:
            found, place = _described(value), f"on {keys.device}"
            raise InputError(f"Transformation {t.name!r}: draw gave {found} for {name!r}; give {wanted}, {place}.")


def apply_checked(
    t: Transformation, apply: Callable[[Tensor, Parameters], Tensor], images: Tensor, parameters: Parameters
) -> Tensor:
    """What `apply`, one of the functions of `t`, makes of `images`; raises `InputError` unless it gives such images."""
    like, look = _described(images), _sound.get(t.name) is not t and _in_range(images)
    out = apply(images, parameters)
    if _described(out) != like:
        raise InputError(f"Transformation {t.name!r}: apply gave {_described(out)} for {like}: it must give the same.")
    if look:
        if not _in_range(out):
            low, high = out.aminmax()
            remedy = "look for a division by 0" if low.isnan() else "end it with .clamp(0, 1)"
            raise InputError(
                f"Transformation {t.name!r}: apply gave values from {low:g} to {high:g}, not in [0, 1]: {remedy}."
            )
        _sound[t.name] = t
    return out


def check_moved(t: Transformation, moved: object, boxes: Tensor) -> None:
    """Raise `InputError` unless `t.move_box` gave boxes such as `boxes` (B, 4)."""
    if _described(moved) != _described(boxes):
        raise InputError(
            f"Transformation {t.name!r}: move_box gave {_described(moved)} for {_described(boxes)}: "
            "it must give the same, in whole pixels."
        )


def _in_range(images: Tensor) -> bool:
    low, high = images.aminmax()
    return bool((low >= -SLACK) & (high <= 1 + SLACK))


def _described(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)} on {value.device}"
