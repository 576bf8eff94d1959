"""The next step of a walk after a page. Pure: no I/O, no model, no clock.

Heymarket documents this: rows are sorted by a timestamp, `updated` or the `date` of messages; the
last one, sent as the cursor (here `date`), gets the next page; a page has 30 rows unless a `limit`
is given. Heymarket does not document whether newest or oldest come first, whether the rows at
`date` are included, how large a `limit` may be, or whether `page` counts from 0 or 1. Many rows can
share one timestamp. The server may also keep fractions of a second that it does not show.

A page is full if it has at least min(limit, 30) rows. Of conversations, the size of a page is not
documented: there, a page is also full if no page before it was larger.
`walk.page_size` says which answers are
believed, and how the limit changes. Only a full page can end in the middle of a
group of rows with one `updated`. These are the cases, in the order in which they are looked at:

 1. Rows given at `date` did not come again, though the server seemed to include them.
    Conclude nothing from the page. Go back to the `date` before.
 2. No row of the page has a time. In a group they are rows of the group. Otherwise a page that is
    not full is the end, and a full page raises.
 3. The rows are not sorted, or are on the wrong side of `date`. Raise.
 4. A group larger than a page is being read. See `walk.ties`.
 5. The page is not full, has nothing new, and none of the rows that were given behind `date`. Ask
    from the last of these: if the server lists the other side of `date`, the walk then raises (3).
 6. The page is empty, or is not full, was asked for from its own last timestamp, and has nothing
    new. This is the end.
 7. The page is not full. Continue from its last timestamp.
 8. The page is full, and the server includes the rows at `date`: all rows given there came again.
    Continue from the last timestamp, and be ready to go back (1).
 9. The page is full. Continue from the timestamp before the last one: the group that the page has
    cut is then read again as a whole, and rows that were given already are left out.
10. The page is full, and `date` would stay the same: one group is larger than a page. If the next
    page will have another `limit`, ask for the same page again with that.
11. Otherwise keep `date` and read the group `page` by `page`. See `walk.ties`.

A row whose timestamp is not a time is given, and does not move `date`. If only a guess could
continue the walk, it raises `PaginationError`. It never skips and never loops: each step moves
`date`, has a row that its pass did not have, or is counted.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.errors import PaginationError
from heymarket_async.walk import ties
from heymarket_async.walk.cursor import PAGE_SIZE, Cursor
from heymarket_async.walk.rows import Key, Rows

Step = tuple[Rows, slice | list[int], Cursor]


def step(cursor: Cursor, rows: Rows, asked: int | None, following: int | None) -> Step:
    """Return a page's rows as they were placed, the places of the new rows, and the next cursor.

    Args:
        cursor: The cursor that says how the page was asked for.
        rows: The rows of the page.
        asked: The limit that the page was asked for with, or None.
        following: The limit of the next page, unless it is one of a group that is being read.

    Raises:
        PaginationError: The walk cannot continue without a guess.
    """
    here = None if cursor.date is None else timestamps.instant(cursor.date)
    if cursor.back is not None:
        given_here = [key for key, stamp in cursor.given.items() if stamp == here]
        if not _includes_all(given_here, rows):  # 1
            return rows, slice(0), replace(cursor, date=cursor.back, back=None, inclusive=None)
    if (rows.unplaced or rows.left_out) and rows.none_is_placed:  # 2
        if cursor.group is None:
            _check_is_last(cursor, rows, _is_full(cursor, rows, asked))
            return rows, _new(cursor, rows), replace(cursor, done=True)
        rows = rows.placed_at(cursor.group.updated)
    if rows.ids:
        cursor = _learned(cursor, here, rows)  # 3
    new = _new(cursor, rows)
    stamps = rows.stamps[new] if isinstance(new, slice) else [rows.stamps[each] for each in new]
    is_full = _is_full(cursor, rows, asked)
    if cursor.largest is not UNSET and asked is None:
        cursor = replace(cursor, largest=max(cursor.largest, len(rows)))
    if cursor.group is not None:  # 4
        page = ties.GroupPage(rows, here, is_full, frozenset(stamps), following)
        return rows, new, ties.after_page(cursor, cursor.group, page)
    if is_full:
        return rows, new, _after_full_page(cursor, rows, here, asked, following)
    return rows, new, _after_short_page(cursor, rows, here, has_new=bool(stamps))


def _is_full(cursor: Cursor, rows: Rows, asked: int | None) -> bool:
    """Whether a page with this limit, or None, may end in the middle of a group."""
    count = len(rows)
    if count >= min(asked or PAGE_SIZE, PAGE_SIZE):
        return True
    # A page of one row is taken for the end of the list, not for a part of a group.
    return cursor.largest is not UNSET and count >= max(cursor.largest, 2)


def _after_short_page(cursor: Cursor, rows: Rows, here: str | None, *, has_new: bool) -> Cursor:
    if not has_new and (last := cursor.last_behind(here, rows)) is not None:  # 5
        return replace(cursor, date=timestamps.text_of(last), back=None)
    if not rows.ids or (rows.stamps[-1] == here and not has_new):  # 6
        return replace(cursor, done=True)
    return cursor.moved(rows, rows.times[-1])  # 7


def _after_full_page(
    cursor: Cursor, rows: Rows, here: str | None, asked: int | None, following: int | None
) -> Cursor:
    date, back = cursor.date_after(rows, None, following)
    if date is not None and timestamps.instant(date) != here:
        return cursor.moved(rows, date, back)  # 8, 9
    if asked != following:  # 10
        return ties.stay(cursor, rows, here)
    return ties.begin(cursor, rows, here, asked)  # 11


def _new(cursor: Cursor, rows: Rows) -> slice | list[int]:
    """Return the places of the rows that were not given before."""
    given = cursor.given.entries  # its own entries only: a walk steps from its newest cursor
    if cursor.unplaced:
        given = given | dict.fromkeys(cursor.unplaced, "")
    # Rows that come again are at the beginning, unless the server mixes up those of one instant.
    known = 0
    while known < len(rows.ids) and rows.key(known) in given:
        known += 1
    is_known = known == len(given) or {row for row, _ in given}.isdisjoint(rows.ids[known:])
    if is_known and len(frozenset(rows.ids)) == len(rows.ids):  # no row is there twice
        return slice(known, None)
    seen = set(given)
    places: list[int] = []
    for place, key in enumerate(rows.all_keys()):
        if key not in seen:
            seen.add(key)
            places.append(place)
    return places


def _includes_all(given: list[Key], rows: Rows) -> bool:
    """Whether all rows that were given at `date` are on the page that was asked for from there."""
    first = [rows.key(place) for place in range(min(len(given), len(rows.ids)))]
    return given == first or set(given).issubset(rows.all_keys())


def _learned(cursor: Cursor, here: str | None, rows: Rows) -> Cursor:
    """Return the cursor with what the page shows: the order, and whether `date` is included.

    Raises:
        PaginationError: The rows are not in that order.
    """
    stamps = rows.stamps
    first, last = stamps[0], stamps[-1]
    ascending, inclusive = cursor.ascending, cursor.inclusive
    if ascending is None:
        if first != last:
            ascending = first < last
        elif here is not None and first != here:
            ascending = here < first
    if first == here and inclusive is False:
        given = [key for key, stamp in cursor.given.items() if stamp == here]
        inclusive = bool(given) and _includes_all(given, rows)
    if stamps != sorted(stamps, reverse=ascending is False):
        raise PaginationError(
            f"the page is not sorted by its timestamps, from id {_first_out_of_order(rows)} on",
            timestamp=cursor.date,
        )
    if here is not None and first != here and ascending is not (here < first):
        raise PaginationError("the page is on the wrong side of its cursor", timestamp=cursor.date)
    if ascending is cursor.ascending and inclusive is cursor.inclusive:
        return cursor
    return replace(cursor, ascending=ascending, inclusive=inclusive)


def _first_out_of_order(rows: Rows) -> int:
    stamps = rows.stamps
    is_up = stamps[0] < stamps[-1]
    pairs = zip(stamps, stamps[1:], rows.ids[1:], strict=False)
    wrong = (row for one, other, row in pairs if one != other and (one < other) != is_up)
    return next(wrong, rows.ids[0])


def _check_is_last(cursor: Cursor, rows: Rows, is_full: bool) -> None:
    if is_full:
        has_id = bool(rows.ids) and rows.ids[0] >= 0
        first = f"id {rows.ids[0]}" if has_id else "no `id`"
        raise PaginationError(
            f"no row of a page has a timestamp that can be read; the first has {first};"
            " a larger `limit` may reach one that has",
            timestamp=cursor.date,
        )
