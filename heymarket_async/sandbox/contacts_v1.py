"""The v1 contact endpoints, which name a contact by its integer id.

https://developers.heymarket.com/api-reference/contacts/overview
"""

import msgspec

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.answers import NAMED, Answer, Refused, as_array, as_json, as_list
from heymarket_async.sandbox.bodies import ContactIn, ListIn, StatusIn, WhoIn
from heymarket_async.sandbox.contacts import Row
from heymarket_async.sandbox.readings import Nobody
from heymarket_async.sandbox.routes import Call, Handler, check_phone, instant, integer

STATUSES = ("active", "blocked", "unblocked", "subscribed", "unsubscribed")


def create(call: Call) -> Answer:
    """Create a contact.

    https://developers.heymarket.com/api-reference/contacts/create
    """
    sent = _with_phone(call.parse(ContactIn))
    known = call.store.by_phone(str(sent.phone)) if _looks_up(call) else None
    if known is None:
        row = writes.create(call, sent)
    elif call.readings.duplicate_phone == "reject":
        raise Refused(400, "phone: belongs to a contact already")
    else:
        row = writes.update(call, known, sent, overwrite=False)
    return as_json(writes.ref(call, row), call.readings.created_status)


def get(call: Call) -> Answer:
    """Show a contact.

    https://developers.heymarket.com/api-reference/contacts/get
    """
    return _shown(call, call.find(), call.readings.missing_get)


def find(call: Call) -> Answer:
    """Find a contact by phone or id.

    https://developers.heymarket.com/api-reference/contacts/get-by-phone-or-id
    """
    return _shown(call, _who(call, call.parse(WhoIn)), call.readings.missing_find)


def update(call: Call) -> Answer:
    """Update a contact.

    https://developers.heymarket.com/api-reference/contacts/update
    """
    row = call.row()
    sent = _with_phone(call.parse(ContactIn))
    row = writes.update(call, row, sent, overwrite=call.overwrites())
    return as_json(writes.ref(call, row))


def delete(call: Call) -> Answer:
    """Delete a contact.

    https://developers.heymarket.com/api-reference/contacts/delete
    """
    writes.delete(call)
    return as_json("ok")


def list_page(call: Call) -> Answer:
    """Answer one page: `date` cuts, the order follows, and `page` counts within what is left."""
    readings = call.readings
    asked = call.parse_optional(ListIn)
    newest_first = readings.newest_first
    if readings.honours_ascending and asked.ascending is not None:
        newest_first = not asked.ascending
    size = readings.default_limit
    if readings.honours_limit and asked.limit:
        size = min(asked.limit, readings.max_limit)
    page = 0
    if readings.page_base is not None and asked.page is not None:
        page = max(0, asked.page - readings.page_base)
    date = instant(asked.date)
    rows = call.store.page(
        newest_first=newest_first,
        before=date if newest_first else None,
        after=None if newest_first else date,
        start=page * size,
        size=size,
    )
    return as_list(call.store.listed(rows), readings)


def count(call: Call) -> Answer:
    """Count all contacts, or those updated after `date`.

    https://developers.heymarket.com/api-reference/contacts/get
    """
    number = call.store.count(after=instant(call.parse_optional(ListIn).date))
    return as_json(str(number) if call.readings.count_as_text else number)


def status(call: Call) -> Answer:
    """Show who may be written to.

    https://developers.heymarket.com/api-reference/contacts/status
    """
    row = _who(call, call.parse(WhoIn))
    if row is None:
        return call.nobody(call.readings.missing_get)
    record = call.store.record(row)
    return as_json(
        {
            "id": row.id,
            "phone": record.phone,
            "unsubscribed": bool(record.is_opted_out),
            "blocked": row.blocked,
        }
    )


def set_status(call: Call) -> Answer:
    """Opt in or out, block or unblock.

    https://developers.heymarket.com/api-reference/contacts/set-status
    """
    asked = call.parse(StatusIn)
    if asked.status not in STATUSES:
        raise Refused(400, f"status: must be one of {', '.join(STATUSES)}")
    row = _who(call, asked)
    if row is None:
        raise call.missing()
    if asked.status in {"active", "blocked", "unblocked"}:
        row.blocked = asked.status == "blocked"
    record = call.store.record(row)
    opted_out = asked.status == "unsubscribed"
    subscribes = asked.status in {"active", "subscribed", "unsubscribed"}
    if subscribes and bool(record.is_opted_out) != opted_out:
        record.is_opted_out = opted_out
        writes.save(call, row, record)
    return NAMED[call.readings.set_status_answer]


def batch(call: Call) -> Answer:
    """Create many contacts, each on its own.

    https://developers.heymarket.com/api-reference/contacts/bulk
    """
    overwrite = call.overwrites()
    failed: list[object] = []
    rows: list[Row] = []
    for item in call.parse(list[object]):
        try:
            row = _batch_item(call, item, overwrite=overwrite)
        except (Refused, msgspec.ValidationError):
            failed.append(item)
        else:
            rows.append(row)
    if call.readings.batch_answer == "contacts":
        return as_array(call.store.listed(rows))
    if call.readings.batch_answer == "failed" and failed:
        return as_json(failed)
    return as_json("ok")


def _batch_item(call: Call, item: object, *, overwrite: bool) -> Row:
    sent = _with_phone(msgspec.convert(item, ContactIn))
    known = call.store.by_phone(str(sent.phone))
    if known is None:
        return writes.create(call, sent)
    if overwrite:
        return writes.update(call, known, sent, overwrite=True)
    if call.readings.batch_skipped_fail:
        raise Refused(400, "phone: belongs to a contact already")
    return known


def _looks_up(call: Call) -> bool:
    return call.readings.duplicate_phone != "create"


def _with_phone(sent: ContactIn) -> ContactIn:
    if not isinstance(sent.phone, str):
        raise Refused(400, "phone: is required")
    check_phone(sent.phone)
    return sent


def _who(call: Call, who: WhoIn) -> Row | None:
    """Find a contact by phone or id; with both, the phone wins."""
    if who.phone is not None:
        return call.store.by_phone(check_phone(who.phone))
    if who.id is None:
        raise Refused(400, "phone, id: one of them is required")
    return call.store.by_id(integer(str(who.id), "id"))


def _shown(call: Call, row: Row | None, nobody: Nobody) -> Answer:
    return call.nobody(nobody) if row is None else Answer(200, call.store.shown(row))


ROUTES: dict[str, Handler] = {
    "POST /v1/contact": create,
    "GET /v1/contact/{id}": get,
    "PUT /v1/contact/{id}": update,
    "DELETE /v1/contact/{id}": delete,
    "POST /v1/contact/get": find,
    "POST /v1/contacts": list_page,
    "POST /v1/contacts/count": count,
    "POST /v1/contact/status": status,
    "POST /v1/contact/set_status": set_status,
    "POST /v1/batch/contacts": batch,
}
