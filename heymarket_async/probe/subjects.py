"""Contacts that a probe watches: whether a list from a time holds them. Pure, but for `Watch`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from itertools import groupby

import msgspec

from heymarket_async import timestamps
from heymarket_async.probe.asker import CouldNotTellError
from heymarket_async.walk.rows import Key, Rows

ENOUGH = 3
"""How many timestamps must behave alike before something is concluded."""
_MOST_TOGETHER = 10


class Subject(msgspec.Struct, frozen=True):
    """All contacts of one timestamp.

    Attributes:
        time: The timestamp, as the server wrote it.
        stamp: Its instant.
        place: How many contacts of the list come before them.
        keys: The ids and revisions of the contacts.
    """

    time: str
    stamp: str
    place: int
    keys: frozenset[Key]


def subjects_of(rows: Rows, times: Collection[str] | None = None) -> list[Subject]:
    """Return some subjects in the inner part of a page, far from each other.

    Those at the ends are left out: the end of the page may have cut them.

    Args:
        rows: The rows of the page.
        times: Return those with these timestamps instead.
    """
    found: list[Subject] = []
    for _, places in groupby(range(len(rows.stamps)), key=rows.stamps.__getitem__):
        group = list(places)
        keys = frozenset(map(rows.key, group))
        found.append(Subject(rows.times[group[0]], rows.stamps[group[0]], group[0], keys))
    if times is not None:
        return [each for each in found if each.time in times]
    inner = [each for each in found[1:-1] if len(each.keys) <= _MOST_TOGETHER]
    step = max(1, len(inner) // ENOUGH)
    return inner[step // 2 :: step][:ENOUGH]


class Watch:
    """Asks a list from times around a subject, and says whether the subject is stored later.

    Args:
        page: Gets the page from a time.
        digits: Digits of the fraction of a second in timestamps.
    """

    def __init__(self, page: Callable[[str], Awaitable[Rows]], digits: int) -> None:
        self._page = page
        self._digits = digits
        self.side: str = ""
        self._seen: dict[str, set[Key]] = {}

    async def learn_side(self, subject: Subject) -> None:
        """Find out on which side of `date` the listed contacts are.

        Raises:
            CouldNotTellError: The page does not show it.
        """
        time = self.just_after(subject)
        rows = await self._page(time)
        self._seen[time] = set(rows.all_keys())
        others = {each for each in rows.stamps if each != subject.stamp}
        sides = {each > subject.stamp for each in others}
        if not sides:
            raise CouldNotTellError("a page from the middle of the list has no other contacts")
        self.side = "ignored" if len(sides) == 2 else "after" if sides == {True} else "before"

    async def is_later(self, subject: Subject, time: str) -> bool | None:
        """Whether a subject is stored later than a time, or at it if the list leaves that out.

        None: some of its contacts are, and some are not.
        """
        keys = self._seen.get(time) or set((await self._page(time)).all_keys())
        is_listed = subject.keys <= keys
        if not is_listed and not subject.keys.isdisjoint(keys):
            return None
        return is_listed is (self.side == "after")

    def just_after(self, subject: Subject) -> str:
        """Return a time that is later by less than the server shows."""
        return self._moved(subject, 1)

    def just_before(self, subject: Subject) -> str:
        """Return a time that is earlier by less than the server shows."""
        return self._moved(subject, -1)

    def half_after(self, subject: Subject) -> str:
        """Return the time in the middle between what is shown and the next that could be."""
        return self._moved(subject, 10 ** (self._finer - self._digits) // 2)

    @property
    def _finer(self) -> int:
        return min(9, self._digits + 3)

    def _moved(self, subject: Subject, units: int) -> str:
        seconds, _, fraction = subject.stamp.partition("Z")
        digits = int(fraction[1:].ljust(self._finer, "0")[: self._finer]) + units
        moved_s, digits = divmod(digits, 10**self._finer)
        if moved_s:
            seconds = timestamps.later(subject.stamp, moved_s)[:-1]
        return f"{seconds}.{digits:0{self._finer}}Z"
