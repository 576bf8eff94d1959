"""Collects contacts that were read: remembers who they are, and hands them to a store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.memory import Memory
from heymarket_async.bulk.read.versions import Batch, batch_of, lines_of
from heymarket_async.bulk.read.windows import Window, earlier, later
from heymarket_async.bulk.thread import OneThread
from heymarket_async.walk.walk import Page

SETTLE_S = 60.0
"""How far before the newest `updated` a catch-up begins: a write may show up late."""

_WRITTEN_AT_ONCE = 5000
_WRITTEN_EVERY_S = 2.0


class Store(Protocol):
    """What contacts are read into."""

    def write(self, lines: Sequence[bytes], checkpoint: str) -> object:
        """Add contacts, each as a line of JSON, and replace the checkpoint: both, or neither."""
        ...


class Collector:
    """Takes contacts, and writes them to a store, some thousand at a time.

    Attributes:
        at: How far the job is.
        memory: Who was taken.
        taken: How many contacts were taken; more than there are if some came again.
        clock: Tells the server's time, as an instant.
        began: That time when the job began.
    """

    def __init__(
        self,
        store: Store,
        thread: OneThread,
        at: Checkpoint,
        *,
        clock: Callable[[], str],
        settle_s: float = SETTLE_S,
    ) -> None:
        self.at = at
        self.clock = clock
        self.began = clock()
        self.memory = Memory(latest=self.began)
        self.taken = 0
        self._store = store
        self._thread = thread
        self._settle_s = settle_s
        self._lines: list[bytes] = []
        self._last_pages: list[tuple[Window, Page[msgspec.Raw]]] = []
        self._writing = asyncio.Lock()
        self._written_at = float("-inf")
        self._has_failed = False

    def recall(self, lines: Sequence[bytes]) -> None:
        """Remember contacts that an earlier run has stored."""
        batch = batch_of(lines)
        self._remember(batch)
        self.taken += len(lines)

    async def distinct(self) -> int:
        """Return how many different contacts were taken."""
        return len(self.memory.seen)

    @property
    def since(self) -> str:
        """The instant that a catch-up begins at."""
        return earlier(self.at.newest, self._settle_s) if self.at.newest else ""

    def take(self, batch: Batch) -> None:
        """Take contacts; they are written later."""
        if not batch.items:
            return
        self._remember(batch)
        lines, mended = lines_of(batch.items)
        self._lines += lines
        self.taken += len(lines)
        self.at.odd.mended += mended
        self.at.odd.note(batch.rows, self.memory.latest)

    def _remember(self, batch: Batch) -> None:
        if max(batch.rows.stamps) > self.memory.latest:
            self.memory.latest = later(self.clock(), SETTLE_S)
        self.memory.add(batch, since=self.since)

    def go_on_after(self, page: Page[msgspec.Raw], window: Window) -> None:
        """Let the window continue after this page, once the contacts of it are written."""
        self._last_pages = [each for each in self._last_pages if each[0] is not window]
        self._last_pages.append((window, page))

    async def write_now_and_then(self) -> None:
        """Write what was taken, if that is much, or the last time is long ago."""
        is_late = asyncio.get_running_loop().time() - self._written_at >= _WRITTEN_EVERY_S
        if is_late or len(self._lines) >= _WRITTEN_AT_ONCE:
            await self.write()

    async def write(self) -> None:
        """Write what was taken, together with the checkpoint.

        After a write that failed there is no other: its checkpoint would hide what is missing.
        """
        async with self._writing:
            if self._has_failed:
                return
            lines, self._lines = self._lines, []
            for window, page in self._last_pages:
                window.cursor = page.cursor
            self._last_pages = []
            self._written_at = asyncio.get_running_loop().time()
            self._has_failed = True
            await self._thread.run(self._write, lines, self.at.text)

    def _write(self, lines: list[bytes], checkpoint: str) -> None:
        self._store.write(lines, checkpoint)
        self._has_failed = False  # here, as whoever waits for it may be cancelled
