"""The outcome of each item of a batch, as far as the answer shows it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import cast

import msgspec

from heymarket_async.checks import known_as
from heymarket_async.decoding import lenient
from heymarket_async.models.account import TeamUser
from heymarket_async.models.contact import Contact
from heymarket_async.models.new_contact import NewContact, NewContactV2
from heymarket_async.models.new_user import UserChanges


class Outcome(StrEnum):
    """The outcome of one item of a batch.

    `UNKNOWN` means that the documentation contradicts itself, or that the server's answer does not
    name the item. Look it up before you send it again.
    """

    STORED = "stored"
    FAILED = "failed"
    UNKNOWN = "unknown"


class BatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one contact of `contacts.create_batch`.

    Attributes:
        contact: The contact as given.
        outcome: STORED can also mean that the phone already existed and was not changed.
        returned: The entry of the answer with this phone, all its keys kept, or None.
    """

    contact: NewContact
    outcome: Outcome
    returned: dict[str, object] | None = None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of `contacts.create_batch`.

    Attributes:
        items: One per contact given, in that order.
        answer: The decoded answer.
    """

    items: list[BatchItem]
    answer: object


class UpsertItem(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one contact of `contacts_v2.upsert_many`.

    Attributes:
        contact: The contact as given.
        outcome: FAILED if the answer lists it as failed; STORED if the answer has one entry for
            every item, and shows no other contact.
        stored: The contact as stored, if the answer shows which one it is.
        failure: The failed entry with its error details, all its keys kept, or None.
    """

    contact: NewContactV2
    outcome: Outcome
    stored: Contact | None = None
    failure: dict[str, object] | None = None


class UpsertResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of `contacts_v2.upsert_many`.

    Attributes:
        items: One per contact given, in that order.
        answer: The decoded answer, all its keys kept. `contacts` holds the stored contacts.
            `failed_contacts` holds the failed ones: "contact" as it was sent, and error details.
    """

    items: list[UpsertItem]
    answer: dict[str, object]


class UserItem(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one user of `users.update`.

    Attributes:
        user: The changes as given.
        outcome: STORED if the answer shows this user, with the role that was sent; else UNKNOWN.
        stored: The user as stored, if the answer shows it.
    """

    user: UserChanges
    outcome: Outcome
    stored: TeamUser | None = None


def user_items(users: Sequence[UserChanges], answer: Sequence[TeamUser]) -> list[UserItem]:
    """Return the outcomes of `users.update`."""
    by_id = {shown.id: shown for shown in answer}
    return [
        UserItem(user=user, outcome=_outcome(user, shown), stored=shown)
        for user in users
        for shown in [by_id.get(user.id)]
    ]


def _outcome(user: UserChanges, shown: TeamUser | None) -> Outcome:
    if shown is None:
        return Outcome.UNKNOWN
    has_other_role = shown.role_id is not None and user.role_id not in {None, shown.role_id}
    return Outcome.UNKNOWN if has_other_role else Outcome.STORED


def batch_result(contacts: Sequence[NewContact], answer: object) -> BatchResult:
    """Return the outcomes of `contacts.create_batch`. Only the answer "ok" shows them."""
    outcome = Outcome.STORED if answer == "ok" else Outcome.UNKNOWN
    by_phone = {_phone(row): row for row in _entries(answer)}
    items = [
        BatchItem(contact=contact, outcome=outcome, returned=by_phone.get(contact.phone))
        for contact in contacts
    ]
    return BatchResult(items=items, answer=answer)


def lists_what_was_stored(result: BatchResult) -> bool:
    """Whether an answer lists the stored contacts, so that a contact it leaves out was not stored.

    Each entry must have an id and a phone that was sent. A list of ids alone, or of phones in an
    unknown format, does not show which contacts it leaves out.
    """
    rows = _entries(result.answer)
    phones = {item.contact.phone for item in result.items}
    return bool(rows) and all(row.get("id") and _phone(row) in phones for row in rows)


def upsert_result(contacts: Sequence[NewContactV2], answer: dict[str, object]) -> UpsertResult:
    """Return the outcomes of `contacts_v2.upsert_many`."""
    failures = _entries(answer.get("failed_contacts"))
    sent = [cast(Entry, msgspec.to_builtins(contact)) for contact in contacts]
    failed = _failures_of(sent, failures)
    rows = _entries(answer.get("contacts"))
    stored = _stored_of(sent, rows)
    # Only an answer that has one entry for every item shows that the rest was stored.
    not_failed = failed.count(None)
    is_complete = len(failures) == len(contacts) - not_failed and len(rows) == not_failed
    is_known = is_complete and not _shows_another(sent, rows)
    rest = Outcome.STORED if is_known else Outcome.UNKNOWN
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


Entry = dict[str, object]
Identifier = tuple[str, str]
"""A way to identify a contact: ("id", its UUID), or the type and id of a channel."""


def _entries(value: object) -> list[Entry]:
    listed = cast(list[object], value) if isinstance(value, list) else []
    return [cast(Entry, row) for row in listed if isinstance(row, dict)]


_NO_DIGIT = re.compile(r"\D")


def _phone(row: Entry) -> str:
    return _NO_DIGIT.sub("", str(row.get("phone")))


def _failures_of(sent: Sequence[Entry], failures: Sequence[Entry]) -> list[Entry | None]:
    """Return the failure that repeats each contact, or None."""
    found: list[Entry | None] = [None] * len(sent)
    places: dict[bytes, deque[int]] = defaultdict(deque)
    for place, row in enumerate(sent):
        places[_canonical(row)].append(place)
    unmatched: list[Entry] = []
    for failure in failures:
        if same := places.get(_canonical(failure.get("contact"))):
            found[same.popleft()] = failure
        else:
            unmatched.append(failure)
    # An echo may have more fields than were sent, but then only one contact may match it.
    by_name: dict[Identifier, set[int]] = defaultdict(set)
    for place, row in enumerate(sent):
        for name in _identifiers(row) if found[place] is None else ():
            by_name[name].add(place)
    claims = [_claims(sent, by_name, failure) for failure in unmatched]
    rivals = Counter(place for each in claims for place in each)
    for failure, each in zip(unmatched, claims, strict=True):
        if len(each) == 1 and rivals[each[0]] == 1:
            found[each[0]] = failure
    return found


def _claims(
    sent: Sequence[Entry], by_name: Mapping[Identifier, set[int]], failure: Entry
) -> list[int]:
    echo = failure.get("contact")
    if not isinstance(echo, dict):
        return []
    echoed = cast(Entry, echo)
    near = {place for name in _identifiers(echoed) for place in by_name.get(name, ())}
    return [
        place
        for place in near
        if all(name in echoed and echoed[name] == value for name, value in sent[place].items())
    ]


def _stored_of(sent: Sequence[Entry], rows: Sequence[Entry]) -> list[Contact | None]:
    """Return the one stored contact that matches each contact that was sent, or None."""
    by_name: dict[Identifier, set[int]] = defaultdict(set)
    for place, row in enumerate(rows):
        for name in _identifiers(row):
            by_name[name].add(place)
    stored: list[Contact | None] = []
    for each in sent:
        places = {place for name in _identifiers(each) for place in by_name.get(name, ())}
        stored.append(_contact(rows[places.pop()]) if len(places) == 1 else None)
    return stored


def _shows_another(sent: Sequence[Entry], rows: Sequence[Entry]) -> bool:
    """Whether an answer shows a contact that was not sent."""
    known = [each["contact_id"] for each in sent if "contact_id" in each]
    uuids, has_new = set(known), len(known) < len(sent)
    own = set[str]().union(*[_reached_by(each, ("phone", "email")) for each in sent])
    # The e-mail of a contact need not be one of its channels.
    fields = ("phone", "email") if "@" in "".join(own) else ("phone",)
    for row in rows:
        uuid = _uuid(row)
        # A contact that was sent by its UUID may have any phone, and a new one any UUID.
        if uuid in uuids or (uuids and not uuid):
            continue
        shown = _reached_by(row, fields)
        if (uuid and not has_new) or (shown and shown.isdisjoint(own)):
            return True
    return False


def _reached_by(row: Entry, fields: Sequence[str]) -> set[str]:
    ids = [row.get(field) for field in fields]
    ids += [each.get("channel_id") for each in _entries(row.get("contact_channels"))]
    return {known_as(str(each)) for each in ids if each}


def _uuid(row: Entry) -> str:
    for key in ("uuid", "contact_id", "id"):
        text = row.get(key)
        if isinstance(text, str) and len(text) == _UUID_LENGTH:
            return text.lower()
    return ""


_UUID_LENGTH = 36


def _identifiers(row: Entry) -> set[Identifier]:
    channels = _entries(row.get("contact_channels"))
    names = {(str(each.get("channel_type")), str(each.get("channel_id"))) for each in channels}
    own = {("id", "uuid"), ("id", "contact_id"), ("phone", "phone"), ("email", "email")}
    return names | {(kind, str(row[key])) for kind, key in own if row.get(key)}


def _contact(row: Entry) -> Contact:
    return lenient.read(Contact, msgspec.json.encode(row))


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
