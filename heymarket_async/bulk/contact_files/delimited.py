"""Reads CSV, and text whose cells are divided by tabs, semicolons or bars, as a table."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from heymarket_async.bulk.contact_files.heading_row import table_of
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.contact_files.text import Text
from heymarket_async.bulk.errors import JobError

_DELIMITERS = {",": '","', ";": '";"', "\t": "tab", "|": '"|"'}
_SEP = re.compile(r"sep=([^\"\r\n ])\s*$", re.IGNORECASE)
"""A first line that Excel reads, and some programs write."""

_SAMPLE = 20
_OPEN_QUOTE = ("field larger than field limit", "unexpected end of data")
"""Errors of the csv module after which a quote may still be open."""


def read(
    text: Text, *, delimiter: str | None, is_phone_heading: Callable[[str], bool], notes: Notes
) -> Table:
    """Read a table whose cells are divided by a character, with quotes as CSV has them.

    Args:
        text: The lines.
        delimiter: One character, or None to find it. A first line such as "sep=;" overrides it.
        is_phone_heading: See `table_of`.
        notes: See `table_of`.

    Raises:
        JobError: The delimiter is not one character, or the headings show that it is another one.
        ValueError: There are no headings, or they cannot be read. The rows raise it later if a
            quoted cell has no end, so that the next row cannot be found.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n '):
        raise ValueError("A delimiter is one character, and not a quote, space or line break.")
    lines = _Replayed(text)
    separator = _SEP.match(next(lines.look(), ""))
    if separator:
        delimiter = separator[1]
        lines.drop_first()
    found = delimiter or _delimiter_of(lines, is_phone_heading)
    rows = _rows(lines, found, 1 if separator else 0)
    if not text.is_sound:
        rows = _checked(rows, text)
    table = table_of(rows, is_phone_heading=is_phone_heading, notes=notes)
    if delimiter is not None:
        _check_delimiter(table.headings)
    return table


class _Replayed:
    """Lines whose beginning can be looked at before all are read.

    Attributes:
        line: The last line that `all` has given.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.line = ""
        self._lines = iter(lines)
        self._seen: list[str] = []

    def look(self) -> Iterator[str]:
        """Give the lines from the first one on, and keep them."""
        place = 0
        while True:
            if place == len(self._seen):  # no other look has come as far
                line = next(self._lines, None)
                if line is None:
                    return
                self._seen.append(line)
            yield self._seen[place]
            place += 1

    def drop_first(self) -> None:
        """Remove the first line."""
        del self._seen[0]

    def all(self) -> Iterator[str]:
        """Give all lines; no look is possible afterwards."""
        for line in chain(self._seen, self._lines):
            self.line = line
            yield line


def _delimiter_of(lines: _Replayed, is_phone_heading: Callable[[str], bool]) -> str:
    """Return the delimiter that finds a heading of phones, or else the most regular rows."""
    readers = {each: csv.reader(lines.look(), delimiter=each) for each in _DELIMITERS}
    widths: Counter[tuple[str, int]] = Counter()
    for _ in range(_SAMPLE):
        rows = {each: _next_row(reader) for each, reader in readers.items()}
        named = {
            each: len(cells) for each, cells in rows.items() if any(map(is_phone_heading, cells))
        }
        if named:
            return max(named, key=lambda each: named[each])
        widths.update((each, len(cells)) for each, cells in rows.items() if len(cells) > 1)
    best = max(widths, key=lambda each: (widths[each], each[1]), default=(",", 1))
    return best[0]


def _next_row(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader)
    except (StopIteration, csv.Error):
        return []


def _check_delimiter(headings: Sequence[str]) -> None:
    for other, name in _DELIMITERS.items():
        if len(headings) == 1 and other in headings[0]:
            raise JobError(
                "wrong_delimiter",
                f"The heading row is a single cell with {name} in it.",
                f"If that divides the cells, use delimiter={other!a}.",
                delimiter=name,
            )


def _rows(lines: _Replayed, delimiter: str, above: int) -> Iterator[Row]:
    reader = csv.reader(lines.all(), strict=True, delimiter=delimiter)
    while True:
        began = reader.line_num + 1
        try:
            for cells in reader:
                yield Row(began + above, cells)
                began = reader.line_num + 1
        except csv.Error as error:
            taken = reader.line_num + 1 - began
            problem = _problem(error, lines.line, began + above, taken)
            # A quote in the wrong place may have swallowed other rows.
            yield Row(began + above, [lines.line.rstrip("\r\n")] if taken == 1 else [], problem)
        else:
            return


def _problem(error: csv.Error, line: str, began: int, taken: int) -> str:
    """Return the problem of a row.

    Raises:
        ValueError: It is unclear where the next row begins.
    """
    is_one_line = taken == 1 and '"' not in line
    if any(each in str(error) for each in _OPEN_QUOTE) and not is_one_line:
        raise ValueError(
            f"The row in line {began} has a quoted cell without an end, or one that is far too"
            " long. Correct it."
        ) from None
    end = f"; it goes up to line {began + taken - 1}" if taken > 1 else ""
    return f"is not CSV: {_explained(error)}{end}"


def _explained(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "a carriage return is within a cell"
    return str(error)


def _checked(rows: Iterator[Row], text: Text) -> Iterator[Row]:
    for row in rows:
        problem = row.problem or text.problem_of("".join(row.cells))
        yield Row(row.number, row.cells, problem) if problem else row
