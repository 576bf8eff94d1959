"""What a walk may do after a page: move on to another `date`, or hold the one it has. Pure."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, le

import msgspec
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.walk.cursor import Cursor, Group, Grown
from heymarket_async.walk.rows import Rows

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
    def cut_at(self) -> int:
        """The place of the last row but those that share the last timestamp; -1 if all share it."""
        stamps = self.rows.stamps
        place = len(stamps) - 1
        while place >= 0 and stamps[place] == stamps[-1]:
            place -= 1
        return place


def onwards(at: Cursor, page: AskedPage, otherwise: str | None) -> tuple[str | None, str | None]:
    """Return the `date` after a full page, and the one to go back to if that was too far.

    Args:
        at: The cursor that the page was asked for at.
        page: The page.
        otherwise: The date if all rows of the page share one timestamp.
    """
    cut_at = page.cut_at
    before = page.rows.updated[cut_at] if cut_at >= 0 else otherwise
    if at.inclusive and before is not None and _fits(at, page, cut_at):
        return page.rows.updated[-1], before
    return before, None


def _fits(at: Cursor, page: AskedPage, cut_at: int) -> bool:
    # Only a page that can hold all rows given at its `date` can show whether they come again.
    known = list(at.given.entries.values()).count(page.rows.stamps[-1])
    return known + len(page.rows.stamps) - 1 - cut_at <= (at.limit or PAGE_SIZE)


def move(at: Cursor, page: AskedPage, date: str, back: str | None = None) -> Cursor:
    """Ask from another `date`, and remember the rows that may then come again."""
    target, comes_again = timestamps.instant(back or date), _COMES_AGAIN[at.ascending]
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
        back=back,
        given=Grown(given, len(given)),
        inclusive=at.inclusive,
        ascending=at.ascending,
    )


def hold(at: Cursor, page: AskedPage, group: Group) -> Cursor:
    """Stay at this `date`, and remember all that the page brought."""
    given = at.given.grow(zip(page.rows.all_keys(), page.rows.stamps, strict=True))
    return replace(at, given=given, group=group)


def _always(_stamp: str, _target: str) -> bool:
    return True


_COMES_AGAIN: dict[bool | None, Callable[[str, str], bool]] = {True: ge, False: le, None: _always}
"""Whether a row of one instant may come again on the page that begins at another, by order."""
