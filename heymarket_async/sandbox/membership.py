"""The members that a write of a list names: by contact, by phone, or by e-mail address."""

from collections.abc import Iterable, Mapping

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.list_table import Member, member_of
from heymarket_async.sandbox.records import ContactIn
from heymarket_async.sandbox.routes import Call, Refused, check_phone


def of_contacts(call: Call, ids: Iterable[int], field: str) -> dict[str, Member]:
    """Return contacts as members, or refuse."""
    people: dict[str, Member] = {}
    for contact_id in ids:
        contact = call.contacts.by_id(contact_id)
        if contact is None:
            raise Refused(400, f"{field}: there is no contact {contact_id}")
        target, member = member_of(call.contacts.record(contact))
        if not target:
            raise Refused(400, f"{field}: contact {contact_id} has no phone and no e-mail address")
        people[target] = member
    return people


def of_phones(call: Call, names: Mapping[str, Member], field: str) -> dict[str, Member]:
    """Return people with these phones as members; unknown ones become new contacts.

    The names are those of new contacts; known ones keep theirs.
    """
    for phone in names:
        check_phone(phone, field)
    people: dict[str, Member] = {}
    for phone, member in names.items():
        contact = call.contacts.by_phone(phone)
        if contact is None:
            contact = writes.create(call, ContactIn(phone=phone, first=member.f, last=member.l))
        people[phone] = member_of(call.contacts.record(contact))[1]
    return people


def of_emails(call: Call, emails: Iterable[str], field: str) -> dict[str, Member]:
    """Return people with these e-mail addresses as members; unknown ones have no name."""
    people: dict[str, Member] = {}
    for email in emails:
        if "@" not in email:
            raise Refused(400, f"{field}: must be e-mail addresses")
        contact = next(iter(call.contacts.by_channel("email", email)), None)
        record = None if contact is None else call.contacts.record(contact)
        target, member = (email, Member()) if record is None else member_of(record)
        people[target] = member
    return people
