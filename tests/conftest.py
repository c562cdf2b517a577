"""All tests share one cache, which no reader uses: what one computed at the size smoke, the others read."""

import os

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock

from invariance import studies

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache for all tests and processes: rendered pictures, and the studies at the size smoke."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (root / "cache").mkdir(exist_ok=True)
    return root / "cache"


@pytest.fixture(scope="session")
def smoke(shared_cache):
    """The findings of a study at the size smoke, by its name; each is computed once for all processes."""

    def find(name):
        with pytest.MonkeyPatch.context() as patch, FileLock(shared_cache / f"{name}.lock"):
            patch.setenv("INVARIANCE_CACHE", str(shared_cache))
            patch.setenv("INVARIANCE_PROGRESS", "0")
            study = studies.get(name)
            return study.own(study.at("smoke"), "cpu")

    return find


@pytest.fixture(autouse=True)
def _own_cache(shared_cache, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(shared_cache))
    monkeypatch.setenv("INVARIANCE_PROGRESS", "0")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own, so that nothing counts as computed before."""
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path))
    return tmp_path


def _seeds_around(table, spread=0.01, seeds=4):
    noise = np.random.default_rng(0)
    return pd.concat(
        [
            table.assign(seed=seed, value=(table["value"] + noise.normal(0, spread, len(table))).clip(0, 1))
            for seed in range(seeds)
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="session")
def seeds_around():
    """Tables of several seeds around the values of one, such as the paper's: (table, spread, seeds)."""
    return _seeds_around
