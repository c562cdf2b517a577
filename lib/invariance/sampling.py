"""Counter-based random numbers: a draw is a function of (seed, stream, index) and nothing else.

A *key* is a 64-bit integer that stands for one image (or one part of one image). Keys come as
int64 tensors of shape (B,), one per image, on the device where the numbers are wanted. Every
function here is pure: no generator is kept, and no global random state is read or changed.
So the same index gives the same image on any batch size, in any order, process or worker.

The mixing function is the 64-bit finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor

from invariance.errors import InputError, check_whole

_GOLDEN = -7046029254386353131  # 2^64 / golden ratio, odd, as a signed integer
_MIX_1 = -4658895280553007687
_MIX_2 = -7723592293110705685


def _mix(z: Tensor) -> Tensor:
    # `>>` on int64 copies the sign bit; the mask makes it the logical shift that the mix needs.
    z = (z >> 30).bitwise_and_(0x3FFFFFFFF).bitwise_xor_(z).mul_(_MIX_1)
    z.bitwise_xor_((z >> 27).bitwise_and_(0x1FFFFFFFFF))
    z.mul_(_MIX_2)
    return z.bitwise_xor_((z >> 31).bitwise_and_(0x1FFFFFFFF))


@lru_cache(maxsize=4096, typed=True)  # typed, since 1.0 and True would find what was kept for 1
def stream(seed: int, *names: str | int) -> int:
    """A 64-bit stream number for `seed`, a whole number, and a path of names, such as `stream(3, "train")`."""
    digest = hashlib.blake2b(repr((check_whole("Seed", seed), *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def keys(stream_number: int, indices: Tensor) -> Tensor:
    """One key per index of a stream: int64 `indices` of any shape to int64 keys of that shape."""
    return _mix(indices.to(torch.int64) * _GOLDEN + stream_number)


def fold(parent: Tensor, name: str | int) -> Tensor:
    """Child keys: independent draws for each `name` from the same parent keys."""
    return _mix(parent + stream(0, name))


def bits(key: Tensor, count: int) -> Tensor:
    """`count` 64-bit words per key: (B,) to int64 (B, count)."""
    counter = torch.arange(1, count + 1, device=key.device, dtype=torch.int64) * _GOLDEN
    return _mix(key[:, None] + counter)


def shorts(key: Tensor, count: int) -> Tensor:
    """`count` uniform 16-bit integers per key, four to a word: (B,) to int16 (B, count).

    For large random fields, where this resolution is ample and making the words is most of the work.
    """
    return bits(key, (count + 3) // 4).view(torch.int16)[:, :count]


def _halves(key: Tensor, count: int) -> tuple[Tensor, Tensor]:
    # One word serves two numbers of 24 bits, as many as a float32 below 1 can hold.
    words = bits(key, count)
    return (words >> 40).bitwise_and_(0xFFFFFF), (words >> 8).bitwise_and_(0xFFFFFF)


def uniform(key: Tensor, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform float32 in [low, high): (B,) keys to (B, ...) with the given shape."""
    count = math.prod(shape)
    if count == 1:
        unit = _halves(key, 1)[0].float()
    else:
        unit = torch.cat(_halves(key, (count + 1) // 2), dim=1)[:, :count].float()
    return unit.mul_((high - low) * 2.0**-24).add_(low).reshape(len(key), *shape)


def normal(key: Tensor, *shape: int) -> Tensor:
    """Standard normal float32: (B,) keys to (B, ...) with the given shape, by the Box-Muller method."""
    count = math.prod(shape)
    first, second = _halves(key, (count + 1) // 2)
    radius = first.float().add_(0.5).mul_(2.0**-24).log_().mul_(-2).sqrt_()
    angle = second.float().mul_(2 * math.pi * 2.0**-24)
    pair = torch.cat((radius * angle.cos(), radius * angle.sin()), dim=1)
    return pair[:, :count].reshape(len(key), *shape)


def bernoulli(key: Tensor, p: float) -> Tensor:
    """True with probability `p` in [0, 1]: (B,) keys to bool (B,)."""
    return uniform(key) < p


def integers(key: Tensor, high: int | Tensor) -> Tensor:
    """Uniform int64 in [0, high): (B,) keys to (B,); `high` is one number or one per key.

    Taken from 32 bits, so the bias is below high / 2^32.
    """
    return ((bits(key, 1)[:, 0] >> 32 & 0xFFFFFFFF) * high) >> 32


@contextmanager
def torch_seed(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """PyTorch's own generators, the CPU's and that of a CUDA `device`, at `seed` inside and as before afterwards.

    For what draws from them by itself: the first weights of layers, and dropout.
    """
    gpu = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpu):
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would seed every GPU as well
        for each in gpu:
            with torch.cuda.device(each):
                torch.cuda.manual_seed(seed)
        yield


def permutation(stream_number: int, n: int) -> Tensor:
    """A random order of 0 .. n-1 as int64 (n,), on the CPU."""
    return keys(stream_number, torch.arange(n)).argsort()


def choose(seed: int, name: str, items: Sequence, count: int) -> list:
    """`count` of `items` without replacement, in random order (experiments use it for their choices).

    Raises `InputError` for more than there are.
    """
    count = check_whole("Number of items to choose", count, 0)
    if count > len(items):
        raise InputError(f"{count} are to be chosen for {name!r}, but there are only {len(items)}: ask for fewer.")
    order = permutation(stream(seed, name), len(items))
    return [items[i] for i in order[:count]]
