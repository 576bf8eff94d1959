"""Where a walk by timestamp goes next. Pure: no I/O, no model, no clock.

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
  leave the group and shift the rest, and nobody says that rows of one timestamp keep their order.
  So read the group again until a pass brings no row twice, and the same rows as the one before.
  Such a group is asked for with pages of at least 30.
- If the page number has no effect, ask for more rows at once, until another timestamp comes.
- The end is an empty page, or one that is not full, brings nothing new, and was asked for from the
  last timestamp.
- Whatever would mean to guess raises `PaginationError`. Nothing is skipped, nothing spins: each
  step moves `date`, brings something that its pass had not brought, or is counted.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import eq, ge, le
from typing import Any

import msgspec
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.cursor import Cursor, Group, Grown, Key, grown
from heymarket_async.errors import PaginationError

PAGE_SIZE = 30
"""Rows on a page that is asked for without a `limit`."""

MOST_PASSES = 20
"""How often a group is read before it counts as too restless to be read whole."""


class Rows(msgspec.Struct, frozen=True):
    """What the rules need to know of a page, in the order of the page.

    Attributes:
        ids: What names each row.
        revs: What tells its versions apart.
        updated: When it was updated, as the server wrote it.
        stamps: The instants of that.
    """

    ids: list[int]
    revs: list[int | None]
    updated: list[str]
    stamps: list[str]

    def key(self, place: int) -> Key:
        """Return what names a row, in this version."""
        return self.ids[place], self.revs[place]

    def all_keys(self) -> list[Key]:
        """Return the keys of all rows; seldom needed, and what is dearest about a large page."""
        return list(zip(self.ids, self.revs, strict=True))

    def part(self, places: slice) -> Rows:
        """Return those that stand together at these places."""
        return Rows(self.ids[places], self.revs[places], self.updated[places], self.stamps[places])

    def only(self, places: list[int]) -> Rows:
        """Return those at these places."""
        return Rows(
            [self.ids[each] for each in places],
            [self.revs[each] for each in places],
            [self.updated[each] for each in places],
            [self.stamps[each] for each in places],
        )


def rows_of(rows: Sequence[Any]) -> Rows:
    """Return what the rules need to know of a page's rows, which have `id`, `rev` and `updated`.

    Raises:
        PaginationError: One has no `id`, or no `updated`.
        ValueError: An `updated` is not a timestamp.
    """
    ids = [row.id for row in rows]
    updated = [row.updated for row in rows]
    if None in ids or None in updated:
        raise PaginationError("a contact came without `id` or `updated`")
    return Rows(ids, [row.rev for row in rows], updated, timestamps.instants(updated))


def step(at: Cursor, rows: Rows) -> tuple[slice | list[int], Cursor]:
    """Return which rows of the page asked for at a cursor are new, and the cursor after them.

    The rows are given by their places on the page.

    Raises:
        PaginationError: The walk cannot go on without guessing.
    """
    stamps = rows.stamps
    here = None if at.date is None else timestamps.instant(at.date)
    if stamps:
        at = _learn(at, here, stamps)
    new = _new(rows, at.given.entries)  # all its own: a walk steps from its newest cursor
    is_full = len(stamps) >= min(at.asks_limit or PAGE_SIZE, PAGE_SIZE)
    brings_new = new.start < len(stamps) if isinstance(new, slice) else bool(new)
    page = _Page(rows, here, is_full, brings_new)
    if at.group is None:
        return new, _after_page(at, page)
    return new, _after_page_of_group(at, at.group, page)


def partly(at: Cursor, rows: Rows, count: int) -> Cursor:
    """Return the cursor at which a page is asked for again without its first rows.

    Args:
        at: The cursor that the page was asked for at.
        rows: The rows that the page brought new.
        count: How many of them were given.
    """
    given = zip(rows.all_keys()[:count], rows.stamps[:count], strict=True)
    return replace(at, given=grown([*at.given.items(), *given]))


class _Page(msgspec.Struct):
    rows: Rows
    here: str | None
    is_full: bool
    brings_new: bool


def _new(rows: Rows, given: dict[Key, str]) -> slice | list[int]:
    # Rows that come again stand at the beginning, unless the server mixes up those of one instant.
    # A page holds no row twice.
    known = 0
    while known < len(rows.ids) and rows.key(known) in given:
        known += 1
    have_all_come = known == len(given)
    if have_all_come or {row for row, _ in given}.isdisjoint(rows.ids[known:]):
        return slice(known, None)
    return [place for place, key in enumerate(rows.all_keys()) if key not in given]


def _learn(at: Cursor, here: str | None, stamps: list[str]) -> Cursor:
    first, last = stamps[0], stamps[-1]
    ascending = at.ascending
    if ascending is None:
        before = here if at.group is None else timestamps.instant(at.group.updated)
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
    if not page.rows.stamps:
        return replace(at, done=True)
    last = page.rows.updated[-1]
    if not page.is_full:
        if page.rows.stamps[-1] == page.here and not page.brings_new:
            return replace(at, done=True)
        return _move(at, page, last)
    target = last if at.inclusive else _timestamp_before_last(page)
    if target is not None and timestamps.instant(target) != page.here:
        return _move(at, page, target)
    # A server that left out the rows at `date` just now will do so again.
    given = [(key, stamp) for key, stamp in at.given.items() if at.inclusive or stamp != page.here]
    at = replace(at, given=grown(given))
    if at.limit is not None and at.limit < PAGE_SIZE:
        # With pages of a few rows, a page that comes again could not be told from chance.
        group = Group(updated=last, page=None, limit=PAGE_SIZE, passed=Grown[None]({}, 0))
    else:
        passed = grown((key, None) for key in page.rows.all_keys())
        group = Group(updated=last, page=1, limit=at.limit, passed=passed)
    return _hold(at, page, group)


def _after_page_of_group(at: Cursor, group: Group, page: _Page) -> Cursor:
    instant = timestamps.instant(group.updated)
    if page.is_full and page.rows.stamps[-1] == instant:
        return _deeper(at, group, page)
    # The page left the group: this pass, or wide page, has come to its end.
    group = _with_rows(group, page.rows.all_keys())
    if not group.wide and not _is_like_the_pass_before(group):
        return _read_group_again(at, group, page)
    last = page.rows.updated[-1] if page.rows.stamps else group.updated
    if page.is_full and not at.inclusive:
        return _move(at, page, _timestamp_before_last(page) or group.updated)
    if not page.is_full and timestamps.instant(last) == page.here and not page.brings_new:
        return replace(at, done=True)
    return _move(at, page, last)


def _deeper(at: Cursor, group: Group, page: _Page) -> Cursor:
    """Go on within a group that the page did not leave."""
    keys = page.rows.all_keys()
    as_asked = grown((key, None) for key in keys)
    if group.wide:
        if len(keys) <= group.passed.size:
            raise PaginationError(
                f"more than {len(keys)} contacts share one `updated`, and neither `page` nor a"
                " larger `limit` brings the rest",
                timestamp=group.updated,
            )
        return _hold(at, page, replace(group, limit=_double(group, page), passed=as_asked))
    deeper = _with_rows(group, keys)
    if deeper.passed.size > group.passed.size:
        return _hold(at, page, replace(deeper, page=(group.page or 0) + 1))
    if group.page == 1:
        # The server counts from 1, so this was the first page once more.
        return _hold(at, page, replace(group, page=2))
    limit = _double(group, page)
    return _hold(at, page, replace(group, page=None, limit=limit, wide=True, passed=as_asked))


def _double(group: Group, page: _Page) -> int:
    return 2 * max(group.limit or PAGE_SIZE, len(page.rows.stamps))


def _with_rows(group: Group, keys: list[Key]) -> Group:
    passed = group.passed.grow((key, None) for key in keys)
    repeated = group.repeated or passed.size < group.passed.size + len(keys)
    return replace(group, passed=passed, repeated=repeated)


def _is_like_the_pass_before(group: Group) -> bool:
    # A pass misses a row only if another, which it had read, left the group meanwhile. The next
    # pass does not have that one any more. So two that brought the same have missed nothing.
    before = group.before
    if before is None or group.repeated:
        return False
    return group.passed.entries.keys() == before.entries.keys()


def _read_group_again(at: Cursor, group: Group, page: _Page) -> Cursor:
    if group.passes + 1 == MOST_PASSES:
        raise PaginationError(
            "the contacts that share one `updated` changed places each time they were read",
            timestamp=group.updated,
        )
    again = Group(
        updated=group.updated,
        page=None,
        limit=group.limit,
        passed=Grown[None]({}, 0),
        before=group.passed,
        passes=group.passes + 1,
    )
    return _hold(at, page, again)


def _timestamp_before_last(page: _Page) -> str | None:
    stamps = page.rows.stamps
    for place in range(len(stamps) - 2, -1, -1):
        if stamps[place] != stamps[-1]:
            return page.rows.updated[place]
    return None


def _move(at: Cursor, page: _Page, date: str) -> Cursor:
    """Ask from another `date`, and remember the rows that may then come again."""
    target, comes_again = timestamps.instant(date), _COMES_AGAIN[at.ascending]
    given = {key: stamp for key, stamp in at.given.items() if comes_again(stamp, target)}
    stamps = page.rows.stamps
    for place in range(len(stamps) - 1, -1, -1):
        if not comes_again(stamps[place], target):
            break
        given[page.rows.key(place)] = stamps[place]
    return Cursor(
        surface=at.surface,
        limit=at.limit,
        date=date,
        given=Grown(given, len(given)),
        inclusive=at.inclusive,
        ascending=at.ascending,
    )


_COMES_AGAIN: dict[bool | None, Callable[[str, str], bool]] = {True: ge, False: le, None: eq}
"""Whether a row of one instant may come again on the page that begins at another, by order."""


def _hold(at: Cursor, page: _Page, group: Group) -> Cursor:
    """Stay at this `date`, and remember all that the page brought."""
    given = at.given.grow(zip(page.rows.all_keys(), page.rows.stamps, strict=True))
    return replace(at, given=given, group=group)
