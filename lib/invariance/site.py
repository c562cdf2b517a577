"""Render a staged book: the Jupyter Book side of `make book`.

`book` stages and executes; here the pages become a site that needs no other server, and that takes the
place of the last one only when it is complete.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml
from rich.console import Console

# npm package -> its files that the site needs, so that readers load nothing from other servers.
VENDORED = {
    "requirejs@2.3.8": r"require\.js",
    "@jupyter-widgets/html-manager@1.0.15": r"dist/(embed-amd\.js|[0-9a-f]{20}\.woff2)",
    "mathjax@3.2.2": r"es5/tex-svg\.js",
}

console = Console(highlight=False, soft_wrap=True)


class BookError(RuntimeError):
    """A chapter or the site failed; the message is the whole report for the reader."""


def toc_pages(toc: dict) -> list[str]:
    """Page names of a table of contents such as `book/00_intro`, in reading order."""
    pages = [toc["root"]]

    def walk(node):
        for child in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
            if isinstance(child, dict) and "file" in child:
                pages.append(child["file"])
            walk(child)

    walk(toc)
    return pages


def read_yaml(path: Path) -> dict:
    """The content of a YAML file."""
    return yaml.safe_load(path.read_text("utf-8"))


def stage(root: Path, staging: Path) -> None:
    """A fresh copy of all that the site is made from, except the chapters' outputs."""
    shutil.rmtree(staging, ignore_errors=True)
    hidden = shutil.ignore_patterns("*.py", ".*", "__pycache__")
    shutil.copytree(root / "book", staging / "book", ignore=hidden)


def _without(node, dropped: set[str]):
    """A table of contents without the entries of the dropped pages."""
    if isinstance(node, list):
        return [_without(n, dropped) for n in node if not (isinstance(n, dict) and n.get("file") in dropped)]
    return {k: _without(v, dropped) for k, v in node.items()} if isinstance(node, dict) else node


def _vendor(root: Path) -> Path | None:
    """Folder with the scripts for widgets and formulas, fetched once with npm; None where that cannot be."""
    vendor = root / "_build" / "vendor"
    if vendor.exists():
        return vendor
    aside = root / "_build" / ".vendor-new"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for package, wanted in VENDORED.items():
            pack = ["npm", "pack", "--silent", "--ignore-scripts", package]
            packed = subprocess.run(pack, cwd=aside, check=True, capture_output=True, text=True, timeout=120)
            archive = aside / packed.stdout.split()[-1]
            with tarfile.open(archive) as tar:
                for member in tar.getmembers():
                    if re.fullmatch(f"package/{wanted}", member.name):
                        for folder in _folders(member.name):
                            (aside / folder).mkdir(parents=True, exist_ok=True)
                            (aside / folder / Path(member.name).name).write_bytes(tar.extractfile(member).read())
            archive.unlink()
    except (OSError, IndexError, subprocess.SubprocessError, tarfile.TarError):
        shutil.rmtree(aside, ignore_errors=True)
        console.print("Widgets and formulas will load from public servers: npm could not fetch local copies.")
        return None
    os.replace(aside, vendor)
    return vendor


def _folders(member: str) -> tuple[str, ...]:
    """Where a vendored file lies: two modules of the widgets look for icon fonts, each in its own place."""
    fonts = "@jupyter-widgets", "@jupyter-widgets/html-manager/dist"
    return fonts if member.endswith(".woff2") else ("",)


def _use_local_scripts(config: dict, vendor: Path, staging: Path) -> None:
    """Point the site at local copies of the scripts for widgets and formulas."""
    shutil.copytree(vendor, staging / "book" / "_assets" / "vendor")
    settings = config.setdefault("sphinx", {}).setdefault("config", {})
    settings["mathjax_path"] = "vendor/tex-svg.js"
    settings["nb_ipywidgets_js"] = {"vendor/require.js": {}, "vendor/embed-amd.js": {}}
    settings.setdefault("html_static_path", ["book/_assets"])


def without(toc: dict, dropped: set[str]) -> dict:
    """A table of contents without the pages `dropped`, such as `book/01_name`; the first page left is its root."""
    root = next(page for page in toc_pages(toc) if page not in dropped)
    parts = _without(toc.get("parts", []), {*dropped, root})
    return {**toc, "root": root, "parts": [part for part in parts if part["chapters"]]}


def render(root: Path, staging: Path, notebooks: dict[str, Path], toc: dict, place: Path, strict: bool) -> Path:
    """Render the staged book aside, and put it in its `place` once it is complete; gives that.

    `notebooks` are the executed notebooks by stem; with `strict` a warning is an error.
    """
    for stem, notebook in notebooks.items():
        shutil.copy(notebook, staging / "book" / f"{stem}.ipynb")
    config = read_yaml(root / "_config.yml")
    if vendor := _vendor(root):
        _use_local_scripts(config, vendor, staging)
    for name, content in (("_toc.yml", toc), ("_config.yml", config)):
        (staging / name).write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")

    aside = root / "_build" / ".site-new"
    shutil.rmtree(aside, ignore_errors=True)
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(staging)]
    log = root / "_build" / "build.log"
    with log.open("w", encoding="utf-8") as stream:
        options = ["--path-output", str(aside), "--keep-going", *(["--warningiserror"] if strict else [])]
        done = subprocess.run([*program, *options], stdout=stream, stderr=subprocess.STDOUT)
    site = aside / "_build" / "html"
    missing = [page for page in [*toc_pages(toc), "index"] if not (site / f"{page}.html").exists()]
    if done.returncode or missing:
        lines = log.read_text("utf-8", errors="replace").splitlines()
        report = [line for line in lines if re.search("WARNING|ERROR|Error:|Exception", line)] or lines[-10:]
        report += [f"The page {page} was not rendered." for page in missing]
        raise BookError("\n".join(["The site could not be rendered:", *report, f"The whole log: {log}"]))
    return _swap(site, place)


def _swap(new: Path, place: Path) -> Path:
    """Put the folder `new` in the place of `place`."""
    old = place.with_name(f".{place.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        os.replace(place, old)
    shutil.move(new, place)
    shutil.rmtree(old, ignore_errors=True)
    return place
