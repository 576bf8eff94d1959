"""`heymarket contacts export`: the whole file, or what it can be resumed from, whatever happens."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import signal
import stat
import struct
import subprocess
import termios
import threading
import time
from contextlib import suppress

import pytest

from heymarket_async.bulk.store import private_files
from heymarket_async.sandbox import Sandbox
from tests.cli.conftest import COMMAND


def wait_until(condition, process: subprocess.Popen[bytes]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("surface", ["v1", "v2"])
def test_an_export_is_what_the_server_holds(surface, run, sandbox, tmp_path):
    path = tmp_path / "contacts.jsonl"

    result = run("contacts", "export", path, "--surface", surface, "--page-size", 40)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"130 contacts to {path}, 4 pages, " in result.stderr
    assert sorted(path.read_bytes().splitlines()) == sorted(sandbox.store.lines())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_to_standard_output_has_its_summary_elsewhere(run, sandbox):
    result = run("contacts", "export", "-")
    as_json = run("contacts", "export", "-", "--json")

    assert sorted(result.stdout_bytes.splitlines()) == sorted(sandbox.store.lines())
    assert result.stderr.startswith("130 contacts to standard output, ")
    assert as_json.stdout_bytes == result.stdout_bytes
    assert json.loads(as_json.stderr)["contacts"] == 130


def test_the_report_for_machines(run, sandbox, tmp_path):
    sandbox.faults.answer(500, times=2)

    result = run("contacts", "export", tmp_path / "c", "--json", "--report", tmp_path / "report")

    report = json.loads(result.stdout)
    assert (tmp_path / "report").read_text() == result.stdout
    assert report.pop("seconds") >= 0
    assert set(report.pop("waited_s")) == {"to try again"}
    assert report == {
        "contacts": 130,
        "distinct": 130,
        "counted_before": 130,
        "counted_after": 130,
        "edited": 0,
        "overlap": 32,
        "ties": 0,
        "largest_tie": 1,
        "oldest": sandbox.store.contacts[-1]["updated"],
        "newest": sandbox.store.contacts[0]["updated"],
        "pages": 3,
        "requests": len(sandbox.requests),
        "repeated": 2,
        "resumed": False,
        "doubts": [],
        "mended": 0,
    }
    assert result.stderr == ""


def test_an_export_that_is_not_proved_exits_with_3_and_says_why(run, sandbox, tmp_path):
    sandbox.faults.answer(500)
    sandbox.faults.answer(200, body=131, on="POST /v1/contacts/count", times=None)

    result = run("contacts", "export", tmp_path / "c")

    assert result.exit_code == 3
    assert "1 of them repeated, " in result.stderr
    assert result.stderr.endswith(
        "\nNot proved to be complete: the account counts 131, 1 more than were read."
        " Run the same command again.\n"
    )
    assert len((tmp_path / "c").read_bytes().splitlines()) == 130


def test_an_old_file_is_replaced_when_the_new_one_is_complete(run, sandbox, tmp_path):
    path = tmp_path / "contacts.jsonl"
    path.write_text("old")
    sandbox.faults.answer(400, on="POST /v1/contacts", after=1)

    assert run("contacts", "export", path, "--page-size", 50).exit_code == 1
    assert path.read_text() == "old"

    assert run("contacts", "export", path).exit_code == 0
    assert list(tmp_path.iterdir()) == [path]
    assert len(path.read_text().splitlines()) == 130
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_remedy_for_an_unfinished_export_is_in_the_words_of_the_command(run, sandbox, tmp_path):
    path, state = tmp_path / "c.jsonl", tmp_path / "c.jsonl.partial" / "heymarket-state.json"
    sandbox.faults.answer(400, on="POST /v1/contacts", after=1)
    assert run("contacts", "export", path, "--page-size", 50).exit_code == 1

    folder = ("--checkpoint", tmp_path / "c.jsonl.partial")
    others = run("contacts", "export", tmp_path / "c.csv", *folder)
    state.write_text("{")
    damaged = run("contacts", "export", path)
    stream = run("contacts", "export", "-", *folder)
    database = run("contacts", "export", tmp_path / "c.db", *folder)

    assert [each.exit_code for each in (others, damaged, stream, database)] == [2] * 4
    assert "csv file. Continue that export, start anew with --restart, or" in others.stderr
    assert f"{state} cannot be read. Start anew with --restart.\n" in damaged.stderr
    assert "it cannot be resumed. Leave out --checkpoint.\n" in stream.stderr
    assert "itself. Leave out --checkpoint.\n" in database.stderr
    assert run("contacts", "export", path, "--restart").exit_code == 0


def test_a_link_stays_a_link(run, tmp_path):
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(target)

    assert run("contacts", "export", link).exit_code == 0

    assert link.is_symlink()
    assert len(target.read_text().splitlines()) == 130


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_export_can_be_resumed(number, code, start, sandbox, tmp_path, run):
    path = tmp_path / "contacts.jsonl"
    path.write_text("old")
    sandbox.faults.delay(60, on="POST /v1/contacts", after=1)
    process = start("contacts", "export", path, "--page-size", 30)
    state = tmp_path / "contacts.jsonl.partial" / "heymarket-state.json"
    wait_until(state.exists, process)

    process.send_signal(number)
    output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (code, b"")
    assert errors.startswith(b"Interrupted. ")
    assert path.read_text() == "old"
    private = [(each.name, stat.S_IMODE(each.stat().st_mode)) for each in state.parent.iterdir()]
    assert sorted(private) == [("heymarket-rows", 0o600), ("heymarket-state.json", 0o600)]
    result = run("contacts", "export", path, "--page-size", 30)
    assert result.exit_code == 0
    assert result.stderr.endswith(", resumed\n")
    assert sorted(path.read_bytes().splitlines()) == sorted(sandbox.store.lines())
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_that_closes_ends_an_export_quietly(start, sandbox):
    process = start("contacts", "export", "-", "--page-size", 30)
    sandbox.faults.delay(0.2, on="POST /v1/contacts", after=1, times=None)

    assert json.loads(process.stdout.readline())
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (141, b"")


def test_a_device_is_written_to_and_not_replaced(run):
    reader, writer = os.openpty()
    device = os.ttyname(writer)
    reading = threading.Thread(target=_read_to_the_end, args=(reader,))
    reading.start()

    result = run("contacts", "export", device)

    assert result.exit_code == 0
    assert stat.S_ISCHR(os.stat(device).st_mode)  # noqa: PTH116
    os.close(writer)
    reading.join()


def _read_to_the_end(reader: int) -> None:
    with suppress(OSError):  # so a terminal tells that its other side has been closed
        while os.read(reader, 65536):
            pass
    os.close(reader)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")  # noqa: PTH110
def test_a_full_disk_is_one_line(run):
    result = run("contacts", "export", "/dev/full")

    assert result.exit_code == 1
    assert result.stderr == "Error: The disk is full. Make room, then run the same command again.\n"


EVERY_KIND_OF_OUTPUT = [
    ["contacts", "export", "-"],
    ["contacts", "count"],
    ["fields"],
    ["fields", "--json"],
]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")  # noqa: PTH110
@pytest.mark.parametrize("arguments", EVERY_KIND_OF_OUTPUT, ids=" ".join)
def test_a_full_standard_output_is_one_line(arguments, start):
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a descriptor is wanted
        process = start(*arguments, stdout=full)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors == b"Error: The disk is full. Make room, then run the same command again.\n"


@pytest.mark.parametrize("arguments", EVERY_KIND_OF_OUTPUT, ids=" ".join)
def test_a_reader_that_has_left_ends_a_command_quietly(arguments, start):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*arguments, stdout=writer)
    os.close(writer)
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (141, b"")


@pytest.mark.parametrize("arguments", EVERY_KIND_OF_OUTPUT, ids=" ".join)
def test_a_closed_standard_output_is_one_line(arguments, environment):
    command = shlex.join([*COMMAND, *arguments])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} >&-"],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == b"Error: standard output is closed\n"


@pytest.mark.parametrize("arguments", [["--json"], []], ids=["json", "table"])
def test_a_terminal_without_unicode_gets_readable_text(arguments, start, sandbox, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    sandbox.faults.answer(200, body={"id": 7, "first": "Zoë"})
    process = start("contacts", "get", 7, *arguments)
    output, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, b"")
    assert ("Zoë".encode() if arguments else b"Zo?") in output


def test_a_name_that_is_long_leaves_room_for_the_part(run, tmp_path):
    path = tmp_path / ("x" * 250)

    assert run("contacts", "export", path).exit_code == 0
    assert len(path.read_bytes().splitlines()) == 130


def test_links_in_a_circle_are_one_line(run, tmp_path):
    link = tmp_path / "a"
    link.symlink_to(link)

    result = run("contacts", "export", link)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Too many levels of symbolic links")


def test_a_folder_that_may_not_be_read_is_no_reason_to_fail(run, tmp_path, monkeypatch):
    opened = private_files.os.open

    def refuse_folders(path, flags, *args):
        if flags == os.O_RDONLY:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *args)

    monkeypatch.setattr(private_files.os, "open", refuse_folders)

    assert run("contacts", "export", tmp_path / "c").exit_code == 0
    assert len((tmp_path / "c").read_bytes().splitlines()) == 130


def test_a_folder_that_cannot_be_written_is_one_line(start, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    process = start("contacts", "export", folder / "contacts.jsonl")
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors.startswith(b"Error: Permission denied")


def test_a_terminal_shows_a_bar_and_why_it_waits(start, sandbox, tmp_path):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    # Long enough for a busy machine: progress is told twice a second.
    sandbox.faults.answer(429, headers={"Retry-After": "2"}, on="POST /v1/contacts", after=1)
    process = start("contacts", "export", tmp_path / "c", "--page-size", 50, stderr=theirs)
    os.close(theirs)

    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    process.wait(timeout=60)

    assert process.returncode == 0
    text = shown.decode()
    assert "reading: 50 of 130" in text
    assert re.search("; waits to try again, [12] s", text)
    assert ", 0/s" not in text
    assert "1 of them repeated" in text


def test_lines_stay_as_sent_unless_the_server_breaks_them(run, sandbox, tmp_path):
    first, second = (
        '{"id":1,"rev":1,"updated":"2026-04-12T15:30:00Z","first":"a\\nb", "x": 1.0}',
        ('{\r\n "id": 2,\n "rev":1,"updated":"2026-04-12T15:29:00Z"}'),
    )
    sandbox.faults.answer(200, body=f"[{first},\n{second}]", on="POST /v1/contacts")
    sandbox.faults.answer(200, body="[]", on="POST /v1/contacts", times=None)
    sandbox.faults.answer(200, body="2", on="POST /v1/contacts/count", times=None)

    assert run("contacts", "export", tmp_path / "c").exit_code == 0

    lines = (tmp_path / "c").read_text().splitlines()
    assert lines == [first, '{"id":2,"rev":1,"updated":"2026-04-12T15:29:00Z"}']


def test_the_sandbox_serves_until_it_is_interrupted(start, run):
    process = start("sandbox", "--port", 0, "--contacts", 12, "--json")
    environment = json.loads(process.stdout.readline())

    assert run("contacts", "count", env=environment).stdout == "12\n"

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"")


def test_the_sandbox_prints_the_variables_to_export(start, run):
    process = start("sandbox", "--port", 0, "--contacts", 12, "--messages", 3)
    lines = [process.stdout.readline().decode() for _ in range(3)]
    environment = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)

    assert run("contacts", "count", env=environment).stdout == "12\n"
    assert process.stderr.readline() == b"# 12 contacts and 3 messages. Press Ctrl-C to stop.\n"

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_a_port_that_is_taken_is_one_line(start, sandbox):
    process = start("sandbox", "--port", sandbox.url.rsplit(":", 1)[1])
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors.startswith(b"Error: ")
    assert len(errors.splitlines()) == 1


def test_the_main_job_runs_on_an_embedded_sandbox(start, tmp_path):
    process = start("contacts", "export", tmp_path / "c", "--sandbox", 1000)
    process.communicate(timeout=60)

    with Sandbox(contacts=1000, seed=7) as same:
        assert process.returncode == 0
        assert len((tmp_path / "c").read_bytes().splitlines()) == len(same.store.lines())


def test_one_is_not_many(run, tmp_path):
    path = tmp_path / "c.jsonl"
    summary = run("contacts", "export", path, "--sandbox", 1).stderr

    assert summary.startswith(f"1 contact to {path}, 1 page, 5 requests, ")


def test_a_file_that_cannot_be_read_is_no_wrong_argument(run, tmp_path, monkeypatch):
    path = tmp_path / "contacts.jsonl"
    path.touch(0o200)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # as for a user who is not root

    result = run("contacts", "export", path)

    assert (result.exit_code, len(path.read_bytes().splitlines())) == (0, 130), result.stderr
