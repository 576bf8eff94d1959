"""The first signal ends a command well, and the second one ends it whatever it waits for."""

from __future__ import annotations

import array
import asyncio
import errno
import fcntl
import gc
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from unittest import mock

import pytest
from typer.testing import CliRunner

from heymarket_async import cli, sandbox
from heymarket_async.bulk.thread import OneThread
from heymarket_async.cli import running
from heymarket_async.cli.app import app
from heymarket_async.cli.running import until_terminated

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[dict[int, object]]:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where tests outlive a hang-up
    yield {**before, signal.SIGHUP: signal.SIG_DFL}
    for each, handler in before.items():
        signal.signal(each, handler)


def unread(process) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(process.stdout.fileno(), termios.FIONREAD, count)
    return count[0]


INTERRUPTED = """
import os, signal, sys
from heymarket_async import cli

number, module = signal.Signals[sys.argv.pop(1)], sys.argv.pop(1)

class Interrupts:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), number)
            print("goes on")

sys.meta_path.insert(0, Interrupts())
cli.main()
"""


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("module", ["typer", "heymarket_async.cli.app", "rich.console"])
def test_a_signal_while_the_command_is_loaded_ends_it_silently(module, number, handlers):
    command = [sys.executable, "-c", INTERRUPTED, number.name, module]
    done = subprocess.run(command, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_client_is_loaded_ends_the_command_silently(number, handlers):
    command = [sys.executable, "-c", INTERRUPTED, number.name, "aiohttp", "whoami", "--sandbox"]
    done = subprocess.run([*command, "1"], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (128 + number, b"")


def test_an_interrupt_that_is_ignored_stays_so_while_the_command_is_loaded():
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(
        [*command, "SIGINT", "heymarket_async.cli.app", "--version"],
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout[:8], done.stderr) == (0, b"goes on\n", b"")


def test_an_interrupt_outside_of_a_command_ends_it_silently(monkeypatch, capsys):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("heymarket_async.cli.app.app", interrupted)

    with pytest.raises(SystemExit) as raised:
        cli.main()

    assert (raised.value.code, *capsys.readouterr()) == (130, "", "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(sys.platform != "linux", reason="pipes of one page")
def test_the_second_signal_ends_an_export_into_a_pipe_that_nobody_reads(start):
    process = start("contacts", "export", "-", "--quiet", pipesize=4096)
    while unread(process) < 4096:
        assert process.poll() is None
        time.sleep(0.01)

    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=10) == 130
    assert process.stderr.read() == b""


async def stuck(*signals: signal.Signals, until: threading.Event) -> None:
    """Work that waits in a thread, while signals come one after the other."""
    loop, thread = asyncio.get_running_loop(), OneThread()
    for place, each in enumerate(signals):
        loop.call_later(0.01 * (place + 1), os.kill, os.getpid(), each)
    try:
        await thread.run(until.wait, 5)
    finally:
        thread.close()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_second_signal_waits_for_no_thread_and_shows_the_cursor(is_terminal, monkeypatch):
    left, written, goes_on = [], [], threading.Event()

    def leave(code: int) -> None:
        left.append(code)
        goes_on.set()

    monkeypatch.setattr(running.os, "_exit", leave)
    monkeypatch.setattr(running.os, "isatty", lambda _: is_terminal)
    monkeypatch.setattr(running.os, "write", lambda *given: written.append(given))

    with pytest.raises(asyncio.CancelledError) as raised:
        until_terminated(stuck(signal.SIGTERM, signal.SIGHUP, until=goes_on))

    assert left == [128 + signal.SIGHUP]
    assert raised.value.args == (signal.SIGTERM,)
    assert written == ([(2, b"\x1b[?25h\n")] if is_terminal else [])
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGHUP)


def test_the_first_signal_waits_for_work_that_has_begun(handlers):
    goes_on = threading.Event()
    threading.Timer(0.05, goes_on.set).start()

    with pytest.raises(asyncio.CancelledError) as raised:
        until_terminated(stuck(signal.SIGINT, until=goes_on))

    assert raised.value.args == (signal.SIGINT,)


def test_signals_have_their_old_handlers_afterwards(handlers):
    async def done() -> int:
        assert signal.getsignal(signal.SIGHUP) is not handlers[signal.SIGHUP]
        return 5

    assert until_terminated(done()) == 5
    assert {each: signal.getsignal(each) for each in SIGNALS} == handlers


def test_a_signal_that_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def done() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)

    until_terminated(done())

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_what_is_cancelled_without_a_signal_says_nothing_of_one():
    async def cancelled() -> None:
        raise asyncio.CancelledError("by itself")

    with pytest.raises(asyncio.CancelledError, match="by itself"):
        until_terminated(cancelled())


def test_in_another_thread_no_signal_is_heard():
    found = []

    async def done() -> int:
        return 5

    thread = threading.Thread(target=lambda: found.append(until_terminated(done())))
    thread.start()
    thread.join()

    assert found == [5]


# Inputs that are no regular files


def test_rows_come_from_a_pipe_by_its_name(start, sandbox, tmp_path):
    process = start("contacts", "import", "/dev/stdin", "--format", "csv", "--quiet",
                    "--outcomes", tmp_path / "o", stdin=-1)  # fmt: skip
    _, errors = process.communicate(b"phone,first\n15105550000,Ada\n", timeout=60)

    assert (process.returncode, b"1 created" in errors) == (0, True)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_an_interrupt_while_loading_waits_for_no_import(handler, monkeypatch):
    left = []
    monkeypatch.setattr(cli.os, "_exit", left.append)
    signal.signal(signal.SIGINT, handler)

    with cli._leaving(cli._INTERRUPT):
        os.kill(os.getpid(), signal.SIGINT)

    assert left == ([] if handler is signal.SIG_IGN else [130])
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_sandbox_is_made_ends_the_command_at_once(number, monkeypatch):
    def interrupted(**_: object) -> None:
        signal.raise_signal(number)
        pytest.fail("went on")

    monkeypatch.setattr(sandbox, "Sandbox", interrupted)
    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        done = CliRunner().invoke(app, ["contacts", "count", "--sandbox", "5"])
    finally:
        signal.signal(signal.SIGTERM, handler)

    assert (done.exit_code, done.output) == (
        128 + number,
        "Interrupted. Run the same command again.\n",
    )


@pytest.mark.parametrize("name", ["selectors.DefaultSelector", "socket.socketpair"])
def test_too_many_open_files_leave_no_half_made_loop(name, monkeypatch):
    error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    monkeypatch.setattr(name, mock.Mock(side_effect=error))
    monkeypatch.setattr(asyncio, "run", mock.Mock())

    with pytest.raises(OSError, match="Too many open files"):
        until_terminated(asyncio.sleep(0))

    asyncio.run.assert_not_called()
    gc.collect()  # a coroutine that was never awaited warns
