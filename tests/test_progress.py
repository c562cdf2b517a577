"""Progress as a log and as a terminal show it."""

import io
import re
import sys
import threading
import time

import pytest

from invariance.progress import Progress, duration


@pytest.fixture(autouse=True)
def _shown(monkeypatch):
    monkeypatch.delenv("INVARIANCE_PROGRESS", raising=False)


def wait_for(condition):
    while not condition():
        time.sleep(0.01)


class Log(io.StringIO):
    def __init__(self, terminal=False):
        super().__init__()
        self.isatty = lambda: terminal

    def lines(self):
        return self.getvalue().splitlines()


@pytest.fixture
def use(monkeypatch):
    """Gives the log in the place of standard error; in the test, since pytest puts its own there after the fixtures."""

    def use(terminal=False):
        log = Log(terminal)
        monkeypatch.setattr(sys, "stderr", log)
        return log

    return use


def test_a_log_has_a_first_line_one_for_each_interval_and_a_last(use):
    log = use()
    with Progress("Chapters", 3, expected=1000, every=0.02) as progress:
        assert re.fullmatch(r"Chapters: 0 of 3 done after 0\.\d s, about 16 min (40|39) s left", log.lines()[0])
        progress.advance(0, what="01_first")
        seen = len(log.lines())
        wait_for(lambda: len(log.lines()) > seen + 2)  # also while nothing advances
        assert log.lines()[-1].endswith("left; now 01_first")
        progress.advance(2, what="03_last")
        wait_for(lambda: "2 of 3 done" in log.lines()[-1] and log.lines()[-1].endswith("now 03_last"))
    assert re.fullmatch(r"Chapters: done in \d\.\d s", log.lines()[-1])
    seen = len(log.lines())
    time.sleep(0.1)
    assert len(log.lines()) == seen


def test_without_an_expectation_the_time_left_follows_from_the_speed(use, monkeypatch):
    use()
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    progress = Progress("Units", 8.0, every=1000)
    with progress:
        assert "left" not in progress._line()
        clock[0] = 160.0
        progress.advance(2.0)
        assert progress._line() == "Units: 25% done after 1 min 00 s, about 3 min 00 s left"


def test_work_that_fails_has_no_last_line(use):
    log = use()
    with pytest.raises(KeyError), Progress("Units", 2):
        raise KeyError
    assert [line[:11] for line in log.lines()] == ["Units: 0 of"]


def test_silence_can_be_asked_for(use, monkeypatch):
    log = use()
    monkeypatch.setenv("INVARIANCE_PROGRESS", "0")
    with Progress("Units", 2, every=0.001) as progress:
        progress.advance()
        time.sleep(0.05)
    assert log.getvalue() == ""


def test_a_terminal_gets_a_bar_and_keeps_nothing_of_it(use, monkeypatch):
    log = use(terminal=True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Progress("Units", 4) as progress:
        progress.advance(3, what="[probe]")
        wait_for(lambda: "Units: 3 of 4 done" in log.getvalue() and "now [probe]" in log.getvalue())
    assert "done in" not in log.getvalue() and "\x1b[2K" in log.getvalue().rpartition("Units")[2]


def test_several_threads_count_together(use):
    use()
    with Progress("Units", 4000, every=1000) as progress:
        threads = [threading.Thread(target=lambda: [progress.advance() for _ in range(1000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert progress.done == 4000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59, "59.0 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (7500, "2 h 05 min")],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text
