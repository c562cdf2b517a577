"""Pairs of images that differ in one part and share everything else: what sensitivity is measured on (section 5)."""

from torch import Tensor

from invariance.datasets.split import Renderer, Split
from invariance.errors import check_known


def pair_keys(renderer: Renderer, pairs: int, seed: int, vary: str = "transformation") -> tuple[Tensor, Tensor, Tensor]:
    """Keys int64 (N,) of test images: contents, and two sets to exchange the renderer's part `vary` with.

    Raises `InputError` for a part that the renderer does not have, or of which there is only one.
    """
    check_known("part", vary, renderer.parts)
    content, first, second = (
        Split(renderer, seed, f"pairs/{keys}/test", pairs).keys() for keys in ("content", "first", "second")
    )
    return content, first, second if renderer.protocol.equal_pairs else renderer.differing(vary, first, second)


def paired_images(renderer: Renderer, pairs: int, seed: int, vary: str = "transformation") -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in [0, 1], twice: the same but for one of the renderer's parts, `vary`."""
    content, first, second = pair_keys(renderer, pairs, seed, vary)
    return renderer.images(content, **{vary: first}), renderer.images(content, **{vary: second})
