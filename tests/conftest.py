"""All tests share one cache, which no reader uses: what one computed at the size smoke, the others read."""

import os

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock

from invariance.experiments import EXPERIMENTS, collect, execute, profiles

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache for all tests and processes: rendered pictures, and the experiments at the size smoke."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (root / "cache").mkdir(exist_ok=True)
    return root / "cache"


@pytest.fixture(scope="session")
def smoke_results(shared_cache):
    """Every experiment's table at the size smoke, computed once for all processes, by name."""
    profile = profiles.profile("smoke")
    with pytest.MonkeyPatch.context() as patch, FileLock(shared_cache / "smoke.lock"):
        patch.setenv("INVARIANCE_CACHE", str(shared_cache))
        patch.setenv("INVARIANCE_PROGRESS", "0")
        # All in one go, so that one pair of worker processes does everything.
        execute.run(unit for design in EXPERIMENTS.values() for _, unit in design(profile, "cpu"))
        return {name: collect(design(profile, "cpu")) for name, design in EXPERIMENTS.items()}


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
