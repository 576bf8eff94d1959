"""How a group of equal timestamps that is larger than a page is read. Pure.

`date` is held, and the group is read `page` by `page`, at least 30 rows at a time. Contacts that
are edited meanwhile leave the group and shift the others, and nobody says that rows of one
timestamp keep their order. So:

- The first pass goes up, until a page leaves the group: another timestamp comes, or a page that is
  not full. If it is not known yet which timestamps come first, the first page is asked for again.
- Each further pass goes down from there. A row that leaves the group moves those behind it towards
  the pages that are still to be read: so one may come twice, and none is skipped. Newest first and
  without a `date`, edited rows come to the front instead; so a `date` is set, right after it.
- The group is whole once a pass brought no row that those before it lacked, in the same order as
  the one before, with no more rows twice than have left the group. Where a server mixes up the rows
  of one timestamp, the pass must bring the same rows as the one before, and none twice.
- If `page` has no effect, ask for more rows at once, until another timestamp comes.
"""

from __future__ import annotations

from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.errors import PaginationError
from heymarket_async.walk.cursor import Cursor, Group, Grown, Key, grown
from heymarket_async.walk.moves import PAGE_SIZE, AskedPage, hold, move, onwards
from heymarket_async.walk.rows import Rows

MOST_PASSES = 20
"""How often a group is read before it counts as too restless to be read whole."""


def begin(at: Cursor, page: AskedPage) -> Cursor:
    """Begin to read the group that the end of a page belongs to, and that `date` cannot pass."""
    given = at.given
    if page.rows.stamps[0] != page.here:
        # A server that left out the rows at `date` just now will do so again.
        given = grown((key, stamp) for key, stamp in given.items() if stamp != page.here)
    at = replace(at, back=None, given=given)
    last = page.rows.updated[-1]
    if at.limit is not None and at.limit < PAGE_SIZE:
        # With pages of a few rows, a page that comes again could not be told from chance.
        return hold(at, page, Group(updated=last, page=None, limit=PAGE_SIZE, passed=grown(())))
    group = Group(updated=last, page=1, limit=at.limit, passed=_passed(page.rows, 0))
    return hold(at, page, group)


def after_page(at: Cursor, group: Group, page: AskedPage) -> Cursor:
    """Return the cursor after a page of a group.

    Raises:
        PaginationError: The group cannot be read whole.
    """
    if group.shows is not None:
        return _with_order(at, group, page)
    stamps = page.rows.stamps
    if at.ascending is None and not group.wide and stamps and not _is_of(group, stamps[-1]):
        # Nobody can tell yet whether this page lies before the group or behind it.
        return hold(at, page, replace(group, page=None, last=group.page, shows=stamps[-1]))
    has_left = not page.is_full or _is_behind(at, group, stamps[-1])
    if has_left and not group.is_down:
        group = _aim(at, group, page)
    if group.wide:
        # A larger limit may also be answered with less, or with nothing.
        is_believed = page.is_full or len(set(page.rows.ids)) >= group.passed.size
        return _leave(at, group, page) if has_left and is_believed else _wider(at, group, page)
    before, counted = group.passed.size, group
    group = _with_page(at, group, page)
    if group.is_down:
        if group.page is None and group.passed.size == before:
            group = replace(counted, from_one=True)  # page 1, read just now, was the first
        begins_here = bool(stamps) and _is_ahead(at, group, stamps[0])
        if begins_here or group.is_at_first_page:
            return _judge(at, group, page)
        return hold(at, page, _ask(group, (group.page or 0) - 1))
    if has_left:
        return _turn(at, group, page)
    if group.passed.size > before:
        return hold(at, page, _ask(group, (group.page or 0) + 1))
    if group.page == 1:
        # The server counts from 1, so this was the first page once more.
        return hold(at, page, replace(group, page=2, from_one=True, repeats=0))
    passed = _passed(page.rows, 0)
    wide = replace(group, page=None, limit=_double(group, page), wide=True, passed=passed)
    return hold(at, page, wide)


def _with_order(at: Cursor, group: Group, page: AskedPage) -> Cursor:
    """Learn from the first page, asked for once more, whether the other one lies behind it."""
    first = page.rows.stamps[0] if page.rows.stamps else ""
    instant = timestamps.instant(group.updated)
    behind = group.shows or ""
    # Rows that were edited meanwhile stand before the group now: then they are the newest.
    ascending = instant < behind if first == instant else first < instant
    at = replace(at, ascending=ascending if at.ascending is None else at.ascending)
    return hold(at, page, replace(group, page=group.last, last=None, shows=None))


def _ask(group: Group, number: int) -> Group:
    first = 1 if group.from_one else 0
    return replace(group, page=number if number > first else first or None)


def _is_of(group: Group, stamp: str) -> bool:
    return stamp == timestamps.instant(group.updated)


def _is_behind(at: Cursor, group: Group, stamp: str) -> bool:
    """Whether a row of this instant comes after the group."""
    return not _is_of(group, stamp) and at.ascending is (stamp > timestamps.instant(group.updated))


def _is_ahead(at: Cursor, group: Group, stamp: str) -> bool:
    """Whether a row of this instant comes before the group."""
    return not _is_of(group, stamp) and at.ascending is (stamp < timestamps.instant(group.updated))


def _wider(at: Cursor, group: Group, page: AskedPage) -> Cursor:
    passed = _passed(page.rows, 0)
    if passed.size <= group.passed.size:
        raise PaginationError(
            f"at least {group.passed.size} contacts share one `updated`, and neither `page` nor a"
            " larger `limit` brings the rest",
            timestamp=group.updated,
        )
    return hold(at, page, replace(group, limit=_double(group, page), passed=passed))


def _double(group: Group, page: AskedPage) -> int:
    return 2 * max(group.limit or PAGE_SIZE, len(page.rows.ids))


def _passed(rows: Rows, page: int, earlier: Grown[int] | None = None) -> Grown[int]:
    # The place of a row: its page, and where it stands there.
    places = ((key, (page << 20) + place) for place, key in enumerate(rows.all_keys()))
    return grown(places) if earlier is None else earlier.grow(places)


def _with_page(at: Cursor, group: Group, page: AskedPage) -> Group:
    """Count a page towards the pass."""
    rows = page.rows
    keys = [
        key for key, stamp in zip(rows.all_keys(), rows.stamps, strict=True) if _is_of(group, stamp)
    ]
    repeats = sum(key in group.passed.entries for key in keys)
    order = group.before.entries if group.before else {}
    places = [order[key] for key in keys if key in order]
    comes_in = group.before and any(_is_ahead(at, group, stamp) for stamp in page.new_stamps)
    if comes_in and not _is_of(group, page.here or ""):
        # Rows that come in before the group may have moved the first ones behind it out of sight.
        group = replace(group, then=group.updated, back=None, behind=None)
    return replace(
        group,
        passed=_passed(rows, group.page or 0, group.passed),
        repeats=group.repeats + repeats,
        brings_new=group.brings_new or timestamps.instant(group.updated) in page.new_stamps,
        is_mixed=group.is_mixed or places != sorted(places),
    )


def _aim(at: Cursor, group: Group, page: AskedPage) -> Group:
    """Note where the walk goes after the group, from the page that has left it."""
    rows = page.rows
    if page.is_full:
        then, back = onwards(at, page, group.updated)
        if timestamps.instant(then or group.updated) == page.here:
            return replace(group, behind=rows.updated[-1])
        return replace(group, then=then, back=back)
    last = rows.updated[-1] if rows.ids else group.updated
    stamp = timestamps.instant(last)
    if stamp == page.here or (_is_of(group, stamp) and not at.ascending):
        # The end: it was asked for from the last timestamp, or the group stands there. Only oldest
        # first, more may come behind it meanwhile.
        return replace(group, then=None)
    return replace(group, then=last, back=None)


def _turn(at: Cursor, group: Group, page: AskedPage) -> Cursor:
    """Go on from the page that has left the group: down again, or to the next pass."""
    if group.is_at_first_page:
        return _leave(at, group, page)  # it has the group from its beginning to its end
    if at.ascending is None:
        return _judge(at, group, page)
    if group.before is None:
        group = replace(group, before=group.passed, passes=1, brings_new=False, is_mixed=False)
    number = group.page or 0
    if not at.ascending and at.date is None:
        # Newest first, whoever is edited comes to the front, where he moves all others. Before the
        # second that follows the group nobody comes in.
        at = replace(at, date=timestamps.second_after(group.updated))
        again = replace(group, passed=grown(()), repeats=0, last=number)
        return hold(at, page, again)
    passed = _passed(page.rows, number)
    down = replace(group, passed=passed, repeats=0, last=number, is_down=True)
    return hold(at, page, _ask(down, number - 1))


def _judge(at: Cursor, group: Group, page: AskedPage) -> Cursor:
    """Leave the group if it is whole, or begin the next pass."""
    if _is_whole(at, group):
        return _leave(at, group, page)
    if group.passes + 1 == MOST_PASSES:
        raise PaginationError(
            "the contacts that share one `updated` changed places each time they were read; resume"
            " from the cursor of this error when fewer of them are edited",
            timestamp=group.updated,
        )
    again = Group(
        updated=group.updated,
        page=group.last,
        limit=group.limit,
        from_one=group.from_one,
        passed=grown(()),
        before=group.passed,
        passes=group.passes + 1,
        last=group.last,
    )
    return hold(at, page, again)


def _is_whole(at: Cursor, group: Group) -> bool:
    if group.before is None:
        return False
    mine, theirs = _members(at, group, group.passed), _members(at, group, group.before)
    if mine == theirs and not group.repeats:
        return True
    # A row that stands twice in the list may be cut in two by the end of each page.
    is_explained = group.repeats <= len(theirs - mine) + len(mine) // PAGE_SIZE + 1
    return is_explained and not group.brings_new and not group.is_mixed


def _members(at: Cursor, group: Group, passed: Grown[int]) -> set[Key]:
    instant = timestamps.instant(group.updated)
    return {key for key, _ in passed.items() if at.given.entries.get(key, instant) == instant}


def _leave(at: Cursor, group: Group, page: AskedPage) -> Cursor:
    """Go on behind the group."""
    if group.then is not None:
        return move(at, page, group.then, group.back)
    if group.behind is None:
        return replace(at, group=None, done=True)
    # `date` cannot move yet, as the page that has left the group has cut the next one.
    following = Group(
        updated=group.behind,
        page=group.last if group.is_down else group.page,
        limit=_double(group, page) if group.wide else group.limit,
        wide=group.wide,
        from_one=group.from_one,
        passed=_passed(page.rows, 0) if group.wide else grown(()),
    )
    return hold(at, page, following)
