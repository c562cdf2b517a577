"""Every test works in its own cache, so that none sees what another, or the reader, computed."""

import os

import numpy as np
import pandas as pd
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
