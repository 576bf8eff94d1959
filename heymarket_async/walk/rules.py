"""Where a walk by timestamp goes next. Pure: no I/O, no model, no clock.

The API says: rows are sorted by `updated`; pass the last `updated` as `date` to get the next page,
of 30 rows unless a `limit` is given. Nobody says whether newest or oldest come first, whether the
row at `date` is in or out, how large a `limit` may be, or whether `page` counts from 0 or 1. Many
rows can share one `updated`, and where the row at `date` is out, the plain walk skips those that
the end of a page cut off. The server may also keep fractions of a second that it does not show. So:

- A page is full from min(limit, 30) rows on; only a full page can have cut a group of equal
  timestamps in two. After a page that is not full, go on from its last `updated`, as the guide
  says.
- After a full page, go back to the timestamp before the last one: the cut group is then read again
  whole, and the rows that were given already are left out.
- If all rows given at `date` came again, the server includes them, and the last `updated` is tried
  after a full page. Should those given there not all come again, nothing is concluded from that
  page: go back to the timestamp before.
- A full page that cannot move `date` is a group larger than a page: hold `date` and read `page` by
  `page`; see `walk.groups`.
- A row that cannot be placed in time is given, and does not move `date`.
- The end is an empty page, or one that is not full, brings nothing new, and was asked for from the
  last timestamp.
- Whatever would mean to guess raises `PaginationError`. Nothing is skipped, nothing spins: each
  step moves `date`, brings something that its pass had not brought, or is counted.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.errors import PaginationError
from heymarket_async.walk import groups
from heymarket_async.walk.cursor import Cursor, Key, grown
from heymarket_async.walk.moves import PAGE_SIZE, AskedPage, move, onwards
from heymarket_async.walk.rows import Rows, carefully_placed

Step = tuple[Rows, slice | list[int], Cursor]


def step(at: Cursor, rows: Rows) -> Step:
    """Return a page's rows as they were placed, the places of those that are new, and the cursor.

    Args:
        at: The cursor that the page was asked for at.
        rows: Its rows.

    Raises:
        PaginationError: The walk cannot go on without guessing.
    """
    try:
        taken = _step(at, rows)
        if _stands_in_time(at, taken[-1]):
            return taken
    except PaginationError:
        if carefully_placed(rows) == rows:
            raise
    # A day that is in no calendar does not move the walk, and may stand at any place.
    return _step(at, carefully_placed(rows))


def _stands_in_time(before: Cursor, after: Cursor) -> bool:
    is_at_time = after.date in {None, before.date} or timestamps.is_time(after.date)
    group = after.group
    return is_at_time and (group is None or timestamps.is_time(group.updated))


def _step(at: Cursor, rows: Rows) -> Step:
    here = None if at.date is None else timestamps.instant(at.date)
    expected = at.given.size
    if at.back is not None:
        given_here = [key for key, stamp in at.given.items() if stamp == here]
        if not _come_again(given_here, rows):
            return rows, slice(0), replace(at, date=at.back, back=None, inclusive=None)
        expected = len(given_here)  # the others stand before `date`
    if (rows.unplaced or rows.left_out) and rows.none_is_placed:
        if at.group is None:
            return _after_unplaced(at, rows)
        rows = rows.placed_at(at.group.updated)
    if rows.ids:
        at = _learn(at, here, rows)
    new = _new(at, rows, expected)
    page = AskedPage(rows, here, _is_full(at, rows), new)
    if at.group is None:
        return rows, new, _after_page(at, page)
    return rows, new, groups.after_page(at, at.group, page)


def partly(at: Cursor, rows: Rows, count: int) -> Cursor:
    """Return the cursor at which a page is asked for again without its first rows.

    Args:
        at: The cursor that the page was asked for at.
        rows: The rows that the page brought new.
        count: How many of them were given.
    """
    given = zip(rows.all_keys()[:count], rows.stamps[:count], strict=True)
    return replace(at, given=grown([*at.given.items(), *given]))


def _is_full(at: Cursor, rows: Rows) -> bool:
    return len(rows.ids) + rows.left_out >= min(at.asks_limit or PAGE_SIZE, PAGE_SIZE)


def _new(at: Cursor, rows: Rows, expected: int) -> slice | list[int]:
    given = at.given.entries  # all its own: a walk steps from its newest cursor
    # Rows that come again stand at the beginning, unless the server mixes up those of one instant.
    known = 0
    while known < len(rows.ids) and rows.key(known) in given:
        known += 1
    is_known = known == expected or {row for row, _ in given}.isdisjoint(rows.ids[known:])
    if is_known and len(frozenset(rows.ids)) == len(rows.ids):  # nobody stands there twice
        return slice(known, None)
    seen = set(given)
    places: list[int] = []
    for place, key in enumerate(rows.all_keys()):
        if key not in seen:
            seen.add(key)
            places.append(place)
    return places


def _come_again(given: list[Key], rows: Rows) -> bool:
    """Whether all rows that were given at `date` are on the page that was asked for from there."""
    first = [rows.key(place) for place in range(min(len(given), len(rows.ids)))]
    return given == first or set(given).issubset(rows.all_keys())


def _learn(at: Cursor, here: str | None, rows: Rows) -> Cursor:
    stamps = rows.stamps
    first, last = stamps[0], stamps[-1]
    ascending, inclusive = at.ascending, at.inclusive
    if ascending is None:
        if first != last:
            ascending = first < last
        elif here is not None and first != here:
            ascending = here < first
    if first == here and inclusive is False:
        given = [key for key, stamp in at.given.items() if stamp == here]
        inclusive = bool(given) and _come_again(given, rows)
    if stamps != sorted(stamps, reverse=ascending is False):
        raise PaginationError(
            f"the page is not sorted by `updated`, from contact {_first_out_of_order(rows)} on",
            timestamp=at.date,
        )
    if here is not None and first != here and ascending is not (here < first):
        raise PaginationError("the page lies on the other side of its `date`", timestamp=at.date)
    if ascending is at.ascending and inclusive is at.inclusive:
        return at
    return replace(at, ascending=ascending, inclusive=inclusive)


def _first_out_of_order(rows: Rows) -> int:
    stamps = rows.stamps
    is_up = stamps[0] < stamps[-1]
    places = range(1, len(stamps))
    wrong = (
        n for n in places if stamps[n] != stamps[n - 1] and (stamps[n - 1] < stamps[n]) != is_up
    )
    return rows.ids[next(wrong, 0)]


def _after_page(at: Cursor, page: AskedPage) -> Cursor:
    rows = page.rows
    if not rows.ids:
        return replace(at, done=True)
    if not page.is_full:
        if rows.stamps[-1] == page.here and not page.brings_new:
            return replace(at, done=True)
        return move(at, page, rows.updated[-1])
    date, back = onwards(at, page, None)
    if date is None or timestamps.instant(date) == page.here:
        return groups.begin(at, page)
    return move(at, page, date, back)


def _after_unplaced(at: Cursor, rows: Rows) -> Step:
    if _is_full(at, rows):
        raise PaginationError(
            "no contact of a page has an `updated` that can be read; the first is"
            f" {rows.first_name}; a larger `limit` may reach one that has",
            timestamp=at.date,
        )
    # A page that is not full and moves nothing is the last one.
    return rows, _new(at, rows, at.given.size), replace(at, done=True)
