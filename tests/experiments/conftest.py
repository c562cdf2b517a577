import pytest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own, so that nothing counts as computed before."""
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path
