"""Collects contacts that were read: remembers their ids, and writes them to a store in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from heymarket_async.bulk.read.checkpoint import Checkpoint, TimeSpan
from heymarket_async.bulk.read.id_set import IdSet
from heymarket_async.bulk.read.versions import Batch, Version, batch_of, lines_of
from heymarket_async.bulk.thread import OneThread
from heymarket_async.timestamps import earlier, later
from heymarket_async.walk.walk import Page

SETTLE_S = 60.0
"""How far before the newest `updated` a catch-up begins: a write may show up late."""

_WRITTEN_AT_ONCE = 5000
_WRITTEN_EVERY_S = 2.0
_FEW = 1000


class Store(Protocol):
    """A place that contacts are written to: a sink, or the file of a sync."""

    def write(self, lines: Sequence[bytes], checkpoint: str) -> object:
        """Add contacts, one line of JSON each, and replace the checkpoint: both, or neither."""
        ...


class Seen:
    """The contacts that were taken, in little memory.

    Versions are remembered only of contacts that a catch-up can read again: those that were updated
    lately, and those without a time.

    Attributes:
        ids: Ids of all contacts that were taken.
        edited: Ids of those that were taken more than once, because they were edited meanwhile.
        oldest: The oldest `updated`, as an instant, or None.
        newest: The newest.
        latest: The latest instant that an `updated` can have; see `Version.replaces`.
    """

    def __init__(self, *, latest: str = "") -> None:
        self.ids = IdSet()
        self.edited: set[int] = set()
        self.oldest: str | None = None
        self.newest: str | None = None
        self.latest = latest
        self._versions: dict[int, Version] = {}
        self._most = _FEW

    def add(self, batch: Batch, *, since: str) -> None:
        """Remember contacts that were taken.

        Args:
            batch: The contacts.
            since: The instant that a catch-up would begin at.
        """
        ids, stamps = batch.rows.ids, batch.rows.stamps
        self.edited.update(self.ids.add_all(ids))
        if placed := list(filter(None, stamps)):
            low, high = min(placed), max(placed)
            self.oldest = min(self.oldest or low, low)
            self.newest = max(self.newest or high, high)
            if high < since and not batch.rows.unplaced:
                return  # as most pages
        for place in [place for place, stamp in enumerate(stamps) if stamp >= since or not stamp]:
            version = batch.version(place)
            if not self.knows(ids[place], version):
                self._versions[ids[place]] = version
        if len(self._versions) > self._most:
            self._versions = {
                contact_id: version
                for contact_id, version in self._versions.items()
                if version.instant >= since or not version.instant
            }
            self._most = max(_FEW, 2 * len(self._versions))

    def knows(self, contact_id: int, version: Version) -> bool:
        """Return whether a recent contact was taken in this version, or a newer one."""
        known = self._versions.get(contact_id)
        return known is not None and not version.replaces(known, latest=self.latest)


class Collector:
    """Takes contacts, and writes them to a store, some thousand at a time.

    Attributes:
        checkpoint: The state of the job.
        seen: The contacts that were taken.
        taken: How many contacts were taken; edited ones count each time.
        clock: Returns the server's time, as an instant.
        began: That time when the job began.
    """

    def __init__(
        self,
        store: Store,
        thread: OneThread,
        checkpoint: Checkpoint,
        *,
        clock: Callable[[], str],
        settle_s: float = SETTLE_S,
    ) -> None:
        self.checkpoint = checkpoint
        self.clock = clock
        self.began = clock()
        self.seen = Seen(latest=self.began)
        self.taken = 0
        self._store = store
        self._thread = thread
        self._settle_s = settle_s
        self._lines: list[bytes] = []
        self._last_pages: dict[int, tuple[TimeSpan, Page[msgspec.Raw]]] = {}
        self._writing = asyncio.Lock()
        self._written_at = float("-inf")
        self._has_failed = False

    @property
    def since(self) -> str:
        """The instant that a catch-up begins at."""
        return earlier(self.checkpoint.newest, self._settle_s) if self.checkpoint.newest else ""

    def recall(self, lines: Sequence[bytes]) -> None:
        """Remember contacts that an earlier run has stored."""
        self._remember(batch_of(lines))

    def take(self, batch: Batch) -> None:
        """Take contacts; they are written later."""
        if not batch.items:
            return
        self._remember(batch)
        lines, mended = lines_of(batch.items)
        self._lines += lines
        self.checkpoint.odd.mended += mended
        self.checkpoint.odd.count(batch.rows, self.seen.latest)

    def _remember(self, batch: Batch) -> None:
        if max(batch.rows.stamps) > self.seen.latest:
            self.seen.latest = later(self.clock(), SETTLE_S)
        self.seen.add(batch, since=self.since)
        self.taken += len(batch.items)

    def resume_after(self, page: Page[msgspec.Raw], span: TimeSpan) -> None:
        """Let the span resume after this page, once the contacts of the page are written."""
        self._last_pages[id(span)] = span, page

    async def write_if_due(self) -> None:
        """Write the contacts that were taken, if they are many, or the last write is long ago."""
        is_late = asyncio.get_running_loop().time() - self._written_at >= _WRITTEN_EVERY_S
        if is_late or len(self._lines) >= _WRITTEN_AT_ONCE:
            await self.write()

    async def write(self) -> None:
        """Write the contacts that were taken, together with the checkpoint.

        After a write that failed, nothing more is written: a later checkpoint would cover contacts
        that are not in the store.
        """
        async with self._writing:
            if self._has_failed:
                return
            lines, self._lines = self._lines, []
            for span, page in self._last_pages.values():
                span.cursor = page.cursor
            self._last_pages.clear()
            self._written_at = asyncio.get_running_loop().time()
            self._has_failed = True
            await self._thread.run(self._write, lines, self.checkpoint.text)

    def _write(self, lines: list[bytes], checkpoint: str) -> None:
        self._store.write(lines, checkpoint)
        self._has_failed = False  # in the thread, because the task that waits may be cancelled
