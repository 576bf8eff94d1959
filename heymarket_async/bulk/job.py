"""One run of a bulk job. Export and sync share it: open, resume, read, catch up, finish, report."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec

from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.bulk.progress import OnProgress, Progress, reporting, stats_of_job
from heymarket_async.bulk.read.catch_up import catch_up
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import SETTLE_S, Collector, Store
from heymarket_async.bulk.read.walk import ReadOptions, walk
from heymarket_async.bulk.thread import OneThread
from heymarket_async.client import HeymarketClient
from heymarket_async.timestamps import text_of
from heymarket_async.walk.walk import Page


class ReadReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an export, and the proof that it is complete.

    Attributes:
        distinct: Different ids that were read: as many as the result has records, unless the sink
            keeps every version.
        counted_before: The account's own count when the export began. None if it did not say, or
            if it was not asked: only the progress of an export of several pages needs it.
        counted_after: Its count at the end. None too if Heymarket does not count such records: then
            the proof is that the list was read to its end.
        edited: Records that were edited while the export ran, after they had been read.
        overlap: Records that came again in the same version and were left out.
        ties: Records that share the time that they are sorted by with another one: `updated`, or
            the `date` of messages.
        largest_tie: The most records that share one.
        oldest: The earliest such time that was read, as an RFC 3339 timestamp in UTC, or None.
        newest: The latest.
        pages: Answers of the walk that brought something new, without those of the catch-up.
        requests: Requests that this run sent, repeated ones included.
        repeated: How many of them failed and were sent again.
        resumed: This run resumed from a checkpoint.
        seconds: How long this run took.
        waited_s: Seconds that its calls waited, by reason, summed where they waited side by side.
        doubts: Why the export is not proved to be complete; empty if it is.
        mended: Records whose JSON had to be mended before it could be read.
    """

    distinct: int
    counted_before: int | None
    counted_after: int | None
    edited: int
    overlap: int
    ties: int
    largest_tie: int
    oldest: str | None
    newest: str | None
    pages: int
    requests: int
    repeated: int
    resumed: bool
    seconds: float
    waited_s: dict[str, float]
    doubts: list[str]
    mended: int = 0

    @property
    def is_proved(self) -> bool:
        """Whether the export is proved to be complete."""
        return not self.doubts


class Job:
    """One run of a job.

    Attributes:
        client: The client for the job's calls.
        stats: The statistics of them.
        thread: The thread in which the store is opened, read, written and closed.
        stage: The current step, for `Progress`.
        collector: Takes the records; None until `read`.
        made: How many records the result has, or None until it is being made.
        written: How many of them were written in the stage "writing".
        resumes: Whether the next run continues where this one ends.
    """

    def __init__(self, client: HeymarketClient) -> None:
        self.stats = stats_of_job(client)
        self.client = self.stats.client
        self.thread = OneThread()
        self.stage = "starting"
        self.made: int | None = None
        self.written = 0
        self.resumes = True
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
        if (read := self.collector) is None:
            return self.stats.progress(0, None, self.stage)
        distinct, kept = len(read.seen.ids), read.kept if self.resumes else 0
        if self.stage == "writing":
            return self.stats.progress(self.written, distinct, self.stage, kept=kept)
        return self.stats.progress(distinct, read.checkpoint.counted, self.stage, kept=kept)

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

    def report(
        self, collector: Collector, counted: int | None, doubts: list[str], *, resumed: bool
    ) -> ReadReport:
        """Return the report of the run, which is over."""
        checkpoint, seen = collector.checkpoint, collector.seen
        return ReadReport(
            distinct=len(seen.ids),
            counted_before=checkpoint.counted,
            counted_after=counted,
            edited=len(seen.edited),
            overlap=checkpoint.overlap,
            ties=checkpoint.ties,
            largest_tie=checkpoint.largest_tie,
            oldest=seen.oldest and text_of(seen.oldest),
            newest=seen.newest and text_of(seen.newest),
            pages=checkpoint.pages,
            requests=self.stats.requests,
            repeated=self.stats.repeated,
            resumed=resumed,
            seconds=self.seconds,
            waited_s=self.stats.waits(),
            doubts=doubts,
            mended=checkpoint.odd.mended,
        )
