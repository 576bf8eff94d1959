"""Collects records that were read: remembers their ids, and writes them to a store in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from heymarket_async.bulk.kind import CONTACT, Kind
from heymarket_async.bulk.read.checkpoint import Checkpoint, TimeSpan
from heymarket_async.bulk.read.id_set import IdSet
from heymarket_async.bulk.read.versions import UNPLACED, Batch, Version, batch_of, lines_of
from heymarket_async.bulk.thread import OneThread
from heymarket_async.timestamps import earlier, later
from heymarket_async.walk.walk import Page

SETTLE_S = 60.0
"""How far before the newest `updated` a catch-up begins: a write may show up late.

See `Settled` for where it may begin later.
"""

_WRITTEN_AT_ONCE = 5000
_WRITTEN_EVERY_S = 2.0
_FEW = 1000


class Store(Protocol):
    """A place that records are written to: a sink, or the file of a sync."""

    def write(self, lines: Sequence[bytes], checkpoint: str) -> object:
        """Add records, one line of JSON each, and replace the checkpoint: both, or neither."""
        ...


class Seen:
    """The records that were taken, in little memory.

    Versions are remembered only of records that a catch-up can read again: those that were updated
    lately, and those without a time.

    Attributes:
        ids: Ids of all records that were taken.
        edited: Ids of those that were taken more than once, because they were edited meanwhile.
        oldest: The oldest `updated`, as an instant, or None.
        newest: The newest.
        latest: The latest instant that an `updated` can have; see `Version.replaces`. "" until the
            server has shown its clock.
    """

    def __init__(self) -> None:
        self.ids = IdSet()
        self.edited: set[int] = set()
        self.oldest: str | None = None
        self.newest: str | None = None
        self.latest = ""
        self._versions: dict[int, Version] = {}
        self._most = _FEW

    def add(self, batch: Batch, *, since: str) -> None:
        """Remember records that were taken.

        Args:
            batch: The records.
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
                record_id: version
                for record_id, version in self._versions.items()
                if version.instant >= since or not version.instant
            }
            self._most = max(_FEW, 2 * len(self._versions))

    def knows(self, record_id: int, version: Version) -> bool:
        """Return whether a recent record was taken in this version, or a newer one."""
        known = self._versions.get(record_id)
        return known is not None and not version.replaces(known, latest=self.latest)


class Collector:
    """Takes records, and writes them to a store, some thousand at a time.

    Args:
        store: The place that they are written to.
        thread: The thread to write them in.
        checkpoint: The state of the job.
        kind: The kind of the records.
        clock: Returns the server's time, as an instant, once an answer has shown it.
        ahead_s: Returns how far that clock is ahead of this machine's. If it is not known (None),
            nothing counts as settled.
        settle_s: How late a write may show up.
        identify: Completes a checkpoint that has no account. Until then nothing is written: a job
            of one page that is killed asks for that page again.

    Attributes:
        checkpoint: The state of the job.
        seen: The records that were taken.
        taken: How many records were taken; edited ones count each time.
        kept: How many different records were taken until the last write.
        clock: Returns the server's time, as an instant.
        settle_s: How late a write may show up.
        caught_up_from: The instant from which the walk has read all records in a single answer, as
            a catch-up does; "" if it has not.
    """

    def __init__(
        self,
        store: Store,
        thread: OneThread,
        checkpoint: Checkpoint,
        *,
        kind: Kind = CONTACT,
        clock: Callable[[], str],
        ahead_s: Callable[[], float | None],
        settle_s: float = SETTLE_S,
        identify: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.clock = clock
        self.settle_s = settle_s
        self.seen = Seen()
        self.taken = 0
        self.kept = 0
        self.caught_up_from = ""
        self._kind = kind
        self._store = store
        self._thread = thread
        self._ahead_s = ahead_s
        self._identify = identify
        self._followed = None if checkpoint.spans else checkpoint.newest
        self._created_at = asyncio.get_running_loop().time()
        self._began = ""
        self._lines: list[bytes] = []
        self._last_pages: dict[int, tuple[TimeSpan, Page[msgspec.Raw]]] = {}
        self._identifying = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._written_at = float("-inf")
        self._has_failed = False

    @property
    def began(self) -> str:
        """The server's time when the job began; to be read once an answer has shown that clock."""
        if not self._began:
            since_then = asyncio.get_running_loop().time() - self._created_at
            self._began = earlier(self.clock(), since_then)
        return self._began

    @property
    def margin(self) -> str:
        """The instant from which a catch-up takes records."""
        return earlier(self.checkpoint.newest, self.settle_s) if self.checkpoint.newest else ""

    @property
    def since(self) -> str:
        """The instant from which a catch-up must read all records."""
        return self.checkpoint.settled.since(self.margin, self.settle_s)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing seems to be written to the account, by its newest record and its edits.

        A record that is written in the second of the newest one is not behind it. One that is
        stamped after the job began does not count as the newest, but it was written.
        """
        is_newer = (self.seen.newest or "") > (self.checkpoint.newest or "")
        return self.since > self.margin and not self.seen.edited and not is_newer

    def settle(self) -> None:
        """Learn from a complete read, which began at `checkpoint.settled.read_at`.

        A run that follows an account has known its newest record since the run before, so the
        second of that one is over. A first read has only now come to its newest record.
        """
        newest = later(self._followed, 1.0) if self._followed else self.checkpoint.newest
        settled, ahead_s = self.checkpoint.settled, self._ahead_s()
        if ahead_s is None:
            settled.before = ""
        elif newest:
            settled.settle(earlier(newest, 0.0), self.settle_s, ahead_s)

    def recall(self, lines: Sequence[bytes]) -> None:
        """Remember records that an earlier run has stored."""
        self._remember(batch_of(lines, self._kind))
        self.kept = len(self.seen.ids)

    def new(self, batch: Batch) -> Batch:
        """Return the records that were not taken in this version, and that a catch-up takes."""
        self._look_ahead(batch)
        margin, after, knows = self.margin, self.checkpoint.after or "", self.seen.knows
        return batch.only(
            [
                place
                for place, stamp in enumerate(batch.rows.stamps)
                if ((stamp >= margin and stamp > after) or stamp == UNPLACED)
                and not knows(batch.rows.ids[place], batch.version(place))
            ]
        )

    def take(self, batch: Batch) -> None:
        """Take records; they are written later."""
        if not batch.items:
            return
        self._look_ahead(batch)
        self._remember(batch)
        lines, mended = lines_of(batch.items)
        self._lines += lines
        self.checkpoint.odd.mended += mended
        self.checkpoint.odd.count(batch.rows, self.seen.latest)

    def _look_ahead(self, batch: Batch) -> None:
        """Ask the server's clock whether a record is stamped in the future, if it may be."""
        may_be = self._kind.version is not self._kind.fields  # the stamps are other times
        if may_be or max(batch.rows.stamps, default="") > self.seen.latest:
            self.seen.latest = later(self.clock(), SETTLE_S)

    def _remember(self, batch: Batch) -> None:
        self.seen.add(batch, since=self.margin)
        self.taken += len(batch.items)

    def resume_after(self, page: Page[msgspec.Raw], span: TimeSpan) -> None:
        """Let the span resume after this page, once the records of the page are written."""
        self._last_pages[id(span)] = span, page

    async def write_if_due(self) -> None:
        """Write the records that were taken, if they are many, or the last write is long ago."""
        is_late = asyncio.get_running_loop().time() - self._written_at >= _WRITTEN_EVERY_S
        if len(self._lines) >= _WRITTEN_AT_ONCE:
            await self.identify()
            await self.write()
        elif is_late:
            await self.write()

    async def write(self) -> None:
        """Write the records that were taken, together with the checkpoint, once this is allowed.

        Before `identify` or `complete`, it is not. Nor is it after a write that failed: a later
        checkpoint would cover records that are not in the store.
        """
        if self._identify is not None:
            return
        async with self._writing:
            if self._has_failed:
                return
            lines, self._lines = self._lines, []
            for span, page in self._last_pages.values():
                span.cursor = page.cursor
            self._last_pages.clear()
            self._written_at = asyncio.get_running_loop().time()
            self._has_failed = True
            await self._thread.run(self._write, lines, self.checkpoint.text, len(self.seen.ids))

    async def identify(self) -> None:
        """Complete the checkpoint, so that it can be written. If it cannot be, nothing is."""
        async with self._identifying:
            if self._identify is None or self._has_failed:
                return
            self._has_failed = True
            await self._identify()
            self._identify, self._has_failed = None, False

    async def complete(self) -> None:
        """Write the rest. All was read, so no checkpoint is going to stay."""
        self._identify = None
        await self.write()

    def _write(self, lines: list[bytes], checkpoint: str, kept: int) -> None:
        self._store.write(lines, checkpoint)
        self.kept = kept
        self._has_failed = False  # in the thread, because the task that waits may be cancelled
