"""How far work is: a bar on a terminal, plain lines elsewhere, so that a log shows it, too."""

import os
import sys
import threading
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar


class Progress:
    """Shows on standard error how far work is: `with Progress("Units", 9) as progress: progress.advance(what="probe")`.

    A terminal gets a bar. Elsewhere a first line says what is to do, and one follows every `every` seconds, also while
    nothing advances. `INVARIANCE_PROGRESS=0` in the environment silences both. `total` is the amount of work: a whole
    number counts things, a float weighs work and is shown in per cent. `expected` are the seconds that it will take,
    where they are known.
    """

    def __init__(self, title: str, total: float, expected: float | None = None, every: float = 30.0) -> None:
        self.title, self.total, self.expected, self.every = title, total, expected, every
        self.what = ""
        self.done: float = 0  # an int while things are counted
        self._over, self._changes = threading.Event(), threading.Lock()
        self._bar: Bar | None = None

    def advance(self, amount: float = 1, what: str | None = None) -> None:
        """Count `amount` as done; `what` names what runs from now on, such as a chapter."""
        with self._changes:  # work may come from several threads
            self.done += amount
            self.what = self.what if what is None else what

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread = None
        if os.environ.get("INVARIANCE_PROGRESS") == "0":
            return self
        if sys.stderr.isatty():
            columns = SpinnerColumn(), BarColumn(20), TextColumn("{task.description}", markup=False)
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
            self._task = self._bar.add_task("", total=self.total)
            self._bar.start()
        self._show()
        self._thread = threading.Thread(target=self._repeat, args=(0.5 if self._bar else self.every,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()
        if self._bar:
            self._bar.stop()
        elif self._thread and not kind:
            took = duration(time.monotonic() - self._started)
            print(f"{self.title}: done in {took}", file=sys.stderr, flush=True)

    def _repeat(self, seconds: float) -> None:
        while not self._over.wait(seconds):
            self._show()

    def _show(self) -> None:
        if self._bar:
            self._bar.update(self._task, completed=self.done, description=self._line())
        else:
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        """Such as "Chapters: 3 of 14 done after 4 min 10 s, about 12 min 00 s left; now 05_natural_images"."""
        gone = time.monotonic() - self._started
        whole = isinstance(self.total, int)
        share = f"{self.done:,} of {self.total:,}" if whole else f"{self.done / (self.total or 1):.0%}"
        left, now = self._left(gone), f"; now {self.what}" if self.what else ""
        return f"{self.title}: {share} done after {duration(gone)}{left}{now}"

    def _left(self, gone: float) -> str:
        """By the expected time while that lasts, then by the speed so far."""
        if self.expected and gone < self.expected:
            return f", about {duration(self.expected - gone)} left"
        return f", about {duration(gone * max(0, self.total / self.done - 1))} left" if self.done else ""


def duration(seconds: float) -> str:
    """Such as "12.3 s", "4 min 10 s" or "2 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
