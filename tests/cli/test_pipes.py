"""`heymarket contacts export` into a named pipe."""

from __future__ import annotations

import os
import signal
import sys

import pytest


def test_a_named_pipe_gets_every_contact(start, sandbox, tmp_path):
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = start("contacts", "export", pipe)

    lines = pipe.read_bytes().splitlines()

    process.communicate(timeout=60)
    assert process.returncode == 0
    assert sorted(lines) == sorted(sandbox.store.lines())


TELLING = """
import sys
from heymarket_async import cli
from heymarket_async.bulk.sinks import stream

opened = stream._opened

def telling(path):
    if opened(path) is None:
        sys.stderr.write("nobody reads\\n")

stream._opened = telling
cli.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_named_pipe_that_nobody_reads_is_waited_for_until_an_interrupt(
    number, code, start, tmp_path
):
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = start("contacts", "export", pipe, command=[sys.executable, "-c", TELLING])
    for _ in range(3):
        assert process.stderr.readline() == b"nobody reads\n"

    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == code
    assert b"Traceback" not in errors
