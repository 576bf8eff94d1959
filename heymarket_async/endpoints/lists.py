"""Lists of contacts to broadcast to.

They are written by v2 calls. The v1 calls that read them are deprecated, but they are the only ones
that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from heymarket_async.checks import id_of, list_of, one_of
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.models.answered import Ref
from heymarket_async.models.contact_list import ContactList
from heymarket_async.models.new_list import ListChanges, NewList
from heymarket_async.request import Endpoint, Repeat

_BY_ID, _ID = "/v2/lists/{id}", {"id": "id"}

CREATE = Endpoint("POST", "/v2/lists", Ref, Repeat.UNSAFE)
UPDATE = Endpoint("PUT", _BY_ID, Ref, Repeat.IDEMPOTENT, id_fields=_ID)
DELETE = Endpoint("DELETE", _BY_ID, type(None), Repeat.IDEMPOTENT, id_fields=_ID)
GET = Endpoint("GET", "/v1/list/{id}", ContactList, Repeat.READ, one=True, id_fields=_ID)
PAGE = Endpoint("POST", "/v1/lists", list[ContactList], Repeat.READ)


class Lists(WholeListing[ContactList]):
    """Lists of contacts: `client.lists`."""

    _list, _model, _surface, _can_grow = PAGE, ContactList, "lists", False

    async def create(self, new_list: NewList) -> Ref:
        """Create a list, and return its id.

        It is not repeated once it may have been carried out, since that could make a second list.
        It then raises with `may_have_taken_effect`. Look at `page` before you try again: a list
        shows the `local_id` that it was created with.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/lists/create
        """
        one_of("new_list", new_list, NewList)
        return await self._send(CREATE.request(body=new_list, about={}))

    async def update(self, list_id: int, changes: ListChanges) -> Ref:
        """Rename a list, or add and remove people, and return its new revision.

        Raises:
            NotFoundError: No list has this id.
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/lists/update
        """
        one_of("changes", changes, ListChanges)
        return await self._send(UPDATE.request(id=list_id, body=changes))

    async def delete(self, list_id: int, *, contact_ids: Sequence[int] | None = None) -> None:
        """Delete a list. Its contacts stay.

        If an answer was lost and the repeated delete finds nothing, that is a success.

        Args:
            list_id: The integer id.
            contact_ids: Sent as `contact_ids` if it is given. The documentation lists it without a
                description.

        Raises:
            NotFoundError: No list has this id.

        https://developers.heymarket.com/api-reference/lists/update
        """
        body: object = msgspec.UNSET
        if contact_ids is not None:
            listed = list_of("contact_ids", contact_ids, object)
            body = {"contact_ids": [id_of("each of contact_ids", each) for each in listed]}
        await self._send(DELETE.request(id=list_id, body=body))

    async def get(self, list_id: int) -> ContactList:
        """Return a list with its people (v1, deprecated).

        Raises:
            NotFoundError: No list has this id.

        https://developers.heymarket.com/api-reference/lists/overview
        """
        return await self._send(GET.request(id=list_id))

    async def page(self, *, date: datetime | str | None = None) -> list[ContactList]:
        """Return one page of at most 30 lists (v1, deprecated). Use `iterate` to get all of them.

        Args:
            date: Only lists that were updated before it; the newest ones if it is left out.

        https://developers.heymarket.com/api-reference/lists/overview
        """
        return await self._page({"date": date}, {"date": object}, ContactList)
