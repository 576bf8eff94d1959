"""The v2 contact endpoints, which name a contact by its UUID.

https://developers.heymarket.com/api-reference/contacts/overview
"""

import msgspec

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.answers import Answer, Refused, as_json, as_list
from heymarket_async.sandbox.bodies import (
    BulkIn,
    BulkItemIn,
    ChannelFilter,
    ContactIn,
    ListIn,
    NewContactIn,
    SearchIn,
)
from heymarket_async.sandbox.contacts import Row
from heymarket_async.sandbox.routes import PHONE, Call, Handler, as_uuid, instant

DEFAULT_LIMIT = 30
MAX_LIMIT = 100


def create(call: Call) -> Answer:
    """Create a contact from its channels.

    https://developers.heymarket.com/api-reference/contacts/create
    """
    row = _create(call, call.parse(NewContactIn))
    if call.readings.v2_create_answer == "contact":
        return Answer(call.readings.created_status, call.store.shown(row, channels=True))
    return as_json(writes.ref(call, row), call.readings.created_status)


def get(call: Call) -> Answer:
    """Show a contact.

    https://developers.heymarket.com/api-reference/contacts/get
    """
    row = call.find()
    return call.nobody(call.readings.missing_get) if row is None else _contact(call, row)


def update(call: Call) -> Answer:
    """Update a contact.

    https://developers.heymarket.com/api-reference/contacts/update-v2
    """
    row = call.row()
    row = writes.update(call, row, call.parse(ContactIn), overwrite=call.overwrites())
    if call.readings.v2_update_answer == "ref":
        return as_json(writes.ref(call, row))
    return _contact(call, row)


def delete(call: Call) -> Answer:
    """Delete a contact.

    https://developers.heymarket.com/api-reference/contacts/delete-v2
    """
    writes.delete(call)
    return as_json(call.readings.v2_delete_answer)


def list_page(call: Call) -> Answer:
    """Answer one page: `date` is always updated-after, pages count from 0.

    https://developers.heymarket.com/api-reference/contacts/list-v2
    """
    asked = call.parse_optional(ListIn)
    size = asked.limit or DEFAULT_LIMIT
    if size > MAX_LIMIT and call.readings.v2_over_limit == "reject":
        raise Refused(400, f"limit: is at most {MAX_LIMIT}")
    size = min(size, MAX_LIMIT)
    rows = call.store.page(
        newest_first=not asked.ascending,
        before=None,
        after=instant(asked.date),
        start=(asked.page or 0) * size,
        size=size,
    )
    return as_list(call.store.listed(rows), call.readings)


def search(call: Call) -> Answer:
    """Find contacts by channel.

    https://developers.heymarket.com/api-reference/contacts/search
    """
    found: dict[int, Row] = {}
    for wanted in call.parse(SearchIn).contact_channels:
        for value in wanted.channel_ids:
            kind = wanted.channel_type or _kind(value)
            found.update((row.id, row) for row in call.store.reached_at(kind, value))
    return as_list(call.store.listed(found.values()), call.readings)


def bulk(call: Call) -> Answer:
    """Create or update many contacts, each on its own.

    https://developers.heymarket.com/api-reference/contacts/bulk-v2
    """
    contacts: list[object] = []
    failed: list[object] = []
    for item in call.parse(BulkIn).contacts:
        try:
            row = _bulk_item(call, item)
        except (Refused, msgspec.ValidationError) as error:
            failed.append({"contact": item, call.readings.bulk_error_key: str(error)})
        else:
            contacts.append(msgspec.Raw(call.store.shown(row, channels=True)))
    return as_json({"contacts": contacts, "failed_contacts": failed})


def bulk_delete(call: Call) -> Answer:
    """Delete the contacts named; all or none, so that a wrong UUID is no half-done job."""
    asked = call.parse(SearchIn).contact_channels
    if len(asked) != 1 or asked[0].channel_type != "id":
        raise Refused(400, 'contact_channels: must be one entry of channel_type "id"')
    for row in _named(call, asked[0]):
        call.store.remove(row)
    return as_json("ok")


def _create(call: Call, sent: NewContactIn | BulkItemIn) -> Row:
    """Create a contact from its channels, or do what the readings say if its phone is known."""
    if not sent.contact_channels:
        raise Refused(400, "contact_channels: at least one is required")
    pairs = [writes.pair(channel) for channel in sent.contact_channels]
    phones = [value for kind, value in pairs if kind == "phone"]
    known = None
    if call.readings.duplicate_phone != "create":
        known = next(filter(None, map(call.store.by_phone, phones)), None)
    if known is None:
        return writes.create(call, sent, sent.contact_channels)
    if call.readings.duplicate_phone == "reject":
        raise Refused(400, "contact_channels: the phone belongs to a contact already")
    row = writes.update(call, known, sent, overwrite=False)
    return writes.add_channels(call, row, sent.contact_channels)


def _bulk_item(call: Call, item: object) -> Row:
    sent = msgspec.convert(item, BulkItemIn)
    if sent.contact_id is None:
        return _create(call, sent)
    row = call.store.by_uuid(as_uuid(sent.contact_id, "contact_id"))
    if row is None:
        raise call.missing()
    for channel in sent.contact_channels:
        writes.pair(channel)  # refused before anything is written
    row = writes.update(call, row, sent, overwrite=False)
    return writes.add_channels(call, row, sent.contact_channels)


def _named(call: Call, wanted: ChannelFilter) -> list[Row]:
    keys = dict.fromkeys(as_uuid(text, "channel_ids") for text in wanted.channel_ids)
    rows = [row for key in keys if (row := call.store.by_uuid(key)) is not None]
    if len(rows) < len(keys) and not call.readings.delete_missing_ok:
        raise call.missing()
    return rows


def _contact(call: Call, row: Row) -> Answer:
    return Answer(200, call.store.shown(row, channels=True))


def _kind(value: str) -> str:
    """Tell the type of a channel from its value."""
    if "@" in value:
        return "email"
    if PHONE.fullmatch(value):
        return "phone"
    raise Refused(400, "channel_ids: the channel_type cannot be told from the value")


ROUTES: dict[str, Handler] = {
    "POST /v2/contact": create,
    "GET /v2/contact/{contactID}": get,
    "PUT /v2/contact/{contactID}": update,
    "DELETE /v2/contact/{contactID}": delete,
    "POST /v2/contacts": bulk,
    "DELETE /v2/contacts": bulk_delete,
    "POST /v2/contacts/list": list_page,
    "POST /v2/contacts/search": search,
}
