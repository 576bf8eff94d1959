"""Walks over all contacts of an account, window by window, some of them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from heymarket_async.bulk.read.checkpoint import latest_of
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.options import Reading
from heymarket_async.bulk.read.versions import Batch, batch_of, batch_of_page
from heymarket_async.bulk.read.windows import WORTH_SPLITTING, Window, seconds_covered
from heymarket_async.client import HeymarketClient
from heymarket_async.errors import DecodeError, HeymarketError, StatusError
from heymarket_async.walk.walk import Page, Walk


async def walk(client: HeymarketClient, collector: Collector, reading: Reading) -> None:
    """Read every window to its end, and write what is there.

    Raises:
        HeymarketError: A walk could not be completed; what was written can be gone on from.
    """
    walkers = _Walkers(client, collector, reading)
    try:
        await walkers.run()
    except HeymarketError:
        await collector.write()  # what was read before it need not be read again
        raise
    await collector.write()


class _Walkers:
    def __init__(self, client: HeymarketClient, collector: Collector, reading: Reading) -> None:
        self._client = client
        self._collector = collector
        self._reading = reading
        self._at = collector.at
        self._far_ends: tuple[str, str] | None = None
        self._unread = [window for window in self._at.windows if not window.is_read]
        self._moved = asyncio.Event()

    async def run(self) -> None:
        if self._reading.concurrency > 1 and self._unread:
            self._far_ends = await self._oldest_and_newest()
        walkers = self._reading.concurrency if self._far_ends else 1
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(walkers):
                    group.create_task(self._walker())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _walker(self) -> None:
        while (window := await self._next_window()) is not None:
            await self._read(window)

    async def _next_window(self) -> Window | None:
        while not all(window.is_read for window in self._at.windows):
            if self._unread:
                return self._unread.pop(0)
            if (window := self._half_of_the_busiest()) is not None:
                return window
            await self._moved.wait()
        return None

    def _half_of_the_busiest(self) -> Window | None:
        ascending = self._at.ascending
        if self._far_ends is None or ascending is None:
            return None
        far_end = self._far_ends[ascending]
        left = [window.pages_left(far_end, ascending=ascending) for window in self._at.windows]
        if max(left) < WORTH_SPLITTING:
            return None
        half = self._at.windows[left.index(max(left))].split(far_end, ascending=ascending)
        self._at.windows.append(half)
        return half

    async def _read(self, window: Window) -> None:
        walk = self._walk_of(window)
        pages = walk.pages()
        left_out = 0
        coming = asyncio.ensure_future(_next(pages))
        try:
            while (page := await coming) is not None:
                is_last = self._is_last(page, window)
                if not is_last:
                    # It is on its way while this one is written.
                    coming = asyncio.ensure_future(_next(pages))
                    await asyncio.sleep(0)
                self._take(page, window)
                self._at.overlap += walk.left_out - left_out
                left_out = walk.left_out
                if is_last:
                    break
                await self._collector.write_now_and_then()
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        window.is_read = True
        self._wake()

    def _walk_of(self, window: Window) -> Walk[msgspec.Raw]:
        if window.cursor is not None:
            return self._reading.walk(self._client, cursor=window.cursor)
        date = window.start(ascending=bool(self._at.ascending)) or self._at.date
        return self._reading.walk(self._client, date=date)

    def _is_last(self, page: Page[msgspec.Raw], window: Window) -> bool:
        last, ascending = page.rows.stamps[-1], bool(self._at.ascending)
        # Oldest first, a busy account is written to as fast as it is read, and the walk would have
        # no end. What was stamped ahead is read here, and what changed meanwhile by the catch-up.
        is_past_its_begin = ascending and last > self._collector.began
        return (
            window.ends_before(last, ascending=ascending)
            or (is_past_its_begin and self._has_taken_all(page))
        ) and not page.is_amid_group

    def _has_taken_all(self, page: Page[msgspec.Raw]) -> bool:
        seen = self._collector.memory.seen
        return all(each in seen for each in page.rows.ids)

    def _take(self, page: Page[msgspec.Raw], window: Window) -> None:
        stamps = page.rows.stamps
        self._at.learn_direction(stamps)
        batch = batch_of_page(page)
        inside = self._inside(batch, window, stamps)
        window.page_s = seconds_covered(stamps)
        placed = inside.rows.stamps
        if inside.rows.unplaced:
            placed = list(filter(None, placed))
        self._at.count_ties(window, placed)
        self._at.pages += 1
        self._at.overlap += len(batch.items) - len(inside.items)
        self._at.odd.no_contacts += len(page) - len(batch.items)
        self._at.reach(latest_of(placed, until=self._collector.began))
        self._collector.take(inside)
        self._collector.go_on_after(page, window)
        self._wake()

    def _inside(self, batch: Batch, window: Window, stamps: list[str]) -> Batch:
        """Return the contacts of a page that the window has, of which each is in one only."""
        if not batch.rows.unplaced:
            return batch.part(window.places(stamps))
        # Where those without a time belong is not known, so each is taken where it is met first.
        seen, ids = self._collector.memory.seen, batch.rows.ids
        return batch.only(
            [
                place
                for place, stamp in enumerate(batch.rows.stamps)
                if (window.holds(stamp) if stamp else ids[place] not in seen)
            ]
        )

    async def _oldest_and_newest(self) -> tuple[str, str] | None:
        """Return the ends of the account's time range; they only decide where it is divided."""
        ends: list[str] = []
        for ascending in (True, False):
            try:
                page = await self._client.contacts_v2.page(
                    limit=1, ascending=ascending, returns=msgspec.Raw
                )
            except (StatusError, DecodeError):
                return None
            ends.extend(filter(None, batch_of(page).rows.stamps))
        # A contact may be stamped with a time that is still to come.
        return (ends[0], min(ends[1], self._collector.began)) if len(ends) == 2 else None

    def _wake(self) -> None:
        self._moved.set()
        self._moved.clear()


async def _next(pages: AsyncIterator[Page[msgspec.Raw]]) -> Page[msgspec.Raw] | None:
    return await anext(pages, None)
