"""What the runs on disks rely on: calls that are watched and failed, and disks that lose things."""

from __future__ import annotations

import errno
import os
import random

import pytest

from endurance.files.commands import Call, Commands, Kind, check_tools, commands
from endurance.files.crash import Disk, Loss
from endurance.files.failing import check_output
from endurance.files.jobs import Export, sandbox_of, variables_of
from endurance.runs.system_calls import cases_of

pytestmark = pytest.mark.unmeasured

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def call(name: str, path: str, *, other: str = "", data: bytes = b"", at: int = 0) -> Call:
    """A call on the one open file, or on the folder if it has none."""
    file = 4 if path == "/job" else 3
    return Call(1, Kind.LOOK, name, file, 0, at, len(data), path, other, data)


WRITTEN = [
    call("open", "/job/new", at=NEW),
    call("write", "/job/new", data=b"x" * 2000),
]
SYNCED = [call("fsync", "/job/new")]
RENAMED = [call("rename", "/job/new", other="/job/old")]
FOLDER_SYNCED = [call("open", "/job", at=os.O_RDONLY), call("fsync", "/job")]
LONG, OLD = b"x" * 2000, b"old"


@pytest.mark.parametrize(
    ("calls", "possible"),
    [
        (WRITTEN, {None, b"", LONG, bytes(2000), b"part"}),
        ([*WRITTEN, *SYNCED], {None, LONG}),
        ([*WRITTEN, *FOLDER_SYNCED], {b"", LONG, bytes(2000), b"part"}),
        ([*WRITTEN, *SYNCED, *FOLDER_SYNCED], {LONG}),
    ],
)
def test_what_was_not_synced_may_be_lost_and_the_rest_may_not(calls, possible, tmp_path):
    assert set(found_in("new", calls, tmp_path)) == possible


@pytest.mark.parametrize(
    ("calls", "possible"),
    [
        ([*WRITTEN, *RENAMED], {OLD, b"", LONG, bytes(2000), b"part"}),
        ([*WRITTEN, *SYNCED, *RENAMED], {OLD, LONG}),
        ([*WRITTEN, *SYNCED, *RENAMED, *FOLDER_SYNCED], {LONG}),
    ],
)
def test_a_file_is_replaced_whole_only_if_it_was_synced_before(calls, possible, tmp_path):
    assert set(found_in("old", calls, tmp_path)) == possible


def found_in(name, calls, tmp_path):
    """Give what a file may have after a loss: None if it is not there, b"part" if it is torn."""
    before = tmp_path / "before"
    before.mkdir()
    (before / "old").write_bytes(OLD)
    chance = random.Random(1)
    for number in range(120):
        target = tmp_path / f"{number}"
        loss = list(Loss)[number % len(Loss)]
        Disk.after(before, type(tmp_path)("/job"), calls).write_after(loss, chance, target)
        content = (target / name).read_bytes() if (target / name).exists() else None
        yield content if content in {None, b"", OLD, LONG, bytes(2000)} else b"part"


@pytest.fixture
def running(tmp_path):
    try:
        check_tools()
    except LookupError as error:
        pytest.skip(str(error))
    with sandbox_of(1) as sandbox:
        with commands(variables_of(sandbox), tmp_path) as running:
            yield running, Export(sandbox, "jsonl")


def test_a_call_is_failed_and_then_all_go_well(running: tuple[Commands, Export], tmp_path):
    run, job = running[0].run, running[1]
    folder = tmp_path / "job"
    folder.mkdir()
    arguments = job.arguments(folder)
    undisturbed = run(arguments, folder)
    synced = [each for each in undisturbed.calls if each.kind is Kind.SYNC]
    at = next(each.number for each in synced if each.path.endswith("heymarket-rows"))
    job.path(folder).unlink()

    ended = run(arguments, folder, at=at, error=errno.EIO)

    assert [each.number for each in ended.calls if each.failed == errno.EIO] == [at]
    check_output(ended, 0)
    assert ended.code == 1
    assert run(arguments, folder).code == 0
    job.check_end(folder)
    with pytest.raises(AssertionError, match="nothing else is left"):
        (folder / "more").touch()
        job.check_end(folder)


def test_every_call_fails_in_the_ways_that_fit_it():
    one = Call(1, Kind.WRITE, "write", 3, 0, 0, 1, "/job/x", "", b"x")
    look = Call(2, Kind.LOOK, "stat", -1, 0, 0, 0, "/job/x", "", b"")

    kinds = [errno.errorcode[each.error] for each in cases_of([one])]

    assert kinds == ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EINTR"]
    assert [each.error for each in cases_of([look])] == [errno.EIO]
