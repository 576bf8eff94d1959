"""The `limit` that a walk asks for, and which answers to it are believed. Pure.

A page has 30 rows unless a `limit` is given. It is not documented how large that may be for v1, nor
how a larger one is answered: with as many rows as the server gives at most, with a part of them,
with 30, with none, or with an error. A new version of the server may also answer in another way
than before. So a walk begins with the largest limit that is documented. While as many rows come as
were asked for, it asks for the limit that was best so far, or for 100, and then for twice as many.

An end, or a page of fewer than 30 rows, is believed only from a limit that is documented, whatever
a larger one has brought before. Otherwise the answer is dropped, and the same place is asked for
again with a documented limit. After a page of fewer rows than were asked for, the next request has
such a limit too, as it may find the end. A page of 30 rows or more is always taken: the rules of
the walk let it end anywhere.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

import msgspec

from heymarket_async.api_profile import ListFacts
from heymarket_async.errors import (
    AuthenticationError,
    ConnectError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    PaginationError,
    RateLimitError,
    ServerError,
    StatusError,
)
from heymarket_async.walk.cursor import PAGE_SIZE, Ties

_FIRST_TRY = 100
_ASKED_AGAIN = (StatusError, NoResponseError, ConnectError, DecodeError)
"""Errors of a try after which a smaller limit is asked for. Any other ends the walk."""
_FOR_OTHER_REASONS = (AuthenticationError, RateLimitError, ConnectError)
"""Those that say nothing about the limit: it may be tried again."""


class PageSizes(msgspec.Struct):
    """The limits of a list that have been tried. All walks of a client share it.

    Attributes:
        best: The limit that has brought the most rows: worth a try, but no proof of anything.
        documented: The largest limit that is documented.
        refused: The smallest limit that was refused, or brought too few rows, or None.
        failed: A limit that has failed once, which may be chance, or None.
    """

    best: int = PAGE_SIZE
    documented: int = PAGE_SIZE
    refused: int | None = None
    failed: int | None = None

    def refuse(self, limit: int) -> None:
        """Never ask for that much again."""
        self.refused = limit if self.refused is None else min(limit, self.refused)
        if self.best >= limit:
            self.best = self.documented


def learn_from(facts: ListFacts, sizes: PageSizes) -> None:
    """Note the limits that a profile has. Like all that was seen earlier, they prove no end."""
    sizes.best = max(sizes.best, facts.largest_limit or 0)
    if facts.over_limit is not None:
        sizes.refused = max(sizes.documented, facts.largest_limit or 0) + 1


class PageSize:
    """The size of the pages of one walk.

    Args:
        known: The limits that were tried, by this and other walks.
        fixed: The limit that the caller wants, or None to find out the best one.
        most: The largest limit to find out.

    Attributes:
        limit: `limit` to ask for next, or None for the default.
        tried: A larger limit that this walk has gone back from, or None.
    """

    __slots__ = ("_is_fixed", "_known", "_most", "_proved", "_too_large", "limit", "tried")

    def __init__(self, known: PageSizes, *, fixed: int | None = None, most: int) -> None:
        self._known = known
        self._is_fixed = fixed is not None
        self._most = most if fixed is None else fixed
        self._proved = known.documented  # the largest that is documented, or has come in this walk
        self._too_large: int | None = None  # the smallest that this walk has gone back from
        self.tried: int | None = None
        self.limit = fixed or self.documented

    @property
    def documented(self) -> int | None:
        """The largest `limit` that is documented and allowed, or None for the default."""
        return _as_sent(min(self._known.documented, self._most))

    def prepare(self) -> bool:
        """Get ready for the next request. Return whether it is a try, which is sent once.

        A limit that another walk has seen refused meanwhile is not asked for.
        """
        if self._is_fixed:
            return False
        refused = self._known.refused
        if refused is not None and (self.limit or PAGE_SIZE) >= refused:
            self._go_below(refused)
        return (self.limit or PAGE_SIZE) > self._proved

    def take(self, count: int) -> bool:
        """Set the next limit after an answer of so many rows. Return whether it is believed."""
        known, asked = self._known, self.limit or PAGE_SIZE
        if asked > known.documented and count < PAGE_SIZE:
            self._go_back_from(asked)
            return False
        if count >= PAGE_SIZE:
            self._proved = max(self._proved, asked)
        if self._is_fixed:
            return True
        if count >= asked:
            known.best = max(known.best, asked)
            self._grow(asked)
        elif asked > known.documented:
            if known.best < asked:
                known.best = max(known.best, count)
            self._go_back_from(asked)
        return True

    def settle(self, asked: int | None, count: int) -> None:
        """Refuse the limit that was gone back from, as a later page shows that more rows came.

        Args:
            asked: The limit of the later page.
            count: How many rows it has. At least one of them is new.
        """
        tried = self.tried
        if tried is not None and (asked or PAGE_SIZE) < tried and count >= PAGE_SIZE:
            self._known.refuse(tried)
            self.tried = None

    def go_back_after(self, error: HeymarketError) -> bool:
        """Set a smaller limit after a larger one has failed. Return whether that may help."""
        known, asked = self._known, self.limit or PAGE_SIZE
        is_proved = self._is_fixed or asked <= known.documented
        if is_proved or not isinstance(error, _ASKED_AGAIN):
            return False
        says_nothing = isinstance(error, _FOR_OTHER_REASONS)
        if asked <= self._proved and (says_nothing or _may_be_chance(error)):
            return False  # it was sent again already
        if not says_nothing:
            if _may_be_chance(error) and known.failed != asked:
                known.failed = asked
            else:
                known.refuse(asked)
        self._go_below(asked)
        return True

    def give_up(self, limit: int) -> None:
        """Ask for less than this limit in the rest of the walk, and first for the default."""
        self._is_fixed = False
        self._too_large = min(limit, self._too_large or limit)
        self.limit = self.documented

    def _go_below(self, limit: int) -> None:
        best = min(self._known.best, self._most)
        self.limit = _as_sent(best) if best < limit else self.documented

    def _go_back_from(self, asked: int) -> None:
        self.tried = asked
        self.give_up(asked)

    def _grow(self, asked: int) -> None:
        best = min(self._known.best, self._most)
        for larger in (best, min(max(_FIRST_TRY, 2 * asked), self._most)):
            if larger > asked and self._may_ask(larger):
                self.limit = _as_sent(larger)
                return

    def _may_ask(self, limit: int) -> bool:
        bounds = self._known.refused, self._too_large
        return all(bound is None or limit < bound for bound in bounds)


class GroupPages:
    """Which pages of groups larger than a page are believed, in one walk.

    A page of fewer rows than the ones before shows the end of the list, or that the server answers
    in another way now. Then the same place, counted in pages without a `limit`, has to show the end
    too. Otherwise the group is begun again without a `limit`.

    Args:
        documented: The largest limit that is documented.
    """

    __slots__ = ("_begun_again", "_documented", "_sizes")

    def __init__(self, documented: int) -> None:
        self._documented = documented
        self._sizes: dict[int, int] = {}  # by limit, the most rows that came
        self._begun_again: str | None = None

    def note(self, limit: int | None, count: int) -> None:
        """Note the size of a page, in or outside of a group."""
        asked = limit or PAGE_SIZE
        if count >= PAGE_SIZE:
            self._sizes[asked] = max(self._sizes.get(asked, 0), count)

    def is_doubted(self, group: Ties, count: int, *, leaves: bool) -> bool:
        """Whether a page of so many rows is not believed by itself.

        Args:
            group: The group, as the page was asked for.
            count: How many rows the page has.
            leaves: Its last row is not one of the group.
        """
        asked = group.limit or PAGE_SIZE
        if asked <= self._documented or group.wide:
            return False
        if group.is_down:
            return count < self._sizes.get(asked, asked)
        return count < PAGE_SIZE or (not leaves and count < self._sizes.get(asked, 0))

    def end(self, group: Ties, count: int) -> tuple[int | None, int] | None:
        """Return the page to ask for without a `limit`, and how many rows it has if it is the last.

        None: nothing can show that the list ends with the group's page.
        """
        size = self._sizes.get(group.limit or PAGE_SIZE)
        if size is None or group.is_down or group.shows is not None:
            return None
        first = 1 if group.from_one else 0
        number, rest = divmod(((group.page or first) - first) * size + count, PAGE_SIZE)
        return (number + first if number else None), rest

    def begin_again_after(self, group: Ties, error: HeymarketError) -> bool:
        """Return whether to begin a group again, as an error may be one of its limit."""
        if (group.limit or PAGE_SIZE) <= self._documented or self._begun_again == group.stamp:
            return False
        if isinstance(error, _FOR_OTHER_REASONS):
            return False
        return isinstance(error, (*_ASKED_AGAIN, PaginationError))

    def begin_again(self, group: Ties) -> int | None:
        """Note that a group is begun again, which happens once, and return the limit for it."""
        self._begun_again = group.stamp
        return _as_sent(self._documented)


def _as_sent(limit: int) -> int | None:
    return None if limit == PAGE_SIZE else limit


def _may_be_chance(error: HeymarketError) -> bool:
    is_garbled = isinstance(error, DecodeError) and error.is_garbled
    return is_garbled or isinstance(error, ServerError | NoResponseError)
