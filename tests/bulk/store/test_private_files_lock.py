"""A lock has one holder, whoever removes its file meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heymarket_async.bulk.store import private_files as locks
from heymarket_async.bulk.store.private_files import Lock


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path):
    one = Lock(tmp_path / "lock")
    with pytest.raises(OSError, match="another job is using it"):
        Lock(tmp_path / "lock")
    one.release()

    Lock(tmp_path / "lock").release()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_taken_again", [False, True])
def test_a_lock_on_a_file_that_was_removed_counts_for_nothing(
    is_taken_again, tmp_path, monkeypatch
):
    path = tmp_path / "lock"
    first, others, lock = Lock(path), [], locks.lock

    def late(descriptor: int, at: Path) -> None:
        # The file is open by now, and the lock is not taken.
        monkeypatch.setattr(locks, "lock", lock)
        first.release()
        if is_taken_again:
            others.append(Lock(path))
        lock(descriptor, at)

    monkeypatch.setattr(locks, "lock", late)
    if is_taken_again:
        with pytest.raises(OSError, match="another job is using it"):
            Lock(path)
        others[0].release()
    else:
        second = Lock(path)
        with pytest.raises(OSError, match="another job is using it"):
            Lock(path)
        second.release()

    assert not list(tmp_path.iterdir())
    assert first is not None


CONTENDER = """
import os, pathlib, sys
from heymarket_async.bulk.store.private_files import Lock

folder = pathlib.Path(sys.argv[1])
held = 0
while held < 300:
    try:
        lock = Lock(folder / "lock")
    except BlockingIOError:
        continue
    os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
    os.unlink(folder / "inside")
    lock.release()
    held += 1
"""


def test_no_two_processes_hold_a_lock_that_comes_and_goes(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", CONTENDER, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]

    assert [each.communicate(timeout=60)[1] for each in processes] == [b""] * 3
    assert not list(tmp_path.iterdir())


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "mine")

    with pytest.raises(OSError, match="lock"):
        Lock(tmp_path / "lock")

    assert not os.path.lexists(tmp_path / "mine")
