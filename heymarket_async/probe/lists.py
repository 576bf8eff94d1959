"""The facts about one list of contacts: order, cursor, pages, and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from heymarket_async.api_profile import ListFacts
from heymarket_async.probe.asker import Asker, CouldNotTellError, Reply
from heymarket_async.probe.found import Found
from heymarket_async.probe.limits import FEW, Limits
from heymarket_async.probe.subjects import ENOUGH, Subject, Watch, compared, subjects_of
from heymarket_async.request import Endpoint
from heymarket_async.walk.rows import Rows

_LONG_AGO, _FAR_AHEAD = "1970-01-02T00:00:00Z", "2199-01-01T00:00:00Z"
_FAR_PAGE = 1_000_000
_SORTED_BY_CHANCE = 6
"""So many timestamps are in order by chance once in 360 times, fewer too often."""
CHANGED = "the account changed meanwhile"
NAMES = ListFacts.__struct_fields__


class ListProbe:
    """Finds the facts about a list. `begin` comes first; it reads the pages that the others need.

    Args:
        asker: Asks for pages.
        found: Takes the facts.
        name: "v1" or "v2".
        endpoint: The list.
        fixed: Parameters of all its pages.

    Attributes:
        rows: The rows of the largest page from the beginning of the list.
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
        self._first = Reply(0)
        self._large: Reply | None = None
        self._limit: int | None = None
        self.rows = self._first.rows
        self.subjects: list[Subject] = []
        self.is_whole: bool | None = None

    @property
    def has_begun(self) -> bool:
        """Whether its first page could be read."""
        return self._first.is_list

    async def begin(self, limit: int) -> None:
        """Read the beginning of the list, without a `limit` and with a large one.

        Args:
            limit: The large one.
        """
        names = [f"{self._name}.{each}" for each in NAMES]
        with self._found.telling(*names, "stored_finer"):
            self._first = (await self._page()).checked()
            self.rows = self._first.rows
        if not self.has_begun:
            return
        with self._telling("largest_limit", "over_limit"):
            self._large = await self._page(limit=limit)
            if self._large.is_list and self._large.size >= self._first.size:
                self.rows, self._limit = self._large.rows, limit
        self.subjects = subjects_of(self.rows)

    async def ask_for_order(self) -> None:
        """Find the order of the list, and whether `ascending` changes it."""
        with self._telling("order", "ascending"):
            is_ascending = _is_ascending(self.rows)
            if len(set(self.rows.stamps)) < _SORTED_BY_CHANCE:
                raise CouldNotTellError(f"a page has fewer than {_SORTED_BY_CHANCE} timestamps")
            self._tell("order", "oldest first" if is_ascending else "newest first")
            fixed = {**self._fixed, "ascending": not is_ascending}
            page = (await self._asker.page(self._endpoint, **fixed)).checked()
            self._tell("ascending", _is_ascending(page.rows) is not is_ascending)

    async def ask_from_times(self, digits: int) -> None:
        """Find which contacts the list has from a `date`, and how exactly it compares.

        Args:
            digits: Digits of the fraction of a second in timestamps.
        """
        watch = Watch(self._rows_from, digits)
        names = [f"{self._name}.{each}" for each in ("date", "includes_date")]
        with self._found.telling(*names, "stored_finer"):
            if not self.subjects:
                raise CouldNotTellError("a page has fewer than three timestamps")
            await watch.learn_side(self.subjects[0])
            if watch.side == "ignored":
                self._tell("date", watch.side)
                raise CouldNotTellError("`date` has no effect")
            if (watch.side == "after") is not _is_ascending(self.rows):
                raise CouldNotTellError("pages from a `date` begin at the other end of the list")
            self._tell("date", watch.side)
            if len(self.subjects) < ENOUGH:
                raise CouldNotTellError(f"a page has fewer than {ENOUGH + 2} timestamps")
            is_finer = self._found.values.get("stored_finer")
            if is_finer is not True:
                is_exact, includes = await compared(
                    watch, self.subjects, is_exact=is_finer is False
                )
                self._found.values["stored_finer"] = not is_exact
                if includes is not None:
                    self._tell("includes_date", includes)
                    return
            raise CouldNotTellError("the server keeps fractions of a second that it hides")

    async def ask_for_pages(self) -> None:
        """Find the number of the first page, and whether there are more contacts than were read."""
        with self._telling("first_page"):
            if not self.rows.ids:
                raise CouldNotTellError("the account has no contacts")
            if await self._is_behind(1):
                self._tell("first_page", 0)
            elif await self._is_behind(2):
                self._tell("first_page", 1)
            else:
                await self._ask_for_more()
                if self.is_whole is not False:
                    raise CouldNotTellError(FEW)
                page = (await self._page(limit=self._limit, page=2)).checked()
                if page.rows.ids != self.rows.ids:
                    raise CouldNotTellError("`page` may count something other than pages")
                self._tell("first_page", "ignored")
        with self._telling():
            if self.is_whole is None:
                await self._ask_for_more()

    async def check_unchanged(self) -> None:
        """Read the beginning of the list again, and withdraw facts if watched contacts changed.

        A contact elsewhere may change: that happens all the time.
        """
        facts = (f"{self._name}.includes_date", f"{self._name}.first_page", "stored_finer")
        counts = ("count_date", "count_includes_date", "count_is_whole")
        try:
            rows = (await self._page(limit=self._limit)).checked().rows
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

    async def ask_for_limits(self) -> None:
        """Find the size of a page, and the largest `limit`."""
        with self._telling("default_limit", "largest_limit", "over_limit"):
            first, large = self._first, self._large
            if large is not None and large.size and not _begins(first, large):
                raise CouldNotTellError(CHANGED)
            is_larger = large is not None and large.size > first.size
            if is_larger and (await self._page()).checked().size != first.size:
                raise CouldNotTellError(CHANGED)
            is_full = self.is_whole is False or is_larger
            self._tell(
                "default_limit", first.size if is_full and first.size else None, otherwise=FEW
            )
            if large is None:
                return
            limits = Limits(lambda limit: self._page(limit=limit), first, large)
            largest, over = await limits.find(has_more=self.is_whole is False)
            self._tell("largest_limit", largest, otherwise="`limit` has no effect")
            self._tell("over_limit", over, otherwise="no larger one was tried")

    async def ask_for_end(self) -> None:
        """Find the answer where no contacts are left."""
        with self._telling("end"):
            page, side = self._first, self._found.values.get(f"{self._name}.date")
            if page.size and side in {"before", "after"}:
                page = await self._page(date=_LONG_AGO if side == "before" else _FAR_AHEAD)
            elif page.size:
                page = await self._page(page=_FAR_PAGE)
            if page.size or not page.is_list or page.form is None:
                raise CouldNotTellError("no request reached the end of the list")
            self._tell("end", page.form)

    async def _is_behind(self, number: int) -> bool:
        """Whether a page with a number is behind the first one, and not the first one again."""
        page = (await self._page(limit=self._limit, page=number)).checked()
        if not page.size:
            self.is_whole = True
            if len(self.rows.ids) < ENOUGH:
                raise CouldNotTellError(FEW)
            return True
        if not page.rows.ids:
            raise CouldNotTellError("no contact on a page has a timestamp")
        first, last, other = self.rows.stamps[0], self.rows.stamps[-1], page.rows.stamps[0]
        if first != last:
            is_behind = other == last or (other > last) is _is_ascending(self.rows)
        else:
            is_behind = set(page.rows.ids).isdisjoint(self.rows.ids)
            again = (await self._page(limit=self._limit)).checked().rows.ids
            if again != self.rows.ids or (not is_behind and page.rows.ids != again):
                raise CouldNotTellError("all contacts share one timestamp, and change places")
        if is_behind:
            if not set(page.rows.ids).isdisjoint(self.rows.ids):
                raise CouldNotTellError("pages with different numbers have the same contacts")
            self.is_whole = False
        return is_behind

    async def _ask_for_more(self) -> None:
        """Find out whether there are contacts behind the last one that was read."""
        side = self._found.values.get(f"{self._name}.date")
        if side in {"before", "after"} and (side == "after") is _is_ascending(self.rows):
            rows = await self._rows_from(self.rows.times[-1])
            self.is_whole = set(rows.ids) <= set(self.rows.ids)

    async def _rows_from(self, time: str) -> Rows:
        # As large as the page with the subjects: from a small one it could not be seen that
        # `date` is ignored, nor all contacts of a timestamp.
        return (await self._page(date=time, limit=self._limit)).checked().rows

    async def _page(self, **body: object) -> Reply:
        return await self._asker.page(self._endpoint, **self._fixed, **body)

    def _tell(self, name: str, value: object, *, otherwise: str = "") -> None:
        """Note a fact, or, if it is None, the reason for that."""
        if value is None:
            self._found.reasons[f"{self._name}.{name}"] = otherwise
        else:
            self._found.values[f"{self._name}.{name}"] = value

    def _telling(self, *names: str) -> AbstractContextManager[None]:
        return self._found.telling(*(f"{self._name}.{name}" for name in names))


def _begins(first: Reply, large: Reply) -> bool:
    """Whether a page is the beginning of a larger one, or the other way round."""
    one, other = first.rows.ids, large.rows.ids
    both = min(len(one), len(other))
    return both > 0 and one[:both] == other[:both]


def _is_ascending(rows: Rows) -> bool:
    """Whether a page is sorted, the oldest first.

    Raises:
        CouldNotTellError: It is not sorted, or has one timestamp only.
    """
    stamps = rows.stamps
    if not stamps or stamps[0] == stamps[-1] == max(stamps):
        raise CouldNotTellError("a page has fewer than two timestamps")
    is_ascending = stamps[0] < stamps[-1]
    if stamps != sorted(stamps, reverse=not is_ascending):
        raise CouldNotTellError("a page is not sorted by `updated`")
    return is_ascending
