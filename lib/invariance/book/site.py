"""Render a staged book with Jupyter Book, put the site in its place once it is complete, and serve it."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

from invariance.book.overview import write_overview
from invariance.book.polish import polish
from invariance.book.repository import find_repository
from invariance.book.sharing import write_picture
from invariance.errors import BookError, InputError
from invariance.live.page import write_assets


def stage(root: Path, staging: Path) -> None:
    """A fresh copy of all that the site is made from."""
    shutil.rmtree(staging, ignore_errors=True)
    shutil.copytree(root / "book", staging / "book", ignore=shutil.ignore_patterns("*.py", ".*", "__pycache__"))
    shutil.copy(root / "_toc.yml", staging)
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    options = config["sphinx"]["config"]
    options["html_theme_options"] |= find_repository(root).options()
    options["html_search_scorer"] = str(staging / "book" / "_assets" / "scorer.js")  # else sought in the working folder
    (staging / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")


def stage_explorers(staging: Path) -> None:
    """What the explorers in the staged notebooks load when a reader comes near."""
    write_assets(sorted((staging / "book").glob("*.ipynb")), staging / "book" / "_assets" / "live")


def render(root: Path, staging: Path, place: Path, strict: bool) -> Path:
    """Render the staged book, and put the site in its `place` once it is complete; gives its `index.html`.

    With `strict` a warning is an error. Raises `BookError` where a page is not rendered.
    """
    stage_explorers(staging)
    write_overview(root, staging)
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(staging)]
    log = root / "_build" / "build.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as stream:
        options = ["--keep-going", *(["--warningiserror"] if strict else [])]
        done = subprocess.run([*program, *options], stdout=stream, stderr=subprocess.STDOUT)
    site = staging / "_build" / "html"
    missing = [
        page for page in [*parse_toc_yaml(staging / "_toc.yml"), "index"] if not (site / f"{page}.html").exists()
    ]
    if done.returncode or missing:
        lines = log.read_text("utf-8", errors="replace").splitlines()
        report = [line for line in lines if re.search("WARNING|ERROR|Error:|Exception", line)] or lines[-10:]
        report += [f"The page {page} was not rendered." for page in missing]
        raise BookError("\n".join(["The site could not be rendered:", *report, f"The whole log: {log}"]))
    polish(site, find_repository(root))
    write_picture(site / "_static" / "share.png", yaml.safe_load((staging / "_config.yml").read_text("utf-8"))["title"])
    _swap(site, place)
    return place / "index.html"


def _swap(new: Path, place: Path) -> None:
    """Put the folder `new` in the place of `place`."""
    aside, old = place.with_name(f".{place.name}-new"), place.with_name(f".{place.name}-old")
    for folder in (aside, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.move(new, aside)  # a copy where `new` lies on another file system
    if place.exists():
        os.replace(place, old)
    os.replace(aside, place)
    shutil.rmtree(old, ignore_errors=True)


def preview(site: str | Path, port: int = 8000) -> None:
    """Serve the folder `site` on this machine, and to no other, until Ctrl-C.

    Raises `InputError` where there is no site or the port cannot be used.
    """
    site = Path(site)
    if not (site / "index.html").is_file():
        raise InputError(f"There is no site in {site}: `make book` renders it.")
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise InputError(f"Port {port} cannot be used ({error}): choose another, as `PORT=8001`.") from None
    with server, suppress(KeyboardInterrupt):
        print(f"Serving the book at http://127.0.0.1:{server.server_port}/ (stop with Ctrl-C)", flush=True)
        server.serve_forever()
