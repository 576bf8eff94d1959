"""Reads a group of rows with one timestamp that is larger than a page. Pure.

`date` stays the same, and the group is read `page` by `page`, at least 30 rows at a time. Rows
that are edited meanwhile leave the group and move the others, and no documentation says that rows
of one timestamp keep their order. So the group is read in passes:

- The first pass goes up, until a page leaves the group: it has another timestamp, or is not full.
- Each further pass goes down from there. A row that leaves the group moves the rows behind it
  towards the pages that are still to be read: so a row may come twice, and none is skipped. Newest
  first and without a `date`, edited rows come to the front instead. So a `date` is set, one second
  after the group.
- The group is complete once a pass has read no row that the passes before it lacked, in the same
  order as the pass before, with no more rows twice than have left the group. The first pass down
  is not enough for that: it reads too few rows again to show another order. If the server mixes up
  the rows of one timestamp, the pass must read the same rows as the one before, and none twice.

`walk.page_size.GroupPages` says which pages are believed. If one is not, or its limit fails, the
group is begun again with a documented limit.

These are the cases after a page, in the order in which they are looked at:

 1. The first page was asked for once more, and shows the order of the list.
    Continue with the page after which it was asked for. If the group has gone, it shows no order:
    begin at the first page.
 2. The page has another timestamp, and the order is not known. It may come before the group or
    after it. Ask for the first page once more (1).
 3. Larger limits are tried. If the page leaves the group, continue behind the group. Otherwise ask
    for more rows at once. If that does not get more rows, raise.
 4. The pass goes down. If the page is the first one, or begins before the group, the pass is over:
    leave the group, or begin the next pass. Such a page that also leaves the group has all of it.
    Otherwise ask for the page before it.
 5. The pass goes up, and the page leaves the group. Begin the pass down.
 6. The pass goes up, and the page has rows that the pass did not have. Ask for the next page.
 7. Page 1 has the rows of the first page again: the server counts from 1. Ask for page 2.
 8. A page has the rows of another again: `page` has no effect. Ask for more rows at once (3).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.errors import PaginationError
from heymarket_async.walk.cursor import PAGE_SIZE, SECOND_PAGE, Cursor, Seen, Ties, new_ties
from heymarket_async.walk.rows import Key, Rows

MOST_PASSES = 20
"""How often a group is read before the walk raises, because it changes too often."""

_ENOUGH_PASSES = 10
"""How often a group is read if a row comes twice in each pass."""


class GroupPage(msgspec.Struct, frozen=True):
    """A page of a group.

    Attributes:
        rows: Its rows.
        here: The instant of the `date` that it was asked from.
        is_full: It has at least as many rows as a page.
        new_stamps: The instants of the rows that were not given before.
        following: The limit of the next page that is not one of a group.
    """

    rows: Rows
    here: str | None
    is_full: bool
    new_stamps: frozenset[str]
    following: int | None


def stay(cursor: Cursor, rows: Rows, here: str | None, group: Ties | None = None) -> Cursor:
    """Stay at a `date` that cannot get past the group at the end of a page.

    Without a group, the same page is asked for again, with another limit.
    """
    given = cursor.given
    if rows.stamps[0] != here:
        # A server that left out the rows at `date` just now will do so again.
        given = Seen((key, stamp) for key, stamp in given.items() if stamp != here)
    return replace(cursor, back=None, given=given).held(rows, group)


def begin(cursor: Cursor, rows: Rows, here: str | None, limit: int | None) -> Cursor:
    """Begin to read the group at the end of a page with the limit of that page."""
    last = rows.times[-1]
    if (limit or cursor.page_size) < PAGE_SIZE:
        # With pages of a few rows, a page that comes again could be chance.
        return stay(cursor, rows, here, new_ties(last, None, PAGE_SIZE))
    group = new_ties(last, 1, limit, _places(rows, 0))
    if cursor.first_page == 1:
        group = replace(group, page=2, from_one=True)
    return stay(cursor, rows, here, group)


def begin_again(cursor: Cursor, group: Ties, limit: int | None) -> Cursor:
    """Read the group from its first page again, with another limit, and give no row again."""
    return replace(cursor, group=new_ties(group.updated, None, limit))


def after_page(cursor: Cursor, group: Ties, page: GroupPage) -> Cursor:
    """Return the cursor after a page of a group.

    Raises:
        PaginationError: The group cannot be read completely.
    """
    rows = page.rows
    if group.shows is not None:  # 1
        return _with_order(cursor, group, rows)
    last = rows.stamps[-1] if rows.stamps else group.stamp
    if cursor.ascending is None and not group.wide and last != group.stamp:  # 2
        return cursor.held(rows, replace(group, page=None, last=group.page, shows=last))
    has_left = not page.is_full or _is_behind(cursor, group, last)
    if has_left and not group.is_down:
        group = _with_target(cursor, group, page)
    if group.wide:  # 3
        # A larger limit may also be answered with fewer rows, or with none.
        is_believed = page.is_full or len(set(rows.ids)) >= group.passed.size
        return (
            _leave(cursor, group, rows) if has_left and is_believed else _wider(cursor, group, rows)
        )
    before, counted = group.passed.size, group
    group = _with_page(cursor, group, page)
    has_more = group.passed.size > before
    if group.is_down:  # 4
        if group.page is None and not has_more:
            group = replace(counted, from_one=True)  # page 1, read just now, was the first
        begins_here = bool(rows.stamps) and _is_ahead(cursor, group, rows.stamps[0])
        if cursor.first_page == 1 and group.page == 1 and not _is_of_first_page(group, rows):
            # The profile seems to be wrong. The page before this one will show it.
            cursor, group = replace(cursor, first_page=UNSET), replace(group, from_one=False)
        if begins_here or group.is_at_first_page:
            # Where `page` has no effect, edits can let the first page leave the group. It has all
            # of it then, and would come again in each pass.
            return (_leave if has_left else _end_pass)(cursor, group, rows)
        return cursor.held(rows, _ask(group, (group.page or 0) - 1))
    if has_left:  # 5
        return _turn(cursor, group, rows)
    if has_more:  # 6
        return cursor.held(rows, _ask(group, (group.page or 0) + 1))
    if group.page == 1:  # 7
        return cursor.held(rows, replace(group, page=2, from_one=True, repeats=0))
    passed = Seen(_places(rows, 0))  # 8
    limit = _double(group, rows)
    return cursor.held(rows, replace(group, page=None, limit=limit, wide=True, passed=passed))


def _with_order(cursor: Cursor, group: Ties, rows: Rows) -> Cursor:
    """Learn from the first page, asked for once more, whether the other one lies behind it."""
    first = rows.stamps[0] if rows.stamps else ""
    behind = group.shows or ""
    if first != group.stamp and (first < group.stamp) is (behind < group.stamp):
        # The group has left its place, and the other rows have moved up. They show no order.
        return cursor.held(rows, None)
    # Rows that were edited meanwhile are before the group now: then they are the newest.
    ascending = group.stamp < behind if first == group.stamp else first < group.stamp
    cursor = replace(cursor, ascending=ascending if cursor.ascending is None else cursor.ascending)
    return cursor.held(rows, replace(group, page=group.last, last=None, shows=None))


def _ask(group: Ties, number: int) -> Ties:
    first = 1 if group.from_one else 0
    return replace(group, page=number if number > first else first or None)


def _is_behind(cursor: Cursor, group: Ties, stamp: str) -> bool:
    """Whether a row of this instant comes after the group."""
    return stamp != group.stamp and cursor.ascending is (stamp > group.stamp)


def _is_ahead(cursor: Cursor, group: Ties, stamp: str) -> bool:
    """Whether a row of this instant comes before the group."""
    return stamp != group.stamp and cursor.ascending is (stamp < group.stamp)


def _wider(cursor: Cursor, group: Ties, rows: Rows) -> Cursor:
    passed = Seen(_places(rows, 0))
    if passed.size <= group.passed.size:
        raise PaginationError(
            f"at least {group.passed.size} rows share one timestamp, and neither `page` nor a"
            " larger `limit` brings the rest",
            timestamp=group.updated,
        )
    return cursor.held(rows, replace(group, limit=_double(group, rows), passed=passed))


def _double(group: Ties, rows: Rows) -> int:
    return 2 * max(group.limit or PAGE_SIZE, len(rows.ids))


def _places(rows: Rows, page: int) -> Iterator[tuple[Key, int]]:
    """Return rows with their places: the page, and the place on it."""
    return ((key, page * SECOND_PAGE + place) for place, key in enumerate(rows.all_keys()))


def _is_of_first_page(group: Ties, rows: Rows) -> bool:
    """Whether a page has rows that the first page had in an earlier pass."""
    places = group.before.entries if group.before else {}
    return any(places.get(key, SECOND_PAGE) < SECOND_PAGE for key in rows.all_keys())


def _with_page(cursor: Cursor, group: Ties, page: GroupPage) -> Ties:
    """Count a page towards the pass."""
    rows, instant = page.rows, group.stamp
    keys = [
        key for key, stamp in zip(rows.all_keys(), rows.stamps, strict=True) if stamp == instant
    ]
    repeats = sum(key in group.passed.entries for key in keys)
    order = group.before.entries if group.before else {}
    places = [order[key] for key in keys if key in order]
    comes_in = any(_is_ahead(cursor, group, stamp) for stamp in page.new_stamps)
    if group.before:
        group = _with_checked_target(cursor, group, page, comes_in=comes_in)
    return replace(
        group,
        passed=group.passed.with_more(_places(rows, group.page or 0)),
        repeats=group.repeats + repeats,
        brings_new=group.brings_new or comes_in or instant in page.new_stamps,
        is_mixed=group.is_mixed or places != sorted(places),
    )


def _with_checked_target(cursor: Cursor, group: Ties, page: GroupPage, *, comes_in: bool) -> Ties:
    """Continue right behind the group if rows there may have moved to pages that were read."""
    rows = page.rows
    moved_up: list[str] = []
    if group.is_down and (group.page or 0) != group.last:
        # Rows have left the group. Of those behind it, others may have come than are seen now.
        stamped = zip(rows.times, rows.stamps, strict=True)
        moved_up = [time for time, stamp in stamped if _is_behind(cursor, group, stamp)]
    if (comes_in or moved_up) and page.here != group.stamp:
        return replace(group, then=group.updated, back=None, behind=None)
    if moved_up:
        return replace(group, last=group.page, then=None, back=None, behind=moved_up[0])
    return group


def _with_target(cursor: Cursor, group: Ties, page: GroupPage) -> Ties:
    """Note where the walk continues after the group, from the page that has left it."""
    rows = page.rows
    if page.is_full:
        then, back = cursor.date_after(rows, group.updated, page.following)
        if timestamps.instant(then or group.updated) == page.here:
            return replace(group, behind=rows.times[-1])
        return replace(group, then=then, back=back)
    last = rows.times[-1] if rows.ids else group.updated
    stamp = timestamps.instant(last)
    if stamp == page.here or (stamp == group.stamp and not cursor.ascending):
        # The end: it was asked for from the last timestamp, or the group is there. Only oldest
        # first, more rows may come behind it meanwhile. But rows that were given behind the group
        # have to be here, unless the server lists the other side of `date`.
        behind = cursor.last_behind(group.stamp, rows)
        return replace(group, then=None if behind is None else timestamps.text_of(behind))
    return replace(group, then=last, back=None)


def _turn(cursor: Cursor, group: Ties, rows: Rows) -> Cursor:
    """Continue from the page that has left the group: down again, or to the next pass."""
    if group.is_at_first_page:
        return _leave(cursor, group, rows)  # it has the group from its beginning to its end
    if cursor.ascending is None:
        return _end_pass(cursor, group, rows)
    if group.before is None:
        group = replace(group, before=group.passed, passes=1, brings_new=False, is_mixed=False)
    number = group.page or 0
    group = replace(group, repeats=0, last=number)
    if not cursor.ascending and cursor.date is None:
        # Newest first, an edited row comes to the front, and moves all others. With the second
        # after the group as `date`, no row comes in at the front.
        cursor = replace(cursor, date=timestamps.second_after(group.updated))
        return cursor.held(rows, replace(group, passed=Seen()))
    down = replace(group, passed=Seen(_places(rows, number)), is_down=True)
    return cursor.held(rows, _ask(down, number - 1))


def _end_pass(cursor: Cursor, group: Ties, rows: Rows) -> Cursor:
    """Leave the group if it is complete, or begin the next pass."""
    if _is_complete(cursor, group):
        return _leave(cursor, group, rows)
    if group.passes + 1 == MOST_PASSES:
        raise PaginationError(
            "the rows that share one timestamp changed places each time they were read. Resume"
            " from the cursor of this error when fewer of them are edited",
            timestamp=group.updated,
        )
    again = replace(
        new_ties(group.updated, group.last, group.limit),
        from_one=group.from_one,
        before=group.passed,
        passes=group.passes + 1,
        last=group.last,
    )
    return cursor.held(rows, again)


def _is_complete(cursor: Cursor, group: Ties) -> bool:
    if group.before is None:
        return False
    mine, theirs = _members(cursor, group, group.passed), _members(cursor, group, group.before)
    if group.brings_new:
        return False
    if cursor.ascending is None and not theirs <= mine:
        return False  # rows behind the group may have moved to pages that were read
    if mine == theirs and not group.repeats:
        return True
    if group.is_mixed or group.passes < 2:
        return False  # the first pass down reads too few rows again to show another order
    unexplained = group.repeats - len(theirs - mine)
    if unexplained <= 0:
        return True
    # A row that is twice in the list may be cut in two by the end of each page. But two rows that
    # change places there look the same, and hide one of them. Each pass finds it with a chance of
    # one half.
    return unexplained <= len(mine) // PAGE_SIZE + 1 and group.passes >= _ENOUGH_PASSES


def _members(cursor: Cursor, group: Ties, passed: Seen[int]) -> set[Key]:
    instant = group.stamp
    return {key for key, _ in passed.items() if cursor.given.entries.get(key, instant) == instant}


def _leave(cursor: Cursor, group: Ties, rows: Rows) -> Cursor:
    """Continue behind the group."""
    if group.then is not None:
        return cursor.moved(rows, group.then, group.back)
    if group.behind is None:
        return replace(cursor, group=None, done=True)
    # `date` cannot move yet, as the page that has left the group has cut the next one.
    following = new_ties(
        group.behind,
        group.last if group.is_down else group.page,
        _double(group, rows) if group.wide else group.limit,
        _places(rows, 0) if group.wide else (),
    )
    return cursor.held(rows, replace(following, wide=group.wide, from_one=group.from_one))
