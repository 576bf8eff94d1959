"""What a walk may do after a page: move on to another `date`, or hold the one it has. Pure."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, le

import msgspec
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.cursor import Cursor, Group, Grown, grown
from heymarket_async.walk_rows import Rows

PAGE_SIZE = 30
"""Rows on a page that is asked for without a `limit`."""


class AskedPage(msgspec.Struct, frozen=True):
    """A page, as it was asked for.

    Attributes:
        rows: Its rows.
        here: The instant of the `date` that it was asked from.
        is_full: It may have cut a group of equal timestamps in two.
        new: The places of the rows that were not given before.
    """

    rows: Rows
    here: str | None
    is_full: bool
    new: slice | list[int]

    @property
    def brings_new(self) -> bool:
        """Whether a row was not given before."""
        return bool(self.new_stamps)

    @property
    def new_stamps(self) -> list[str]:
        """The instants of the rows that were not given before."""
        if isinstance(self.new, slice):
            return self.rows.stamps[self.new]
        return [self.rows.stamps[place] for place in self.new]

    @property
    def timestamp_before_last(self) -> str | None:
        """The last `updated` but one, as the server wrote it, or None if there is only one."""
        stamps = self.rows.stamps
        for place in range(len(stamps) - 2, -1, -1):
            if stamps[place] != stamps[-1]:
                return self.rows.updated[place]
        return None


def onwards(at: Cursor, page: AskedPage, otherwise: str | None) -> tuple[str | None, str | None]:
    """Return the `date` after a full page, and the one to go back to if that was too far.

    Args:
        at: The cursor that the page was asked for at.
        page: The page.
        otherwise: The date if all rows of the page share one timestamp.
    """
    before = page.timestamp_before_last or otherwise
    if at.inclusive and before is not None and _fits(at, page):
        return page.rows.updated[-1], before
    return before, None


def _fits(at: Cursor, page: AskedPage) -> bool:
    # Only a page that can hold all rows given at its `date` can show whether they come again.
    stamps = page.rows.stamps
    given = list(at.given.entries.values()).count(stamps[-1])
    return given + stamps.count(stamps[-1]) <= (at.limit or PAGE_SIZE)


def move(at: Cursor, page: AskedPage, date: str, back: str | None = None) -> Cursor:
    """Ask from another `date`, and remember the rows that may then come again."""
    target, comes_again = timestamps.instant(back or date), _COMES_AGAIN[at.ascending]
    given = may_come_again(at, target).entries
    stamps = page.rows.stamps
    for place in range(len(stamps) - 1, -1, -1):
        if not comes_again(stamps[place], target):
            break
        given[page.rows.key(place)] = stamps[place]
    return Cursor(
        surface=at.surface,
        limit=at.limit,
        date=date,
        back=back,
        given=Grown(given, len(given)),
        inclusive=at.inclusive,
        ascending=at.ascending,
    )


def may_come_again(at: Cursor, target: str) -> Grown[str]:
    """Return the rows given that may come again when pages are asked for from an instant."""
    comes_again = _COMES_AGAIN[at.ascending]
    return grown((key, stamp) for key, stamp in at.given.items() if comes_again(stamp, target))


def hold(at: Cursor, page: AskedPage, group: Group) -> Cursor:
    """Stay at this `date`, and remember all that the page brought."""
    given = at.given.grow(zip(page.rows.all_keys(), page.rows.stamps, strict=True))
    return replace(at, given=given, group=group)


def _always(_stamp: str, _target: str) -> bool:
    return True


_COMES_AGAIN: dict[bool | None, Callable[[str, str], bool]] = {True: ge, False: le, None: _always}
"""Whether a row of one instant may come again on the page that begins at another, by order."""
