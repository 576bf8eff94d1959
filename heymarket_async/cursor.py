"""Where a walk by timestamp stands, and where it goes next. Pure: no I/O, no model, no clock.

The API says: rows are sorted by `updated`; pass the last `updated` as `date` to get the next page,
of 30 rows unless a `limit` is given. Nobody says whether newest or oldest come first, whether the
row at `date` is in or out, how large a `limit` may be, or whether `page` counts from 0 or 1. Many
rows can share one `updated`, and where the row at `date` is out, the plain walk skips those that
the end of a page cut off. So:

- A page is full from min(limit, 30) rows on; only a full page can have cut a group of equal
  timestamps in two. After a page that is not full, go on from its last `updated`, as the guide
  says.
- After a full page, the last `updated` is safe if the server has shown that it includes the row at
  `date`. Otherwise go back to the timestamp before the last one: the cut group is then read again
  whole, and the rows that were given already are left out.
- A full page that cannot move `date` is a group larger than a page: hold `date` and read `page` by
  `page` until another timestamp or a page that is not full comes. Rows that are edited meanwhile
  leave the group and shift the rest, so read it again until a pass brings nothing new.
- If the page number has no effect, ask for more rows at once, until another timestamp comes.
- The end is an empty page, or one that is not full, brings nothing new, and was asked for from the
  last timestamp.
- Whatever would mean to guess raises `PaginationError`. Nothing is skipped, nothing spins: each
  step moves `date`, brings something new, or ends.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.errors import PaginationError

PAGE_SIZE = 30
"""Rows on a page that is asked for without a `limit`."""

Key = tuple[int, int | None]
"""`id` and `rev`: names one version of one row."""


class Rows(NamedTuple):
    """What the rules need to know of a page, in the order of the page."""

    keys: list[Key]
    updated: list[str]


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a walk stands: what to ask for next, and what of it was given already.

    Attributes:
        surface: Which list is walked, so that a cursor is not taken to another one.
        limit: `limit` of the walk, or None.
        date: `date` to ask from, as the server wrote it, or None.
        given: Rows given since `date`, with their instants. Cursors of one `date` share it and it
            only grows, so a cursor looks at its own first `held` only.
        held: How many of `given` this cursor knows.
        inclusive: The server has shown that it includes the row at `date`.
        ascending: Oldest first; None while no page told.
        group: The `updated` of a group larger than a page, while that is read; else None.
        page: In a group, the page number to ask for; None is the first page.
        previous: In a group, the page before, to see whether the number has an effect.
        fresh: In a group, this pass has brought something new.
        wide: In a group, the larger `limit` that is tried because `page` has no effect.
        done: The walk is complete.
    """

    surface: str
    limit: int | None = None
    date: str | None = None
    given: dict[Key, str] = {}
    held: int = 0
    inclusive: bool = False
    ascending: bool | None = None
    group: str | None = None
    page: int | None = None
    previous: list[Key] = []
    fresh: bool = False
    wide: int | None = None
    done: bool = False

    @property
    def text(self) -> str:
        """This cursor as JSON; `read` makes it a cursor again."""
        given = [(*key, stamp) for key, stamp in islice(self.given.items(), self.held)]
        fields = msgspec.structs.asdict(self)
        return msgspec.json.encode({"version": 1, **fields, "given": given}).decode()


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    surface: str
    given: list[tuple[int, int | None, str]]


def read(text: str, *, surface: str) -> Cursor:
    """Return the cursor that was stored as text.

    Raises:
        ValueError: It is not a cursor of this surface, or of another version of this package.
    """
    try:
        stored = msgspec.json.decode(text, type=_Stored)
        if stored.version != 1 or stored.surface != surface:
            raise ValueError(
                f"cursor belongs to surface {stored.surface!r}, version {stored.version};"
                f" this walk needs surface {surface!r}, version 1"
            )
        fields = msgspec.json.decode(text, type=dict[str, object])
        given = {(row, rev): stamp for row, rev, stamp in stored.given}
        return msgspec.convert({**fields, "given": given, "held": len(given)}, Cursor)
    except msgspec.MsgspecError:
        raise ValueError("cursor must be the text of a walk's `cursor`") from None


def step(at: Cursor, rows: Rows) -> tuple[slice | list[int], Cursor]:
    """Return which rows of the page asked for at a cursor are new, and the cursor after them.

    The rows are given by their places on the page.

    Raises:
        PaginationError: The walk cannot go on without guessing.
    """
    stamps = timestamps.instants(rows.updated)
    here = None if at.date is None else timestamps.instant(at.date)
    if stamps:
        at = _learn(at, here, stamps)
    new = _new(rows.keys, at.given)
    page = _Page(
        rows=rows,
        stamps=stamps,
        here=here,
        is_full=len(stamps) >= min(at.limit or PAGE_SIZE, PAGE_SIZE),
        brings_new=bool(new if isinstance(new, list) else rows.keys[new]),
    )
    after = _after_page if at.group is None else _after_page_of_group
    return new, after(at, page)


def _new(keys: list[Key], given: dict[Key, str]) -> slice | list[int]:
    known = next((place for place, key in enumerate(keys) if key not in given), len(keys))
    # Rows that come again stand at the beginning, unless the server mixes up those of one instant.
    if given.keys().isdisjoint(keys[known:]):
        return slice(known, None)
    return [place for place, key in enumerate(keys) if key not in given]


def partly(at: Cursor, rows: Rows, count: int) -> Cursor:
    """Return the cursor at which a page is asked for again without its first rows.

    Args:
        at: The cursor that the page was asked for at.
        rows: The rows that the page brought new.
        count: How many of them were given.
    """
    given = dict(islice(at.given.items(), at.held))
    given.update(zip(rows.keys[:count], timestamps.instants(rows.updated[:count]), strict=True))
    return replace(at, given=given, held=len(given), fresh=at.fresh or count > 0)


class _Page(NamedTuple):
    rows: Rows
    stamps: list[str]
    here: str | None
    is_full: bool
    brings_new: bool


def _learn(at: Cursor, here: str | None, stamps: list[str]) -> Cursor:
    first, last = stamps[0], stamps[-1]
    ascending = at.ascending
    if ascending is None:
        before = here if at.group is None else timestamps.instant(at.group)
        if first != last:
            ascending = first < last
        elif before is not None and first != before:
            ascending = before < first
    inclusive = at.inclusive or first == here
    if stamps != sorted(stamps, reverse=ascending is False):
        raise PaginationError("the page is not sorted by `updated`", timestamp=at.date)
    if here is not None and first != here and ascending is not (here < first):
        raise PaginationError("the page lies on the other side of its `date`", timestamp=at.date)
    if ascending is at.ascending and inclusive is at.inclusive:
        return at
    return replace(at, ascending=ascending, inclusive=inclusive)


def _after_page(at: Cursor, page: _Page) -> Cursor:
    if not page.stamps:
        return replace(at, done=True)
    if not page.is_full:
        if page.stamps[-1] == page.here and not page.brings_new:
            return replace(at, done=True)
        return _move(at, page, page.rows.updated[-1])
    target = page.rows.updated[-1] if at.inclusive else _timestamp_before_last(page)
    if target is None or timestamps.instant(target) == page.here:
        return _hold(at, page, group=page.rows.updated[-1], page_number=1)
    return _move(at, page, target)


def _after_page_of_group(at: Cursor, page: _Page) -> Cursor:
    group = at.group or ""
    is_all_group = bool(page.stamps) and page.stamps[-1] == timestamps.instant(group)
    if page.is_full and is_all_group:
        return _deeper(at, page)
    fresh = at.fresh or page.brings_new
    if fresh and at.wide is None:
        return replace(_hold(at, page, group=group, page_number=None), fresh=False, previous=[])
    if page.is_full:
        before_last = _timestamp_before_last(page) or group
        return _move(at, page, page.rows.updated[-1] if at.inclusive else before_last)
    last = page.rows.updated[-1] if page.stamps else group
    if timestamps.instant(last) == page.here and not page.brings_new:
        return replace(at, done=True)
    return _move(at, page, last)


def _deeper(at: Cursor, page: _Page) -> Cursor:
    """Go on within a group that the page did not leave."""
    rows = len(page.stamps)
    if at.wide is not None:
        if rows <= len(at.previous):
            raise PaginationError(
                f"more than {rows} contacts share one `updated`, and neither `page` nor a larger"
                " `limit` brings the rest",
                timestamp=at.group,
            )
        return _hold(at, page, group=at.group, page_number=None, wide=2 * at.wide)
    if page.rows.keys != at.previous:
        return _hold(at, page, group=at.group, page_number=(at.page or 0) + 1)
    if at.page == 1:
        # The server counts from 1, so this was the first page once more.
        return _hold(at, page, group=at.group, page_number=2)
    return _hold(
        at, page, group=at.group, page_number=None, wide=2 * max(at.limit or PAGE_SIZE, rows)
    )


def _timestamp_before_last(page: _Page) -> str | None:
    last = page.stamps[-1]
    for stamp, updated in zip(reversed(page.stamps), reversed(page.rows.updated), strict=True):
        if stamp != last:
            return updated
    return None


def _move(at: Cursor, page: _Page, date: str) -> Cursor:
    """Ask from another `date`, and remember the rows that may then come again."""
    target = timestamps.instant(date)

    def comes_again(stamp: str) -> bool:
        return stamp == target or (at.ascending is not None and at.ascending is (target < stamp))

    given = {key: stamp for key, stamp in at.given.items() if comes_again(stamp)}
    for key, stamp in zip(reversed(page.rows.keys), reversed(page.stamps), strict=True):
        if not comes_again(stamp):
            break
        given[key] = stamp
    return Cursor(
        surface=at.surface,
        limit=at.limit,
        date=date,
        given=given,
        held=len(given),
        inclusive=at.inclusive,
        ascending=at.ascending,
    )


def _hold(
    at: Cursor, page: _Page, *, group: str | None, page_number: int | None, wide: int | None = None
) -> Cursor:
    """Stay at this `date`, and remember all that the page brought."""
    known = islice(at.given.items(), at.held)
    if at.group is None:
        # A server that left out the rows at `date` just now will do so again.
        given = {key: stamp for key, stamp in known if at.inclusive or stamp != page.here}
    else:
        # The newest cursor of a group knows all of `given` and may add to it. An older one, taken
        # up again, starts a `given` of its own.
        given = at.given if at.held == len(at.given) else dict(known)
    given.update(zip(page.rows.keys, page.stamps, strict=True))
    return replace(
        at,
        given=given,
        held=len(given),
        group=group,
        page=page_number,
        previous=page.rows.keys,
        fresh=at.fresh or page.brings_new,
        wide=wide,
    )
