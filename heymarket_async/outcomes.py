"""What became of each item of a batch, as far as the answer tells."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import cast

import msgspec

from heymarket_async.models import Contact, NewContact, NewContactV2


class Outcome(StrEnum):
    """What became of one item of a batch.

    `UNKNOWN` is an honest answer: the documentation contradicts itself, or the server's answer
    does not name the item. Look the contact up before you send it again.
    """

    STORED = "stored"
    FAILED = "failed"
    UNKNOWN = "unknown"


class BatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one contact of `contacts.create_batch`.

    Attributes:
        contact: The contact as given.
        outcome: STORED also stands for a known phone that was left alone.
        returned: What the answer says of this phone, every key kept, or None.
    """

    contact: NewContact
    outcome: Outcome
    returned: dict[str, object] | None = None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `contacts.create_batch` did.

    Attributes:
        items: One per contact given, in that order.
        answer: What they were read from, decoded.
    """

    items: list[BatchItem]
    answer: object


class UpsertItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one contact of `contacts_v2.upsert_many`.

    Attributes:
        contact: The contact as given.
        outcome: FAILED if the answer lists it so; STORED if the answer accounts for all others.
        stored: The contact as stored, if the answer shows which one it is.
        failure: The failed entry with its error details, every key kept, or None.
    """

    contact: NewContactV2
    outcome: Outcome
    stored: Contact | None = None
    failure: dict[str, object] | None = None


class UpsertAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `contacts_v2.upsert_many` as the server sent it.

    Attributes:
        contacts: What was stored.
        failed_contacts: What failed: under "contact" as sent, with error details beside it.
    """

    contacts: list[Contact] | None = None
    failed_contacts: list[dict[str, object]] | None = None


class UpsertResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `contacts_v2.upsert_many` did.

    Attributes:
        items: One per contact given, in that order.
        answer: What they were read from.
    """

    items: list[UpsertItem]
    answer: UpsertAnswer


def batch_result(contacts: Sequence[NewContact], answer: object) -> BatchResult:
    """Return the outcomes of `contacts.create_batch`; the text "ok" alone is understood."""
    outcome = Outcome.STORED if answer == "ok" else Outcome.UNKNOWN
    is_list = isinstance(answer, list)
    entries = cast(list[object], answer) if is_list else []
    by_phone: dict[object, dict[str, object]] = {}
    for entry in entries:
        if isinstance(entry, dict):
            fields = cast(dict[str, object], entry)
            by_phone[fields.get("phone")] = fields
    items = [
        BatchItem(contact=contact, outcome=outcome, returned=by_phone.get(contact.phone))
        for contact in contacts
    ]
    return BatchResult(items=items, answer=answer)


def upsert_result(contacts: Sequence[NewContactV2], answer: UpsertAnswer) -> UpsertResult:
    """Return the outcomes of `contacts_v2.upsert_many`."""
    stored = list(answer.contacts or ())
    failed = _failures(contacts, list(answer.failed_contacts or ()))
    failures = len(contacts) - failed.count(None)
    # Only an answer that accounts for every item tells that the others were stored.
    is_accounted_for = (failures, len(stored)) == (
        len(answer.failed_contacts or ()),
        failed.count(None),
    )
    rest = Outcome.STORED if is_accounted_for else Outcome.UNKNOWN
    items = [
        UpsertItem(
            contact=contact,
            outcome=Outcome.FAILED if failure else rest,
            stored=None if failure else _stored_as(contact, stored),
            failure=failure,
        )
        for contact, failure in zip(contacts, failed, strict=True)
    ]
    return UpsertResult(items=items, answer=answer)


def _failures(
    contacts: Sequence[NewContactV2], failures: list[dict[str, object]]
) -> list[dict[str, object] | None]:
    """Return, for each contact, the failure that echoes it, or None."""
    sent = [cast(dict[str, object], msgspec.to_builtins(contact)) for contact in contacts]
    found: list[dict[str, object] | None] = [None] * len(sent)
    for failure in list(failures):
        places = [place for place, each in enumerate(sent) if failure.get("contact") == each]
        if free := [place for place in places if found[place] is None]:
            found[free[0]] = failure
            failures.remove(failure)
    # An echo may have more fields than were sent, but then it must be clear whose it is.
    for failure in failures:
        places = [
            place
            for place, each in enumerate(sent)
            if found[place] is None and _is_within(each, failure)
        ]
        rivals = [other for other in failures if places and _is_within(sent[places[0]], other)]
        if len(places) == len(rivals) == 1:
            found[places[0]] = failure
    return found


def _is_within(sent: dict[str, object], failure: dict[str, object]) -> bool:
    echo = failure.get("contact")
    if not isinstance(echo, dict):
        return False
    echoed = cast(dict[str, object], echo)
    return all(name in echoed and echoed[name] == value for name, value in sent.items())


def _stored_as(contact: NewContactV2, stored: Sequence[Contact]) -> Contact | None:
    channels = contact.contact_channels or ()
    wanted = {(channel.channel_type, channel.channel_id) for channel in channels}
    matches = [
        each
        for each in stored
        if (each.uuid is not None and each.uuid == contact.contact_uuid)
        or not wanted.isdisjoint(_channels_of(each))
    ]
    return matches[0] if len(matches) == 1 else None


def _channels_of(contact: Contact) -> set[tuple[str | None, str | None]]:
    listed = {(each.channel_type, each.channel_id) for each in contact.contact_channels or ()}
    return listed | {("phone", contact.phone), ("email", contact.email)}
