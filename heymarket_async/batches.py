"""What became of each item of a batch, as far as the answer tells."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import cast

import msgspec

from heymarket_async.checks import known_as
from heymarket_async.decoding import lenient
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
        outcome: FAILED if the answer lists it so; STORED if the answer accounts for all others,
            and shows no other contact.
        stored: The contact as stored, if the answer shows which one it is.
        failure: The failed entry with its error details, every key kept, or None.
    """

    contact: NewContactV2
    outcome: Outcome
    stored: Contact | None = None
    failure: dict[str, object] | None = None


class UpsertResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `contacts_v2.upsert_many` did.

    Attributes:
        items: One per contact given, in that order.
        answer: What they were read from, decoded, every key kept: `contacts` holds what was stored,
            `failed_contacts` what failed, each under "contact" as sent with error details beside.
    """

    items: list[UpsertItem]
    answer: dict[str, object]


def batch_result(contacts: Sequence[NewContact], answer: object) -> BatchResult:
    """Return the outcomes of `contacts.create_batch`; the text "ok" alone is understood."""
    outcome = Outcome.STORED if answer == "ok" else Outcome.UNKNOWN
    by_phone = {_phone(row): row for row in _rows(answer)}
    items = [
        BatchItem(contact=contact, outcome=outcome, returned=by_phone.get(contact.phone))
        for contact in contacts
    ]
    return BatchResult(items=items, answer=answer)


def lists_what_was_stored(result: BatchResult) -> bool:
    """Whether an answer is a list of what was stored, so that what it leaves out was not.

    Each of its rows must have an id and a phone that was sent: a list of ids alone, or of phones
    written in a way that is not known here, leaves out nothing that can be told.
    """
    rows = _rows(result.answer)
    phones = {item.contact.phone for item in result.items}
    return bool(rows) and all(row.get("id") and _phone(row) in phones for row in rows)


def upsert_result(contacts: Sequence[NewContactV2], answer: dict[str, object]) -> UpsertResult:
    """Return the outcomes of `contacts_v2.upsert_many`."""
    failures = _rows(answer.get("failed_contacts"))
    sent = [cast(Row, msgspec.to_builtins(contact)) for contact in contacts]
    failed = _failures_of(sent, failures)
    rows = _rows(answer.get("contacts"))
    stored = _stored_of(sent, rows)
    # Only an answer that accounts for every item tells that the others were stored.
    counts = (len(failures), len(rows))
    is_accounted_for = counts == (len(contacts) - failed.count(None), failed.count(None))
    is_accounted_for = is_accounted_for and not _shows_another(sent, rows)
    rest = Outcome.STORED if is_accounted_for else Outcome.UNKNOWN
    items = [
        UpsertItem(
            contact=contact,
            outcome=Outcome.FAILED if failure else rest,
            stored=None if failure else row,
            failure=failure,
        )
        for contact, failure, row in zip(contacts, failed, stored, strict=True)
    ]
    return UpsertResult(items=items, answer=answer)


Row = dict[str, object]
Name = tuple[str, str]
"""What a contact may be known by: ("id", its UUID), or the type and id of a channel."""


def _rows(value: object) -> list[Row]:
    listed = cast(list[object], value) if isinstance(value, list) else []
    return [cast(Row, row) for row in listed if isinstance(row, dict)]


_NO_DIGIT = re.compile(r"\D")


def _phone(row: Row) -> str:
    return _NO_DIGIT.sub("", str(row.get("phone")))


def _failures_of(sent: Sequence[Row], failures: Sequence[Row]) -> list[Row | None]:
    """Return, for each contact, the failure that echoes it, or None."""
    found: list[Row | None] = [None] * len(sent)
    places: dict[bytes, deque[int]] = defaultdict(deque)
    for place, row in enumerate(sent):
        places[_canonical(row)].append(place)
    others: list[Row] = []
    for failure in failures:
        if same := places.get(_canonical(failure.get("contact"))):
            found[same.popleft()] = failure
        else:
            others.append(failure)
    # An echo may have more fields than were sent, but then it must be clear whose it is.
    by_name: dict[Name, set[int]] = defaultdict(set)
    for place, row in enumerate(sent):
        for name in _names(row) if found[place] is None else ():
            by_name[name].add(place)
    claims = [_claims(sent, by_name, failure) for failure in others]
    rivals = Counter(place for each in claims for place in each)
    for failure, each in zip(others, claims, strict=True):
        if len(each) == 1 and rivals[each[0]] == 1:
            found[each[0]] = failure
    return found


def _claims(sent: Sequence[Row], by_name: Mapping[Name, set[int]], failure: Row) -> list[int]:
    echo = failure.get("contact")
    if not isinstance(echo, dict):
        return []
    echoed = cast(Row, echo)
    near = {place for name in _names(echoed) for place in by_name.get(name, ())}
    return [
        place
        for place in near
        if all(name in echoed and echoed[name] == value for name, value in sent[place].items())
    ]


def _stored_of(sent: Sequence[Row], rows: Sequence[Row]) -> list[Contact | None]:
    """Return, for each contact, the one row that can only be what became of it, or None."""
    by_name: dict[Name, set[int]] = defaultdict(set)
    for place, row in enumerate(rows):
        for name in _names(row):
            by_name[name].add(place)
    stored: list[Contact | None] = []
    for each in sent:
        places = {place for name in _names(each) for place in by_name.get(name, ())}
        stored.append(_contact(rows[places.pop()]) if len(places) == 1 else None)
    return stored


def _shows_another(sent: Sequence[Row], rows: Sequence[Row]) -> bool:
    """Whether an answer shows a contact that can be none of those that were sent."""
    known = [each["contact_id"] for each in sent if "contact_id" in each]
    uuids, has_new = set(known), len(known) < len(sent)
    own = set[str]().union(*[_reached_by(each, ("phone", "email")) for each in sent])
    # The e-mail of a contact need not be one of its channels.
    fields = ("phone", "email") if "@" in "".join(own) else ("phone",)
    for row in rows:
        uuid = _uuid(row)
        # One that was sent by its UUID may have any phone, and one that was new any UUID.
        if uuid in uuids or (uuids and not uuid):
            continue
        shown = _reached_by(row, fields)
        if (uuid and not has_new) or (shown and shown.isdisjoint(own)):
            return True
    return False


def _reached_by(row: Row, fields: Sequence[str]) -> set[str]:
    ids = [row.get(field) for field in fields]
    ids += [each.get("channel_id") for each in _rows(row.get("contact_channels"))]
    return {known_as(str(each)) for each in ids if each}


def _uuid(row: Row) -> str:
    for key in ("uuid", "contact_id", "id"):
        text = row.get(key)
        if isinstance(text, str) and len(text) == _UUID_LENGTH:
            return text.lower()
    return ""


_UUID_LENGTH = 36


def _names(row: Row) -> set[Name]:
    channels = _rows(row.get("contact_channels"))
    names = {(str(each.get("channel_type")), str(each.get("channel_id"))) for each in channels}
    own = {("id", "uuid"), ("id", "contact_id"), ("phone", "phone"), ("email", "email")}
    return names | {(kind, str(row[key])) for kind, key in own if row.get(key)}


def _contact(row: Row) -> Contact:
    return lenient.read(Contact, msgspec.json.encode(row))


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
