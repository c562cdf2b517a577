"""Every chapter's cells run in a fresh kernel at the size smoke, as nbval does it."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_every_cell_of_every_chapter_runs(smoke_results, shared_cache):
    chapters = sorted(str(path) for path in (REPOSITORY / "book").glob("*.ipynb"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "BOOK_PROFILE": "smoke",
        "INVARIANCE_CACHE": str(shared_cache),
        "OMP_NUM_THREADS": "1",
    }
    options = [
        "--nbval-lax",
        "--nbval-cell-timeout=600",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadfile",
        "-p",
        "no:cacheprovider",
    ]
    command = [sys.executable, "-m", "pytest", *options, *chapters]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(chapters) >= 10
