"""Takes in the rows of an import: numbers them, and settles those that need no look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TypeAlias

import msgspec

from heymarket_async.bulk.importing.outcome_file import OutcomeFile, digest_of
from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import Row, RowOutcome
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
    try:
        return NewContact(**fields)  # type: ignore[arg-type] # it looks at the types itself
    except (ValueError, TypeError) as error:
        return RejectedRow(str(error))


class Intake:
    """The rows of an import, in chunks.

    In memory are one chunk, and the phones seen so far: some 150 bytes for each.

    Args:
        items: The rows; read no faster than chunks are asked for.
        file: What earlier runs say of them.
        results: Takes in the rows that are settled here.
        size: Rows in a chunk.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        file: OutcomeFile,
        results: Results,
        size: int,
    ) -> None:
        self._items = items
        self._file = file
        self._results = results
        self._size = size
        self._phones: dict[int, int] = {}

    async def chunks(self) -> AsyncGenerator[list[Row], None]:
        """Give the rows that are not settled.

        Raises:
            ValueError: The rows are not those of the earlier run.
        """
        chunk: list[Row] = []
        async for item in _each(self._items):
            if (row := self._taken(item)) is not None:
                chunk.append(row)
            if len(chunk) == self._size:
                yield chunk
                chunk = []
            elif self._results.rows % self._size == 0:
                # Others want to run too, however many rows need no look.
                await asyncio.sleep(0)
        if self._results.rows < self._file.earlier_rows:
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
        first = self._first_with_phone(contact)
        self._results.duplicates += first != number
        if isinstance(earlier, RowOutcome):
            self._results.skip(earlier)
        elif isinstance(contact, RejectedRow):
            self._results.reject(number, digest, contact.reason)
        elif first != number:
            self._results.reject(number, digest, f"row {first} has the same phone")
        else:
            return Row(number=number, contact=contact, digest=digest, before=earlier)
        return None

    def _first_with_phone(self, contact: NewContact | RejectedRow) -> int:
        number = self._results.rows
        if isinstance(contact, RejectedRow):
            return number
        return self._phones.setdefault(int(contact.phone), number)


async def _each(items: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


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
