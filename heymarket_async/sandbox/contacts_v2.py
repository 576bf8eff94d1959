"""Contacts v2: the calls that name a contact by its UUID.

Sources: the pages overview, create, get, update-v2, delete-v2, list-v2, search and bulk-v2 below
https://developers.heymarket.com/api-reference/contacts/
"""

import msgspec
from msgspec import Struct

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.contacts import Contact
from heymarket_async.sandbox.records import ChannelIn, ContactIn
from heymarket_async.sandbox.routes import PHONE, Call, ListIn, Refused, as_uuid, instant, route

DEFAULT_LIMIT = 30


class NewContactIn(ContactIn, frozen=True, kw_only=True):
    """The body of a create."""

    contact_channels: tuple[ChannelIn, ...] = ()


class BulkItemIn(NewContactIn, frozen=True, kw_only=True):
    """One contact of a bulk write: an update if it has a `contact_id`."""

    contact_id: str | None = None


class BulkIn(Struct, frozen=True, kw_only=True):
    """The body of a bulk write; its items are judged one by one."""

    contacts: list[object]


class ChannelFilter(Struct, frozen=True, kw_only=True):
    """Channels to look for, of one type if it is given."""

    channel_ids: list[str]
    channel_type: str | None = None


class SearchIn(Struct, frozen=True, kw_only=True):
    """The body of a search and of a bulk delete."""

    contact_channels: list[ChannelFilter]


@route("POST /v2/contact")
def create(call: Call) -> object:
    """Create a contact from its channels."""
    contact = _create(call, call.parse(NewContactIn))
    if call.readings.v2_create_answer == "contact":
        return call.created(_whole(call, contact))
    return call.created(writes.ref(call, contact))


@route("GET /v2/contact/{contactID}")
def get(call: Call) -> object:
    """Show a contact."""
    contact = call.find()
    return call.no_match(call.readings.missing_get) if contact is None else _whole(call, contact)


@route("PUT /v2/contact/{contactID}")
def update(call: Call) -> object:
    """Update a contact."""
    contact, sent = call.contact(), call.parse(ContactIn)
    contact = writes.update(call, contact, sent, overwrite=call.overwrites())
    is_ref = call.readings.v2_update_answer == "ref"
    return writes.ref(call, contact) if is_ref else _whole(call, contact)


@route("DELETE /v2/contact/{contactID}")
def delete(call: Call) -> object:
    """Delete a contact."""
    writes.delete(call)
    return call.readings.v2_delete_answer


@route("POST /v2/contacts/list")
def list_page(call: Call) -> object:
    """List a page of contacts: `date` is always updated-after, pages count from 0."""
    asked = call.parse_list(ListIn)
    size = asked.limit or DEFAULT_LIMIT
    most = call.readings.v2_max_limit
    if size > most and call.readings.v2_over_limit == "reject":
        raise Refused(400, f"limit: is at most {most}")
    size = min(size, most)
    rows = call.contacts.page(
        newest_first=not asked.ascending,
        start=(asked.page or 0) * size,
        size=size,
        after=instant(asked.date),
    )
    return call.listed(call.contacts, rows)


@route("POST /v2/contacts/search")
def search(call: Call) -> object:
    """Find contacts by channel."""
    found: dict[int, Contact] = {}
    for wanted in call.parse(SearchIn).contact_channels:
        for value in wanted.channel_ids:
            contacts = call.contacts.by_channel(wanted.channel_type or _kind(value), value)
            found.update((contact.id, contact) for contact in contacts)
    return call.listed(call.contacts, found.values())


@route("POST /v2/contacts")
def bulk(call: Call) -> object:
    """Create or update many contacts; one that fails does not stop the others."""
    contacts: list[object] = []
    failed: list[object] = []
    for item in call.parse(BulkIn).contacts:
        try:
            contacts.append(_whole(call, _bulk_item(call, item)))
        except (Refused, msgspec.ValidationError) as error:
            failed.append({"contact": item, call.readings.bulk_error_key: str(error)})
    return {"contacts": contacts, "failed_contacts": failed}


@route("DELETE /v2/contacts")
def bulk_delete(call: Call) -> object:
    """Delete contacts; all or none, so that a wrong UUID deletes nothing."""
    asked = call.parse(SearchIn).contact_channels
    if len(asked) != 1 or asked[0].channel_type != "id":
        raise Refused(400, 'contact_channels: must be one entry of channel_type "id"')
    keys = dict.fromkeys(as_uuid(text, "channel_ids") for text in asked[0].channel_ids)
    known = [contact for key in keys if (contact := call.contacts.by_uuid(key)) is not None]
    if len(known) < len(keys) and not call.readings.delete_missing_ok:
        raise call.missing()
    for contact in known:
        call.contacts.remove(contact)
    return "ok"


def _create(call: Call, sent: NewContactIn) -> Contact:
    """Create a contact from its channels, or do as the readings say if its phone is known."""
    if not sent.contact_channels:
        raise Refused(400, "contact_channels: at least one is required")
    pairs = [writes.pair(channel) for channel in sent.contact_channels]
    phones = [value for kind, value in pairs if kind == "phone"]
    known = writes.duplicate(call, phones, "contact_channels: the phone")
    if known is None:
        return writes.create(call, sent, sent.contact_channels)
    known = writes.update(call, known, sent, overwrite=False)
    return writes.add_channels(call, known, sent.contact_channels)


def _bulk_item(call: Call, item: object) -> Contact:
    sent = msgspec.convert(item, BulkItemIn)
    if sent.contact_id is None:
        return _create(call, sent)
    contact = call.existing(call.contacts.by_uuid(as_uuid(sent.contact_id, "contact_id")))
    for channel in sent.contact_channels:
        writes.pair(channel)  # refused before anything is written
    contact = writes.update(call, contact, sent, overwrite=False)
    return writes.add_channels(call, contact, sent.contact_channels)


def _whole(call: Call, contact: Contact) -> msgspec.Raw:
    return msgspec.Raw(call.contacts.shown(contact, channels=True))


def _kind(value: str) -> str:
    """Return the type of a channel, judged by its value."""
    if "@" in value:
        return "email"
    if PHONE.fullmatch(value):
        return "phone"
    raise Refused(400, "channel_ids: the value does not show its channel_type; send channel_type")
