import errno
import os

import pytest

from invariance.errors import InputError
from invariance.files import cache_dir, check_cache, explained, write_aside


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("sync") or sync(handle))
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("replace") or replace(*paths))
    with write_aside(tmp_path / "a" / "b.txt") as aside:
        aside.write_text("whole")
    assert done == ["sync", "replace"]
    assert (tmp_path / "a" / "b.txt").read_text() == "whole" and len(list((tmp_path / "a").iterdir())) == 1


@pytest.mark.parametrize("own", ["", "~/pictures"])
def test_without_a_home_the_cache_has_to_be_named(monkeypatch, own):
    def no_home(path):
        return path

    monkeypatch.setenv("INVARIANCE_CACHE", own)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", no_home)  # what it does for a number that is no user's
    with pytest.raises(InputError, match="set INVARIANCE_CACHE"):
        cache_dir()
    assert explained(PermissionError(errno.EACCES, "Permission denied", "/x")) is None


def test_a_cache_that_cannot_be_written_is_named_with_the_remedy(tmp_path, monkeypatch):
    check_cache("hub")
    (tmp_path / "file").write_text("not a folder")
    for place in (tmp_path / "file", tmp_path / "file" / "x"):
        monkeypatch.setenv("INVARIANCE_CACHE", str(place))
        with pytest.raises(InputError, match=r"Cannot use the cache .*file.*: set INVARIANCE_CACHE"):
            check_cache("hub")


def test_only_errors_of_the_cache_and_of_a_full_disk_are_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("INVARIANCE_CACHE", str(tmp_path / "above" / "cache"))
    inside, above = tmp_path / "above" / "cache" / "units" / "a", tmp_path / "above"
    for place in (inside, str(inside), above):
        assert "set INVARIANCE_CACHE" in explained(PermissionError(errno.EACCES, "Permission denied", place))
    for place in (None, "", 3, tmp_path, "/elsewhere"):
        assert explained(PermissionError(errno.EACCES, "Permission denied", place)) is None
    assert explained(OSError(errno.ENOSPC, "No space left", "/x")) == "The disk is full (/x): make room and run again."
