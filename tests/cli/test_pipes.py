"""`heymarket contacts export` into a named pipe."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest


def test_a_named_pipe_gets_every_contact(start, sandbox, tmp_path):
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = start("contacts", "export", pipe)

    lines = pipe.read_bytes().splitlines()

    process.communicate(timeout=60)
    assert process.returncode == 0
    assert sorted(lines) == sorted(sandbox.store.lines())


def wait_until_signals_are_caught(process) -> None:
    """Wait until the command is at work: before, a signal ends it as any Python."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():  # not Linux
        time.sleep(2)
        return
    caught = re.compile(r"^SigCgt:\s*(\w+)", re.MULTILINE)
    while not int(caught.search(status.read_text())[1], 16) >> (signal.SIGTERM - 1) & 1:
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_named_pipe_that_nobody_reads_is_waited_for_until_an_interrupt(
    number, code, start, tmp_path
):
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = start("contacts", "export", pipe)
    wait_until_signals_are_caught(process)
    time.sleep(0.3)
    assert process.poll() is None

    process.send_signal(number)
    _, errors = process.communicate(timeout=10)

    assert process.returncode == code
    assert b"Traceback" not in errors
