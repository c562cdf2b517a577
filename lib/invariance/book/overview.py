"""Pages that are made from the record and the chapters when the site is rendered: the map and the status."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import nbformat
import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

from invariance import studies, units
from invariance.book.execution import executed
from invariance.book.pages import find_chapters
from invariance.book.repository import git
from invariance.errors import InputError
from invariance.ledger import verdicts
from invariance.progress import duration
from invariance.protocol import find
from invariance.studies.study import BUDGETS, LARGER, Findings
from invariance.units import record, store

WORDS_A_MINUTE = 200
MAP, STATUS = "_map.md", "_status.md"


@dataclass(frozen=True)
class Chapter:
    """A chapter as it stands in the staged book."""

    root: Path
    staging: Path
    stem: str

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        """The notebook that is rendered."""
        return nbformat.read(self.staging / "book" / f"{self.stem}.ipynb", as_version=4)

    @property
    def number(self) -> int:
        """Its number in the book."""
        return int(self.stem.split("_")[0])

    @property
    def title(self) -> str:
        """The first heading."""
        texts = (cell.source for cell in self.notebook.cells if cell.cell_type == "markdown")
        return next((found[1] for text in texts if (found := re.search(r"^# (.+)", text, re.M))), self.stem)

    @property
    def minutes(self) -> int:
        """How long its prose takes to read."""
        texts = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        words = re.findall(r"\b[A-Za-z]{2,}", re.sub(r"```.*?```|`[^`]*`|\(.*?\)", " ", " ".join(texts), flags=re.S))
        return math.ceil(len(words) / WORDS_A_MINUTE)

    @property
    def date(self) -> str:
        """The day on which it was last executed."""
        own, published = executed(self.root, self.stem), self.root / "book" / f"{self.stem}.ipynb"
        shown = (self.staging / "book" / f"{self.stem}.ipynb").read_bytes()
        if own.exists() and own.read_bytes() == shown != published.read_bytes():
            return date.fromtimestamp(own.stat().st_mtime).isoformat()
        return git(self.root, "log", "-1", "--format=%cs", "--", f"book/{self.stem}.ipynb") or "–"

    @property
    def parameters(self) -> dict[str, str]:
        """Budget and protocol that it was executed with."""
        return {"budget": "quick", "protocol": "corrected", **self.notebook.metadata.get("parameters", {})}

    @cached_property
    def findings(self) -> Findings | None:
        """What its study has in the record: the largest budget; None for a chapter without a study or a record."""
        name = self.stem.split("_", 1)[1]
        if name not in studies.NAMES:
            return None
        return studies.get(name).largest(tuple(BUDGETS)[::-1])

    @cached_property
    def shown(self) -> Findings | None:
        """What its study has, in the record or on this machine, at the budget that the chapter was executed with."""
        name = self.stem.split("_", 1)[1]
        if name not in studies.NAMES:
            return None
        study, given = studies.get(name), self.parameters
        sizes = study.at(given["budget"], protocol=given["protocol"])
        known = record.read(record.path(sizes.budget, find(given["protocol"])))
        design = study.design(sizes)
        every = {unit.digest: unit for task in units.planned(unit for _, unit in design) for unit in task}
        runs = {digest: known.get(digest) or store.read(unit) for digest, unit in every.items()}
        found = Findings(study, sizes, design, {key: run for key, run in runs.items() if run}, units.Outcome())
        return None if found.empty else found


def write_overview(root: Path, staging: Path) -> None:
    """Write the map and the status into the staged book, where a page of it includes them."""
    files = [staging / f"{page}{end}" for page in parse_toc_yaml(staging / "_toc.yml") for end in (".ipynb", ".md")]
    texts = [file.read_text("utf-8") for file in files if file.exists()]
    chapters = [Chapter(root, staging, stem) for stem in find_chapters(root)]
    for name, made in ((MAP, chapter_map), (STATUS, status_table)):
        if any(name in text for text in texts):
            (staging / "book" / name).write_text(made(chapters, staging), "utf-8")


# --- the map -------------------------------------------------------------------------------------------------


def chapter_map(chapters: list[Chapter], staging: Path) -> str:
    """The chapters as cards: question, answer in a sentence, verdicts, minutes to read, and what they cost to run."""
    about = yaml.safe_load((staging / "book" / "chapters.yaml").read_text("utf-8"))
    every = [found for chapter in chapters if (found := chapter.findings)]
    counts = {name: str(count) for name, count in verdicts.counts(verdicts.rows(every)).items()}
    cards = []
    for chapter in chapters:
        if chapter.stem in about:
            numbers = chapter.findings.numbers() if chapter.findings else counts
            cards.append(
                _card(chapter, filled(about[chapter.stem]["answer"], numbers), about[chapter.stem]["question"])
            )
    return "::::{grid} 1 1 2 2\n:gutter: 3\n:class-container: map\n\n" + "\n".join(cards) + "::::\n"


def filled(text: str, numbers: Mapping[str, str]) -> str:
    """A text with numbers by their names in braces. Raises `InputError` for a name that there is not."""

    def number(name: re.Match) -> str:
        if name[1] not in numbers:
            raise InputError(f"book/chapters.yaml names {name[1]!r}, which the findings do not have.")
        return numbers[name[1]]

    return re.sub(r"\{([^}]+)\}", number, text)


def _card(chapter: Chapter, answer: str, question: str) -> str:
    foot = " · ".join([*_verdicts(chapter), f"{chapter.minutes} min to read", *_cost(chapter)])
    card = f":::{{grid-item-card}} {chapter.number}. {question}\n:link: {chapter.stem}\n:link-type: doc\n\n"
    return f"{card}{answer}\n\n[{foot}]{{.map-foot}}\n:::\n"


def _verdicts(chapter: Chapter) -> Iterator[str]:
    found = chapter.findings.verdicts() if chapter.findings else {}
    counts = Counter(verdict.split(":")[0] for one, (_, verdict) in found.items() if one.counted)
    if counts:
        yield ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items(), key=lambda each: -each[1]))


def _cost(chapter: Chapter) -> Iterator[str]:
    if chapter.findings:
        yield f"{duration(round(chapter.findings.seconds))} to run at {chapter.findings.sizes.budget}"


# --- the status ----------------------------------------------------------------------------------------------


def status_table(chapters: list[Chapter], staging: Path) -> str:
    """When and how each chapter was last executed, and what its study ran on."""
    rows: list[tuple[str, ...]] = [
        ("chapter", "executed", "shows", "own run", "protocol", "seeds", "worker seconds", "hardware", "code")
    ]
    rows += [(f"[{c.number}. {c.title}]({c.stem})", c.date, _shows(c), *_run(c)) for c in chapters if c.number]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n\n" + _versions(chapters) + "\n"


def _shows(chapter: Chapter) -> str:
    # The published results that stand in the place of its own run, if there are any.
    own, largest = chapter.shown, chapter.findings
    if own and largest and own.study.is_usual(own.sizes) and largest.sizes.budget in LARGER:
        return f"{largest.sizes.budget}, {largest.sizes.seeds} seeds"
    return "its own run" if own else "–"


def _run(chapter: Chapter) -> tuple[str, ...]:
    found = chapter.shown
    if not found:
        given = chapter.notebook.metadata.get("parameters", {})
        return (given.get("budget", "–"), given.get("protocol", "–"), "–", "–", "–", "–")
    about = chapter.parameters
    codes = sorted({run["facts"]["code"] for run in found.runs.values()})
    seeds, seconds = str(found.table["seed"].nunique()), f"{found.seconds:,.0f}"
    return (about["budget"], about["protocol"], seeds, seconds, found.hardware, ", ".join(f"`{c}`" for c in codes))


def _versions(chapters: list[Chapter]) -> str:
    every = [run["facts"] for chapter in chapters if chapter.shown for run in chapter.shown.runs.values()]
    used: dict[str, set[str]] = {}
    for facts in every:
        for name, version in {"Python": facts["python"], **facts["packages"]}.items():
            used.setdefault(name, set()).add(version)
    listed = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in used.items())
    return f"Versions that the results were computed with: {listed}." if listed else ""
