"""Contacts as bulk jobs handle them: JSON as the server sent it, and what tells versions apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from heymarket_async import timestamps
from heymarket_async.walk_rows import Rows, rows_of


class Row(msgspec.Struct, frozen=True):
    """The part of a contact that tells who it is, and in which version."""

    id: int
    updated: str
    rev: int | None = None


class Version(NamedTuple):
    """Which of two versions of one contact is the newer one: the greater of these."""

    rev: int
    instant: str


class Batch(NamedTuple):
    """Some contacts, in their order.

    Attributes:
        rows: Their `id`, `rev` and `updated`.
        items: Their JSON.
    """

    rows: Rows
    items: Sequence[bytes | msgspec.Raw]

    def part(self, places: slice) -> Batch:
        """Return those that stand together at these places."""
        return Batch(self.rows.part(places), self.items[places])

    def only(self, places: list[int]) -> Batch:
        """Return those at these places."""
        return Batch(self.rows.only(places), [self.items[each] for each in places])


_decode = msgspec.json.Decoder(Row, strict=False).decode


def batch_of(lines: Sequence[bytes]) -> Batch:
    """Return contacts from their JSON."""
    return Batch(rows_of([_decode(line) for line in lines]), lines)


def row_of(line: bytes) -> Row:
    """Return who a contact is, from its JSON."""
    return _decode(line)


def version_of(row: Row) -> Version:
    """Return which version of its contact this is."""
    return Version(row.rev or 0, timestamps.instant(row.updated))


def lines_of(sent: Iterable[bytes | msgspec.Raw]) -> list[bytes]:
    """Return JSON as the server sent it, each without line breaks."""
    lines = list(map(bytes, sent))
    together = b"".join(lines)
    if b"\n" not in together and b"\r" not in together:
        return lines
    # Break lines only where the server did so between tokens; inside a text, JSON has none.
    return [
        msgspec.json.format(line, indent=-1) if b"\n" in line or b"\r" in line else line
        for line in lines
    ]


def newest_versions(lines: Iterable[bytes], ids: frozenset[int]) -> dict[int, Version]:
    """Return the newest version of each of these contacts."""
    newest: dict[int, Version] = {}
    for row in map(_decode, lines):
        if row.id in ids:
            newest[row.id] = max(version_of(row), newest.get(row.id, Version(0, "")))
    return newest


def without_older(lines: Iterable[bytes], newest: dict[int, Version]) -> Iterator[bytes]:
    """Leave out what another line has in a newer version, or in the same one."""
    left = dict(newest)
    for line in lines:
        row = _decode(line)
        if row.id not in newest:
            yield line
        elif left.get(row.id) == version_of(row):
            del left[row.id]
            yield line
