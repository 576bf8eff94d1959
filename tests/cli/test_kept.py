"""A bulk command that is cut short says what is kept, and how to continue."""

from __future__ import annotations

import asyncio
import os
import pty
import resource
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from heymarket_async.cli.kept import Kept
from heymarket_async.sandbox import Sandbox


@pytest.fixture
def sandbox():
    with Sandbox(contacts=130, messages=130, seed=2) as sandbox:
        yield sandbox


def until_held(sandbox: Sandbox, route: str, times: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the request is there that the sandbox does not answer."""
    while sum(f"{each.method} {each.path}" == route for each in sandbox.requests) < times:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


JOBS = {
    "contacts export": ("POST /v1/contacts", "c.csv", "c.csv.partial", "contacts"),
    "sync": ("POST /v2/contacts/list", "c.db", "c.db", "contacts"),
    "messages export": ("POST /v1/messages/all", "m.jsonl", "m.jsonl.partial", "messages"),
    "conversations export": ("POST /v1/conversations", "v.db", "v.db", "conversations"),
}


@pytest.mark.parametrize(
    ("job", "number"),
    [
        ("contacts export", signal.SIGINT),
        ("contacts export", signal.SIGTERM),
        ("contacts export", signal.SIGHUP),
        ("sync", signal.SIGINT),
        ("messages export", signal.SIGINT),
        ("conversations export", signal.SIGTERM),
    ],
)
def test_a_signal_leaves_what_was_read_and_the_way_on(job, number, start, run, sandbox, tmp_path):
    route, name, place, noun = JOBS[job]
    sandbox.faults.delay(60, on=route, after=2)
    command = [*job.split(), tmp_path / name, "--page-size", 20, "--quiet"]
    process = start(*command)
    until_held(sandbox, route, 3, process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    sandbox.faults.clear()

    assert (process.returncode, output) == (128 + number, b"")
    said = errors.decode()
    assert said.startswith("Interrupted. ")
    assert said.endswith(
        f" {noun} are kept in {tmp_path / place}; run the same command again to resume.\n"
    )
    assert 20 <= int(said.split()[1]) <= 40
    resumed = run(*command)
    assert (resumed.exit_code, resumed.stderr.endswith(", resumed\n")) == (0, True)


def test_with_restart_the_same_command_would_begin_anew(start, sandbox, tmp_path):
    sandbox.faults.delay(60, on="POST /v1/contacts", after=2)
    process = start("contacts", "export", tmp_path / "c.csv", "--page-size", 20, "--restart",
                    "--checkpoint", tmp_path / "kept", "--quiet")  # fmt: skip
    until_held(sandbox, "POST /v1/contacts", 3, process)
    process.terminate()
    _, errors = process.communicate(timeout=60)

    way_on = f"in {tmp_path / 'kept'}; run the same command again without --restart to resume.\n"
    assert errors.decode().endswith(way_on)


def test_a_job_that_has_kept_nothing_says_so_by_leaving_it_out(start, sandbox, tmp_path):
    sandbox.faults.delay(60, on="POST /v1/contacts")
    process = start("contacts", "export", tmp_path / "c.csv", "--quiet")
    until_held(sandbox, "POST /v1/contacts", 1, process)
    process.terminate()
    _, errors = process.communicate(timeout=60)

    assert errors == b"Interrupted. Run the same command again.\n"


@pytest.mark.parametrize("path", ["-", "pipe"])
def test_a_pipe_keeps_nothing_to_resume(path, start, sandbox, tmp_path):
    target: Path | str = path
    if path == "pipe":
        os.mkfifo(target := tmp_path / path)
    sandbox.faults.delay(60, on="POST /v1/contacts", after=2)
    process = start("contacts", "export", target, "--page-size", 20, "--quiet")
    reader = None if path == "-" else os.open(target, os.O_RDONLY)
    until_held(sandbox, "POST /v1/contacts", 3, process)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    if reader is not None:
        os.close(reader)

    assert errors == (
        b"Interrupted. The output is not complete, and cannot be resumed. Run the same command"
        b" again, from the beginning.\n"
    )


def test_a_file_that_cannot_grow_leaves_what_fits(run, sandbox, tmp_path):
    sandbox.faults.answer(400, on="POST /v1/contacts", after=1)
    path = tmp_path / "c.csv"
    first = run("contacts", "export", path, "--page-size", 30)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        second = run("contacts", "export", path, "--page-size", 30, "--quiet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    note = f"30 contacts are kept in {path}.partial; run the same command again to resume.\n"
    assert first.exit_code == second.exit_code == 1
    assert first.stderr.endswith(f"\n{note}")
    assert second.stderr == (
        "Error: A file would be larger than it may be here. Raise the limit (ulimit -f), or use"
        f" another disk.\n{note}"
    )


def test_a_full_read_of_a_file_that_is_complete_is_not_resumed(start, run, sandbox, tmp_path):
    assert run("sync", tmp_path / "c.db").exit_code == 0
    sandbox.faults.delay(60, on="POST /v2/contacts/list", after=2)
    process = start("sync", tmp_path / "c.db", "--detect-deletions", "--page-size", 20, "--quiet")
    until_held(sandbox, "POST /v2/contacts/list", 5, process)
    process.terminate()
    _, errors = process.communicate(timeout=60)

    assert errors == b"Interrupted. Run the same command again.\n"
    with sqlite3.connect(tmp_path / "c.db") as database:
        assert database.execute("SELECT count(*) FROM current_contacts").fetchone()[0] == 130
    database.close()


def test_the_end_of_a_terminal_is_a_hang_up(start, sandbox, tmp_path):
    ours, theirs = pty.openpty()
    sandbox.faults.delay(60, on="POST /v1/contacts", after=2)
    process = start("contacts", "export", tmp_path / "c.csv", "--page-size", 20, stderr=theirs)
    os.close(theirs)
    until_held(sandbox, "POST /v1/contacts", 3, process)
    os.close(ours)
    process.send_signal(signal.SIGHUP)

    assert process.wait(timeout=60) == 129


def test_one_record_is_kept():
    kept = Kept(Path("c.db"), "contact")
    kept._number = 1

    with pytest.raises(OSError, match="full") as raised, kept.noting():
        raise OSError("full")
    assert raised.value.__notes__ == [
        "1 contact is kept in c.db; run the same command again to resume."
    ]


@pytest.mark.parametrize(("repeats", "kept"), [(True, 5), (False, 0)])
def test_an_error_has_no_note_where_nothing_is_to_be_done(repeats, kept):
    job = Kept(Path("c.db"), "contact", repeats=repeats)
    job._number = kept

    with pytest.raises(OSError, match="full") as raised, job.noting():
        raise OSError("full")
    assert not hasattr(raised.value, "__notes__")


def test_another_error_has_no_note():
    with pytest.raises(ValueError, match="wrong") as raised, Kept(None, "contact").noting():
        raise ValueError("wrong")
    assert not hasattr(raised.value, "__notes__")


def test_a_repeated_job_that_is_interrupted_says_how_to_continue():
    job = Kept(Path("c.db"), "contact", repeats=True)
    job._number = 5

    with pytest.raises(asyncio.CancelledError) as raised, job.noting():
        raise asyncio.CancelledError
    assert raised.value.__notes__[0].startswith("Interrupted. 5 contacts are kept in c.db; ")
