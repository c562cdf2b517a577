"""What stands beside the package: versions, workflows, commands and recipes agree with the code."""

import doctest
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import invariance
from invariance.book import architecture, pages

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAGES = sorted((ROOT / "book").glob("library_*.md"))
TEXTS = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *WORKFLOWS, ROOT / ".devcontainer" / "devcontainer.json"]


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert citation["version"] == newest[1] == invariance.__version__


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("citation-file-format", [ROOT / "CITATION.cff"])],
)
def test_files_of_others_tools_keep_their_schemas(schema, files):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert files and done.returncode == 0, done.stdout


def test_one_oldest_python_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    tests = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))["jobs"].values()
    tried = [version for job in tests for version in job.get("strategy", {}).get("matrix", {}).get("python", ())]
    newest = tried[-1]
    assert oldest == tried[0] == project["tool"]["mypy"]["python_version"]
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    for name in ("README.md", "Makefile"):
        told = re.findall(r"Python (3\.\d+) (?:to (3\.\d+)|and later)", (ROOT / name).read_text("utf-8"))
        assert told and all(low == oldest and high in ("", newest) for low, high in told), name


def test_hooks_and_container_can_be_read():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["ruff", "format", "sync"]
    assert "image" in json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


def test_what_the_library_imports_first_is_what_it_installs():
    """Libraries that a module imports at its top, the book's own modules apart, come with the package alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split("[<>=]", one)[0].lower() for one in project["dependencies"]}
    library = [path for path in (ROOT / "lib").rglob("*.py") if path.parent.name != "book"]
    code = "\n".join(path.read_text("utf-8") for path in library)
    top = set(re.findall(r"^(?:from|import) (\w+)", code, re.M)) - sys.stdlib_module_names - {"invariance"}
    owners = packages_distributions()
    assert "torch" in top and {name for name in top if not names & {owner.lower() for owner in owners[name]}} == set()


def test_help_lists_every_command_and_no_other():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    listed = set(re.findall(r'@echo " *make (\w+)', makefile)) | {"help"}
    assert listed == set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split())
    assert listed <= set(re.findall(r"^(\w+):", makefile, re.M))


def test_commands_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^(\w+):", makefile, re.M))
    commands = r"(?:`|run: |&& |^    )make ([a-z]+)"
    named = {name for text in TEXTS for name in re.findall(commands, text.read_text("utf-8"), re.M)}
    assert {"check", "test"} <= named <= known


def test_recipes_name_files_and_names_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    recipes = re.split(r"^## ", text, flags=re.M)[1:]
    assert [recipe.splitlines()[0].split()[-1] for recipe in recipes[:6]] == [
        "transformation",
        "network",
        "objective",
        "study",
        "chapter",
        "explorer",
    ]
    assert [recipe for recipe in recipes if len(re.findall(r"^\d+\. ", recipe, re.M)) > 10] == []
    paths = re.findall(r"`((?:lib|tests|book)/[\w./]+)`", text)
    assert len(paths) > 15 and [path for path in paths if "NN" not in path and not (ROOT / path).exists()] == []
    code = "\n".join(path.read_text("utf-8") for path in ROOT.glob("[lt]*/**/*.py"))
    names = re.findall(r"`([A-Z][A-Za-z_]*[a-z_A-Z]{3}|[a-z]+_[a-z]+)`", text)
    assert [name for name in names if not re.search(rf"\b{name}\b", code) and "NAME" not in name] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_examples_of_the_library_run_as_they_stand(path):
    blocks = re.findall(r"```python\n(>>> .*?)```", path.read_text("utf-8"), re.S)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, path.name, str(path), 0)
    assert example.examples and doctest.DocTestRunner(verbose=False).run(example).failed == 0


def test_every_part_has_a_page_of_the_library():
    within = {
        "cli",
        "book",
        "chapter",
        "config",
        "files",
        "phones",
        "progress",
        "errors",
    }  # without an interface of their own
    assert {f"library_{part}" for part in set(architecture.parts()) - within} == {path.stem for path in PAGES}


def test_the_drawing_has_every_part_and_every_import_downwards():
    known = architecture.parts()
    used = architecture.imports(known)
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    assert known == layers["layers"] and used["studies", "statistics"] > 3
    assert all(known.index(who) < known.index(whom) for who, whom in used)
    drawn = architecture.drawing(known, used)
    assert all(f"{who} imports {whom}: {count}<" in drawn for (who, whom), count in used.items())
    assert all(architecture.summary(part) for part in known) and pages.find_root(ROOT) == ROOT
