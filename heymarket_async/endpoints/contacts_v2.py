"""Contacts by their UUID (v2): bulk writes, and search by phone, e-mail or another channel.

https://developers.heymarket.com/concepts/contacts
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TypedDict, TypeVar, Unpack, get_type_hints, overload
from uuid import UUID

from heymarket_async.batches import UpsertResult, upsert_result
from heymarket_async.checks import known_as, list_of, one_of, phone_digits, uuid_of
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.models.contact import Contact, ContactRef
from heymarket_async.models.new_contact import ContactChanges, NewContact, NewContactV2
from heymarket_async.request import Endpoint, Repeat

T = TypeVar("T")

MAX_LIMIT = 100

_BY_UUID, _UUID = "/v2/contact/{contactID}", {"contactID": "uuid"}

CREATE = Endpoint("POST", "/v2/contact", ContactRef, Repeat.UNSAFE)
GET = Endpoint("GET", _BY_UUID, Contact, Repeat.READ, one=True, id_fields=_UUID)
UPDATE = Endpoint("PUT", _BY_UUID, Contact, Repeat.IDEMPOTENT, id_fields=_UUID)
DELETE = Endpoint("DELETE", _BY_UUID, type(None), Repeat.IDEMPOTENT, id_fields=_UUID)
PAGE = Endpoint("POST", "/v2/contacts/list", list[Contact], Repeat.READ)
SEARCH = Endpoint("POST", "/v2/contacts/search", list[Contact], Repeat.READ)
UPSERT_MANY = Endpoint("POST", "/v2/contacts", dict[str, object], Repeat.UNSAFE)
DELETE_MANY = Endpoint("DELETE", "/v2/contacts", type(None), Repeat.IDEMPOTENT)


class PageQueryV2(TypedDict, total=False):
    """The parameters of `ContactsV2.page`.

    Attributes:
        date: Only contacts updated after this time.
        limit: Contacts on the page, 1 to 100; 30 if left out.
        page: Number of the page, from 0.
        ascending: Oldest update first; newest first if left out.
    """

    date: datetime | str
    limit: int
    page: int
    ascending: bool


_KINDS = get_type_hints(PageQueryV2)


class SearchQuery(TypedDict, total=False):
    """The parameters of `ContactsV2.search`."""

    phones: Sequence[str]
    emails: Sequence[str]
    channels: Mapping[str, Sequence[str]] | None


class ContactsV2(WholeListing[Contact]):
    """Contacts by their UUID: `client.contacts_v2`.

    `iterate` gives the contacts that were updated after `date`, the oldest update first, and asks
    for 100 at once, the most that this list takes.

    https://developers.heymarket.com/api-reference/contacts/list-v2
    """

    _list, _model, _surface, _most = PAGE, Contact, "v2", MAX_LIMIT
    _order: ClassVar[Mapping[str, object]] = {"ascending": True}

    async def create(self, contact: NewContactV2) -> ContactRef:
        """Create a contact with its channels, and return its ids.

        A create is not repeated once it may have been carried out. It then raises with
        `may_have_taken_effect`. Search for one of its channels before you try again.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/contacts/create
        """
        one_of("contact", contact, NewContactV2)
        if not contact.contact_channels:
            raise ValueError("contact_channels must hold at least one channel")
        _check_no_uuid(contact)
        channels = contact.contact_channels
        phones = [each.channel_id for each in channels if each.channel_type == "phone"]
        about = _reached_by(each.channel_id for each in channels)
        if phones:
            about["phone"] = frozenset(phones)
        return await self._send(CREATE.request(body=contact, about=about))

    @overload
    async def get(self, contact_uuid: UUID | str) -> Contact: ...
    @overload
    async def get(self, contact_uuid: UUID | str, *, returns: type[T]) -> T: ...
    async def get(self, contact_uuid: UUID | str, *, returns: type[object] = Contact) -> object:
        """Get a contact.

        The UUID is compared where the answer has one; no documented read lists it.

        Args:
            contact_uuid: The UUID, not the integer id that the v1 endpoints take.
            returns: A subclass of `Contact` with more fields, or `msgspec.Raw`.

        Raises:
            NotFoundError: No contact has this UUID.

        https://developers.heymarket.com/api-reference/contacts/get
        """
        return await self._send(GET.returning(returns).request(contactID=contact_uuid))

    async def update(
        self,
        contact_uuid: UUID | str,
        changes: ContactChanges | NewContact,
        *,
        overwrite: bool | None = None,
    ) -> Contact:
        """Update a contact, and return it.

        One page of the documentation shows the whole contact as the answer, another page only `id`,
        `rev` and `uuid`; the other attributes are then None. It is not documented whether fields
        that are left out are kept or emptied.

        Args:
            contact_uuid: The UUID, not the integer id that the v1 endpoints take.
            changes: The fields to write.
            overwrite: Remove custom fields that are not given. Documented for v1 and, in general
                words, for updates; left out, it is not sent.

        Raises:
            NotFoundError: No contact has this UUID.
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/contacts/update-v2
        """
        _check_no_uuid(one_of("changes", changes, (ContactChanges, NewContact)))
        if overwrite is not None:
            one_of("overwrite", overwrite, bool)
        request = UPDATE.request(
            contactID=contact_uuid,
            query=None if overwrite is None else {"overwrite": overwrite},
            body=changes,
            about={"phone": changes.phone} if isinstance(changes.phone, str) else None,
        )
        return await self._send(request)

    async def delete(self, contact_uuid: UUID | str) -> None:
        """Delete a contact for good.

        If an answer was lost and the repeated delete finds nothing, that is a success.

        Raises:
            NotFoundError: No contact has this UUID.

        https://developers.heymarket.com/api-reference/contacts/delete-v2
        """
        await self._send(DELETE.request(contactID=contact_uuid))

    @overload
    async def page(self, **query: Unpack[PageQueryV2]) -> list[Contact]: ...
    @overload
    async def page(self, *, returns: type[T], **query: Unpack[PageQueryV2]) -> list[T]: ...
    async def page(
        self, *, returns: type[object] = Contact, **query: Unpack[PageQueryV2]
    ) -> Sequence[object]:
        """Get one page of contacts. Use `iterate` to get all contacts without a gap.

        Elements that are not objects are left out, except with `msgspec.Raw`.

        Args:
            returns: A subclass of `Contact` with more fields, or `msgspec.Raw`.
            **query: See `PageQueryV2`.

        https://developers.heymarket.com/api-reference/contacts/list-v2
        """
        return await self._page(query, _KINDS, returns)

    @overload
    async def search(self, **wanted: Unpack[SearchQuery]) -> list[Contact]: ...
    @overload
    async def search(self, *, returns: type[T], **wanted: Unpack[SearchQuery]) -> list[T]: ...
    async def search(
        self,
        *,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        channels: Mapping[str, Sequence[str]] | None = None,
        returns: type[object] = Contact,
    ) -> Sequence[object]:
        """Return all contacts that have one of these phones, e-mails or other channels.

        Args:
            phones: E.164 digits; one leading plus is removed.
            emails: E-mails.
            channels: Ids by channel type, such as {"facebook": ["1234"]}. With the type "",
                Heymarket recognizes phones and e-mails by their form.
            returns: A subclass of `Contact` with more fields, or `msgspec.Raw`.

        Raises:
            DecodeError: The answer shows the channels of a contact, and none of these among them.

        https://developers.heymarket.com/api-reference/contacts/search
        """
        one_of("channels", channels, (Mapping, type(None)))
        wanted: dict[str, list[str]] = {}
        for channel_type, ids in (("phone", phones), ("email", emails), *(channels or {}).items()):
            name = {"phone": "phones", "email": "emails"}.get(channel_type, "channels")
            wanted.setdefault(channel_type, []).extend(_channel_ids(name, channel_type, ids))
        filters = [_filter(each, ids) for each, ids in wanted.items() if ids]
        if not filters:
            raise ValueError("search needs at least one of phones, emails and channels")
        about = _reached_by(each for ids in wanted.values() for each in ids)
        search = SEARCH.listing(returns)
        return await self._send(search.request(body={"contact_channels": filters}, about=about))

    async def upsert_many(self, contacts: Sequence[NewContactV2]) -> UpsertResult:
        """Create or update many contacts in one request, and return one outcome for each.

        An item with `contact_uuid` updates that contact, one without it creates one. As for
        `create`, the request is not repeated once it may have been carried out.

        The answer lists failed and stored contacts, in an order and with error details that are not
        documented. An item is FAILED if the answer has it among the failures as it was sent. The
        rest is STORED if the answer has exactly one contact for each item, and no contact with
        another UUID or other channels than were sent. Otherwise it is UNKNOWN.

        Args:
            contacts: At least one; the most is not documented.

        https://developers.heymarket.com/api-reference/contacts/bulk-v2
        """
        batch = list_of("contacts", contacts, NewContactV2)
        if not batch:
            raise ValueError("contacts must not be empty")
        for contact in batch:
            if not contact.contact_channels and not isinstance(contact.contact_uuid, UUID):
                raise ValueError("contact_channels must hold at least one channel to create")
        request = UPSERT_MANY.request(body={"contacts": batch})
        return upsert_result(batch, await self._send(request))

    async def delete_many(self, contact_uuids: Sequence[UUID | str]) -> None:
        """Delete many contacts for good.

        It is not documented how Heymarket treats a UUID that no contact has.

        Args:
            contact_uuids: At least one; the most is not documented.

        https://developers.heymarket.com/api-reference/contacts/bulk-delete-v2
        """
        listed = list_of("contact_uuids", contact_uuids, object)
        uuids = [uuid_of("contact_uuids", each) for each in listed]
        if not uuids:
            raise ValueError("contact_uuids must not be empty")
        body = {"contact_channels": [{"channel_type": "id", "channel_ids": uuids}]}
        request = DELETE_MANY.request(body=body, about={"uuid": frozenset(uuids)})
        await self._send(request)


def _reached_by(channel_ids: Iterable[str]) -> dict[str, object]:
    return {"channel": frozenset(map(known_as, channel_ids))}


def _check_no_uuid(contact: ContactChanges | NewContact) -> None:
    if isinstance(contact, NewContactV2) and isinstance(contact.contact_uuid, UUID):
        raise ValueError("contact_uuid is for upsert_many; use update for an existing contact")


def _channel_ids(name: str, channel_type: str, ids: Sequence[str]) -> list[str]:
    one_of("each type of channels", channel_type, str)
    texts = list_of(name, ids, str)
    if not all(texts):
        raise ValueError(f"each of {name} must not be empty")
    return [phone_digits(text, name) for text in texts] if channel_type == "phone" else texts


def _filter(channel_type: str, channel_ids: Sequence[str]) -> dict[str, object]:
    ids: dict[str, object] = {"channel_ids": channel_ids}
    return {"channel_type": channel_type, **ids} if channel_type else ids
