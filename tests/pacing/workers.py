"""Processes that share one budget, and want more of it than there is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, Listener
from typing import Any, NamedTuple

from heymarket_async.sandbox import Sandbox

LONGEST_S = 90


class End(NamedTuple):
    """What a process did.

    Attributes:
        spans: From when to when each of its requests was under way, by the clock of the machine.
        errors: Of its calls.
        log: What it wrote.
    """

    spans: list[tuple[float, float]]
    errors: list[str]
    log: str


class Workers:
    """Processes that are ready, and wait for `go`."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes
        assert {_answer(each) for each in pipes} == {"ready"}

    def go(self) -> None:
        """Let them begin, or end."""
        for each in self._pipes:
            each.send("go")

    def ends(self) -> list[End]:
        """Wait for all, and return what they did."""
        return [End(*_answer(each)) for each in self._pipes]


@contextmanager
def started(
    sandbox: Sandbox,
    store: str,
    rate: dict[str, float],
    processes: int,
    seconds: float | None = None,
) -> Iterator[Workers]:
    """Start processes that work for some seconds, or until they are told to end."""
    options = {
        "url": sandbox.url,
        "store": store,
        "credentials": list(sandbox.credentials),
        "rate": rate,
        "seconds": seconds,
    }
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        listener = stack.enter_context(Listener(f"{folder}/socket", backlog=processes))
        command = [sys.executable, "-W", "error", "-m", "tests.pacing.shared_worker"]
        first = stack.enter_context(
            subprocess.Popen(
                [*command, listener.address, str(processes), json.dumps(options)],
                start_new_session=True,
            )
        )
        # It and the processes that it forked.
        stack.callback(os.killpg, first.pid, signal.SIGKILL)
        pipes = [stack.enter_context(listener.accept()) for _ in range(processes)]
        yield Workers(pipes)


def _answer(pipe: Connection) -> Any:
    assert pipe.poll(LONGEST_S), "a process does not answer"
    return pipe.recv()
