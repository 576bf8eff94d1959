"""Reads a whole list of an account: the time range in spans, some of them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from heymarket_async.bulk.read.checkpoint import TimeSpan, latest_of
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.source import Source
from heymarket_async.bulk.read.versions import Batch, batch_of
from heymarket_async.bulk.thread import concurrency_of, tasks_at_once
from heymarket_async.checks import limit_of
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints.listing import WalkQuery
from heymarket_async.errors import DecodeError, HeymarketError, PaginationError, StatusError
from heymarket_async.timestamps import seconds_between
from heymarket_async.walk.cursor import PAGE_SIZE
from heymarket_async.walk.rows import Rows
from heymarket_async.walk.walk import Page, Walk

WORTH_SPLITTING = 4.0
"""Pages that a span must have left, by estimate, before it is split."""


class ReadOptions(msgspec.Struct, frozen=True):
    """The options of a job that reads an account.

    Attributes:
        source: The list to read.
        page_size: Records in a page; v2 takes 100 at most. None: as many as the server gives.
        concurrency: Parts of the time range that are walked side by side.

    Raises:
        ValueError: An option breaks its rule.
    """

    source: Source
    page_size: int | None
    concurrency: int = 1

    def __post_init__(self) -> None:
        limit_of(self.page_size, self.source.most, name="page_size")
        concurrency_of(self.concurrency)

    def walk(
        self, client: HeymarketClient, *, date: str | None = None, cursor: str | None = None
    ) -> Walk[msgspec.Raw]:
        """Return a walk over the list, in JSON as the server sends it."""
        query = WalkQuery(date=date, cursor=cursor, limit=self.page_size)
        return self.source.walk(client, query)

    async def newest(self, client: HeymarketClient) -> Page[msgspec.Raw] | None:
        """Return the first page of the list, newest first; None if there is none.

        Some lists have no documented order. Such a list has to be known to be newest first.
        """
        walk = self.source.newest or self.source.walk
        try:
            return await _next(walk(client, WalkQuery(limit=self.page_size)).pages())
        except PaginationError:
            return None  # it is not sorted; the list in the order of the walk may be


async def walk(client: HeymarketClient, collector: Collector, options: ReadOptions) -> None:
    """Read every span to its end, and write the records.

    Raises:
        HeymarketError: A walk could not be completed; the next run resumes from what was written.
    """
    walkers = _Walkers(client, collector, options)
    try:
        await walkers.run()
    except (HeymarketError, asyncio.CancelledError):
        await collector.write()  # so that the next run need not read it again
        raise
    await collector.write()


class _Walkers:
    """Walkers, each of one span: as soon as one may start, it gets half of the largest part left.

    No walker waits for a span: there are never more of them than spans that can be read.
    """

    def __init__(self, client: HeymarketClient, collector: Collector, options: ReadOptions) -> None:
        self._client = client
        self._collector = collector
        self._options = options
        self._checkpoint = collector.checkpoint
        # That of an earlier run is worth a try, but no proof: the server may have changed.
        self._page_sizes = options.source.page_sizes(client, best=self._checkpoint.page_size)
        self._far_ends: tuple[str, str] | None = None
        self._unread = [span for span in self._checkpoint.spans if not span.is_read]
        self._group: asyncio.TaskGroup
        self._most = 1
        self._walking = 0

    async def run(self) -> None:
        if self._options.concurrency > 1 and self._unread:
            self._far_ends = await self._oldest_and_newest()
            await self._collector.identify()
        if self._far_ends:
            self._most = self._options.concurrency
        async with tasks_at_once() as self._group:
            self._start_walkers()

    def _start_walkers(self) -> None:
        while self._walking < self._most and (span := self._next_span()) is not None:
            self._walking += 1
            self._group.create_task(self._walker(span), name="heymarket-walker")

    async def _walker(self, span: TimeSpan) -> None:
        await self._read(span)
        self._walking -= 1
        self._start_walkers()

    def _next_span(self) -> TimeSpan | None:
        return self._unread.pop(0) if self._unread else self._half_of_the_largest()

    def _half_of_the_largest(self) -> TimeSpan | None:
        ascending = self._checkpoint.ascending
        if self._far_ends is None or ascending is None:
            return None
        far_end = self._far_ends[ascending]
        left = [span.pages_left(far_end, ascending=ascending) for span in self._checkpoint.spans]
        if max(left) < WORTH_SPLITTING:
            return None
        half = self._checkpoint.spans[left.index(max(left))].split(far_end, ascending=ascending)
        self._checkpoint.spans.append(half)
        return half

    async def _read(self, span: TimeSpan) -> None:
        walk = self._walk_of(span)
        pages = walk.pages()
        left_out, first = 0, ""
        coming = _begin_next(pages)
        try:
            while (page := await coming) is not None:
                is_last = not page.is_amid_group and self._is_last(page.rows, span)
                is_full = len(page) >= min(self._options.page_size or PAGE_SIZE, PAGE_SIZE)
                if not is_last:
                    if is_full or self._checkpoint.pages:
                        await self._collector.identify()
                    # Ask for the next page while this one is written.
                    coming = _begin_next(pages)
                    await asyncio.sleep(0)
                self._take(page, span)
                self._checkpoint.overlap += walk.left_out - left_out
                left_out = walk.left_out
                if is_last:
                    break
                first = page.rows.stamps[0]
                await self._collector.write_if_due()
            else:
                self._end_of_list(first)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        span.is_read = True

    def _end_of_list(self, first: str) -> None:
        """Note the instant of the first record on the last page: the walk has come to the end.

        Oldest first, edits are behind all that is unread. So if nothing is read beside it, that
        page has all records from there on, as the answer of a catch-up would have.
        """
        if self._checkpoint.ascending and len(self._checkpoint.spans) == 1:
            self._collector.caught_up_from = first

    def _walk_of(self, span: TimeSpan) -> Walk[msgspec.Raw]:
        if span.cursor is not None:
            return self._options.walk(self._client, cursor=span.cursor)
        date = span.start(ascending=bool(self._checkpoint.ascending)) or self._checkpoint.date
        return self._options.walk(self._client, date=date)

    def _is_last(self, rows: Rows, span: TimeSpan) -> bool:
        last, ascending = rows.stamps[-1], bool(self._checkpoint.ascending)
        # Oldest first, a busy account is written to as fast as it is read, and the walk would have
        # no end. Here, records that were stamped in the future are read; the catch-up reads edits.
        if ascending and last > self._collector.began:
            seen = self._collector.seen.ids
            if all(record_id in seen for record_id in rows.ids):
                return True
        return span.ends_before(last, ascending=ascending)

    def _take(self, page: Page[msgspec.Raw], span: TimeSpan) -> None:
        checkpoint, stamps = self._checkpoint, page.rows.stamps
        checkpoint.learn_direction(stamps)
        if not checkpoint.pages:  # if an earlier run has read some, its beginning counts
            checkpoint.settled.read_at = self._collector.began
        span.page_s = max(1.0, abs(seconds_between(stamps[0], stamps[-1])))
        batch = self._options.source.batch(page)
        taken = self._inside(batch, span)
        placed = list(filter(None, taken.rows.stamps))
        checkpoint.count_ties(span, placed)
        checkpoint.reach(latest_of(placed, until=self._collector.began))
        checkpoint.pages += 1
        checkpoint.page_size = self._page_sizes.best
        checkpoint.overlap += len(batch.items) - len(taken.items)
        checkpoint.odd.no_records += len(page) - len(batch.items)
        self._collector.take(self._options.source.chosen(taken))
        self._collector.resume_after(page, span)
        self._start_walkers()

    def _inside(self, batch: Batch, span: TimeSpan) -> Batch:
        """Return the records of a page that are in the span; each record is in one span only."""
        # It is not known where those without a time belong: the first span that has one takes it.
        seen, ids = self._collector.seen.ids, batch.rows.ids
        return batch.only(
            [
                place
                for place, stamp in enumerate(batch.rows.stamps)
                if (span.holds(stamp) if stamp else ids[place] not in seen)
            ]
        )

    async def _oldest_and_newest(self) -> tuple[str, str] | None:
        """Return the ends of the account's time range; they only decide where it is divided."""
        source, ends = self._options.source, list[str]()
        if source.end is None:
            return None
        for ascending in (True, False):
            try:
                page = await source.end(self._client, ascending)
            except (StatusError, DecodeError):
                return None
            ends.extend(filter(None, batch_of(page, source.kind).rows.stamps))
        # A record may be stamped in the future.
        return (ends[0], min(ends[1], self._collector.began)) if len(ends) == 2 else None


def _begin_next(
    pages: AsyncIterator[Page[msgspec.Raw]],
) -> asyncio.Task[Page[msgspec.Raw] | None]:
    return asyncio.create_task(_next(pages), name="heymarket-next-page")


async def _next(pages: AsyncIterator[Page[msgspec.Raw]]) -> Page[msgspec.Raw] | None:
    return await anext(pages, None)
