"""The outcomes of texts that are sent in bulk, and how the outcome file keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias
from uuid import UUID, uuid5

import msgspec

from heymarket_async.bulk.store.outcome_file import OutcomeFile
from heymarket_async.bulk.store.outcome_lines import Header, Line, Outcomes, hex_of
from heymarket_async.privacy import Masked


class SendOutcome(StrEnum):
    """The outcome of one row of `send_messages`.

    `SENT`: Heymarket accepted the text, or in a dry run it would be sent. `SKIPPED`: nothing was
    sent, as this person opted out, or an earlier row has the phone. `REJECTED`: it cannot be sent.
    `UNKNOWN`: it was sent, and neither an answer nor a look showed whether Heymarket has it. Resume
    the job to look again.
    """

    SENT = "sent"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Sending(StrEnum):
    """The mark of a row that is about to be sent."""

    BEGUN = "begun"


class SendHeader(Header, frozen=True, kw_only=True):
    """The job that an outcome file belongs to.

    Attributes:
        kind: Texts.
        message: A digest of the message and its sender.
        repeats: Whether a phone in several rows gets several texts.
        run: Of this job alone; the `local_id` of each text is made from it.
        began: The server's time when the job began, as an RFC 3339 timestamp.
    """

    unique: ClassVar[frozenset[str]] = frozenset({"run", "began"})
    digests: ClassVar[Mapping[str, str]] = {
        "message": "another text, template, picture, inbox, sender or default"
    }

    kind: Literal["texts"]
    message: str
    repeats: bool
    run: UUID
    began: str


SendLine: TypeAlias = Line[SendOutcome, Sending]
SendFile: TypeAlias = OutcomeFile[SendOutcome, Sending]

SENT = Outcomes(
    line=SendLine,
    unknown=SendOutcome.UNKNOWN,
    finished=(SendOutcome.SENT,),
    marks=tuple(Sending),
)
"""The outcomes that the file keeps. A row that was skipped or rejected is tried again."""


class TextRow(Masked, msgspec.Struct, array_like=True, gc=False):
    """A row that is to be sent.

    Attributes:
        number: From 1.
        phone: E.164 digits.
        local_id: Of its message. It is the same in each run of a job, so a row that may have been
            sent is found by it.
        text: None if a template is sent.
        segments: How many the text takes; 0 for a template.
        may_be_sent: An earlier run may have sent it.
        opted_out: A row of the input says that this person opted out.
        is_begun: The outcome file says on the disk that it is about to be sent.
        reason: Why it must not be sent any more; None if it may.
        values: The values of the fields in the text.
    """

    number: int
    phone: str
    local_id: UUID
    text: str | None = None
    segments: int = 0
    may_be_sent: bool = False
    opted_out: bool = False
    is_begun: bool = False
    reason: str | None = None
    values: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"TextRow({self.number})"

    @property
    def digest(self) -> int:
        """Identifies the row in the outcome file."""
        return self.local_id.int >> 64

    def line(
        self, outcome: SendOutcome, reason: str | None = None, message_id: int | None = None
    ) -> SendLine:
        """Return the line of the outcome file for an outcome of this row."""
        is_begun = self.is_begun or self.may_be_sent
        return Line(
            row=self.number,
            digest=hex_of(self.digest),
            outcome=outcome,
            before=Sending.BEGUN if is_begun else None,
            reason=reason,
            message_id=message_id,
        )


def local_id_of(run: UUID, phone: str, nth: int = 1) -> UUID:
    """Return the `local_id` of the text for the nth row with a phone.

    It does not depend on the number of the row, so the input may be sorted or shortened before a
    job is resumed, and still nobody gets a second text.
    """
    return uuid5(run, f"{phone}:{nth}")
