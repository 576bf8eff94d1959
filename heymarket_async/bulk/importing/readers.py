"""Reads the rows of an import from CSV or JSON Lines, a row at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Self, cast

import msgspec

from heymarket_async.bulk.importing.columns import Columns, Target
from heymarket_async.bulk.importing.intake import RejectedRow, contact_of
from heymarket_async.models import NewContact

_BOM = b"\xef\xbb\xbf"
_KEPT = "surrogateescape"
_SURROGATE = re.compile("[\udc80-\udcff]")
_NOT_UTF_8 = "is not UTF-8; save the file as UTF-8"
_WITHIN_A_CELL = ("field larger than field limit", "unexpected end of data")
"""What the csv module says when a quote is still open."""


def csv_rows(
    lines: Iterable[bytes], columns: Columns, phone: Callable[[str], str]
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from CSV whose first row names the columns.

    An empty cell is a field that is not sent. Rows are those after the first; blank lines are
    none.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Says what the columns mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.

    Raises:
        ValueError: A column means nothing, or the first row is not UTF-8; this is looked at when
            this is called. Later: a quoted cell has no end, so no row after it can be told.
    """
    text = _Text(lines)
    table = csv.reader(text, strict=True)
    try:
        header = next(table, None)
    except csv.Error as error:
        raise ValueError(f"the first row is not CSV: {error}") from None
    if not header:
        raise ValueError("the file has no first row that names its columns")
    if not all(map(_is_utf_8, header)):
        raise ValueError(f"the first row {_NOT_UTF_8}")
    targets = columns.targets(header)
    return _csv_rows(text, table, targets, {**_READERS, "phone": phone})


def json_rows(
    lines: Iterable[bytes], columns: Columns, phone: Callable[[str], str]
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from JSON Lines: the fields of `NewContact`, `custom` by title or by id.

    A field that is null is sent as null. Blank lines are no rows.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Says what the names mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
    """
    for line in _Text(lines):
        if line.strip():
            yield _json_row(line, columns, phone)


class _Text:
    """The lines as text; bytes that are not UTF-8 are kept as lone surrogates."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.number = 0
        self._lines = iter(lines)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return (line.removeprefix(_BOM) if self.number == 1 else line).decode(errors=_KEPT)


def _is_utf_8(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


def _csv_rows(
    text: _Text,
    table: Iterator[list[str]],
    targets: Sequence[Target | None],
    readers: Mapping[str, Callable[[str], object]],
) -> Iterator[NewContact | RejectedRow]:
    while True:
        began = text.number + 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            if any(each in str(error) for each in _WITHIN_A_CELL):
                # Where the next row begins cannot be told any more.
                raise ValueError(
                    f"the row in line {began} has a quoted cell without an end, or one that is far"
                    " too long; mend it, and resume"
                ) from None
            yield RejectedRow(f"is not CSV: {error}")
            continue
        if cells:
            yield _csv_row(cells, targets, readers)


def _csv_row(
    cells: Sequence[str],
    targets: Sequence[Target | None],
    readers: Mapping[str, Callable[[str], object]],
) -> NewContact | RejectedRow:
    if len(cells) != len(targets):
        return RejectedRow(f"has {len(cells)} cells, and the first row names {len(targets)}")
    if not all(map(_is_utf_8, cells)):
        return RejectedRow(_NOT_UTF_8)
    given = [(target, cell) for target, cell in zip(targets, cells, strict=True) if cell.strip()]
    try:
        return _contact_of(
            (target, cell if target.custom_id else readers.get(target.field, str)(cell))
            for target, cell in given
            if target is not None
        )
    except ValueError as error:
        return RejectedRow(str(error))


def _json_row(line: str, columns: Columns, phone: Callable[[str], str]) -> NewContact | RejectedRow:
    if not _is_utf_8(line):
        return RejectedRow(_NOT_UTF_8)
    try:
        row = msgspec.json.decode(line, type=dict[str, object])
        custom = msgspec.convert(row.pop("custom", {}), dict[str, object] | None)
        given = [(columns.target(name), value) for name, value in row.items()]
        if custom is None:
            given.append((Target("custom"), None))
        else:
            given += [(columns.custom(name), value) for name, value in custom.items()]
        return _contact_of(
            (target, _from_json(target, value, phone))
            for target, value in given
            if target is not None
        )
    except RecursionError:
        return RejectedRow("is nested too deeply")
    except (ValueError, msgspec.MsgspecError) as error:
        return RejectedRow(str(error))


def _contact_of(given: Iterable[tuple[Target, object]]) -> NewContact | RejectedRow:
    fields: dict[str, object] = {}
    custom: dict[str, object] = {}
    for target, value in given:
        place, key = (custom, target.custom_id) if target.custom_id else (fields, target.field)
        if key in place:
            raise ValueError(f"names {key} twice")
        place[key] = value
    return contact_of({**fields, "custom": custom} if custom else fields)


def _from_json(target: Target, value: object, phone: Callable[[str], str]) -> object:
    if target.field == "phone" and isinstance(value, str):
        return phone(value)
    if target.field == "tags" and isinstance(value, list):
        return [_tag_id(tag) for tag in cast(list[object], value)]
    return value


def _tag_id(tag: object) -> object:
    """Return the id of a tag as exports have it, which is an object; others as they are."""
    return cast(dict[str, object], tag).get("tag_id") if isinstance(tag, dict) else tag


def _ids(cell: str) -> list[int]:
    try:
        return [int(each) for each in re.findall(r"[^\s,;]+", cell)]
    except ValueError:
        raise ValueError(
            "ids must be integers, with spaces, commas or semicolons between"
        ) from None


def _integer(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise ValueError("assignee_id must be an integer") from None


def _truth(cell: str) -> bool:
    try:
        return _TRUTHS[cell.strip().casefold()]
    except KeyError:
        raise ValueError("is_opted_out must be true or false, yes or no, 1 or 0") from None


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_READERS: dict[str, Callable[[str], object]] = {
    "tags": _ids,
    "email_suppressions": _ids,
    "assignee_id": _integer,
    "is_opted_out": _truth,
}
