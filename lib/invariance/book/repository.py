"""The repository that a book is built in: links to it come from its own git remote, so that a fork gets its own."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from invariance import __version__


@dataclass(frozen=True)
class Repository:
    """Where the book's sources are: `url` of the web page or "", `branch`, and the `date` of the last change or ""."""

    url: str = ""
    branch: str = "main"
    date: str = ""

    @property
    def slug(self) -> str:
        """OWNER/NAME on GitHub, or ""."""
        return self.url.removeprefix("https://github.com/") if self.url.startswith("https://github.com/") else ""

    @property
    def pages(self) -> str:
        """Where GitHub Pages would serve the site, or ""."""
        owner, _, name = self.slug.partition("/")
        return f"https://{owner}.github.io/{name}/" if name else ""

    @property
    def note(self) -> str:
        """Version and date, for the foot of a page."""
        return f"Version {__version__}{f', last changed on {self.date}' if self.date else ''}."

    def options(self) -> dict[str, object]:
        """Options of the theme: links to the repository, to edit a page, to open an issue, to run a page elsewhere."""
        if not self.url:
            return {}
        links = {f"use_{name}_button": True for name in ("repository", "edit_page", "issues")}
        found = {"repository_url": self.url, "repository_branch": self.branch, "path_to_docs": "", **links}
        if self.slug:
            services = {"binderhub_url": "https://mybinder.org", "colab_url": "https://colab.research.google.com"}
            found["launch_buttons"] = {"notebook_interface": "jupyterlab", **services}
        return found


def find_repository(root: Path) -> Repository:
    """The repository of a book's folder, from its remote `origin`; without git or remote the links are left out."""
    url = _web(git(root, "remote", "get-url", "origin"))
    head = git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")
    return Repository(url, head or "main", git(root, "log", "-1", "--format=%cs"))


def git(root: Path, *words: str) -> str:
    """What a git command says; "" where it fails, or there is no git."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _web(remote: str) -> str:
    """The web address of a remote such as git@github.com:owner/name.git; "" for a folder of this machine."""
    found = re.fullmatch(r"(?:https?://|ssh://)?(?:[^@/]+@)?([\w.-]+\.\w+)[:/](.+?)(?:\.git)?/?", remote)
    return f"https://{found[1]}/{found[2]}" if found else ""
