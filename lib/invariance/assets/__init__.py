"""Pictures: embedded glyphs and scenes, your own folders, and random ones."""

from invariance.assets import glyphs, scenes
from invariance.assets.sources import (
    BACKGROUNDS,
    FOREGROUNDS,
    Objects,
    backgrounds,
    check_source,
    class_names,
    foregrounds,
)

VERSION = f"{glyphs.VERSION}.{scenes.VERSION}"
"""Changes whenever an embedded picture does."""

__all__ = [
    "BACKGROUNDS",
    "FOREGROUNDS",
    "VERSION",
    "Objects",
    "backgrounds",
    "check_source",
    "class_names",
    "foregrounds",
]
