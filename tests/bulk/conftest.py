"""What tests of jobs share: a short rest, and files of somebody else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heymarket_async.bulk.store import private_files
from heymarket_async.walk import walk

OTHER = 65_533
IS_ROOT = os.geteuid() == 0

Give = Callable[[Path], None]


@pytest.fixture(autouse=True)
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs over real sockets not wait as long as walks do for a restless group."""
    monkeypatch.setattr(walk, "_REST_S", 0.01)


@pytest.fixture
def give(monkeypatch) -> Give:
    """Make a path somebody else's."""
    theirs: set[tuple[int, int]] = set()

    def stat_of(facts: os.stat_result) -> os.stat_result:
        if (facts.st_dev, facts.st_ino) not in theirs:
            return facts
        return os.stat_result([*facts[:4], OTHER, *facts[5:]])

    def give(path: Path) -> None:
        facts = path.lstat()
        theirs.add((facts.st_dev, facts.st_ino))

    if IS_ROOT:
        return lambda path: os.chown(path, OTHER, OTHER, follow_symlinks=False)
    lstat, fstat = Path.lstat, os.fstat
    monkeypatch.setattr(Path, "lstat", lambda path: stat_of(lstat(path)))
    monkeypatch.setattr(private_files.os, "fstat", lambda descriptor: stat_of(fstat(descriptor)))
    return give
