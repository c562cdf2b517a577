"""Pictures: embedded glyphs and scenes, CIFAR, your own folders, data sets on the Hub, and random ones."""

from invariance.pictures import glyphs, scenes
from invariance.pictures.natural import NATURAL, download, natural_classes, natural_images, natural_labels
from invariance.pictures.sources import (
    BACKGROUNDS,
    FOREGROUNDS,
    Objects,
    backgrounds,
    check_classes,
    check_source,
    class_names,
    fingerprint,
    float_bytes,
    foregrounds,
)

VERSION = f"{glyphs.VERSION}.{scenes.VERSION}.{scenes.VARIED_VERSION}"
"""Changes whenever an embedded picture does."""

__all__ = [
    "BACKGROUNDS", "FOREGROUNDS", "NATURAL", "VERSION", "Objects", "backgrounds", "check_classes", "check_source",
    "class_names", "download", "fingerprint", "float_bytes", "foregrounds", "natural_classes", "natural_images",
    "natural_labels",
]  # fmt: skip
