"""Rules that decide the outcome of a row from the contacts that the account has now; no I/O.

    row was sent      contacts with its phone now    decision
    never             none                           send it
    never             some, and not to overwrite     unchanged
    never             one, equal                     unchanged
    never             several                        rejected: it is unclear which one is meant
    never             one, different                 send it
    when absent       some                           created
    when absent       none                           send it again
    when present      some, not to overwrite         updated: only its opt-out was sent
    when present      some, equal                    updated
    when present      none equal                     send it again

The last five are for an answer that was lost, in this run or in one that was killed.

An opt-out is never lost: see `note_opt_outs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias, cast

import msgspec
from msgspec import UNSET

from heymarket_async.batches import BatchItem
from heymarket_async.bulk.importing.lookup import Existing, as_list
from heymarket_async.bulk.store.outcome_lines import Header, Line, Outcomes, hex_of
from heymarket_async.ensure import refusal
from heymarket_async.models.new_contact import NewContact, TagRef

_UNASSIGNED = -1


class RowOutcome(StrEnum):
    """The outcome of one row of an import.

    `UNKNOWN`: the row was sent, and neither an answer nor a lookup showed whether it was stored.
    Resume the import to look it up.
    """

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class SentWhen(StrEnum):
    """Whether the account had the phone of a row when the row was sent."""

    ABSENT = "absent"
    PRESENT = "present"


class ImportHeader(Header, frozen=True, kw_only=True):
    """The import that an outcome file belongs to.

    Attributes:
        kind: An import, or a dry run.
        overwrite: Whether contacts are overwritten.
    """

    noun: ClassVar[str] = "import"

    kind: Literal["import", "dry run"]
    overwrite: bool


ImportLine: TypeAlias = Line[RowOutcome, SentWhen]

IMPORTED = Outcomes(
    line=ImportLine,
    unknown=RowOutcome.UNKNOWN,
    finished=(RowOutcome.CREATED, RowOutcome.UPDATED, RowOutcome.UNCHANGED),
    marks=tuple(SentWhen),
)
"""The outcomes that the file of an import keeps."""


class NumberedRow(msgspec.Struct, kw_only=True):
    """A row of the input.

    Attributes:
        number: From 1.
        digest: Identifies the content; see `outcome_file`.
        source: The row as it was given, or the source of a `SourceRow`.
        sent_when: Whether its phone was in the account when it was sent; None if it never was.
    """

    number: int
    digest: int
    source: object = None
    sent_when: SentWhen | None = None

    def line(self, decision: Decision) -> ImportLine:
        """Return the line of the outcome file for an outcome of this row."""
        return Line(
            row=self.number,
            digest=hex_of(self.digest),
            outcome=decision.outcome,
            before=self.sent_when,
            reason=decision.reason,
            contact_id=decision.contact_id,
        )


class PendingRow(NumberedRow, kw_only=True):
    """A row that has no outcome yet.

    Attributes:
        contact: The contact to store.
        duplicate_of: The number of an earlier row with its phone, if only its opt-out is wanted.
        rejected: Its outcome, if it was rejected when it was read, and only its opt-out is wanted.
        is_opted_out: As the row says it; the contact may be sent as opted out all the same.
        to_opt_out: The ids of existing contacts that must be opted out, since the row says so. None
            is the only contact with the phone.
        opted_out: Because of it, an existing contact was opted out; in a dry run, it would be.
        rev: The revision of the existing contact when the row was sent, if there was one.
        was_lost: It was also sent earlier, and the answer to that was lost.
    """

    contact: NewContact
    duplicate_of: int | None = None
    rejected: Decision | None = None
    is_opted_out: object = None
    to_opt_out: Sequence[int | None] = ()
    opted_out: bool = False
    rev: int | None = None
    was_lost: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The outcome of a row, and why.

    Attributes:
        outcome: One of the five.
        reason: Why it was rejected or is unknown; without phones, e-mails and names.
        contact_id: The integer id of the contact, if it is known.
    """

    outcome: RowOutcome
    reason: str | None = None
    contact_id: int | None = None

    def because(self, more: str, outcome: RowOutcome | None = None) -> Decision:
        """Return it with one more reason, and with another outcome if one is given."""
        reason = f"{self.reason}; {more}" if self.reason else more
        return Decision(outcome or self.outcome, reason, self.contact_id)


def decide(row: PendingRow, existing: Sequence[Existing], *, overwrite: bool) -> Decision | None:
    """Return the outcome of a row, or None if it must be sent.

    Args:
        row: The row, sent or not.
        existing: The contacts that have its phone now.
        overwrite: Whether a contact that differs is to be overwritten.
    """
    first = existing[0].id if existing else None
    if row.sent_when is SentWhen.ABSENT:
        return Decision(RowOutcome.CREATED, contact_id=first) if existing else None
    equal = [contact for contact in existing if is_equal(row.contact, contact)]
    if row.sent_when is SentWhen.PRESENT and (overwrite or not existing):
        return Decision(RowOutcome.UPDATED, contact_id=equal[0].id) if equal else None
    if not existing:
        return None
    if not overwrite:
        outcome = RowOutcome.UPDATED if row.sent_when else RowOutcome.UNCHANGED
        return Decision(outcome, contact_id=first)
    if len(existing) > 1:
        reason = f"{len(existing)} contacts of the account have this phone"
        return Decision(RowOutcome.REJECTED, reason)
    return Decision(RowOutcome.UNCHANGED, contact_id=first) if equal else None


def decide_after_answer(
    row: PendingRow, existing: Sequence[Existing], item: BatchItem, *, is_last_lookup: bool
) -> Decision | None:
    """Return the outcome of a row by the answer to it, where `decide` finds none; or None.

    A row that the answer lists as failed was not stored: if the revision has grown, somebody else
    wrote it. But if the row was sent before and that answer was lost, it may be refused because it
    is stored already, and a later lookup shows it.

    A server may store something else than was sent, such as a trimmed name. Then the contact never
    equals the row, but its revision has grown. Without an answer a grown revision proves nothing.
    """
    if (reason := refusal(item)) and (is_last_lookup or not row.was_lost):
        return Decision(RowOutcome.REJECTED, reason)
    for contact in existing:
        if row.rev is not None and contact.rev is not None and contact.rev > row.rev:
            return Decision(RowOutcome.UPDATED, contact_id=contact.id)
    return None


def note_opt_outs(row: PendingRow, existing: Sequence[Existing], *, overwrite: bool) -> None:
    """Note on a row which contacts it must opt out, and send it as opted out if one of them is.

    An overwrite may empty fields that are not given, so also a row that says nothing is sent as
    opted out.
    """
    textable = [contact.id for contact in existing if contact.is_opted_out is not True]
    wanted = textable if row.is_opted_out is True else []
    if row.to_opt_out and existing and not wanted:
        row.opted_out = True  # the batch has done it
    row.to_opt_out = [None] if wanted and len(existing) == 1 else wanted
    if overwrite and any(contact.is_opted_out is True for contact in existing):
        keep_opt_out(row)


def keep_opt_out(row: PendingRow) -> None:
    """Send a row as opted out."""
    if row.contact.is_opted_out is not True:
        row.contact = msgspec.structs.replace(row.contact, is_opted_out=True)


def may_be_opted_out(row: PendingRow, existing: Sequence[Existing]) -> bool:
    """Whether it is unclear if an existing contact has opted out, and the row would not say so."""
    is_odd = any(not isinstance(contact.is_opted_out, bool) for contact in existing)
    return is_odd and row.contact.is_opted_out is not True


def duplicate(first: int) -> Decision:
    """Return the decision for a row that has the phone of an earlier row."""
    return Decision(RowOutcome.REJECTED, f"row {first} has the same phone")


def of_opt_out(row: PendingRow) -> Decision | None:
    """Return the outcome of a row if only its opt-out is wanted; None for all other rows."""
    return row.rejected if row.duplicate_of is None else duplicate(row.duplicate_of)


def is_equal(given: NewContact, stored: Existing) -> bool:
    """Whether a contact of the account has each field that was given, exactly.

    Null and the empty text are equal, since it is not documented which of them a cleared field has.
    A field that answers do not show never equals.
    """
    return all(
        _is_same(name, value, stored)
        for name in given.__struct_fields__
        if name != "phone" and (value := getattr(given, name)) is not UNSET
    )


def _is_same(name: str, given: object, stored: Existing) -> bool:
    if name == "tags":
        return _tag_ids(given) == _tag_ids(stored.tags)
    if name == "assignee_id":
        return (None if given == _UNASSIGNED else given) == stored.assigned_user_id
    if name == "custom":
        return _texts(given) == _texts(stored.custom)
    # No answer shows `email_suppressions`.
    return hasattr(stored, name) and _null_if_empty(given) == _null_if_empty(getattr(stored, name))


def _null_if_empty(value: object) -> object:
    return None if value == "" else value


def _tag_ids(tags: object) -> set[object]:
    # The shape of tags in answers is not documented: an unknown one equals no tag.
    return set(map(_tag_id, as_list(tags)))


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
