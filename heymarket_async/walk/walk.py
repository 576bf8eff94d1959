"""`Walk` and `Page`: a walk over a list by timestamp, page by page. No HTTP; see `walk.rules`."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeGuard, TypeVar

import msgspec

from heymarket_async import timestamps
from heymarket_async.checks import limit_of
from heymarket_async.errors import (
    BadRequestError,
    ClientStateError,
    HeymarketError,
    PaginationError,
)
from heymarket_async.privacy import hides_locals
from heymarket_async.walk import cursor as cursors
from heymarket_async.walk import rules, ties
from heymarket_async.walk.cursor import PAGE_SIZE, Cursor, Ties
from heymarket_async.walk.page_size import GroupPages, PageSize, PageSizes
from heymarket_async.walk.rows import RowFields, Rows, reader

T = TypeVar("T")

FetchPage = Callable[[str | None, int | None, int | None], Awaitable[list[T]]]
"""Returns one page for `date`, `page` and `limit`. A parameter that is None is not sent."""


class Growth(msgspec.Struct, Generic[T], frozen=True):
    """How a walk without a fixed limit may ask for more than the default.

    Attributes:
        attempt: Gets one page with a limit that may be too large. It is sent once.
        sizes: The limits that were tried, by all walks over the list.
        most: The largest limit to ask for.
    """

    attempt: FetchPage[T]
    sizes: PageSizes
    most: int


_REST_S = 1.0
"""Seconds that a walk waits before it reads a changing group again."""


class Page(Generic[T]):
    """The items of one answer, without those that were given before. It is never empty.

    Attributes:
        items: The items, in the server's order.
    """

    __slots__ = ("_after", "_places", "_rows", "items")

    def __init__(
        self, items: list[T], rows: Rows, places: slice | list[int], after: Cursor
    ) -> None:
        self.items = items
        self._rows = rows
        self._places = places
        self._after = after

    @property
    def rows(self) -> Rows:
        """Their ids, versions and timestamps, which the walk has read."""
        if isinstance(self._places, slice):
            return self._rows.part(self._places)
        return self._rows.only(self._places)

    @property
    def unplaced(self) -> tuple[int, ...]:
        """The places in `items` of those whose timestamp is not a time, such as "" or null.

        They are given like all others, but do not move the walk.
        """
        return self.rows.unplaced if self._rows.unplaced else ()

    @property
    def cursor(self) -> str:
        """The text to store, so that a walk can resume after this page."""
        return self._after.text

    @property
    def is_amid_group(self) -> bool:
        """Whether it is part of a large group with one timestamp that is not complete yet."""
        return self.amid is not None

    @property
    def amid(self) -> str | None:
        """The instant of that group, or None."""
        return None if self._after.group is None else self._after.group.stamp

    def __repr__(self) -> str:
        return f"<Page of {len(self.items)}>"

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Walk(Generic[T]):
    """Gives every item of a list once: `async for contact in walk`, or by page from `walk.pages()`.

    A walk ends complete or raises; it never ends early. Between two items it holds no connection,
    no lock and no place in a line, so you may pause or drop it at any time. Use a walk once, from
    one task at a time.

    Lists are sorted by `updated`; messages are sorted by `date`, which never changes. An item that
    is edited during the walk moves: oldest first, it comes again later, in its new version. Newest
    first, an item that was not read yet moves to the front, and the walk does not give it.

    Attributes:
        left_out: How many items came again, because pages overlap, and were left out.
    """

    def __init__(
        self,
        fetch: FetchPage[T],
        call: str,
        rows_of: Callable[[list[T]], Rows],
        start: Cursor,
        growth: Growth[T],
    ) -> None:
        self._fetch = fetch
        self._attempt = growth.attempt
        self._size = PageSize(growth.sizes, fixed=start.limit, most=growth.most)
        self._group_pages = GroupPages(growth.sizes.documented)
        self._call = call
        self._rows_of = rows_of
        self._asked = start
        self._next = start
        self._page = Page[T]([], Rows([], [], [], []), slice(0), start)
        self._left = 0  # items of the page that are still to be given
        self._seen = 0
        self.left_out = 0
        self._is_closed = False
        self._is_busy = False

    @property
    def cursor(self) -> str:
        """The text to store, so that a walk can resume from here.

        A walk that starts from it gives exactly the items that this one has not given yet.
        """
        return self._standing().text

    def pages(self) -> AsyncIterator[Page[T]]:
        """Return an iterator over the rest of this walk, page by page."""
        return _Pages(self._next_page)

    def __repr__(self) -> str:
        given = self._seen - self._left
        state = "complete" if self._next.done and not self._left else "under way"
        return f"<Walk by {self._call}: {given:,} given, {state}>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if not self._left:
            await self._advance()
        if not (left := self._left):
            raise StopAsyncIteration
        self._left = left - 1
        return self._page.items[-left]

    async def _next_page(self) -> Page[T] | None:
        await self._look_ahead()
        if not self._left:
            return None
        page, self._left = self._page_at_hand(self._left)
        return page

    # The blocking client asks in the loop and takes in another thread, where an interrupt comes at
    # any moment, and where a third one may close the walk. So the taker reads and sets `_left`.

    async def _look_ahead(self) -> None:
        """Ask for more items if none is at hand."""
        if not self._left:
            await self._advance()

    def _item_at_hand(self, left: int) -> tuple[T, int]:
        """Return the next item, if some are left, and how many are left after it."""
        return self._page.items[-left], left - 1

    def _page_at_hand(self, left: int) -> tuple[Page[T], int]:
        """Return the rest of the page, if some is left, and that none is left after it."""
        page = self._page
        if left < len(page):
            page = Page(page.items[-left:], page.rows, slice(-left, None), self._next)
        return page, 0

    async def aclose(self) -> None:
        """End the walk. Its `cursor` stays. Asking for more raises, unless it was complete."""
        self._next = self._standing()
        self._left = 0
        self._is_closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _standing(self) -> Cursor:
        left = self._left
        if not left:
            return self._next
        return self._asked.partly(self._page.rows, len(self._page) - left)

    @hides_locals
    async def _advance(self) -> None:
        """Ask for pages until one has new items, or the walk is complete."""
        if self._next.done:
            return
        if self._is_closed or self._is_busy:
            state = "closed" if self._is_closed else "being advanced by another task"
            raise ClientStateError(f"this walk is {state}", call=self._call, cursor=self._next.text)
        self._is_busy = True
        try:
            while not self._next.done:
                if await self._ask(self._next):
                    return
        except HeymarketError as failed:
            error = self._explained(failed)
            error.call = error.call or self._call
            error.cursor = self._next.text
            if error is failed:
                raise
            raise error from failed
        finally:
            self._is_busy = False

    async def _ask(self, cursor: Cursor) -> bool:
        """Ask for the page at a cursor, and return whether it has new items."""
        if cursor.group is not None:
            return await self._ask_in_group(cursor, cursor.group)
        size = self._size
        send = self._attempt if size.prepare() else self._fetch
        try:
            items = await send(cursor.date, None, size.limit)
        except HeymarketError as error:
            if not size.go_back_after(error):
                raise
            return False
        rows, asked = self._rows_of(items), size.limit
        if not size.take(len(rows)):
            return False
        self._group_pages.note(asked, len(rows))
        is_new = self._take(cursor, rows, items, asked)
        if is_new and size.tried is not None:
            size.settle(asked, len(items))
        return is_new

    async def _ask_in_group(self, cursor: Cursor, group: Ties) -> bool:
        """Ask for a page of a group that is larger than a page.

        If it is not believed, or its limit fails, the group is begun again with a documented one.
        """
        if group.is_changing:
            # A group of the current second is edited until the second is over.
            await asyncio.sleep(_REST_S)
        try:
            items = await self._fetch(cursor.date, group.page, group.limit)
            rows = self._rows_of(items)
            if await self._is_believed(cursor, group, rows):
                self._group_pages.note(group.limit, len(rows))
                return self._take(cursor, rows, items, group.limit)
        except HeymarketError as error:
            if not self._group_pages.begin_again_after(group, error):
                raise
        self._size.give_up(group.limit or PAGE_SIZE)
        self._next = ties.begin_again(cursor, group, self._group_pages.begin_again(group))
        return False

    async def _is_believed(self, cursor: Cursor, group: Ties, rows: Rows) -> bool:
        """Whether a page of a group is full, or the list ends there without a `limit` too."""
        leaves = bool(rows.stamps) and rows.stamps[-1] != group.stamp
        if not self._group_pages.is_doubted(group, len(rows), leaves=leaves):
            return True
        end = self._group_pages.end(group, len(rows))
        if end is None:
            return False
        number, most = end
        return len(self._rows_of(await self._fetch(cursor.date, number, None))) <= most

    def _explained(self, error: HeymarketError) -> HeymarketError:
        group = self._next.group
        if not isinstance(error, BadRequestError) or group is None or not group.wide:
            return error
        return PaginationError(
            "many rows share one timestamp, `page` has no effect, and a larger `limit` is refused",
            timestamp=group.updated,
            seen=self._seen,
        )

    def _take(self, cursor: Cursor, rows: Rows, items: list[T], asked: int | None) -> bool:
        """Take the page that was asked for at a cursor, and return whether it has new items."""
        try:
            rows, new, after = rules.step(cursor, rows, asked, self._size.limit)
        except PaginationError as error:
            error.seen = self._seen
            raise
        given = items[new] if isinstance(new, slice) else [items[place] for place in new]
        # Last what ends the page before: another thread may look at the cursor.
        self._page, self._asked = Page(given, rows, new, after), cursor
        self._left = len(given)
        self._next = after
        self._seen += len(given)
        self.left_out += len(items) - len(given)
        return bool(given)


def walk(
    fetch: FetchPage[T],
    call: str,
    *,
    surface: str,
    date: datetime | str | None,
    limit: int | None,
    cursor: str | None,
    returns: type[T],
    fields: RowFields = RowFields(),  # noqa: B008 - frozen
    growth: Growth[T] | None = None,
    is_size_documented: bool = True,
    first_page: int | str | None = None,
) -> Walk[T]:
    """Return a walk, from its beginning or from a stored cursor.

    Args:
        fetch: Gets one page.
        call: The call that `fetch` makes, for errors.
        surface: The name of the list in cursors, with its filters.
        date: Where to start, or None for the beginning.
        limit: Items on a page, or None for the server's default, or more with `growth`.
        cursor: Where to resume, or None.
        returns: The type of the items.
        fields: The fields of an item that the walk reads.
        growth: How the walk may ask for more than the default, or None.
        is_size_documented: A page has 30 items without a `limit`. Else its size is not known.
        first_page: The number of the first page, if it was seen earlier.

    Raises:
        ValueError: An argument breaks its rule; the message names it.
    """
    limit_of(limit)
    if not (returns is msgspec.Raw or (_is_struct(returns) and _can_be_walked(fields, returns))):
        names = "id and rev as integers and" if fields.has_rev else "id as an integer and"
        raise ValueError(
            f"returns must be msgspec.Raw, or a struct that has {names} {fields.stamp} as text"
        )
    growth = growth or Growth(fetch, PageSizes(), PAGE_SIZE)
    read = reader(fields).of_raw if returns is msgspec.Raw else reader(fields).of
    if cursor is None:
        text = None if date is None else timestamps.to_text("date", date)
        start = cursors.start(surface, limit, text, first_page)
        if not is_size_documented:
            start = msgspec.structs.replace(start, largest=0)
        return Walk(fetch, call, read, start, growth)
    if date is not None:
        raise ValueError("date and cursor exclude each other: a cursor has its own date")
    start = cursors.read(cursor, surface=surface)
    if limit is not None:
        start = msgspec.structs.replace(start, limit=limit)
    return Walk(fetch, call, read, start, growth)


class _Pages(Generic[T]):
    def __init__(self, next_page: Callable[[], Awaitable[Page[T] | None]]) -> None:
        self._next_page = next_page

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        if (page := await self._next_page()) is None:
            raise StopAsyncIteration
        return page


def _is_struct(returns: object) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(returns, type) and issubclass(returns, msgspec.Struct)


@functools.lru_cache(maxsize=64)  # the check takes as long as a page
def _can_be_walked(fields: RowFields, returns: type[msgspec.Struct]) -> bool:
    return fields.can_be_read_from(returns)
