"""Reading picture files that nobody vouches for: bounded, checked, and named when they fail."""

import errno
import io
import stat
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from invariance.errors import InputError

MAX_PIXELS = 50_000_000
"""Largest picture that is read. Decoded, it takes 200 MB; a file of a few kilobytes can claim far more."""
FORMATS = ("PNG", "JPEG", "WEBP")


def read_object(file: Path | bytes, size: int, name: str = "") -> np.ndarray:
    """A picture squeezed into a square, RGBA uint8 (size, size, 4); opaque, with a warning, if it has no alpha."""
    image = _open(file, name)
    if "A" not in image.getbands() and "transparency" not in image.info:
        warnings.warn(f"{name or str(file)} has no alpha channel: used as an opaque square.", stacklevel=2)
    return np.asarray(image.convert("RGBA").resize((size, size), Image.Resampling.BILINEAR))


def read_background(file: Path | bytes, size: int, name: str = "") -> np.ndarray:
    """The top-left square of a picture, RGB uint8 (size, size, 3), as in Appendix B of the paper."""
    image = _open(file, name).convert("RGB")
    side = min(image.size)
    return np.asarray(image.crop((0, 0, side, side)).resize((size, size), Image.Resampling.BILINEAR))


def read_photo(file: Path, size: int) -> np.ndarray:
    """The central square of a photo, RGB uint8 (size, size, 3), bilinear with antialiasing."""
    return central_square(_open(file, "").convert("RGB"), size)


def central_square(image: Image.Image, size: int) -> np.ndarray:
    """The same of a picture that is open."""
    return np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR))


def check_regular(file: Path) -> None:
    """Raise `OSError` for a pipe or a device, which could be read for ever."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "It is not a regular file", str(file))


def _open(file: Path | bytes, name: str) -> Image.Image:
    """The decoded picture, turned upright as its EXIF orientation says."""
    name = name or str(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is lower
        try:
            if isinstance(file, Path):
                check_regular(file)
            with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"{image.width} x {image.height} pixels, above the limit of {MAX_PIXELS:,}")
                image.load()
                with suppress(Exception):  # the EXIF data may be broken where the picture is not
                    ImageOps.exif_transpose(image, in_place=True)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            message = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"Cannot read the image {name}: {message}. Replace or remove the file.") from None
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion would clip it to white
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
    return image
