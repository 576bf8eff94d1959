"""The facts about the numbers of pages, and about the end of a list."""

from __future__ import annotations

from heymarket_async.probe.asker import CouldNotTellError
from heymarket_async.probe.lists import FEW, ProbedList, is_ascending
from heymarket_async.probe.subjects import ENOUGH

_LONG_AGO, _FAR_AHEAD = "1970-01-02T00:00:00Z", "2199-01-01T00:00:00Z"
_FAR_PAGE = 1_000_000


async def ask_for_pages(contacts: ProbedList) -> None:
    """Find the number of the first page, and whether there are more contacts than were read."""
    with contacts.telling("first_page"):
        if not contacts.rows.ids:
            raise CouldNotTellError("the account has no contacts")
        if await _is_behind(contacts, 1):
            contacts.tell("first_page", 0)
        elif await _is_behind(contacts, 2):
            contacts.tell("first_page", 1)
        else:
            await _ask_for_more(contacts)
            if contacts.is_whole is not False:
                raise CouldNotTellError(FEW)
            page = (await contacts.page(limit=contacts.limit, page=2)).checked()
            if page.rows.ids != contacts.rows.ids:
                raise CouldNotTellError("`page` may count something other than pages")
            contacts.tell("first_page", "ignored")
    with contacts.telling():
        if contacts.is_whole is None:
            await _ask_for_more(contacts)


async def ask_for_end(contacts: ProbedList) -> None:
    """Find the answer where no contacts are left."""
    with contacts.telling("end"):
        page, side = contacts.first, contacts.side
        if page.size and side in {"before", "after"}:
            page = await contacts.page(date=_LONG_AGO if side == "before" else _FAR_AHEAD)
        elif page.size:
            page = await contacts.page(page=_FAR_PAGE)
        if page.size or not page.is_list or page.form is None:
            raise CouldNotTellError("no request reached the end of the list")
        contacts.tell("end", page.form)


async def _is_behind(contacts: ProbedList, number: int) -> bool:
    """Whether a page with a number is behind the first one, and not the first one again."""
    rows = contacts.rows
    page = (await contacts.page(limit=contacts.limit, page=number)).checked()
    if not page.size:
        contacts.is_whole = True
        if len(rows.ids) < ENOUGH:
            raise CouldNotTellError(FEW)
        return True
    if not page.rows.ids:
        raise CouldNotTellError("no contact on a page has a timestamp")
    first, last, other = rows.stamps[0], rows.stamps[-1], page.rows.stamps[0]
    if first != last:
        is_behind = other == last or (other > last) is is_ascending(rows)
    else:
        is_behind = set(page.rows.ids).isdisjoint(rows.ids)
        again = (await contacts.page(limit=contacts.limit)).checked().rows.ids
        if again != rows.ids or (not is_behind and page.rows.ids != again):
            raise CouldNotTellError("all contacts share one timestamp, and change places")
    if is_behind:
        if not set(page.rows.ids).isdisjoint(rows.ids):
            raise CouldNotTellError("pages with different numbers have the same contacts")
        contacts.is_whole = False
    return is_behind


async def _ask_for_more(contacts: ProbedList) -> None:
    """Find out whether there are contacts behind the last one that was read."""
    side, rows = contacts.side, contacts.rows
    if side in {"before", "after"} and (side == "after") is is_ascending(rows):
        more = await contacts.rows_from(rows.times[-1])
        contacts.is_whole = set(more.ids) <= set(rows.ids)
