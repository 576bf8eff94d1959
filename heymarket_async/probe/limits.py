"""The facts about the size of a page: without a `limit`, with the largest, and with more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from heymarket_async.probe.asker import CouldNotTellError, Reply
from heymarket_async.probe.lists import CHANGED, FEW, ProbedList

MOST = 1000
"""The largest `limit` that is tried, which is the most that a walk asks for by default."""
_LIKELY = (5, 10, 20, 25, 30, 50, 100, 200, 250, 300, 400, 500)


async def ask_for_limits(contacts: ProbedList) -> None:
    """Find the size of a page, and the largest `limit`."""
    with contacts.telling("default_limit", "largest_limit", "over_limit"):
        first, large = contacts.first, contacts.large
        if large is not None and large.size and not _begins(first, large):
            raise CouldNotTellError(CHANGED)
        is_larger = large is not None and large.size > first.size
        if is_larger and (await contacts.page()).checked().size != first.size:
            raise CouldNotTellError(CHANGED)
        is_full = contacts.is_whole is False or is_larger
        size = first.size if is_full and first.size else None
        contacts.tell("default_limit", size, otherwise=FEW)
        if large is None:
            return
        limits = Limits(contacts.try_limit, first, large)
        largest, over = await limits.find(has_more=contacts.is_whole is False)
        contacts.tell("largest_limit", largest, otherwise="`limit` has no effect")
        contacts.tell("over_limit", over, otherwise="no larger one was tried")


def _begins(first: Reply, large: Reply) -> bool:
    """Whether a page is the beginning of a larger one, or the other way round."""
    one, other = first.rows.ids, large.rows.ids
    both = min(len(one), len(other))
    return both > 0 and one[:both] == other[:both]


class Limit(NamedTuple):
    """The largest limit that brings as many contacts, and the answer to a larger one.

    None: not known, because no larger one was tried, or no limit brings as many.
    """

    largest: int | None
    over: str | None


class Limits:
    """Finds the largest `limit`.

    Args:
        page: Gets the first page with a `limit`.
        first: The page without one.
        large: The page with `MOST`.
    """

    def __init__(self, page: Callable[[int], Awaitable[Reply]], first: Reply, large: Reply) -> None:
        self._page = page
        self._first = first
        self._large = large

    async def find(self, *, has_more: bool) -> Limit:
        """Return the largest limit.

        Args:
            has_more: There are more contacts than were read.

        Raises:
            CouldNotTellError: The account does not show it.
        """
        default, large = self._first.size, self._large
        if 300 <= large.status <= 399:
            raise CouldNotTellError("a large `limit` is answered with a redirect")
        if not large.is_ok:
            await self._check_again(large)
            largest = await self._largest(lambda page, _: self._is_accepted(page))
            return Limit(largest, str(large.status))
        large.checked()
        if large.size >= MOST:
            return Limit(MOST, None)
        if not large.size and default:
            return Limit(await self._largest(lambda page, _: page.size > 0), "empty")
        if large.size != default:
            if not has_more:
                raise CouldNotTellError(FEW)
            await self._check_cut()
            return Limit(large.size, "cut")
        few = min(5, default - 1)
        if few < 1:
            raise CouldNotTellError(FEW)
        small = (await self._page(few)).checked().size
        if small == default:
            return Limit(None, "ignored")
        if small != few or not has_more:
            raise CouldNotTellError(FEW)
        largest = await self._largest(
            lambda page, limit: page.size == limit or page.size > default, avoided=default
        )
        return Limit(largest, "cut" if largest == default else "default")

    async def _check_again(self, large: Reply) -> None:
        """Ask for the large page again: a 500 may be chance."""
        if large.status >= 500 and (await self._page(MOST)).status != large.status:
            raise CouldNotTellError("the server answered a large `limit` in different ways")

    async def _check_cut(self) -> None:
        """Ask for one contact more than came: a server may leave some out of each page."""
        size = self._large.size
        if (await self._page(size + 1)).checked().size != size:
            raise CouldNotTellError("a page may have fewer contacts than its `limit` allows")

    def _is_accepted(self, page: Reply) -> bool:
        if not page.is_ok and page.status != self._large.status:
            raise CouldNotTellError("the server answered a large `limit` in different ways")
        return page.is_ok

    async def _largest(
        self, accepts: Callable[[Reply, int], bool], avoided: int | None = None
    ) -> int:
        """Return the largest limit that is accepted, found in few steps if it is a usual one.

        Args:
            accepts: Whether the answer to a limit shows that it is not too large.
            avoided: A limit whose answer shows nothing.
        """
        low, high = 0, MOST
        while (middle := _between(low, high, avoided)) is not None:
            if accepts(await self._page(middle), middle):
                low = middle
            else:
                high = middle
        if high == 1:
            raise CouldNotTellError("every `limit` is refused")
        return high - 1  # the avoided one behaves alike, asked for or not


def _between(low: int, high: int, avoided: int | None) -> int | None:
    """Return the limit to try next between one that is accepted and one that is not."""
    first: tuple[int, ...] = () if avoided is None else (avoided + 1, avoided - 1)
    for likely in (*first, 100):
        if low < likely < high:
            return likely
    if low in _LIKELY and low + 1 < high and low + 1 != avoided:
        return low + 1
    open_ = [each for each in range(low + 1, high) if each != avoided]
    usual = [each for each in open_ if each in _LIKELY]
    untried = usual or open_
    return untried[(len(untried) - 1) // 2] if untried else None
