"""Contacts by their integer id (v1).

https://developers.heymarket.com/api-reference/contacts/overview
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, TypeVar, Unpack, get_type_hints, overload

from heymarket_async import ensure as ensuring
from heymarket_async import timestamps
from heymarket_async.batches import BatchResult, batch_result
from heymarket_async.checks import id_of, list_of, one_of, phone_digits
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.ensure import Ensured
from heymarket_async.errors import NotFoundError
from heymarket_async.models.contact import Contact, ContactRef, ContactStatus
from heymarket_async.models.new_contact import NewContact, NewStatus
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.account import bound_to_account

T = TypeVar("T")

_BY_ID, _ID = "/v1/contact/{id}", {"id": "id"}

CREATE = Endpoint("POST", "/v1/contact", ContactRef, Repeat.UNSAFE)
GET = Endpoint("GET", _BY_ID, Contact, Repeat.READ, one=True, id_fields=_ID)
FIND = Endpoint("POST", "/v1/contact/get", Contact, Repeat.READ, one=True)
UPDATE = Endpoint("PUT", _BY_ID, ContactRef, Repeat.IDEMPOTENT, id_fields=_ID)
DELETE = Endpoint("DELETE", _BY_ID, type(None), Repeat.IDEMPOTENT, id_fields=_ID)
PAGE = Endpoint("POST", "/v1/contacts", list[Contact], Repeat.READ)
COUNT = Endpoint("POST", "/v1/contacts/count", int, Repeat.READ)
STATUS = Endpoint("POST", "/v1/contact/status", ContactStatus, Repeat.READ, one=True)
SET_STATUS = Endpoint("POST", "/v1/contact/set_status", type(None), Repeat.IDEMPOTENT)
CREATE_BATCH = Endpoint("POST", "/v1/batch/contacts", object, Repeat.UNSAFE)


class PageQuery(TypedDict, total=False):
    """The parameters of `Contacts.page`.

    Heymarket describes only `date` and the page size without a limit, 30. It lists the rest without
    a description.

    Attributes:
        date: The `updated` of the last contact of the page before; text is sent unchanged.
        limit: Contacts on the page; the most is not documented.
        page: Number of the page. It is not documented whether the first one is 0 or 1.
        ascending: Oldest first, presumably.
        order: A field to sort by; its values are not documented.
        archived: Not described.
        assigned: Not described.
        filter: Not described.
        id: Not described.
        parent_id: Not described.
    """

    date: datetime | str
    limit: int
    page: int
    ascending: bool
    order: str
    archived: bool
    assigned: int
    filter: str
    id: int
    parent_id: int


_KINDS = get_type_hints(PageQuery)


class Contacts(WholeListing[Contact]):
    """Contacts by their integer id: `client.contacts`.

    https://developers.heymarket.com/guides/manage-contacts
    """

    _list, _model, _surface = PAGE, Contact, "v1"

    async def create(self, contact: NewContact) -> ContactRef:
        """Create a contact and return its ids.

        If the phone already exists, Heymarket may reject the contact, update the one that has it,
        or make a second one: this is not documented. If you do not know, `find` the phone first.

        A create is not repeated once it may have been carried out, since that could make a second
        contact. It then raises with `may_have_taken_effect`. Find the phone before you try again.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/contacts/create
        """
        one_of("contact", contact, NewContact)
        return await self._send(CREATE.request(body=contact, about={"phone": contact.phone}))

    @overload
    async def get(self, contact_id: int) -> Contact: ...
    @overload
    async def get(self, contact_id: int, *, returns: type[T]) -> T: ...
    async def get(self, contact_id: int, *, returns: type[object] = Contact) -> object:
        """Get a contact.

        Args:
            contact_id: The integer id, not the UUID that the v2 endpoints take.
            returns: A subclass of `Contact` with more fields, or `msgspec.Raw`.

        Raises:
            NotFoundError: No contact has this id.

        https://developers.heymarket.com/api-reference/contacts/get
        """
        return await self._send(GET.returning(returns).request(id=contact_id))

    @overload
    async def find(self, *, phone: str) -> Contact | None: ...
    @overload
    async def find(self, *, contact_id: int) -> Contact | None: ...
    @overload
    async def find(self, *, phone: str, returns: type[T]) -> T | None: ...
    @overload
    async def find(self, *, contact_id: int, returns: type[T]) -> T | None: ...
    async def find(
        self,
        *,
        phone: str | None = None,
        contact_id: int | None = None,
        returns: type[object] = Contact,
    ) -> object:
        """Find a contact by phone or by id, and return it, or None if there is none.

        The answer for an unknown contact is not documented. A 404, a 410 and an empty answer all
        mean None. An answer without Heymarket's `X-Request-Id` did not come from Heymarket, and
        raises. So does an answer that is about another contact, or about no contact.

        Args:
            phone: E.164 digits; one leading plus is removed.
            contact_id: The integer id. Give one of the two.
            returns: A subclass of `Contact` with more fields, or `msgspec.Raw`.

        Raises:
            NotFoundError: A 404, a 410 or an empty answer that did not come from Heymarket.
            DecodeError: The answer is not about this phone or id.

        https://developers.heymarket.com/api-reference/contacts/get-by-phone-or-id
        """
        if phone is not None and contact_id is not None:
            raise ValueError("find takes a phone or a contact_id, not both")
        if phone is None and contact_id is None:
            raise ValueError(
                'find takes a phone or a contact_id, such as find(phone="15105553344")'
            )
        # The page that documents it writes the id as text.
        wanted = {name: str(value) for name, value in _id_and_phone(contact_id, phone).items()}
        request = FIND.returning(returns).request(body=wanted, about=wanted)
        try:
            return await self._send(request)
        except NotFoundError as error:
            if error.is_foreign:
                raise
            return None

    async def update(
        self, contact_id: int, contact: NewContact, *, overwrite: bool = False
    ) -> ContactRef:
        """Update a contact and return its new revision.

        Names are always replaced. Custom fields are merged into the stored ones, or replaced with
        `overwrite`. It is not documented whether other fields that are left out are kept or
        emptied. If that matters, read, change and write the whole contact.

        Args:
            contact_id: The integer id, not the UUID that the v2 endpoints take.
            contact: The fields to write; the phone is required even if unchanged.
            overwrite: Remove custom fields that are not given.

        Raises:
            NotFoundError: No contact has this id.
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/guides/manage-contacts
        """
        request = UPDATE.request(
            id=contact_id,
            query={"overwrite": one_of("overwrite", overwrite, bool)},
            body=one_of("contact", contact, NewContact),
            about={"phone": contact.phone},
        )
        return await self._send(request)

    async def delete(self, contact_id: int) -> None:
        """Delete a contact for good; by the documentation, with its conversations.

        If an answer was lost and the repeated delete finds nothing, that is a success.

        Raises:
            NotFoundError: No contact has this id.

        https://developers.heymarket.com/api-reference/contacts/delete
        """
        await self._send(DELETE.request(id=contact_id))

    @overload
    async def page(self, **query: Unpack[PageQuery]) -> list[Contact]: ...
    @overload
    async def page(self, *, returns: type[T], **query: Unpack[PageQuery]) -> list[T]: ...
    async def page(
        self, *, returns: type[object] = Contact, **query: Unpack[PageQuery]
    ) -> Sequence[object]:
        """Get one page of contacts. Use `iterate` to get all contacts without a gap.

        Elements that are not objects are left out, except with `msgspec.Raw`.

        Args:
            returns: A subclass of `Contact` with more fields, or `msgspec.Raw`.
            **query: See `PageQuery`.

        https://developers.heymarket.com/api-reference/contacts/list
        """
        return await self._page(query, _KINDS, returns)

    async def count(self, *, date: datetime | str | None = None) -> int:
        """Count the contacts that were updated after a time, or all.

        The documentation shows no answer; a number and a number as text are both read.

        https://developers.heymarket.com/api-reference/contacts/get
        """
        body = {} if date is None else {"date": timestamps.to_text("date", date)}
        return await self._send(COUNT.request(body=body))

    async def status(
        self, *, contact_id: int | None = None, phone: str | None = None
    ) -> ContactStatus:
        """Get whether a contact can be messaged; give its id, its phone, or both.

        Raises:
            NotFoundError: There is no contact with this id or phone.

        https://developers.heymarket.com/api-reference/contacts/status
        """
        wanted = _id_and_phone(contact_id, phone)
        return await self._send(STATUS.request(body=wanted, about=wanted))

    async def set_status(
        self, status: NewStatus | str, *, contact_id: int | None = None, phone: str | None = None
    ) -> None:
        """Block or unblock a contact, or opt it in or out; give its id, its phone, or both.

        Args:
            status: "active", "blocked", "unblocked", "subscribed" or "unsubscribed".
            contact_id: The integer id.
            phone: E.164 digits; one leading plus is removed.

        Raises:
            NotFoundError: There is no contact with this id or phone.

        https://developers.heymarket.com/api-reference/contacts/set-status
        """
        if status not in list(NewStatus):
            raise ValueError(f"status must be one of {', '.join(NewStatus)}")
        wanted = _id_and_phone(contact_id, phone)
        body = {**wanted, "status": str(status)}
        await self._send(SET_STATUS.request(body=body, about=wanted))

    async def create_batch(
        self, contacts: Sequence[NewContact], *, overwrite: bool = False
    ) -> BatchResult:
        """Create many contacts in one request, and return one outcome for each.

        A contact whose phone already exists is not changed, unless with `overwrite`. Like a
        `create`, a batch is not repeated once it may have been carried out.

        The documentation contradicts itself on the answer. The text "ok" means that all are stored.
        An array may hold the failed contacts or the stored ones: then every outcome is UNKNOWN, and
        `returned` has the array's entry for the phone. Look the contacts up with
        `contacts_v2.search`.

        Args:
            contacts: At least one; the most is not documented.
            overwrite: Overwrite contacts whose phone already exists.

        https://developers.heymarket.com/api-reference/contacts/bulk
        """
        batch = list_of("contacts", contacts, NewContact)
        if not batch:
            raise ValueError("contacts must not be empty")
        query = {"overwrite": one_of("overwrite", overwrite, bool)}
        request = CREATE_BATCH.request(query=query, body=batch)
        return batch_result(batch, await self._send(request))

    async def ensure(self, contact: NewContact) -> Ensured:
        """Create a contact unless its phone already exists, and return the stored contact.

        It never makes a second contact: it looks the phone up after a lost answer, and two calls
        for the same phone at the same time create one contact. A contact that exists is not
        changed. It is safe to repeat after any error.

        Raises:
            BadRequestError: A field is invalid.
            ClientStateError: A callable returned credentials of another account meanwhile.
            HeymarketError: Any other; with `may_have_taken_effect` if it is unknown whether the
                contact was created.

        https://developers.heymarket.com/api-reference/contacts/bulk
        """
        one_of("contact", contact, NewContact)
        account = Contacts(bound_to_account(self._transport))
        return await ensuring.ensure(
            lambda: account.find(phone=contact.phone),
            lambda: account.create_batch([contact]),
            self._transport.options.retry,
            CREATE_BATCH.call,
        )


def _id_and_phone(contact_id: int | None, phone: str | None) -> dict[str, int | str]:
    if contact_id is None and phone is None:
        raise ValueError("contact_id or phone is needed")
    by_id = {} if contact_id is None else {"id": id_of("contact_id", contact_id)}
    by_phone = {} if phone is None else {"phone": phone_digits(phone)}
    return {**by_id, **by_phone}
