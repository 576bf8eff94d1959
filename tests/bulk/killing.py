"""Starts a job again and again, and kills it at moments that chance decides."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Concatenate, Generic, ParamSpec
from unittest import mock

import msgspec

from heymarket_async import ApiSecret, HeymarketClient, RateLimit, RetryPolicy
from heymarket_async.sandbox import Sandbox

FAULTS = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")
BUSY_S = "0.01"
"""How long a 429 asks to wait."""
LATEST_S = 0.25
"""Kills that ask for nothing but a time come at most so long after the start."""
LIMIT_S = 120.0
"""A job that takes longer hangs."""

_CHANGES = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
_LOADED = ["aiohttp.resolver", "xlsxwriter", "tests.bulk.killed_jobs", __name__]

# To start Python and to import the package takes ten times as long as what is killed. So a process
# that has imported all of it, and has done nothing else, forks one for each start. This is as true
# as a start of Python: the client, the event loop, the threads, the sockets, the files and their
# locks are all made in the process that is killed, and the kernel takes them away with it.
_FORKS = get_context("forkserver")

P = ParamSpec("P")


class Killer(Generic[P]):
    """Starts one job, in a process for each start.

    Args:
        job: A function of a module, which is called with a client of the sandbox.
        sandbox: It serves in a thread of this process.
        folder: The folder of all files that the job changes.

    Attributes:
        starts: How often the job was started.
        kills: How often it was killed; other starts came to their end before.
        requests: How many requests of it have arrived.
        open_rows: How many rows kills have left in an outcome file that were begun, not finished.
    """

    def __init__(
        self,
        job: Callable[Concatenate[HeymarketClient, P], Coroutine[Any, Any, None]],
        sandbox: Sandbox,
        folder: Path,
    ) -> None:
        self.starts = self.kills = self.requests = self.open_rows = 0
        self._job = job
        self._sandbox = sandbox
        self._folder = str(folder)

    def at_some_moment(
        self, chance: random.Random, *arguments: P.args, changes: int, requests: int
    ) -> bool:
        """Start the job, kill it, and return whether that came before its end.

        Args:
            chance: Decides the moment: a change to a file, some time after a request, or a time.
            *arguments: The arguments of the job.
            changes: The latest change to a file.
            requests: The latest request.
        """
        kind = chance.choice(["change", "change", "request", "request", "time"])
        if kind == "time":
            return self.when(lambda: True, chance.uniform(0, LATEST_S), *arguments)
        # As often 1 to 10 as 10 to 100: each step of a job's beginning has its turn.
        change = int(changes ** chance.random()) if kind == "change" else 0
        # A change that never comes is no reason to let a job come to its end.
        after, delay_s = chance.randint(1, requests), chance.uniform(0, 0.02)
        return self.after_requests(after, delay_s, *arguments, change=change)

    def after_requests(
        self, number: int, delay_s: float, *arguments: P.args, change: int = 0
    ) -> bool:
        """Kill the job some time after so many of its requests have arrived; see `when`."""
        return self.when(
            lambda: len(self._sandbox.requests) >= number, delay_s, *arguments, change=change
        )

    def when(
        self, condition: Callable[[], bool], delay_s: float, *arguments: P.args, change: int = 0
    ) -> bool:
        """Start the job, kill it, and return whether that came before its end.

        Args:
            condition: Once it is true, the time begins to run.
            delay_s: Then so many seconds pass.
            *arguments: The arguments of the job.
            change: The job ends itself at once at this change to a file or to an SQLite database,
                if that comes first; 0: at none.
        """
        with self._running(change, arguments) as (process, error):
            ends = time.monotonic() + LIMIT_S
            while not condition() and process.exitcode is None:
                assert time.monotonic() < ends, "the job hangs"
                time.sleep(0.0005)
            process.join(delay_s)
            process.kill()
            return self._ended(process, error)

    def to_the_end(self, *arguments: P.args) -> None:
        """Let the job come to its end."""
        with self._running(0, arguments) as (process, error):
            assert not self._ended(process, error)

    def count_open_rows(self, outcomes: Path) -> None:
        """Count what a kill has left in an outcome file; a torn line counts as not written."""
        if outcomes.exists():
            _header, *lines = outcomes.read_bytes().split(b"\n")[:-1] or [b""]
            last = {line["row"]: line["outcome"] for line in map(msgspec.json.decode, lines)}
            self.open_rows += list(last.values()).count("unknown")

    @contextmanager
    def _running(
        self, change: int, arguments: tuple[object, ...]
    ) -> Iterator[tuple[BaseProcess, Connection]]:
        """Start the job; it does not outlive the block, in which its error can be received."""
        self.starts += 1
        self._sandbox.requests.clear()
        _FORKS.set_forkserver_preload(_LOADED)
        error, to_error = _FORKS.Pipe(duplex=False)
        address = (self._sandbox.url, *self._sandbox.credentials)
        process = _FORKS.Process(
            target=_run, args=(self._job, address, arguments, change, self._folder, to_error)
        )
        with error:
            # It has no use for the main module of this one, such as pytest, and would import it.
            with to_error, mock.patch.dict(sys.modules, __main__=ModuleType("__main__")):
                process.start()
            try:
                yield process, error
            finally:
                process.kill()
                process.join()
                process.close()

    def _ended(self, process: BaseProcess, error: Connection) -> bool:
        """Wait for a process, and return whether it was killed."""
        process.join(LIMIT_S)
        assert process.exitcode is not None, "the job hangs"
        if process.exitcode not in {0, -signal.SIGKILL}:
            text = error.recv() if error.poll() else f"the job ended with {process.exitcode}"
            raise AssertionError(text)
        self.kills += process.exitcode != 0
        self.requests += len(self._sandbox.requests)
        return process.exitcode != 0


def _run(
    job: Callable[..., Coroutine[Any, Any, None]],
    address: tuple[str, str, str],
    arguments: tuple[object, ...],
    change: int,
    folder: str,
    to_error: Connection,
) -> None:
    """Do the job, in the process that is killed."""
    warnings.simplefilter("error")
    if change:
        _end_at(change, folder)
    try:
        asyncio.run(_with_client(job, address, arguments))
    except BaseException:
        to_error.send(traceback.format_exc())
        raise


async def _with_client(
    job: Callable[..., Coroutine[Any, Any, None]],
    address: tuple[str, str, str],
    arguments: tuple[object, ...],
) -> None:
    url, *secret = address
    client = HeymarketClient(
        ApiSecret(*secret),
        base_url=url,
        retry=RetryPolicy(attempts=15, base_s=0.0005, cap_s=0.005),
        rate_limit=RateLimit(100_000, per_s=0.05),
    )
    async with client:
        await job(client, *arguments)


def _end_at(number: int, folder: str) -> None:
    """Let the process end itself at once, at a change to a file in the folder.

    Writes are not audited, but those that count are followed by `os.fsync`. SQLite does not tell
    when it changes a file, but which statement it begins.
    """
    count = 0

    def change(_: object = None) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event in _CHANGES and arguments and str(arguments[0]).startswith(folder):
            change()

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database = connects(*arguments, **options)
        database.set_trace_callback(change)
        return database

    def fsync(file: int) -> None:
        change()
        syncs(file)

    connects, sqlite3.connect = sqlite3.connect, connect
    syncs, os.fsync = os.fsync, fsync
    sys.addaudithook(look)
