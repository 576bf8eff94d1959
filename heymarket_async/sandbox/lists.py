"""Lists of people: the writes, of v2.

Source: the pages overview, create and update below
https://developers.heymarket.com/api-reference/lists/
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from heymarket_async.sandbox.list_table import ListRecord, Member
from heymarket_async.sandbox.membership import of_contacts, of_emails, of_phones
from heymarket_async.sandbox.record_table import Kept
from heymarket_async.sandbox.routes import Call, route
from heymarket_async.sandbox.written import check_title, known, named_by_path, ref

Text = Annotated[str, Meta(min_length=1)]


class ListIn(Struct, frozen=True, kw_only=True):
    """A list to create."""

    title: Text
    local_id: Text
    type: Literal["contacts"] = "contacts"
    contacts: list[int] = []
    phones: list[str] = []
    emails: list[str] = []


class ListChange(Struct, frozen=True, kw_only=True):
    """A change of a list: `contacts` replaces its members, and the others add to them."""

    title: Text | None = None
    contacts: list[int] | None = None
    phones: list[str] | None = None
    emails: list[str] | None = None
    add_contacts: list[int] = []
    add_phones: list[str] = []
    add_emails: list[str] = []
    remove_contacts: list[int] = []
    remove_phones: list[str] = []
    remove_emails: list[str] = []


class ListDelete(Struct, frozen=True, kw_only=True):
    """The optional body of a delete."""

    contact_ids: list[int] = []


@route("POST /v2/lists")
def create(call: Call) -> object:
    """Create a list; unknown phones become new contacts."""
    sent, lists = call.parse(ListIn), call.account.lists
    row = known(call, lists, sent.local_id, sent.title, call.readings.list_local_id)
    if row is None:
        people = {
            **of_contacts(call, sent.contacts, "contacts"),
            **of_emails(call, sent.emails, "emails"),
            **of_phones(call, _unnamed(sent.phones), "phones"),
        }
        record = ListRecord(name=sent.title, local_id=sent.local_id, targets=people)
        row = lists.put(record, call.now)
    return call.created(ref(call, row))


@route("PUT /v2/lists/{id}")
def update(call: Call) -> object:
    """Change a list: first its members are replaced, then some added, then some removed."""
    row, sent, lists = list_of(call), call.parse(ListChange), call.account.lists
    if sent.title is not None:
        check_title(call, lists, sent.title, but=row)
    record = lists.record(row)
    record.name = sent.title or record.name
    record.targets = _members(call, record.targets, sent)
    return ref(call, lists.put(record, call.now))


@route("DELETE /v2/lists/{id}")
def delete(call: Call) -> object:
    """Delete a list; the contacts stay."""
    row, lists = list_of(call), call.account.lists
    sent = ListDelete() if call.body is None else call.parse(ListDelete)
    if sent.contact_ids and call.readings.list_contact_ids == "removed":
        record = lists.record(row)
        for target in of_contacts(call, sent.contact_ids, "contact_ids"):
            record.targets.pop(target, None)
        lists.put(record, call.now)
    else:
        lists.remove(row)
    return {"deleted": True, "id": row.id}


def list_of(call: Call) -> Kept:
    """Return the list that the path names, or refuse."""
    return named_by_path(call, call.account.lists, "list")


def _members(call: Call, old: dict[str, Member], sent: ListChange) -> dict[str, Member]:
    """Return the members after a change."""
    replaces = sent.contacts is not None or (
        call.readings.list_phones_put == "replace" and (sent.phones, sent.emails) != (None, None)
    )
    gone = {
        *of_contacts(call, sent.remove_contacts, "remove_contacts"),
        *of_emails(call, sent.remove_emails, "remove_emails"),
        *sent.remove_phones,
    }
    people = {
        **({} if replaces else old),
        **of_contacts(call, [*(sent.contacts or ()), *sent.add_contacts], "contacts"),
        **of_emails(call, [*(sent.emails or ()), *sent.add_emails], "emails"),
        **of_phones(call, _unnamed([*(sent.phones or ()), *sent.add_phones]), "phones"),
    }
    return {target: member for target, member in people.items() if target not in gone}


def _unnamed(phones: Iterable[str]) -> dict[str, Member]:
    return dict.fromkeys(phones, Member())
