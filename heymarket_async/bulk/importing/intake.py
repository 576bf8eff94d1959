"""Takes in the rows of an import: numbers them, and settles those that need no look."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TypeAlias

import msgspec

from heymarket_async.bulk.importing.feed import Feed
from heymarket_async.bulk.importing.outcome_file import OutcomeFile
from heymarket_async.bulk.importing.outcome_lines import digest_of
from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import ReadRow, Row, RowOutcome, Verdict
from heymarket_async.bulk.importing.same_phone import SamePhone
from heymarket_async.models import NewContact
from heymarket_async.transport import wire


class RejectedRow(msgspec.Struct, frozen=True):
    """What a reader gives for a row that it cannot make a contact of.

    Attributes:
        reason: Why, without phones, e-mails and names.
    """

    reason: str


Item: TypeAlias = NewContact | RejectedRow | Mapping[str, object]
"""A row as it is given: a contact, its fields by name, or why it is none."""


def contact_of(fields: Mapping[str, object]) -> NewContact | RejectedRow:
    """Return the contact that has these fields, or why there can be none."""
    if "phone" not in fields:
        return RejectedRow("has no phone")
    for name in fields:
        if name not in NewContact.__struct_fields__:
            return RejectedRow(f"{wire.masked(str(name), None)} is no field of a contact")
    try:
        return NewContact(**fields)  # type: ignore[arg-type] # it looks at the types itself
    except (ValueError, TypeError) as error:
        return RejectedRow(str(error))


class Intake:
    """The rows of an import, in chunks.

    In memory are one chunk and one batch of the feed.

    Args:
        feed: Gives the rows; asked for no more than chunks are.
        file: What earlier runs say of them.
        results: Takes in the rows that are settled here.
        same_phone: Says which rows are to be sent.
        size: Rows in a chunk.
    """

    def __init__(
        self,
        feed: Feed[Item],
        file: OutcomeFile,
        results: Results,
        same_phone: SamePhone,
        size: int,
    ) -> None:
        self._feed = feed
        self._file = file
        self._results = results
        self._size = size
        self._same_phone = same_phone

    async def chunks(self) -> AsyncGenerator[list[Row], None]:
        """Give the rows that are not settled, up to where the input ends or fails.

        Raises:
            ValueError: The rows are not those of the earlier run.
        """
        chunk: list[Row] = []
        while items := await self._feed.next():
            for item in items:
                if (row := self._taken(item)) is not None:
                    chunk.append(row)
                if len(chunk) == self._size:
                    yield chunk
                    chunk = []
            await self._file.flush()
        if self._feed.failure is None and self._results.rows < self._file.earlier_rows:
            raise ValueError(
                f"the input ends before row {self._file.earlier_rows}, which was there when this"
                " import began"
            )
        if chunk:
            yield chunk

    def _taken(self, item: Item) -> Row | None:
        self._results.rows += 1
        number = self._results.rows
        contact, content = _sendable(item)
        digest = digest_of(content)
        earlier = self._file.earlier(number, digest)
        if isinstance(earlier, RowOutcome):
            self._results.skip(earlier)
            if isinstance(contact, NewContact):
                self._same_phone.skip(number, int(contact.phone), earlier)
        elif isinstance(contact, RejectedRow):
            row = ReadRow(number=number, digest=digest)
            self._results.settle(row, Verdict(RowOutcome.REJECTED, contact.reason))
        else:
            sendable = Row(number=number, contact=contact, digest=digest, before=earlier)
            return sendable if self._same_phone.let_through(sendable) else None
        return None


def _sendable(item: Item) -> tuple[NewContact | RejectedRow, bytes]:
    """Return a row as a contact, and as what would be sent of it."""
    contact = contact_of(item) if isinstance(item, Mapping) else item
    if isinstance(contact, NewContact):
        try:
            return contact, wire.encode(contact) or b""
        except ValueError as error:
            contact = RejectedRow(str(error))
    elif not isinstance(contact, RejectedRow):
        contact = RejectedRow("is neither a contact nor a mapping of its fields")
    return contact, contact.reason.encode()
