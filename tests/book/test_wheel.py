"""The library as a wheel, built from a source distribution, outside any clone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[2]

USE = """
import invariance, invariance.files
from pathlib import Path

assert Path(invariance.__file__).is_relative_to(Path(__import__("sys").argv[1])), invariance.__file__
own = "folder:" + __import__("sys").argv[2]
objects = invariance.transforms_2d(own, transforms=["rotate"], classes=["dark", "bright"], count=3)
assert [objects[index][0].shape for index in range(3)] == [(3, 32, 32)] * 3
print([path.name for path in invariance.files.results_dir().rglob("*") if path.is_file()])
"""


def run(*command, **options):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds only the installed wheel; built from a copy, since building writes into the tree."""
    base = tmp_path_factory.mktemp("wheel")
    for name in ("lib", "book/results"):
        shutil.copytree(
            REPOSITORY / name, base / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, base)
    run("-c", "from setuptools import build_meta; build_meta.build_sdist('dist')", cwd=base)
    (source,) = (base / "dist").glob("*.tar.gz")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    run("-m", "pip", "wheel", *offline, "--wheel-dir", base / "dist", source)
    (wheel,) = (base / "dist").glob("*.whl")
    run("-m", "pip", "install", *offline, "--target", base / "site", wheel)
    return base / "site"


def test_an_installed_wheel_works_and_has_the_published_results(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    environment.pop("INVARIANCE_RESULTS", None)
    for name, value in (("dark", 20), ("bright", 250)):
        (tmp_path / name).mkdir()
        Image.new("RGBA", (64, 64), (value, value, value, 255)).save(tmp_path / name / "picture.png")
    listed = run("-c", USE, installed, tmp_path, cwd=tmp_path, env=environment)
    published = [path.name for path in (REPOSITORY / "book" / "results").rglob("*") if path.is_file()]
    assert sorted(eval(listed)) == sorted(published) and published
    assert "Usage" in run("-m", "invariance.cli", "--help", cwd=tmp_path, env=environment)
    assert (installed / "invariance" / "py.typed").is_file()
    for folder in ("static", "networks"):
        kept = REPOSITORY / "lib" / "invariance" / "live" / folder
        names = sorted(path.name for path in kept.iterdir())
        assert sorted(path.name for path in (installed / "invariance" / "live" / folder).iterdir()) == names and names
