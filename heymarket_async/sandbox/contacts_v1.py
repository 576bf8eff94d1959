"""Contacts v1: the calls that name a contact by its integer id.

Sources: the pages overview, create, get, get-by-phone-or-id, update, delete, status, set-status and
bulk below https://developers.heymarket.com/api-reference/contacts/
"""

import msgspec
from msgspec import Struct

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.contacts import Contact
from heymarket_async.sandbox.readings import NoMatch
from heymarket_async.sandbox.records import ContactIn
from heymarket_async.sandbox.routes import (
    NAMED,
    Answer,
    Call,
    ListIn,
    Refused,
    check_phone,
    instant,
    integer,
    route,
)

STATUSES = ("active", "blocked", "unblocked", "subscribed", "unsubscribed")


class FindIn(Struct, frozen=True, kw_only=True):
    """A contact named by `phone` or `id`; the old docs write the id as a string."""

    phone: str | None = None
    id: int | str | None = None


class StatusIn(FindIn, frozen=True, kw_only=True):
    """A contact and its new status."""

    status: str


@route("POST /v1/contact")
def create(call: Call) -> object:
    """Create a contact."""
    sent = _with_phone(call.parse(ContactIn))
    known = writes.duplicate(call, [str(sent.phone)], "phone:")
    if known is None:
        contact = writes.create(call, sent)
    else:
        contact = writes.update(call, known, sent, overwrite=False)
    return call.created(writes.ref(call, contact))


@route("GET /v1/contact/{id}")
def get(call: Call) -> object:
    """Show a contact."""
    return _answer_of(call, call.find(), call.readings.missing_get)


@route("POST /v1/contact/get")
def find(call: Call) -> object:
    """Find a contact by phone or id."""
    return _answer_of(call, _found(call, call.parse(FindIn)), call.readings.missing_find)


@route("PUT /v1/contact/{id}")
def update(call: Call) -> object:
    """Update a contact."""
    contact = call.contact()
    sent = _with_phone(call.parse(ContactIn))
    return writes.ref(call, writes.update(call, contact, sent, overwrite=call.overwrites()))


@route("DELETE /v1/contact/{id}")
def delete(call: Call) -> object:
    """Delete a contact."""
    writes.delete(call)
    return "ok"


@route("POST /v1/contacts")
def list_page(call: Call) -> object:
    """List a page of contacts."""
    return call.page(call.contacts)


@route("POST /v1/contacts/count")
def count(call: Call) -> object:
    """Count all contacts, or those on one side of `date`."""
    date, readings = instant(call.parse_list(ListIn).date), call.readings
    number = len(call.contacts)
    if date is not None and readings.count_date != "ignored":
        # One nanosecond more, and those at `date` count too.
        more = int(readings.count_includes_date)
        if readings.count_date == "after":
            number = call.contacts.count(after=date - more)
        else:
            number = call.contacts.count(before=date + more)
    return str(number) if readings.count_as_text else number


@route("POST /v1/contact/status")
def status(call: Call) -> object:
    """Show whether a contact has opted out, and whether it is blocked."""
    contact = _found(call, call.parse(FindIn))
    if contact is None:
        return call.no_match(call.readings.missing_get)
    record = call.contacts.record(contact)
    return {
        "id": contact.id,
        "phone": record.phone,
        "unsubscribed": bool(record.is_opted_out),
        "blocked": contact.blocked,
    }


@route("POST /v1/contact/set_status")
def set_status(call: Call) -> object:
    """Opt in or out, block or unblock."""
    asked = call.parse(StatusIn)
    if asked.status not in STATUSES:
        raise Refused(400, f"status: must be one of {', '.join(STATUSES)}")
    contact = call.existing(_found(call, asked))
    if asked.status in {"active", "blocked", "unblocked"}:
        contact.blocked = asked.status == "blocked"
    record = call.contacts.record(contact)
    opted_out = asked.status == "unsubscribed"
    subscribes = asked.status in {"active", "subscribed", "unsubscribed"}
    if subscribes and bool(record.is_opted_out) != opted_out:
        record.is_opted_out = opted_out
        writes.save(call, contact, record)
    return NAMED[call.readings.set_status_answer]


@route("POST /v1/batch/contacts")
def batch(call: Call) -> object:
    """Create many contacts; one that fails does not stop the others."""
    overwrite = call.overwrites()
    failed: list[object] = []
    written: list[Contact] = []
    for item in call.parse(list[object]):
        try:
            written.append(_batch_item(call, item, overwrite=overwrite))
        except (Refused, msgspec.ValidationError):
            failed.append(item)
    if call.readings.batch_answer == "contacts":
        return [msgspec.Raw(line) for line in call.contacts.listed(written)]
    return failed if call.readings.batch_answer == "failed" and failed else "ok"


def _batch_item(call: Call, item: object, *, overwrite: bool) -> Contact:
    sent = _with_phone(msgspec.convert(item, ContactIn))
    known = call.contacts.by_phone(str(sent.phone))
    if known is None:
        return writes.create(call, sent)
    if overwrite:
        return writes.update(call, known, sent, overwrite=True)
    if call.readings.batch_skipped_fail:
        raise Refused(400, "phone: belongs to a contact already")
    return known


def _with_phone(sent: ContactIn) -> ContactIn:
    if not isinstance(sent.phone, str):
        raise Refused(400, "phone: is required")
    check_phone(sent.phone)
    return sent


def _found(call: Call, asked: FindIn) -> Contact | None:
    """Find a contact by phone or id; with both, the phone wins."""
    if asked.phone is not None:
        return call.contacts.by_phone(check_phone(asked.phone))
    if asked.id is None:
        raise Refused(400, "phone, id: one of them is required")
    return call.contacts.by_id(integer(str(asked.id), "id"))


def _answer_of(call: Call, contact: Contact | None, no_match: NoMatch) -> Answer:
    if contact is None:
        return call.no_match(no_match)
    return Answer(200, call.contacts.shown(contact))
