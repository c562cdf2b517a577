"""Files that are whole or absent: write aside, then rename; and where caches live."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from invariance.errors import InputError


def cache_dir() -> Path:
    """Folder for rendered pictures and finished units.

    `$INVARIANCE_CACHE` if set, else `invariance` in the user's cache folder
    (`$XDG_CACHE_HOME`, else `~/.cache`). Raises `InputError` where there is no home to begin with.
    """
    own, base = os.environ.get("INVARIANCE_CACHE"), os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(own).expanduser().resolve() if own else Path(base).expanduser() / "invariance"
    except RuntimeError as error:  # no home, as in a container under a number that is nobody's; or links in a circle
        raise InputError(f"No folder for the cache ({error}): set INVARIANCE_CACHE to one.") from None
