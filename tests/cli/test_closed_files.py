"""Standard files that are closed, as by `2>&-`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from heymarket_async.cli import running
from tests.cli.conftest import COMMAND


def test_an_export_with_standard_error_closed_writes_its_file(environment, tmp_path):
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, "contacts", "export"]
    done = subprocess.run(
        [*command, str(tmp_path / "c")],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len((tmp_path / "c").read_bytes().splitlines()) == 130


def test_no_file_takes_the_place_of_one_that_is_closed(monkeypatch):
    opened, fstat = [], os.fstat

    def closed_until_opened(descriptor: int) -> os.stat_result:
        if descriptor == 2 and not opened:
            raise OSError(9, "closed")
        return fstat(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(running.os, "fstat", closed_until_opened)
        patched.setattr(running.os, "open", lambda *given: opened.append(given))
        patched.setattr(sys, "stderr", None)
        running._check_output()
        assert sys.stderr.fileno() == 2

    assert opened == [(os.devnull, os.O_RDWR)]


@pytest.fixture
def closed() -> Iterator[int]:
    """A pipe whose reader has ended."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_result_that_nobody_reads_ends_the_command_silently(unbuffered, closed, environment):
    done = subprocess.run(
        [*COMMAND, "fields"],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": unbuffered},
        stdout=closed,
        stderr=subprocess.PIPE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("flags", ["", "2>&-", ">&-"])
def test_the_missing_extra_is_said_whatever_is_closed(flags):
    code = "import sys; sys.modules['typer'] = None; import heymarket_async.cli as c; c.main()"
    command = ["sh", "-c", f'exec "$@" {flags}', "sh", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=False)

    assert done.returncode == 1
    assert (b"needs the extra cli" in done.stderr) is (flags != "2>&-")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")  # noqa: PTH110
@pytest.mark.parametrize("arguments", ["--help", "--version", "contacts --help", "fields"])
def test_an_output_that_is_full_is_an_error_of_one_line(arguments, start):
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        process = start(*arguments.split(), stdout=full)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors == b"Error: The disk is full. Make room, then run the same command again.\n"
