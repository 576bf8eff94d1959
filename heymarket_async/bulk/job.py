"""One run of a bulk job. Export and sync share it: open, resume, read, catch up, finish, report."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec

from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.bulk.progress import OnProgress, Progress, RequestStats, reporting
from heymarket_async.bulk.read.catch_up import catch_up
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import SETTLE_S, Collector, Store
from heymarket_async.bulk.read.walk import ReadOptions, walk
from heymarket_async.bulk.thread import OneThread
from heymarket_async.client import HeymarketClient
from heymarket_async.walk.walk import Page


class Job:
    """One run of a job.

    Attributes:
        client: The client for the job's calls.
        stats: The statistics of them.
        thread: The thread in which the store is opened, read, written and closed.
        stage: The current step, for `Progress`.
        collector: Takes the records; None until `read`.
        made: How many records the result has, or None until it is being made.
    """

    def __init__(self, client: HeymarketClient) -> None:
        self.stats = RequestStats(client)
        self.client = self.stats.client
        self.thread = OneThread()
        self.stage = "starting"
        self.made: int | None = None
        self.collector: Collector | None = None
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The time since the job began."""
        return round(time.monotonic() - self._started, 3)

    @asynccontextmanager
    async def running(
        self, on_progress: OnProgress | None, close: Callable[[], object]
    ) -> AsyncGenerator[None]:
        """Report progress while the job runs, and close its store and its thread in any case."""
        async with reporting(on_progress, self.progress):
            try:
                try:
                    yield
                finally:
                    await self.thread.run(close)
            finally:
                self.thread.close()

    def progress(self) -> Progress:
        """Return the progress."""
        read = self.collector
        done = self.made or (read.taken if read else 0)
        return self.stats.progress(done, read.checkpoint.counted if read else None, self.stage)

    async def read(
        self,
        store: Store,
        checkpoint: Checkpoint,
        options: ReadOptions,
        *,
        recalled: Iterable[bytes] | None,
        damaged: Callable[[], ValueError],
        stored: Callable[[], Awaitable[int]] | None = None,
        settle_s: float = SETTLE_S,
        identify: Callable[[], Awaitable[None]] | None = None,
        newest: Page[msgspec.Raw] | None = None,
    ) -> tuple[Collector, int | None, list[str]]:
        """Read the account into a store; return the collector, the account's count, and the doubts.

        Args:
            store: The sink or file that records are written to.
            checkpoint: The checkpoint to read from.
            options: The list, the size of its pages, and the concurrency.
            recalled: Stored records of earlier runs, which this run may read again.
            damaged: Returns the error for stored records that cannot be read.
            stored: Counts the records in the result; None counts those that were taken.
            settle_s: How late a write may show up.
            identify: Completes a checkpoint that has no account; see `Collector`.
            newest: The newest records, if they were read just now.
        """
        collector = self.collector = Collector(
            store,
            self.thread,
            checkpoint,
            kind=options.source.kind,
            clock=self.stats.clock,
            ahead_s=lambda: self.stats.ahead_s,
            settle_s=settle_s,
            identify=identify,
        )
        if recalled is not None:
            self.stage = "recalling"
            try:
                await self.thread.each(recalled, collector.recall)
            except UNREADABLE:
                raise damaged() from None
        self.stage = "reading"
        await walk(self.client, collector, options)
        self.stage = "catching up"
        counted, doubts = await catch_up(self.client, collector, options, stored, newest)
        await collector.complete()
        return collector, counted, doubts
