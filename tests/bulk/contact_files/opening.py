"""Opens contents as contact files, as tests of all formats do."""

from __future__ import annotations

import io
from typing import Any

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
