"""The real book, built once for all processes."""

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from invariance import book

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built(shared_cache):
    """A copy of the book, built at the budget smoke."""
    root = shared_cache.parent / "real_book"
    with FileLock(root.with_suffix(".lock")), pytest.MonkeyPatch.context() as patch:
        if not root.exists():
            aside = root.with_suffix(".new")
            aside.mkdir()
            for name in ("_config.yml", "_toc.yml"):
                shutil.copy(REPOSITORY / name, aside)
            shutil.copytree(REPOSITORY / "book", aside / "book")
            patch.setenv("INVARIANCE_CACHE", str(shared_cache))
            patch.setenv("INVARIANCE_PROGRESS", "0")
            patch.setenv("BUDGET", "smoke")
            book.build(aside, parameters={"budget": "smoke", "device": "cpu"})
            aside.rename(root)
    return root
