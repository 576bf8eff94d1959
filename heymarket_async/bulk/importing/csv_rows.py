"""Reads the rows of an import from CSV, a row at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from heymarket_async.bulk.importing.cells import READERS
from heymarket_async.bulk.importing.columns import Columns, Target
from heymarket_async.bulk.importing.intake import RejectedRow
from heymarket_async.bulk.importing.lines import (
    NOT_UTF_8,
    Text,
    contact_with,
    is_utf_8,
    rejected,
)
from heymarket_async.bulk.sinks.tables import as_it_was
from heymarket_async.models import NewContact

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
