"""A file of contacts as a table of text: headings, and rows of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple, Self


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        number: Of the line, row or card in which it begins, from 1; headings count.
        cells: As text, "" for an empty cell. There are as many as headings, unless there is a
            problem.
        problem: Why the row cannot be read, without its content; empty if it can be read.
    """

    number: int
    cells: Sequence[str]
    problem: str = ""


class Table:
    """Headings, and rows that are read as they are asked for.

    Args:
        headings: One for each column.
        rows: The rows below them.
        unit: The word for a place in the file: line, row or card.
        close: Closes the file.
        has_apostrophes: An apostrophe before a formula may not be part of the text: some programs
            put it there so that no spreadsheet runs it.

    Attributes:
        share_read: Returns the share of the file that is read, from 0 to 1, or None if it is not
            known. It may be called from another thread.
    """

    def __init__(
        self,
        headings: Sequence[str],
        rows: Iterator[Row],
        *,
        unit: str = "line",
        close: Callable[[], None] = lambda: None,
        has_apostrophes: bool = False,
    ) -> None:
        self.headings = list(headings)
        self.has_apostrophes = has_apostrophes
        self.unit = unit
        self.close = close
        self.share_read: Callable[[], float | None] = lambda: None
        self._rows = rows

    def head(self, most: int) -> list[Row]:
        """Return the first rows, which will be given again by iterating."""
        head = list(islice(self._rows, most))
        self._rows = chain(head, self._rows)
        return head

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row:
        return next(self._rows)
