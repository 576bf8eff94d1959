"""A group whose things are listed by a timestamp: one page of them, or a walk over all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, TypedDict, TypeVar, cast, overload

from heymarket_async import timestamps
from heymarket_async.api_profile import ListFacts
from heymarket_async.checks import limit_of, one_of
from heymarket_async.endpoints.group import Group
from heymarket_async.models.answered import Answered
from heymarket_async.request import Endpoint, Request
from heymarket_async.transport.account import bound_to_account
from heymarket_async.transport.send import Transport
from heymarket_async.walk.cursor import PAGE_SIZE
from heymarket_async.walk.page_size import PageSizes, learn_from
from heymarket_async.walk.rows import RowFields
from heymarket_async.walk.walk import FetchPage, Growth, Walk, walk

R = TypeVar("R", bound=Answered)
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
    sizes = transport.page_sizes.get(surface)
    if sizes is None:
        documented = most or PAGE_SIZE
        sizes = PageSizes(best=best or documented, documented=documented)
        learn_from(facts_of(transport, surface), sizes)
        transport.page_sizes[surface] = sizes
    return sizes


def facts_of(transport: Transport, surface: str) -> ListFacts:
    """Return the facts about a list that a profile has."""
    profile = transport.profile
    return getattr(profile, surface) if profile and surface in {"v1", "v2"} else _NO_FACTS


_NO_FACTS = ListFacts()


class WalkQuery(TypedDict, total=False):
    """The arguments of `iterate` that say where it starts; see there."""

    date: datetime | str | None
    limit: int | None
    cursor: str | None


class Listing(Group, Generic[R]):
    """A group whose things are listed by a timestamp.

    Attributes:
        _list: The call that lists one page.
        _model: The struct that a thing is read into.
        _surface: The name of this list in cursors.
        _fields: The fields of a thing that a walk reads.
        _cursor: The parameter that takes the timestamp of the last thing before.
        _is_size_documented: A page has 30 things without a `limit`. Else its size is not known.
        _most: The largest `limit` that it takes, or None if that is not documented.
        _can_grow: Walks may find out a larger `limit`.
        _order: Parameters that a walk adds to each page, so that it is sorted one way.
    """

    _list: ClassVar[Endpoint[Any]]
    _model: ClassVar[type[Answered]]
    _surface: ClassVar[str]
    _fields: ClassVar[RowFields] = RowFields()
    _cursor: ClassVar[str] = "date"
    _is_size_documented: ClassVar[bool] = True
    _most: ClassVar[int | None] = None
    _can_grow: ClassVar[bool] = True
    _order: ClassVar[Mapping[str, object]] = {}

    def _walk(
        self,
        query: WalkQuery,
        returns: type[object] | None,
        filters: Mapping[str, object] | None = None,
        *,
        surface: str | None = None,
    ) -> Walk[Any]:
        """Return a walk.

        Args:
            query: The arguments of `iterate`.
            returns: See `iterate`; None for the model.
            filters: Parameters that choose what is listed. A cursor is bound to them.
            surface: The name in cursors; None for the name of the list, with the filters.
        """
        date, limit, cursor = query.get("date"), query.get("limit"), query.get("cursor")
        limit_of(limit, self._most)
        kind = self._model if returns is None else returns
        endpoint, send = self._list.listing(kind), bound_to_account(self._transport).send
        fixed, most = {**self._order, **(filters or {})}, self._largest_limit

        def request(date: str | None, page: int | None, limit: int | None) -> Request[list[object]]:
            if limit is not None and most is not None:
                limit = min(limit, most)
            body = {**fixed, self._cursor: date, "page": page, "limit": limit}
            body = {name: value for name, value in body.items() if value is not None}
            return endpoint.request(body=body)

        growth = self._growth(
            lambda date, page, limit: send(request(date, page, limit), may_repeat=False)
        )
        return walk(
            lambda date, page, limit: send(request(date, page, limit)),
            endpoint.call,
            surface=surface or (self._surface if filters is None else f"{self._surface} {filters}"),
            date=date,
            limit=limit,
            cursor=cursor,
            returns=kind,
            fields=self._fields,
            growth=growth if self._can_grow else None,
            is_size_documented=self._is_size_documented,
            first_page=facts_of(self._transport, self._surface).first_page,
        )

    def _growth(self, attempt: FetchPage[object]) -> Growth[object]:
        """Return how a walk may ask for more than the default; see `Growth`."""
        largest = self._transport.options.max_page_size
        sizes = page_sizes_of(self._transport, self._surface, most=self._most)
        return Growth(attempt, sizes, most=min(largest, self._largest_limit or largest))

    @property
    def _largest_limit(self) -> int | None:
        """The largest `limit` that is documented, or that a profile has seen; None: any."""
        if self._most is None:
            return None
        return max(self._most, facts_of(self._transport, self._surface).largest_limit or 0)

    async def _page(
        self, query: Mapping[str, object], kinds: Mapping[str, object], returns: type[T]
    ) -> list[T]:
        """Return one page, of the body that the arguments of `page` make.

        Args:
            query: These arguments; None counts as left out.
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
        for name in {"date", self._cursor} & set(body):
            body[name] = timestamps.to_text(name, cast(str, body[name]))
        return await self._send(self._list.listing(returns).request(body=body))


class WholeListing(Listing[R]):
    """A listing that can be walked without filters."""

    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        limit: int | None = ...,
        cursor: str | None = ...,
    ) -> Walk[R]: ...
    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        limit: int | None = ...,
        cursor: str | None = ...,
        returns: type[T],
    ) -> Walk[T]: ...
    def iterate(
        self,
        *,
        date: datetime | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        returns: type[object] | None = None,
    ) -> object:
        """Walk over the whole list, and give each item once.

        Pages are requested by timestamp, not by number: an item that is edited or added meanwhile
        would shift the numbers, and another one would be missed. A walk ends complete or raises.
        The order of most lists is not documented; newest first and oldest first are both walked.

        Args:
            date: Where to start, like the time that `page` takes.
            limit: Items on a page. If it is left out, contacts and messages are asked for in larger
                and larger pages, up to the client's `max_page_size`, as long as that brings more.
                Other lists are asked for 30.
            cursor: The `cursor` of an earlier walk, to resume it where it stopped.
            returns: A subclass of the usual struct with more fields, another struct that has the
                fields that the list is walked by (`id`, `rev` and `updated`; for messages, `id` and
                `date`), or `msgspec.Raw` for each item as the server sent it.

        Raises:
            PaginationError: While walking: the server cannot be walked without a gap. This error,
                and any other that ends the walk, has the `cursor` to resume from.
        """
        return self._walk({"date": date, "limit": limit, "cursor": cursor}, returns)
