"""The process of the run `hours`: `python -m endurance.hours.process SEED RUNS`.

It runs `heymarket sync account.db --every 5m`, and beside it a client that makes a call every
twenty seconds, which also edits the account. It prints what it saw in a line of JSON.
"""

# ruff: noqa: E402 - the clock comes first
from __future__ import annotations

from endurance.hours.clock import Clock

CLOCK = Clock()
CLOCK.install()

import asyncio
import gc
import math
import os
import random
import signal
import sqlite3
import sys
import threading
import tracemalloc
from contextlib import chdir, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import msgspec

from endurance.run import Figures
from heymarket_async import ApiSecret, HeymarketClient, NewContact, bulk
from heymarket_async import sandbox as sandboxes
from heymarket_async.cli.app import app
from heymarket_async.transport.auth import REUSED_FOR_S

_token = ApiSecret.token

PAUSE_S, CALL_S = 300.0, 20.0
LATE_S = 2.0
"""A run may begin so much later than its pause is over."""
CONTACTS = 200
GROWTH = 256 << 10
"""Bytes that the package may have more at the end than after a tenth of the runs."""
MORE = {"descriptors": 0, "tasks": 0, "threads": 0, "MB of the process": 8.0}
"""What there may be more at the least in the last tenth of the runs, than at most in the second."""


class Watch:
    """Looks at every run of the sync, and at all requests.

    Attributes:
        runs: How many have ended.
        most: Figures whose largest value counts.
        tokens: How many tokens were signed.
        total: Figures that add up.
        problems: Everything that did not hold.
        calls: The task of the other client.
    """

    def __init__(self, seed: int, runs: int) -> None:
        self.runs, self.wanted = 0, runs
        self.chance = random.Random(seed)
        self.most: dict[str, float] = {}
        self.tokens = 0
        self.total = dict.fromkeys(["requests", "changes seen"], 0)
        self.problems: list[str] = []
        self.calls: asyncio.Task[None] | None = None
        self.sandbox: sandboxes.Sandbox | None = None
        self._sync = bulk.sync_contacts
        self._ended_at: float | None = None
        self._first: list[dict[str, float]] = []
        self._last: list[dict[str, float]] = []
        self._memory: tracemalloc.Snapshot | None = None

    async def sync(self, *args: Any, **options: Any) -> object:
        """Sync, as the command does, and look at what has changed since the last run."""
        loop = asyncio.get_running_loop()
        if self.runs == self.wanted - 1:  # or a late edit would not be in the file
            await self.stop_calls()
        if self._ended_at is not None:
            late_s = loop.time() - self._ended_at - PAUSE_S
            self._note("seconds a run began late", late_s)
            if not -0.01 <= late_s <= LATE_S:
                self.problems.append(f"run {self.runs} began {late_s:.3f} s late")
        report = await self._sync(*args, **options)
        if report.doubts:
            self.problems.append(f"run {self.runs} has doubts: {report.doubts}")
        self.runs += 1
        self.total["changes seen"] += report.added + report.changed
        self._look_at_requests()
        tenth = max(self.wanted // 10, 1)
        if self.runs == tenth:
            self._memory = self._allocated()  # it takes some memory itself
        if tenth < self.runs <= 2 * tenth:
            self._first.append(self._open())
        if self.wanted - tenth <= self.runs < self.wanted:
            self._last.append(self._open())
        if self.runs == self.wanted - 1:  # while the other client is at work, too
            self.look_at_growth()
        self._ended_at = loop.time()
        if self.runs == self.wanted:
            os.kill(os.getpid(), signal.SIGTERM)
        return report

    async def call(self) -> None:
        """Make a call every twenty seconds, also those that change the account."""
        sandbox = self.sandbox
        credentials = ApiSecret(*sandbox.credentials)
        async with HeymarketClient(credentials, base_url=sandbox.url) as client:
            for number in range(sys.maxsize):
                await asyncio.sleep(CALL_S * self.chance.uniform(0.5, 1.5))
                contact = await client.contacts.get(
                    self.chance.choice(sandbox.store.contacts)["id"]
                )
                if number % 10 == 0:
                    changed = NewContact(phone=contact.phone, first=f"Edited {number}")
                    await client.contacts.update(contact.id, changed)
                if number % 100 == 0:
                    await client.contacts.create(NewContact(phone=f"1415555{number % 10_000:04}"))

    async def stop_calls(self) -> None:
        """End the other client."""
        self.calls.cancel()
        await asyncio.wait([self.calls])
        if not self.calls.cancelled():
            self.problems.append(f"the calls ended: {self.calls.exception()!r}")

    def signed(self, credentials: ApiSecret, now: float) -> str:
        """Sign a token, and count it."""
        self.tokens += 1
        return _token(credentials, now)

    def end(self, path: Path, seconds: float) -> None:
        """Look at the end: the file equals the account, and tokens were used for their time."""
        with closing(sqlite3.connect(path)) as database:
            rows = sorted(row.encode() for (row,) in database.execute("SELECT json FROM contacts"))
        kept, there = set(rows), set(self.sandbox.store.lines())
        if len(kept) != len(rows) or kept != there:
            self.problems.append(f"{len(kept ^ there)} of {len(there)} contacts differ at the end")
        # One for each run, whose pause is longer, and those of the client that calls all the time.
        needed = self.runs + math.ceil(seconds / REUSED_FOR_S)
        self.total["tokens"] = self.tokens
        if self.tokens > needed:
            self.problems.append(f"{self.tokens} tokens were signed, and {needed} are enough")

    def look_at_growth(self) -> None:
        """Compare what is open and allocated with what was.

        The other client has a connection at some of these moments, and none at others.
        """
        for name, most in MORE.items():
            before = max(each[name] for each in self._first)
            now = min(each[name] for each in self._last)
            self._note(f"{name}, more than at first", now - before)
            if now > before + most:
                self.problems.append(f"{name}: {before} have become {now}")
        grown = self._allocated().compare_to(self._memory, "lineno")
        more = sum(line.size_diff for line in grown)
        self._note("kB of the package, more than at first", more / 1024)
        if more > GROWTH:
            self.problems.append(f"memory: {more:,} bytes more: {[*map(str, grown[:5])]}")

    def _note(self, name: str, value: float) -> None:
        self.most[name] = max(value, self.most.get(name, value))

    def _look_at_requests(self) -> None:
        for each in self.sandbox.requests:
            self.total["requests"] += 1
            if each.status != 200:
                self.problems.append(f"{each.method} {each.path} was answered with {each.status}")
        self.sandbox.requests.clear()  # the sandbox's own memory

    @staticmethod
    def _open() -> dict[str, float]:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return {
            "MB of the process": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            "descriptors": len([*Path("/proc/self/fd").iterdir()]),
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
        }

    @staticmethod
    def _allocated() -> tracemalloc.Snapshot:
        gc.collect()
        package = str(Path(bulk.__file__).parents[1] / "*")
        sandbox = str(Path(sandboxes.__file__).parent / "*")
        filters = [tracemalloc.Filter(True, package), tracemalloc.Filter(False, sandbox)]
        return tracemalloc.take_snapshot().filter_traces(filters)


def main(seed: int, runs: int) -> Figures:
    """Run the command until it has synced so often."""
    watch = Watch(seed, runs)

    class Watched(sandboxes.Sandbox):
        async def start(self) -> None:
            await super().start()
            watch.sandbox = self
            watch.calls = asyncio.create_task(watch.call(), name="endurance-calls")

    def token(credentials: ApiSecret, now: float) -> str:
        return watch.signed(credentials, now)

    tracemalloc.start()
    began_s = CLOCK.ahead_s
    with (
        TemporaryDirectory(prefix="heymarket-hours-") as folder,
        chdir(folder),
        patch.object(sandboxes, "Sandbox", Watched),
        patch.object(bulk, "sync_contacts", watch.sync),
        patch.object(ApiSecret, "token", token),
    ):
        arguments = ["sync", "account.db", "--every", "5m", "--sandbox", str(CONTACTS), "--quiet"]
        try:
            app(arguments)
        except SystemExit as end:
            if end.code != 143:
                watch.problems.append(f"the command ended with {end.code}")
        seconds = CLOCK.ahead_s - began_s
        watch.end(Path("account.db"), seconds)
    if watch.problems:
        raise AssertionError("\n".join(watch.problems[:20]))
    return Figures(
        units=watch.runs,
        total=watch.total,
        most=watch.most,
        least={"hours of the clock": seconds / 3600},
    )


if __name__ == "__main__":
    print(msgspec.json.encode(main(int(sys.argv[1]), int(sys.argv[2]))).decode())
