"""A group whose contacts are listed by their `updated`: one page of them, or a walk over all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, TypedDict, TypeVar, Unpack, cast, overload

from heymarket_async import timestamps
from heymarket_async.checks import limit_of, one_of
from heymarket_async.endpoints.group import Group
from heymarket_async.models.contact import Contact
from heymarket_async.request import Endpoint, Request
from heymarket_async.transport.account import bound_to_account
from heymarket_async.transport.send import Transport
from heymarket_async.walk.cursor import PAGE_SIZE
from heymarket_async.walk.page_size import PageSizes
from heymarket_async.walk.walk import FetchPage, Growth, Walk, walk

T = TypeVar("T")


def page_sizes_of(
    transport: Transport, surface: str, *, most: int | None, best: int | None = None
) -> PageSizes:
    """Return the limits of a list that were tried through a transport.

    Args:
        transport: The transport.
        surface: The name of the list in cursors.
        most: The largest `limit` that is documented, or None if only the default is.
        best: A limit to begin with if none was tried, or None for the documented one.
    """
    documented = most or PAGE_SIZE
    sizes = PageSizes(best=best or documented, documented=documented)
    return transport.page_sizes.setdefault(surface, sizes)


class WalkQuery(TypedDict, total=False):
    """The arguments of `iterate` that say where it starts."""

    date: datetime | str | None
    limit: int | None
    cursor: str | None


class Listing(Group):
    """A group whose contacts are listed by their `updated`.

    Attributes:
        _list: The call that lists one page.
        _surface: The name of this list in cursors.
        _most: The largest `limit` that it takes, or None if that is not documented.
        _order: Parameters that a walk adds to each page, so that it is sorted one way.
    """

    _list: ClassVar[Endpoint[list[Contact]]]
    _surface: ClassVar[str]
    _most: ClassVar[int | None] = None
    _order: ClassVar[Mapping[str, object]] = {}

    @overload
    def iterate(self, **query: Unpack[WalkQuery]) -> Walk[Contact]: ...
    @overload
    def iterate(self, *, returns: type[T], **query: Unpack[WalkQuery]) -> Walk[T]: ...
    def iterate(
        self,
        *,
        date: datetime | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        returns: type[object] = Contact,
    ) -> object:
        """Walk over all contacts, and give each contact once.

        Pages are requested by `date`, not by number: a contact that is edited meanwhile would shift
        the numbers, and another contact would be missed. The v2 list is walked oldest update first;
        the order of the v1 list is not documented.

        Args:
            date: Where to start. v2 lists contacts updated after it; for v1, the side is not
                documented.
            limit: Contacts on a page. If it is left out, v2 is asked for 100, the most that it
                takes. v1 is asked for 30, and then for more and more, up to the client's
                `max_page_size`, as long as that brings more.
            cursor: The `cursor` of an earlier walk, to resume it where it stopped.
            returns: A subclass of `Contact` with more fields, another struct that has `id`, `rev`
                and `updated`, or `msgspec.Raw` for each contact as the server sent it.

        Raises:
            PaginationError: While walking: the server cannot be walked without a gap. This error,
                and any other that ends the walk, has the `cursor` to resume from.

        https://developers.heymarket.com/guides/manage-contacts
        https://developers.heymarket.com/api-reference/contacts/list-v2
        """
        limit_of(limit, self._most)
        endpoint, send = self._list.listing(returns), bound_to_account(self._transport).send

        def request(date: str | None, page: int | None, limit: int | None) -> Request[list[object]]:
            if limit is not None and self._most is not None:
                limit = min(limit, self._most)
            body = {**self._order, "date": date, "page": page, "limit": limit}
            body = {name: value for name, value in body.items() if value is not None}
            return endpoint.request(body=body)

        return walk(
            lambda date, page, limit: send(request(date, page, limit)),
            endpoint.call,
            surface=self._surface,
            date=date,
            limit=limit,
            cursor=cursor,
            returns=returns,
            growth=self._growth(
                lambda date, page, limit: send(request(date, page, limit), may_repeat=False)
            ),
        )

    def _growth(self, attempt: FetchPage[object]) -> Growth[object]:
        """Return how a walk may ask for more than the default; see `Growth`."""
        largest = self._transport.options.max_page_size
        sizes = page_sizes_of(self._transport, self._surface, most=self._most)
        return Growth(attempt, sizes, most=min(largest, self._most or largest))

    async def _page(
        self, query: Mapping[str, object], kinds: Mapping[str, object], returns: type[T]
    ) -> list[T]:
        """Return one page.

        Args:
            query: The arguments of `page`; None counts as left out.
            kinds: The names and types of these arguments.
            returns: See `iterate`.

        Raises:
            TypeError: An argument is unknown, as with any function.
            ValueError: An argument breaks its rule; the message names it.
        """
        body = {name: value for name, value in query.items() if value is not None}
        for name in query:
            if name not in kinds:
                raise TypeError(f"page() got an unexpected keyword argument {name!r}")
            kind = kinds[name]
            if name in body and isinstance(kind, type):
                one_of(name, body[name], kind)
        limit_of(cast(int | None, body.get("limit")), self._most)
        if "date" in body:
            body["date"] = timestamps.to_text("date", cast(str, body["date"]))
        return await self._send(self._list.listing(returns).request(body=body))
