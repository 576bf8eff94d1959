"""Reads an account's contacts into a store: window by window, then what changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.checkpoint import Checkpoint
from heymarket_async.bulk.memory import Memory
from heymarket_async.bulk.one_thread import OneThread
from heymarket_async.bulk.versions import Row, lines_of, rows_of
from heymarket_async.bulk.windows import WORTH_SPLITTING, Window, earlier, seconds_covered
from heymarket_async.checks import is_int, limit_of, one_of
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT
from heymarket_async.errors import HeymarketError, StatusError
from heymarket_async.pagination import Page, Walk

SETTLE_S = 60.0
"""How far before the newest `updated` a catch-up begins: a write may show up late."""

MOST_PASSES = 20
"""How often what changed is read before the account counts as too restless."""

_SLACK = 100
_WRITTEN_AT_ONCE = 5000
_WRITTEN_EVERY_S = 2.0

RawPage = Page[msgspec.Raw]


class Reading(msgspec.Struct, frozen=True):
    """How an account is read.

    Attributes:
        surface: Which list: "v1" or "v2".
        page_size: Contacts asked for at once; v2 takes 100 at most.
        concurrency: Parts of the time range that are walked side by side.

    Raises:
        ValueError: One of them breaks its rule.
    """

    surface: str
    page_size: int
    concurrency: int

    def __post_init__(self) -> None:
        if self.surface not in {"v1", "v2"}:
            raise ValueError('surface must be "v1" or "v2"')
        most = MAX_LIMIT if self.surface == "v2" else None
        limit_of(one_of("page_size", self.page_size, int), most, name="page_size")
        if not is_int(self.concurrency) or self.concurrency < 1:
            raise ValueError("concurrency must be an integer of at least 1")


class Store(Protocol):
    """What contacts are read into."""

    def write(self, lines: Sequence[bytes], checkpoint: str) -> object:
        """Add contacts, each as a line of JSON, and replace the checkpoint: both, or neither."""
        ...


class Collector:
    """Reads contacts, and hands them to a store, some thousand at a time.

    Attributes:
        at: How far it is.
        memory: Who was taken.
        taken: How many contacts were taken; more than there are if some came again.
    """

    def __init__(
        self,
        client: HeymarketClient,
        store: Store,
        thread: OneThread,
        at: Checkpoint,
        reading: Reading,
        *,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.at = at
        self.memory = Memory()
        self.taken = 0
        self._client = client
        self._store = store
        self._thread = thread
        self._page_size = reading.page_size
        self._concurrency = reading.concurrency
        self._settle_s = settle_s
        self._lines: list[bytes] = []
        self._last_pages: list[tuple[Window, RawPage]] = []
        self._writing = asyncio.Lock()
        self._written_at = float("-inf")
        self._far_ends: tuple[str, str] | None = None
        self._unread = [window for window in at.windows if not window.is_read]
        self._moved = asyncio.Event()

    def recall(self, lines: Sequence[bytes]) -> None:
        """Remember contacts that an earlier run has stored."""
        rows = rows_of(lines)
        stamps = timestamps.instants([row.updated for row in rows])
        self.memory.add(rows, stamps, since=self._since)
        self.taken += len(rows)

    async def distinct(self) -> int:
        """Return how many different contacts were taken."""
        return len(self.memory.seen)

    async def walk(self) -> None:
        """Read every window to its end.

        Raises:
            HeymarketError: A walk could not be completed; what was stored can be gone on from.
        """
        if self._concurrency > 1 and self._unread:
            self._far_ends = await self._oldest_and_newest()
        walkers = self._concurrency if self._far_ends else 1
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(walkers):
                    group.create_task(self._walker())
        except BaseExceptionGroup as errors:
            error = errors.exceptions[0]
            if isinstance(error, HeymarketError):
                await self._write()  # what was read before it need not be read again
            raise error from None
        await self._write()

    async def catch_up(self) -> bool:
        """Read what changed since, until a pass brings nothing new; return whether one did.

        A pass that one answer covered has missed nothing either, as of that answer. So after many,
        it is enough if the last one was that short.
        """
        if self.at.date is not None and not self.at.ascending:
            return True  # what is edited now has left the range that was asked for
        answers = 0
        for _ in range(MOST_PASSES):
            brought, answers = await self._pass()
            await self._write()
            if not brought:
                return True
        return answers == 1

    # The windows, one after the other and side by side

    async def _walker(self) -> None:
        while (window := await self._next_window()) is not None:
            await self._read(window)

    async def _next_window(self) -> Window | None:
        while not all(window.is_read for window in self.at.windows):
            if self._unread:
                return self._unread.pop(0)
            if (window := self._half_of_the_busiest()) is not None:
                return window
            await self._moved.wait()
        return None

    def _half_of_the_busiest(self) -> Window | None:
        ascending = self.at.ascending
        if self._far_ends is None or ascending is None:
            return None
        far_end = self._far_ends[ascending]
        left = [window.pages_left(far_end, ascending=ascending) for window in self.at.windows]
        if max(left) < WORTH_SPLITTING:
            return None
        half = self.at.windows[left.index(max(left))].split(far_end, ascending=ascending)
        self.at.windows.append(half)
        return half

    async def _read(self, window: Window) -> None:
        walk = self._walk_of(window)
        pages = walk.pages()
        left_out = 0
        coming = asyncio.ensure_future(_next(pages))
        try:
            while (page := await coming) is not None:
                last = timestamps.instant(rows_of(page.items[-1:])[0].updated)
                is_last = window.ends_before(last, ascending=bool(self.at.ascending))
                is_last = is_last or self._is_overtaken(window)
                if not is_last:
                    # It is on its way while this one is written.
                    coming = asyncio.ensure_future(_next(pages))
                    await asyncio.sleep(0)
                self._take(window, page)
                self.at.overlap += walk.left_out - left_out
                left_out = walk.left_out
                if is_last:
                    break
                await self._write_now_and_then()
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        window.is_read = True
        self._wake()

    def _is_overtaken(self, window: Window) -> bool:
        # Oldest first, a busy account is written to as fast as it is read, and the walk would have
        # no end. What is left is what changed meanwhile, and that is for the catch-up.
        if not self.at.ascending or window.up_to is not None or self.at.counted is None:
            return False
        return self.taken > 2 * self.at.counted + _SLACK

    def _walk_of(self, window: Window) -> Walk[msgspec.Raw]:
        if window.cursor is not None:
            return self._iterate(cursor=window.cursor)
        return self._iterate(date=window.start(ascending=bool(self.at.ascending)) or self.at.date)

    def _iterate(self, *, date: str | None = None, cursor: str | None = None) -> Walk[msgspec.Raw]:
        contacts = self._client.contacts if self.at.surface == "v1" else self._client.contacts_v2
        return contacts.iterate(
            date=date, cursor=cursor, limit=self._page_size, returns=msgspec.Raw
        )

    async def _oldest_and_newest(self) -> tuple[str, str] | None:
        """Return the ends of the account's time range; they only decide where it is divided."""
        ends: list[str] = []
        for ascending in (True, False):
            try:
                page = await self._client.contacts_v2.page(limit=1, ascending=ascending)
            except StatusError:
                return None
            ends.extend(timestamps.instant(each.updated) for each in page if each.updated)
        return (ends[0], ends[1]) if len(ends) == 2 else None

    def _take(self, window: Window, page: RawPage) -> None:
        rows = rows_of(page.items)
        stamps = timestamps.instants([row.updated for row in rows])
        self._learn(stamps)
        places = window.places(stamps)
        window.page_s = seconds_covered(stamps)
        self._count(window, stamps[places])
        self.at.pages += 1
        self.at.overlap += len(rows) - len(stamps[places])
        self._come_to(max(stamps[places], default=None))
        self._keep(rows[places], stamps[places], page.items[places])
        self._last_pages = [each for each in self._last_pages if each[0] is not window]
        self._last_pages.append((window, page))
        self._wake()

    def _learn(self, stamps: list[str]) -> None:
        if self.at.ascending is None and stamps[0] != stamps[-1]:
            self.at.ascending = stamps[0] < stamps[-1]

    def _count(self, window: Window, stamps: list[str]) -> None:
        if stamps and window.at != stamps[0] and len(set(stamps)) == len(stamps):
            window.at, window.sharing = stamps[-1], 1
            self.at.largest_tie = max(self.at.largest_tie, 1)
            return
        for stamp in stamps:
            if stamp != window.at:
                window.at, window.sharing = stamp, 0
            window.sharing += 1
            if window.sharing > 1:
                self.at.ties += 2 if window.sharing == 2 else 1
            self.at.largest_tie = max(self.at.largest_tie, window.sharing)

    def _wake(self) -> None:
        self._moved.set()
        self._moved.clear()

    # What changed meanwhile

    async def _pass(self) -> tuple[int, int]:
        """Read what changed lately; return how many contacts it brought, in how many answers."""
        since, newest = self._since, self.at.newest
        brought = answers = 0
        async for page in self._iterate(date=self._catch_up_date(since)).pages():
            rows = rows_of(page.items)
            stamps = timestamps.instants([row.updated for row in rows])
            self._learn(stamps)
            new = [
                place
                for place, (row, stamp) in enumerate(zip(rows, stamps, strict=True))
                if stamp >= since and not self.memory.knows(row)
            ]
            self._keep(
                [rows[place] for place in new],
                [stamps[place] for place in new],
                [page.items[place] for place in new],
            )
            await self._write_now_and_then()
            self.at.overlap += len(rows) - len(new)
            newest = max(newest or "", *stamps)
            brought += len(new)
            answers += 1
            is_read = self.at.ascending is False and stamps[-1] < since
            if is_read or (self.at.ascending and answers > self._most_answers):
                break
        # Not before: an interrupted pass that went from the newest on has not read the rest.
        self._come_to(newest)
        return brought, answers

    @property
    def _most_answers(self) -> int:
        # Oldest first, a pass over what changes faster than it can be read would have no end.
        return max(100, self.at.pages, 2 * (self.at.counted or 0) // self._page_size)

    def _catch_up_date(self, since: str) -> str | None:
        if not self.at.ascending:
            return self.at.date
        dates = [each for each in (since, self.at.date) if each]
        return max(dates, key=timestamps.instant, default=None)

    @property
    def _since(self) -> str:
        return earlier(self.at.newest, self._settle_s) if self.at.newest else ""

    def _come_to(self, stamp: str | None) -> None:
        if stamp is not None:
            self.at.newest = max(self.at.newest or stamp, stamp)

    # To the store

    def _keep(
        self, rows: Sequence[Row], stamps: Sequence[str], items: Sequence[msgspec.Raw]
    ) -> None:
        self.memory.add(rows, stamps, since=self._since)
        self._lines += lines_of(items)
        self.taken += len(items)

    async def _write_now_and_then(self) -> None:
        is_late = asyncio.get_running_loop().time() - self._written_at >= _WRITTEN_EVERY_S
        if is_late or len(self._lines) >= _WRITTEN_AT_ONCE:
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            lines, self._lines = self._lines, []
            for window, page in self._last_pages:
                window.cursor = page.cursor
            self._last_pages = []
            self._written_at = asyncio.get_running_loop().time()
            await self._thread.run(self._store.write, lines, self.at.text)


async def _next(pages: AsyncIterator[RawPage]) -> RawPage | None:
    return await anext(pages, None)
