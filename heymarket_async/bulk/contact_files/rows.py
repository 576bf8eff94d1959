"""Reads the rows of an import from CSV and JSON Lines, one at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, Self, TypeAlias, cast

import msgspec

from heymarket_async.bulk.contact_files.columns import CUSTOM, READ_NAMES, Columns, Target
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.importing.source import RejectedRow, contact_of
from heymarket_async.bulk.sinks.tables import as_it_was
from heymarket_async.decoding import mending
from heymarket_async.models import NewContact

_NOT_UTF_8 = "is not UTF-8; save the file as UTF-8"
_SURROGATE = re.compile("[\udc80-\udcff]")
_SEP = re.compile(r"sep=([^\"\r\n ])\s*$")
"""A first line that Excel reads, and some programs write."""

_OPEN_QUOTE = ("field larger than field limit", "unexpected end of data")
"""Errors of the csv module after which a quote may still be open."""

_Read: TypeAlias = Callable[[str], object]
_Value: TypeAlias = tuple[Target, object]


class _Field(NamedTuple):
    target: Target
    read: _Read


def csv_rows(
    lines: Iterable[bytes],
    columns: Columns,
    phone: Callable[[str], str],
    *,
    delimiter: str = ",",
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from CSV with a header.

    White space around a cell is removed, and the field of an empty cell is not sent. Blank lines
    and rows of empty cells are not counted as rows.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Finds the fields that the columns mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
        delimiter: One character; a first line "sep=;" overrides it.

    Raises:
        JobError: Columns are unknown, or the delimiter is another one. Like all errors of the
            header, this is raised at the call.
        ValueError: The file has no header, or its header is not CSV in UTF-8. Later: a quoted cell
            has no end, so the next row cannot be found.
    """
    text = _Text(lines)
    first = _first_line(text)
    if separator := _SEP.match(first):
        delimiter, first = separator[1], _first_line(text)
    table = csv.reader(chain([first], text), strict=True, delimiter=delimiter)
    try:
        header = [_stripped(cell) for cell in next(table)]
    except csv.Error as error:
        raise ValueError(f"The header is not CSV: {_explained(error)}.") from None
    _check_header(header)
    readers = {**_CELLS, "phone": phone}
    fields = [_field(target, readers) for target in columns.of_header(header)]
    return _csv_rows(text, table, fields)


def _first_line(text: _Text) -> str:
    return next((line for line in text if line.strip()), "")


def _check_header(header: Sequence[str]) -> None:
    if not header:
        raise ValueError("The file has no header.")
    if not all(map(_is_utf_8, header)):
        raise ValueError(f"The header {_NOT_UTF_8}.")
    for delimiter, name in ((";", '";"'), ("\t", "tab"), ("|", '"|"')):
        if len(header) == 1 and delimiter in header[0]:
            raise JobError(
                "wrong_delimiter",
                f"The header is a single cell with {name} in it.",
                f"If that divides the cells, use delimiter={delimiter!a}.",
                delimiter=name,
            )


def _field(target: Target | None, readers: Mapping[str, _Read]) -> _Field | None:
    if target is None:
        return None
    return _Field(target, str if target.custom_id else readers.get(target.field, str))


def _explained(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return is within a cell, or ends the lines; save it with other line ends"
    return str(error)


def _csv_rows(
    text: _Text, table: Iterator[list[str]], fields: Sequence[_Field | None]
) -> Iterator[NewContact | RejectedRow]:
    while True:
        began = text.number + 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            is_one_line = text.number == began and '"' not in text.line
            if any(each in str(error) for each in _OPEN_QUOTE) and not is_one_line:
                # It is unclear where the next row begins.
                raise ValueError(
                    f"The row in line {began} has a quoted cell without an end, or one that is far"
                    " too long. Correct it."
                ) from None
            # A quote in the wrong place may have swallowed other rows.
            yield _rejected(f"is not CSV: {_explained(error)}", began, text.number)
            continue
        if any(map(str.strip, cells)):
            yield _contact(_csv_values(cells, fields), began)


def _csv_values(cells: Sequence[str], fields: Sequence[_Field | None]) -> Iterator[_Value]:
    if len(cells) != len(fields):
        found, wanted = _counted(len(cells), "cell"), _counted(len(fields), "column")
        raise ValueError(f"{found}, but the header has {wanted}")
    if not all(map(_is_utf_8, cells)):
        raise ValueError(_NOT_UTF_8)
    for field, cell in zip(fields, map(_stripped, cells), strict=True):
        if cell and field is not None:
            yield field.target, field.read(cell)


def _stripped(cell: str) -> str:
    cell = as_it_was(cell).strip()
    # People put an apostrophe before a phone, and an export does not.
    return cell[1:] if re.match(r"'[+-]\d", cell) else cell


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _reader(read: _Read, rule: str) -> _Read:
    """Return a function that reads a cell, and raises this rule for one that it cannot read."""

    def checked(cell: str) -> object:
        try:
            return read(cell)
        except (ValueError, KeyError, msgspec.MsgspecError):
            raise ValueError(rule) from None

    return checked


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_boolean = _reader(
    lambda cell: _BOOLEANS[cell.casefold()],
    "is_opted_out must be true or false, yes or no, 1 or 0",
)
_ids = _reader(
    lambda cell: [int(number) for number in re.findall(r"[^\s,;]+", cell)],
    "ids must be integers, with spaces, commas or semicolons between",
)
_json_tags = _reader(
    lambda cell: _tag_ids(msgspec.json.decode(cell, type=list[object])),
    "tags must be ids, or a list in JSON as exports have it",
)
_CELLS: Mapping[str, _Read] = {
    "tags": lambda cell: _json_tags(cell) if cell.startswith("[") else _ids(cell),
    "email_suppressions": _ids,
    "assignee_id": _reader(int, "assignee_id must be an integer"),
    "is_opted_out": _boolean,
}
"""Functions that read the cells of a field; the cells of other fields are texts."""


def json_rows(
    lines: Iterable[bytes], columns: Columns, phone: Callable[[str], str]
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from JSON Lines: the fields of `NewContact`, `custom` by title or by id.

    A field that is null is sent as null. Blank lines are not counted as rows. JSON that strict
    readers refuse is read as answers are: half an emoji as U+FFFD, NaN and Infinity as null.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Finds the fields that the names mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.

    Raises:
        JobError: The first row has unknown names. A later row with unknown names is rejected.
        ValueError: The file is other JSON, or UTF-16.
    """
    text = _Text(lines)
    has_begun = has_names = False
    for line in text:
        if not line.strip():
            continue
        if not has_begun:
            has_begun = True
            _check_begin(line)
        try:
            values = _json_values(_decoded(line), columns)
        except ValueError as error:
            if isinstance(error, JobError) and not has_names:
                raise
            problem = error.problem.removesuffix(".") if isinstance(error, JobError) else str(error)
            yield _rejected(problem, text.number)
            continue
        has_names = True
        read = ((target, _json_value(target, value, phone)) for target, value in values)
        yield _contact(read, text.number)


def _check_begin(line: str) -> None:
    # Else each line of it would be a bad row.
    if line.lstrip().startswith("[") or line.strip() == "{":
        raise ValueError(
            "The file is JSON, but not JSON Lines. Put one whole object in each line, without an"
            " array around them."
        )


def _decoded(line: str) -> dict[str, object]:
    if not _is_utf_8(line):
        raise ValueError(_NOT_UTF_8)
    try:
        row = mending.decode(_decode, line.encode())  # exports keep half an emoji as it was sent
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except msgspec.ValidationError:
        raise ValueError("is JSON, but not an object") from None
    except msgspec.MsgspecError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(row.get("custom"), dict | None):
        raise ValueError("custom must be an object or null")
    return row


_decode = msgspec.json.Decoder(dict[str, object]).decode


def _json_values(row: dict[str, object], columns: Columns) -> list[_Value]:
    """Return the values of a row with the fields that they are for.

    Raises:
        JobError: Names are unknown.
    """
    custom = cast("dict[str, object] | None", row.pop("custom", {}))
    named = [*row.items(), *((f"{CUSTOM}{key}", value) for key, value in (custom or {}).items())]
    targets = columns.of_names(tuple(name for name, _ in named))
    values: list[_Value] = [
        (target, value)
        for (name, value), target in zip(named, targets, strict=True)
        # In answers null means that nobody is assigned; to write that, it must be -1.
        if target is not None and not (value is None and name in READ_NAMES)
    ]
    if custom is None:
        values.append((Target("custom"), None))
    return values


def _json_value(target: Target, value: object, phone: Callable[[str], str]) -> object:
    if target.field == "phone" and isinstance(value, str | int | float):
        # A program may hold a phone as a number, and a table even as a float.
        return phone(str(value))
    if target.field == "tags" and isinstance(value, list):
        return _tag_ids(cast(list[object], value))
    return value


class _Text:
    """Lines as text; bytes that are not UTF-8 are kept as lone surrogates.

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
        if self.number == 1:
            if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise ValueError('The file is UTF-16, as "Unicode text" is. Save it as UTF-8.')
            line = line.removeprefix(b"\xef\xbb\xbf")  # the byte order mark
        self.line = line.decode(errors="surrogateescape")
        return self.line


def _is_utf_8(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


def _tag_ids(tags: list[object]) -> list[object]:
    """Return the ids of tags that are objects, as in exports; other tags stay as they are."""
    return [
        cast(dict[str, object], tag).get("tag_id") if isinstance(tag, dict) else tag for tag in tags
    ]


def _contact(values: Iterable[_Value], line: int) -> NewContact | RejectedRow:
    """Return the contact that has these values, or why there can be none."""
    fields: dict[str, object] = {}
    custom: dict[str, object] = {}
    try:
        for target, value in values:
            place, key = (custom, target.custom_id) if target.custom_id else (fields, target.field)
            if key in place:
                return _rejected(f"names {key} twice", line)
            place[key] = value
    except ValueError as error:
        return _rejected(str(error), line)
    made = contact_of({**fields, "custom": custom} if custom else fields)
    return _rejected(made.reason, line) if isinstance(made, RejectedRow) else made


def _rejected(reason: str, line: int, end: int = 0) -> RejectedRow:
    """Return a rejected row, with the line in which it begins, or the lines that it took."""
    where = f"lines {line} to {end}" if end > line else f"line {line}"
    return RejectedRow(f"{reason} ({where})")
