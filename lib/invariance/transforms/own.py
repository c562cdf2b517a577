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
    given = parameters.values() if isinstance(parameters, dict) else [parameters]
    wrong = [v for v in given if not isinstance(v, Tensor) or v.shape[:1] != keys.shape or v.device != keys.device]
    if wrong or not isinstance(parameters, dict):
        raise InputError(
            f"Transformation {t.name!r}: draw gave {_described((wrong or [parameters])[0])}; "
            f"it must give a dict of tensors ({len(keys)}, ...) on {keys.device} for {len(keys)} images."
        )


def check_like(t: Transformation, function: str, found: object, like: Tensor) -> None:
    """Raise `InputError` unless what one of the functions of `t` gave is a tensor such as `like`."""
    if not isinstance(found, Tensor) or (found.shape, found.dtype, found.device) != (
        like.shape,
        like.dtype,
        like.device,
    ):
        raise InputError(
            f"Transformation {t.name!r}: {function} gave {_described(found)} for {_described(like)}: give the same."
        )


def apply_checked(
    t: Transformation, apply: Callable[[Tensor, Parameters], Tensor], images: Tensor, parameters: Parameters
) -> Tensor:
    """What `apply`, one of the functions of `t`, makes of `images`; raises `InputError` unless it gives such images."""
    look = _sound.get(t.name) is not t and _in_range(images)
    out = apply(images, parameters)
    check_like(t, "apply", out, images)
    if look and not _in_range(out):
        low, high = out.aminmax()
        remedy = "look for a division by 0" if low.isnan() else "end it with .clamp(0, 1)"
        raise InputError(f"Transformation {t.name!r}: apply gave values from {low:g} to {high:g}: {remedy}.")
    if look:
        _sound[t.name] = t
    return out


def _in_range(images: Tensor) -> bool:
    low, high = images.aminmax()
    return bool((low >= -SLACK) & (high <= 1 + SLACK))


def _described(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)} on {value.device}"
