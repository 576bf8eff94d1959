"""Reads the rows of an import from CSV and JSON Lines, a row at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Self, cast

import msgspec

from heymarket_async.bulk.importing.columns import CUSTOM, READ_NAMES, Columns, Target
from heymarket_async.bulk.importing.source import RejectedRow, contact_of
from heymarket_async.bulk.sinks.tables import as_it_was
from heymarket_async.decoding import mending
from heymarket_async.models import NewContact


def _ids(cell: str) -> list[int]:
    try:
        return [int(each) for each in re.findall(r"[^\s,;]+", cell)]
    except ValueError:
        raise ValueError(
            "ids must be integers, with spaces, commas or semicolons between"
        ) from None


def _tags(cell: str) -> list[object] | list[int]:
    if not cell.startswith("["):
        return _ids(cell)
    try:
        return tag_ids(msgspec.json.decode(cell, type=list[object]))
    except msgspec.MsgspecError:
        raise ValueError("tags must be ids, or a list in JSON as exports have it") from None


def _integer(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise ValueError("assignee_id must be an integer") from None


def _truth(cell: str) -> bool:
    try:
        return _TRUTHS[cell.casefold()]
    except KeyError:
        raise ValueError("is_opted_out must be true or false, yes or no, 1 or 0") from None


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

READERS: Mapping[str, Callable[[str], object]] = {
    "tags": _tags,
    "email_suppressions": _ids,
    "assignee_id": _integer,
    "is_opted_out": _truth,
}
"""What reads a cell, by the field that it is of; all others are texts."""


NOT_UTF_8 = "is not UTF-8; save the file as UTF-8"

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_KEPT = "surrogateescape"
_SURROGATE = re.compile("[\udc80-\udcff]")


class Text:
    """The lines as text; bytes that are not UTF-8 are kept as lone surrogates.

    Attributes:
        number: Lines given so far.
        line: The last of them.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.number = 0
        self.line = ""
        self._lines = iter(lines)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if self.number == 1 and line.startswith(_UTF_16):
            raise ValueError('the file is UTF-16, as "Unicode text" is; save it as UTF-8')
        whole = line.removeprefix(_BOM) if self.number == 1 else line
        self.line = whole.decode(errors=_KEPT)
        return self.line


def is_utf_8(text: str) -> bool:
    """Whether a text has no bytes in it that are not UTF-8."""
    return text.isascii() or not _SURROGATE.search(text)


def contact_with(given: Iterable[tuple[Target, object]]) -> NewContact | RejectedRow:
    """Return the contact that has these values, or why there can be none.

    Raises:
        ValueError: Two are of the same field.
    """
    fields: dict[str, object] = {}
    custom: dict[str, object] = {}
    for target, value in given:
        place, key = (custom, target.custom_id) if target.custom_id else (fields, target.field)
        if key in place:
            raise ValueError(f"names {key} twice")
        place[key] = value
    return contact_of({**fields, "custom": custom} if custom else fields)


def rejected(reason: object, line: int, end: int = 0) -> RejectedRow:
    """Return what is wrong with a row, and in which line it begins, or which lines it took."""
    where = f"lines {line} to {end}" if end > line else f"line {line}"
    return RejectedRow(f"{reason} ({where})")


def tag_ids(tags: list[object]) -> list[object]:
    """Return the ids of tags as exports have them, which is objects; others as they are."""
    return [
        cast(dict[str, object], tag).get("tag_id") if isinstance(tag, dict) else tag for tag in tags
    ]


_WITHIN_A_CELL = ("field larger than field limit", "unexpected end of data")
"""What the csv module says when a quote may still be open."""

_SEP = re.compile(r"sep=([^\"\r\n ])\s*$")
"""A line that Excel takes, and some programs write."""

_Readers = Mapping[str, Callable[[str], object]]
_Targets = Sequence[Target | None]


def csv_rows(
    lines: Iterable[bytes],
    columns: Columns,
    phone: Callable[[str], str],
    *,
    delimiter: str = ",",
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from CSV whose first row names the columns.

    White space around a cell is no part of it. An empty cell is a field that is not sent. Rows are
    those after the first; blank lines, and those of empty cells, are none.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Says what the columns mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
        delimiter: One character; a first line "sep=;" is the better word.

    Raises:
        ValueError: A column means nothing, or the first row is not UTF-8; this is looked at when
            this is called. Later: a quoted cell has no end, so no row after it can be told.
    """
    text = Text(lines)
    first = _first_line(text)
    if divider := _SEP.match(first):
        delimiter, first = divider[1], _first_line(text)
    table = csv.reader(chain([first], text), strict=True, delimiter=delimiter)
    try:
        header = [as_it_was(cell) for cell in next(table)]
    except csv.Error as error:
        raise ValueError(f"the first row is not CSV: {_said(error)}") from None
    if not header:
        raise ValueError("the file has no first row that names its columns")
    if not all(map(is_utf_8, header)):
        raise ValueError(f"the first row {NOT_UTF_8}")
    for other in (";", "\t", "|"):
        if len(header) == 1 and other in header[0]:
            said = "tab" if other == "\t" else other
            raise ValueError(
                f'the first row is one cell; if "{said}" divides it, say --delimiter "{said}"'
            )
    return _rows(text, table, columns.of_header(header), {**READERS, "phone": phone})


def _first_line(text: Text) -> str:
    return next((line for line in text if line.strip()), "")


def _said(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return is within a cell, or ends the lines; save it with other line ends"
    return str(error)


def _rows(
    text: Text, table: Iterator[list[str]], targets: _Targets, readers: _Readers
) -> Iterator[NewContact | RejectedRow]:
    while True:
        began = text.number + 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            is_one_line = text.number == began and '"' not in text.line
            if any(each in str(error) for each in _WITHIN_A_CELL) and not is_one_line:
                # Where the next row begins cannot be told any more.
                raise ValueError(
                    f"the row in line {began} has a quoted cell without an end, or one that is far"
                    " too long; mend it"
                ) from None
            # A quote in the wrong place may have taken other rows along.
            yield rejected(f"is not CSV: {_said(error)}", began, text.number)
            continue
        if any(map(str.strip, cells)):
            row = _row(cells, targets, readers)
            yield rejected(row.reason, began) if isinstance(row, RejectedRow) else row


def _row(cells: Sequence[str], targets: _Targets, readers: _Readers) -> NewContact | RejectedRow:
    if len(cells) != len(targets):
        return RejectedRow(f"has {len(cells)} cells, and the first row names {len(targets)}")
    if not all(map(is_utf_8, cells)):
        return RejectedRow(NOT_UTF_8)
    given = [
        (target, cell)
        for target, cell in zip(targets, map(as_it_was, cells), strict=True)
        if cell and target is not None
    ]
    try:
        return contact_with(
            (target, cell if target.custom_id else readers.get(target.field, str)(cell))
            for target, cell in given
        )
    except ValueError as error:
        return RejectedRow(str(error))


_Given = list[tuple[Target, object]]
_NO_CUSTOM: dict[str, object] = {}
_decode = msgspec.json.Decoder(dict[str, object]).decode


def json_rows(
    lines: Iterable[bytes], columns: Columns, phone: Callable[[str], str]
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from JSON Lines: the fields of `NewContact`, `custom` by title or by id.

    A field that is null is sent as null. Blank lines are no rows. JSON that strict readers refuse
    is read as answers are: half an emoji as U+FFFD, NaN and Infinity as null.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Says what the names mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.

    Raises:
        ValueError: The file is other JSON, or UTF-16, or its first row has names that mean
            nothing. In a later one they reject it.
    """
    text = Text(lines)
    is_first, is_begin = True, True
    for line in text:
        if not line.strip():
            continue
        if is_begin:
            is_begin = False
            _check_begin(line)
        try:
            row = _decoded(line)
        except ValueError as error:
            yield rejected(error, text.number)
            continue
        try:
            given = _given(row, columns)
        except ValueError as error:
            if is_first:
                raise ValueError(f"the first row: {error}") from None
            yield rejected(error, text.number)
            continue
        is_first = False
        yield _contact(given, phone, text.number)


def _check_begin(line: str) -> None:
    # Else each line of it would be a bad row.
    if line.lstrip().startswith("[") or line.strip() == "{":
        raise ValueError(
            "the file is JSON, but not JSON Lines, which has one whole object in each line and no"
            " array around them"
        )


def _decoded(line: str) -> dict[str, object]:
    if not is_utf_8(line):
        raise ValueError(NOT_UTF_8)
    try:
        row = mending.decode(_decode, line.encode())  # exports keep half an emoji as it was sent
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except msgspec.ValidationError:
        raise ValueError("is JSON, but no object") from None
    except msgspec.MsgspecError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(row.get("custom"), dict | None):
        raise ValueError("custom must be an object or null")
    return row


def _given(row: dict[str, object], columns: Columns) -> _Given:
    """Return the values of a row with what they mean.

    Raises:
        ValueError: A name means nothing.
    """
    custom = cast("dict[str, object] | None", row.pop("custom", _NO_CUSTOM))
    named = [*row.items(), *((f"{CUSTOM}{key}", value) for key, value in (custom or {}).items())]
    targets = columns.of_names(tuple(name for name, _ in named))
    given: _Given = [
        (target, value)
        for (name, value), target in zip(named, targets, strict=True)
        # That nobody is assigned is null to read, and -1 to write.
        if target is not None and not (value is None and name in READ_NAMES)
    ]
    if custom is None:
        given.append((Target("custom"), None))
    return given


def _contact(given: _Given, phone: Callable[[str], str], line: int) -> NewContact | RejectedRow:
    try:
        made = contact_with((target, _value(target, value, phone)) for target, value in given)
    except ValueError as error:
        return rejected(error, line)
    return rejected(made.reason, line) if isinstance(made, RejectedRow) else made


def _value(target: Target, value: object, phone: Callable[[str], str]) -> object:
    if target.field == "phone" and isinstance(value, str | int | float):
        # A program may hold a phone as a number, and a table even as a float.
        return phone(str(value))
    if target.field == "tags" and isinstance(value, list):
        return tag_ids(cast(list[object], value))
    return value
