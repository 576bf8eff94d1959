"""The `limit` that a walk asks for, and which answers to it are believed. Pure.

A page has 30 rows unless a `limit` is given. It is not documented how large that may be for v1, nor
how a larger one is answered: with as many rows as the server gives at most, with 30, with none, or
with an error. So a walk begins without a `limit`. While as many rows come as were asked for, it
asks for 100, and then for twice as many each time.

An end, or a page of fewer than 30 rows, is believed only from a limit that is documented, or that
has brought at least 30 rows before. Otherwise the answer is dropped, and the same place is asked
for again with such a limit. A page of 30 rows or more needs no proof: the rules of the walk let it
end anywhere.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

import msgspec

from heymarket_async.errors import (
    AuthenticationError,
    ConnectError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    RateLimitError,
    ServerError,
    StatusError,
)
from heymarket_async.walk.cursor import PAGE_SIZE

_FIRST_TRY = 100
_ASKED_AGAIN = (StatusError, NoResponseError, ConnectError, DecodeError)
"""Errors of a try after which a proved limit is asked for. Any other ends the walk."""
_FOR_OTHER_REASONS = (AuthenticationError, RateLimitError, ConnectError)
"""Those that say nothing about the limit: it may be tried again."""


class PageSizes(msgspec.Struct):
    """The limits of a list that have been tried. All walks of a client share it.

    Attributes:
        best: The limit that has brought the most rows: a walk begins with it.
        proved: The largest limit that is documented, or has brought at least 30 rows.
        refused: The smallest limit that was refused, or brought too few rows, or None.
        failed: A limit that has failed once, which may be chance, or None.
    """

    best: int = PAGE_SIZE
    proved: int = PAGE_SIZE
    refused: int | None = None
    failed: int | None = None

    @property
    def trusted(self) -> int:
        """The best limit of those that are proved."""
        return min(self.best, self.proved)

    def refuse(self, limit: int) -> None:
        """Never ask for that much again."""
        self.refused = limit if self.refused is None else min(limit, self.refused)
        self.best = self.trusted


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

    __slots__ = ("_is_fixed", "_known", "_most", "limit", "tried")

    def __init__(self, known: PageSizes, *, fixed: int | None = None, most: int) -> None:
        self._known = known
        self._is_fixed = fixed is not None
        self._most = most if fixed is None else fixed
        self.tried: int | None = None
        self.limit = fixed or _as_sent(min(known.best, most))

    def is_try(self) -> bool:
        """Return whether the next request asks for more than is proved, and so may fail.

        A limit that another walk has seen refused meanwhile is not asked for.
        """
        known, asked = self._known, self.limit or PAGE_SIZE
        if asked <= known.proved or self._is_fixed:
            return False
        if known.refused is not None and asked >= known.refused:
            self.limit = self._proved()
            return False
        return True

    def believes(self, count: int) -> bool:
        """Return whether an answer of so many rows is believed, and set the next limit."""
        known, asked = self._known, self.limit or PAGE_SIZE
        if asked > known.proved:
            if count < PAGE_SIZE:
                self._go_back_from(asked)
                return False
            known.best, known.proved = max(known.trusted, min(count, asked)), asked
            if count < asked and not self._is_fixed:
                self._go_back_from(asked)
        if count >= asked and not self._is_fixed:
            known.best = max(known.best, asked)
            self._grow(asked)
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

    def outlives(self, error: HeymarketError) -> bool:
        """Go back to a proved limit after a try has failed; return whether that may help."""
        if not isinstance(error, _ASKED_AGAIN):
            return False
        known, asked = self._known, self.limit or PAGE_SIZE
        if not isinstance(error, _FOR_OTHER_REASONS):
            if _may_be_chance(error) and known.failed != asked:
                known.failed = asked
            else:
                known.refuse(asked)
        self.limit = self._proved()
        return True

    def _proved(self) -> int | None:
        return _as_sent(min(self._known.trusted, self._most))

    def _go_back_from(self, asked: int) -> None:
        self.tried = asked
        self.limit = self._proved()
        self._most = self.limit or PAGE_SIZE

    def _grow(self, asked: int) -> None:
        larger = min(max(_FIRST_TRY, 2 * asked), self._most)
        if self._known.refused is None or larger < self._known.refused:
            self.limit = _as_sent(larger)


def _as_sent(limit: int) -> int | None:
    return None if limit == PAGE_SIZE else limit


def _may_be_chance(error: HeymarketError) -> bool:
    is_garbled = isinstance(error, DecodeError) and error.is_garbled
    return is_garbled or isinstance(error, ServerError | NoResponseError)
