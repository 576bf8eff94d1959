"""Opens contents as contact files, as tests of all formats do."""

from __future__ import annotations

import io
import os
from typing import Any, Self

import msgspec

from heymarket_async.bulk.contact_files.formats import open_contacts
from heymarket_async.bulk.contact_files.notes import Notes

PHONE = "14155550100"


def is_phone_heading(cell: str) -> bool:
    return cell.strip().casefold() in {"phone", "mobile"}


def opened(content: str | bytes, name: str = "", notes: Notes | None = None, **options: Any) -> Any:
    """Return the table or records of a content."""
    data = content.encode() if isinstance(content, str) else content
    found = notes if notes is not None else Notes()
    return open_contacts(
        io.BytesIO(data), name, is_phone_heading=is_phone_heading, notes=found, **options
    )


def cells_of(content: str | bytes, name: str = "", **options: Any) -> list[list[str]]:
    """Return the headings and the cells of all rows, which have no problems."""
    table = opened(content, name, **options)
    rows = list(table)
    assert [row.problem for row in rows if row.problem] == []
    return [table.headings, *(list(row.cells) for row in rows)]


def problems_of(content: str | bytes, name: str = "", **options: Any) -> list[tuple[int, str]]:
    """Return the numbers and problems of the rows that have one."""
    found = opened(content, name, **options)
    return [(each.number, each.problem) for each in found if each.problem]


def notes_of(content: str | bytes, name: str = "", **options: Any) -> list[str]:
    """Return the remarks on a file that was read to its end."""
    notes = Notes()
    for _ in opened(content, name, notes, **options):
        pass
    return notes.lines()


def json_lines(*rows: Any) -> bytes:
    lines = [row if isinstance(row, bytes) else msgspec.json.encode(row) for row in rows]
    return b"\n".join(lines)


class Pipe:
    """A real pipe, of which a test writes one end."""

    def __init__(self, content: bytes | None = None) -> None:
        reading, self._end = os.pipe()
        self._file = open(reading, "rb")  # noqa: SIM115, PTH123 - closed by leaving it
        self._is_open = True
        self._table: Any = None
        self.notes = Notes()
        if content is not None:
            self.write(content)
            self.close_end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._is_open:
            self.close_end()

    def write(self, content: bytes) -> None:
        assert os.write(self._end, content) == len(content)

    def close_end(self) -> None:
        os.close(self._end)
        self._is_open = False

    def table(self, name: str = "-", **options: Any) -> Any:
        """Return the table or records, which are opened at the first call."""
        self._table = self._table or open_contacts(
            self._file, name, is_phone_heading=is_phone_heading, notes=self.notes, **options
        )
        return self._table
