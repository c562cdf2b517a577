"""What data sets of whole images share: their transformations act on the picture, not on an object in it."""

from collections.abc import Sequence

from torch import Tensor

from invariance import sampling, transforms
from invariance.datasets.chunks import in_chunks
from invariance.datasets.split import Renderer

ROW = (1 << 24) - 1
"""A content key holds the number of the image's row in its low 24 bits; the bits above seed the draws."""


class WholeImages(Renderer):
    """Renders pictures, each transformed as a whole."""

    parts = ("transformation",)
    names: Sequence[str] = ()
    """The transformations, in their order."""

    def untransformed(self, content: Tensor) -> Tensor:
        """The images as they are, float32 (B, 3, size, size) in [0, 1]."""
        raise NotImplementedError

    def rows(self, content: Tensor) -> Tensor:
        """Row numbers int64 (B,) of content keys."""
        return content & ROW

    def images(self, content: Tensor, transformation: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Images float32 (B, 3, size, size) in [0, 1], from int64 keys (B,).

        The draws of the transformations come from the content key, or from their own if given.
        """
        images = self.untransformed(content)
        if not self.names or not len(content):
            return images
        keys = sampling.fold(content if transformation is None else transformation, "transforms")
        drawn = transforms.draw(self.names, keys, self.size)

        def fill(rows: slice) -> None:
            given = transforms.take(drawn, rows)
            images[rows] = transforms.apply(self.names, images[rows], given, protocol=self.protocol)

        in_chunks(fill, len(content), self.size, self.device)
        return images


def rows_to_keys(rows: Tensor, keys: Tensor) -> Tensor:
    """Content keys (B,) of these rows; `keys` (B,) seed the draws."""
    return (keys & ~ROW) | rows
