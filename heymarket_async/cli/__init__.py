"""The `heymarket` command."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from heymarket_async.extras import needs
from heymarket_async.privacy import hides_locals

_Handler = Callable[[int, FrameType | None], object] | signal.Handlers

_NEEDED = ("typer", "rich", "packaging", "platformdirs")

_INTERRUPT: dict[int, _Handler] = {signal.SIGINT: signal.default_int_handler}
_TERMINATION: dict[int, _Handler] = dict.fromkeys(
    {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}, signal.SIG_DFL
)
"""Signals and the handlers that Python gives them. Windows has no SIGHUP."""


@hides_locals
def main() -> None:
    """Run the command, or say what to install if its packages are missing.

    A signal ends it with 128 and the number of the signal, without a traceback. Before this call,
    while Python starts and imports the package, it ends as any Python program.
    """
    with _leaving(_TERMINATION):  # a command that is at work has handlers of its own
        try:
            with _leaving(_INTERRUPT):
                if None in map(importlib.util.find_spec, _NEEDED):
                    sys.exit(needs("The heymarket command", "cli"))
                from heymarket_async.cli.app import app  # noqa: PLC0415 - only now is it known to be there

            app()
        except KeyboardInterrupt:
            sys.exit(130)
        finally:
            _drop_unwritten()


@contextmanager
def _leaving(usual: dict[int, _Handler]) -> Generator[None]:
    """Let signals end the process at once, if they have their usual handlers.

    An exception would not do: an import may catch it and continue.
    """
    is_main = threading.current_thread() is threading.main_thread()
    ours = [each for each in usual if is_main and signal.getsignal(each) is usual[each]]
    for each in ours:
        signal.signal(each, _leave)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, usual[each])


def _leave(number: int, _: object) -> None:
    os._exit(128 + number)


def _drop_unwritten() -> None:
    """Drop what cannot be written, such as to a closed pipe, a full disk or a closed terminal.

    The command has said so, if it can. Python would try again at its end, and exit with 120.
    """
    for file in filter(None, (sys.stdout, sys.stderr)):  # None if it is closed
        try:
            file.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
