"""The real book, built once for all processes."""

import shutil

import pytest
from filelock import FileLock
from pages import REPOSITORY

from invariance import book


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
