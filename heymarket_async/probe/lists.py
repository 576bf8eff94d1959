"""One list of contacts: its beginning as it was read, its other pages, and notes of its facts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from heymarket_async.api_profile import ListFacts
from heymarket_async.probe.asker import Asker, CouldNotTellError, Reply
from heymarket_async.probe.found import Found
from heymarket_async.probe.subjects import Subject, subjects_of
from heymarket_async.request import Endpoint
from heymarket_async.walk.rows import Rows

CHANGED = "the account changed meanwhile"
FEW = "the account has too few contacts"
NAMES = ListFacts.__struct_fields__


class ProbedList:
    """A list of contacts. `begin` comes first; it reads the pages that all facts need.

    Args:
        asker: Asks for pages.
        found: Takes the facts.
        name: "v1" or "v2".
        endpoint: The list.
        fixed: Parameters of all its pages.

    Attributes:
        first: The first page, without a `limit`.
        large: The first page with a large `limit`; None if none came.
        limit: The large `limit`, if it brought at least as many contacts; else None.
        rows: The rows of the larger of these pages.
        subjects: Contacts on it to watch.
        is_whole: That page has the whole list; None if that is not known.
    """

    def __init__(
        self,
        asker: Asker,
        found: Found,
        name: str,
        endpoint: Endpoint[Any],
        fixed: Mapping[str, object],
    ) -> None:
        self._asker = asker
        self._found = found
        self._name = name
        self._endpoint = endpoint
        self._fixed = fixed
        self.first = Reply(0)
        self.large: Reply | None = None
        self.limit: int | None = None
        self.rows = self.first.rows
        self.subjects: list[Subject] = []
        self.is_whole: bool | None = None

    @property
    def has_begun(self) -> bool:
        """Whether its first page could be read."""
        return self.first.is_list

    async def begin(self, limit: int) -> None:
        """Read the beginning of the list, without a `limit` and with a large one.

        Args:
            limit: The large one.
        """
        with self._found.telling(*self.names(*NAMES), "stored_finer"):
            self.first = (await self.page()).checked()
            self.rows = self.first.rows
        if not self.has_begun:
            return
        with self.telling("largest_limit", "over_limit"):
            self.large = await self.try_limit(limit)
            if self.large.is_list and self.large.size >= self.first.size:
                self.rows, self.limit = self.large.rows, limit
        self.subjects = subjects_of(self.rows)

    async def page(self, **body: object) -> Reply:
        """Ask for a page with these parameters."""
        return await self._asker.page(self._endpoint, **{**self._fixed, **body})

    async def try_limit(self, limit: int) -> Reply:
        """Ask for the first page with a `limit` that may be too large.

        After a 429 it asks for nothing: a large page may use up more of the rate limit.
        """
        if self._asker.was_refused:
            raise CouldNotTellError("no large `limit` is tried after a 429")
        return await self.page(limit=limit)

    async def rows_from(self, time: str) -> Rows:
        """Ask for the page from a `date`.

        It is as large as the page with the subjects: from a small one it could not be seen that
        `date` is ignored, nor all contacts of a timestamp.
        """
        return (await self.page(date=time, limit=self.limit)).checked().rows

    async def check_unchanged(self) -> None:
        """Read the beginning of the list again, and withdraw facts if watched contacts changed.

        A contact elsewhere may change: that happens all the time.
        """
        facts = (*self.names("includes_date", "first_page"), "stored_finer")
        counts = ("count_date", "count_includes_date", "count_is_whole")
        try:
            rows = (await self.page(limit=self.limit)).checked().rows
        except CouldNotTellError as error:
            self._found.withdraw(str(error), *facts, *counts)
            return
        now = subjects_of(rows, times={each.time for each in self.subjects})
        if self.subjects and [each.keys for each in now] != [each.keys for each in self.subjects]:
            self._found.withdraw(CHANGED, *facts, *counts)
            self.is_whole = None
        elif now != self.subjects or (self.is_whole and set(rows.ids) != set(self.rows.ids)):
            self._found.withdraw(CHANGED, *counts)
            self.is_whole = None if self.is_whole else self.is_whole
        if len(rows.ids) != len(self.rows.ids):
            self.is_whole = None

    @property
    def side(self) -> str | None:
        """The side of `date` that the list has: "before", "after" or "ignored"."""
        value = self._found.values.get(f"{self._name}.date")
        return None if value is None else str(value)

    def tell(self, name: str, value: object, *, otherwise: str = "") -> None:
        """Note a fact, or, if it is None, the reason for that."""
        if value is None:
            self._found.reasons[f"{self._name}.{name}"] = otherwise
        else:
            self._found.values[f"{self._name}.{name}"] = value

    def telling(self, *names: str) -> AbstractContextManager[None]:
        """If it raises, keep the reason for those of these facts that are not known."""
        return self._found.telling(*self.names(*names))

    def names(self, *names: str) -> list[str]:
        """Return the full names of facts of this list, such as "v1.order"."""
        return [f"{self._name}.{name}" for name in names]


def is_ascending(rows: Rows) -> bool:
    """Whether a page is sorted, the oldest first.

    Raises:
        CouldNotTellError: It is not sorted, or has one timestamp only.
    """
    stamps = rows.stamps
    if not stamps or stamps[0] == stamps[-1] == max(stamps):
        raise CouldNotTellError("a page has fewer than two timestamps")
    is_oldest_first = stamps[0] < stamps[-1]
    if stamps != sorted(stamps, reverse=not is_oldest_first):
        raise CouldNotTellError("a page is not sorted by `updated`")
    return is_oldest_first
