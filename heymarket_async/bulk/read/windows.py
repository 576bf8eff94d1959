"""The parts of an account's time range that are walked side by side. Pure: no I/O, no clock.

A window is half-open: a contact is in it if above < updated <= up_to, as instants. So each contact
is in exactly one, wherever a page that overlaps was cut. Where a range is divided, the bound is a
whole second, and a group of contacts that share one `updated` is never divided.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

WORTH_SPLITTING = 4.0
"""Pages that a window must have left, by estimate, before it is divided."""


class Window(msgspec.Struct, kw_only=True):
    """A part of the time range, and how far it is read.

    Attributes:
        above: Instant that the contacts lie above, or None.
        up_to: The last instant in it, or None.
        cursor: Where its walk stands, as text; None before its first page.
        at: Instant of the last contact that was taken, or None.
        sharing: How many contacts that were taken share `at`.
        page_s: Seconds that the last page covered, at least one.
        is_read: Nothing is left.
    """

    above: str | None = None
    up_to: str | None = None
    cursor: str | None = None
    at: str | None = None
    sharing: int = 0
    page_s: Annotated[float, msgspec.Meta(ge=1.0)] = 1.0
    is_read: bool = False

    def places(self, stamps: list[str]) -> slice:
        """Return where, on a sorted page, the contacts of this window stand."""
        inside = [place for place, stamp in enumerate(stamps) if self.holds(stamp)]
        return slice(inside[0], inside[-1] + 1) if inside else slice(0)

    def ends_before(self, stamp: str, *, ascending: bool) -> bool:
        """Whether a walk that has come to this instant has left the window."""
        if ascending:
            return self.up_to is not None and stamp > self.up_to
        return self.above is not None and stamp <= self.above

    def start(self, *, ascending: bool) -> str | None:
        """Return the `date` to walk from.

        Nobody says whether the contacts at `date` are listed. So a walk starts where the first of
        this window are in any case; of those that are not in it, none is taken.
        """
        if ascending:
            return self.above and earlier(self.above, 0.0)
        return None if self.up_to is None else later(self.up_to, 1.0)

    def pages_left(self, far_end: str | None, *, ascending: bool) -> float:
        """Return an estimate of the pages that are left, from how dense the last one was."""
        end = (self.up_to if ascending else self.above) or far_end
        if self.is_read or self.at is None or end is None:
            return 0.0
        ahead_s = _seconds_between(self.at, end) if ascending else _seconds_between(end, self.at)
        return max(0.0, ahead_s) / self.page_s

    def split(self, far_end: str | None, *, ascending: bool) -> Window:
        """Cut off the farther half of what is left, of which there must be some, and return it."""
        end = (self.up_to if ascending else self.above) or far_end
        if self.at is None or end is None:
            raise ValueError("the window has no ends to be divided between")
        middle = later(self.at, _seconds_between(self.at, end) / 2)
        if ascending:
            other = Window(above=middle, up_to=self.up_to)
            self.up_to = middle
        else:
            other = Window(above=self.above, up_to=middle)
            self.above = middle
        return other

    def holds(self, stamp: str) -> bool:
        """Whether a contact of this instant is in the window."""
        is_above = self.above is None or self.above < stamp
        return is_above and (self.up_to is None or stamp <= self.up_to)


def earlier(instant: str, seconds: float) -> str:
    """Return the whole second, as a timestamp, that lies so long before an instant."""
    return later(instant, -seconds)


def seconds_covered(stamps: list[str]) -> float:
    """Return how many seconds lie between the first and the last of a page, at least one."""
    return max(1.0, abs(_seconds_between(stamps[0], stamps[-1])))


def later(instant: str, seconds: float) -> str:
    """Return the whole second, as a timestamp, that lies so long after an instant."""
    try:
        moment = _moment(instant) + timedelta(seconds=seconds)
    except OverflowError:
        return "0001-01-01T00:00:00Z" if seconds < 0 else "9999-12-31T23:59:59Z"
    return f"{moment.isoformat(timespec='seconds')}Z"


def _seconds_between(first: str, last: str) -> float:
    return (_moment(last) - _moment(first)).total_seconds()


def _moment(instant: str) -> datetime:
    # The whole second of the key that `timestamps.instant` makes.
    try:
        return datetime.fromisoformat(instant[:19])
    except ValueError:
        # Such as a thirteenth month. As naive as the others.
        return datetime.min  # noqa: DTZ901
