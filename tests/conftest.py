"""Every test works in its own cache, so that none sees what another, or the reader, computed."""

import os

import pytest
import torch

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache of rendered pictures for all tests: they are the same for all."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(shared_cache, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(shared_cache))
    monkeypatch.setenv("INVARIANCE_PROGRESS", "0")
