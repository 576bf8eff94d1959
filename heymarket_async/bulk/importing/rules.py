"""What a look into the account says of a row: pure rules, no I/O.

    sent before    in the account now         then
    never          no                         to be sent
    never          yes, not to overwrite      unchanged
    never          yes, and equal             unchanged
    never          yes, and more than once    rejected: which one is meant?
    never          yes, but different         to be sent
    when absent    yes                        created
    when absent    no                         to be sent again
    when present   yes, and equal             updated
    when present   yes, but different         to be sent again

The last four are for an answer that was lost, be it in the same run or in one that was killed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import cast

import msgspec
from msgspec import UNSET

from heymarket_async.batches import BatchItem
from heymarket_async.bulk.importing.lookup import Known, listed
from heymarket_async.ensure import refusal
from heymarket_async.models import NewContact, TagRef

_UNASSIGNED = -1


class RowOutcome(StrEnum):
    """What became of one row of an import.

    `UNKNOWN` is an honest answer: the row was sent, and neither an answer nor a look told what
    became of it. Resume the import, and it is looked up.
    """

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Before(StrEnum):
    """What the account had when a row was sent."""

    ABSENT = "absent"
    PRESENT = "present"


class ReadRow(msgspec.Struct, kw_only=True):
    """A row that was read.

    Attributes:
        number: From 1.
        digest: Identifies the row; see `outcome_file`.
        before: What the account had when the row was sent, or None if it never was.
    """

    number: int
    digest: int
    before: Before | None = None


class Row(ReadRow, kw_only=True):
    """A row that is under way.

    Attributes:
        contact: What is to be in the account.
        rev: The revision that the contact had then, if any.
        was_lost: It was sent before that too, and how it ended is not known.
    """

    contact: NewContact
    rev: int | None = None
    was_lost: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What became of a row.

    Attributes:
        outcome: Which of the five.
        reason: Why, if it was rejected or is unknown; without phones, e-mails and names.
        contact_id: The integer id of the contact, if it is known.
    """

    outcome: RowOutcome
    reason: str | None = None
    contact_id: int | None = None


def judge(row: Row, known: Sequence[Known], *, overwrite: bool) -> Verdict | None:
    """Return what became of a row, or None if it is to be sent.

    Args:
        row: As it was sent, or not yet.
        known: The contacts of the account that have its phone now.
        overwrite: Whether a contact that is different is to be overwritten.
    """
    first = known[0].id if known else None
    if row.before is Before.ABSENT:
        return Verdict(RowOutcome.CREATED, contact_id=first) if known else None
    equal = [contact for contact in known if is_equal(row.contact, contact)]
    if row.before is Before.PRESENT:
        return Verdict(RowOutcome.UPDATED, contact_id=equal[0].id) if equal else None
    if not known:
        return None
    if not overwrite:
        return Verdict(RowOutcome.UNCHANGED, contact_id=first)
    if len(known) > 1:
        return Verdict(RowOutcome.REJECTED, f"{len(known)} contacts of the account have this phone")
    return Verdict(RowOutcome.UNCHANGED, contact_id=first) if equal else None


def judge_answered(
    row: Row, known: Sequence[Known], item: BatchItem, *, is_last_look: bool
) -> Verdict | None:
    """Return what the answer says of a row of which the look after it says nothing, or None.

    What it lists as failed was not stored, and if the revision has grown, that was somebody else's
    write. But a row that was sent before, without an answer, may be refused because it was stored
    then, and be seen later.

    A server may store something else than was sent, such as a trimmed name, and then the contact
    never equals the row; but its revision has grown. Without an answer that says nothing.
    """
    if (reason := refusal(item)) and (is_last_look or not row.was_lost):
        return Verdict(RowOutcome.REJECTED, reason)
    for contact in known:
        if row.rev is not None and contact.rev is not None and contact.rev > row.rev:
            return Verdict(RowOutcome.UPDATED, contact_id=contact.id)
    return None


def is_equal(given: NewContact, stored: Known) -> bool:
    """Whether a contact of the account has each field that was given, exactly.

    Null and the empty text are the same, since it is not documented which of the two a cleared
    field has. What reads do not show cannot be said to be equal.
    """
    names = (name for name in given.__struct_fields__ if name != "phone")
    return all(
        _same(name, getattr(given, name), stored)
        for name in names
        if getattr(given, name) is not UNSET
    )


def _same(name: str, given: object, stored: Known) -> bool:
    if name == "tags":
        return _tag_ids(given) == _tag_ids(stored.tags)
    if name == "assignee_id":
        return (None if given == _UNASSIGNED else given) == stored.assigned_user_id
    if name == "custom":
        return _texts(given) == _texts(stored.custom)
    # No read shows `email_suppressions`.
    return hasattr(stored, name) and _plain(given) == _plain(getattr(stored, name))


def _plain(value: object) -> object:
    return None if value == "" else value


def _tag_ids(tags: object) -> set[object]:
    # The shape of tags in reads is not documented: one that is not known here equals no tag.
    return set(map(_tag_id, listed(tags)))


def _tag_id(tag: object) -> object:
    if isinstance(tag, TagRef):
        return tag.tag_id
    if isinstance(tag, Mapping):
        tag = cast(Mapping[str, object], tag).get("tag_id")
    return tag if isinstance(tag, int | str) else "unknown"


def _texts(custom: object) -> dict[str, str]:
    # A number may come back as the text that it was stored as.
    values = cast(Mapping[str, object], custom if isinstance(custom, Mapping) else {})
    return {name: str(value) for name, value in values.items() if value is not None and value != ""}
