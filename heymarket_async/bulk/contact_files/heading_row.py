"""Finds the headings of a table, and leaves out what reports put above and below its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise

from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Row, Table

_MOST_TITLES = 20
_MOST_HELD = 20
_SAMPLE = 20
_FEWEST_COLUMNS = 3
"""In a smaller table, a row with a single cell may well be a row."""

_INDEX = re.compile(r"(Unnamed: 0(\.\d+)?)?")
_MOST_DIGITS = 7
"""Of a number of a row; a longer one may be a phone."""

_VALUE = re.compile(r"(?:\D*+\d){7}|[^@]*+@")
"""A phone or an e-mail: no heading has one in it."""

_REPEATS = "Rows that repeat the headings, and were left out: {count}."
_SUM = re.compile(r"\D?[\d.,]{1,6}\D?")
"""A sum at the end of a column, which is too short for a phone."""

_FOOTER = re.compile(
    r"\W*(total|grand total|count|records?|rows|report|generated|created|exported|printed|copyright"
    r"|\(c\)|confidential|page \d|source|end of)\b",
    re.IGNORECASE,
)
"""Footers. Only these are left out if they are in the column of the phones."""


def table_of(
    rows: Iterator[Row],
    *,
    is_phone_heading: Callable[[str], bool],
    notes: Notes,
    unit: str = "line",
    close: Callable[[], None] = lambda: None,
) -> Table:
    """Return the table that is in rows as a file has them.

    Lines above the headings and below the last row are left out, and so are blank rows, nameless
    columns at the end that are empty, and a first column that only counts the rows. A row with
    another number of cells than there are headings has a problem, unless the difference is empty.

    Args:
        rows: All rows of the file, with any number of cells.
        is_phone_heading: Whether a cell is a heading of phones. The first row, of 20, that has such
            a cell has the headings; if none has, it is the first row.
        notes: Gets a remark on everything that was left out.
        unit: See `Table`.
        close: See `Table`.

    Raises:
        ValueError: There are no headings, or they cannot be read.
    """
    rows = (row for row in rows if row.problem or any(map(str.strip, row.cells)))
    headings, rows = _headings(rows, is_phone_heading, notes, unit)
    rows = _without_repeats(rows, headings, notes)
    phones = {n for n, heading in enumerate(headings) if is_phone_heading(heading)}
    if len(headings) >= _FEWEST_COLUMNS:
        rows = _without_footer(rows, phones, notes, unit)
    shape = _Shape(headings)
    if shape.may_have_more:
        head = list(islice(rows, _SAMPLE))
        shape.look_at(head, notes)
        rows = chain(head, rows)
    fitted = shape.fitted(rows, notes)
    return Table(shape.headings, fitted, unit=unit, close=close, has_apostrophes=True)


def _headings(
    rows: Iterator[Row], is_phone_heading: Callable[[str], bool], notes: Notes, unit: str
) -> tuple[list[str], Iterator[Row]]:
    above: list[Row] = []
    for row in islice(rows, _MOST_TITLES):
        if any(map(is_phone_heading, row.cells)) and _is_below(row, above):
            if above:
                notes.add(_counted(len(above), unit, "above the headings was left out."))
            return _checked(row), rows
        above.append(row)
    if not above:
        raise ValueError("The file has no heading row.")
    return _checked(above[0]), chain(above[1:], rows)


def _checked(headings: Row) -> list[str]:
    if headings.problem:
        raise ValueError(f"The heading row {headings.problem}.")
    return list(headings.cells)


def _is_below(row: Row, above: Sequence[Row]) -> bool:
    """Whether a row may be headings below titles, and not a contact below the headings."""
    filled = _filled(row.cells)
    return not above or (
        not any(map(_VALUE.match, row.cells))
        and all(
            _filled(title.cells) <= 2 and _filled(title.cells) < max(filled, 2) for title in above
        )
    )


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _counted(count: int, unit: str, rest: str) -> str:
    if count == 1:
        return f"A {unit} {rest}"
    return f"{count} {unit}s {rest.replace('was', 'were', 1)}"


def _without_footer(
    rows: Iterator[Row], phones: set[int], notes: Notes, unit: str
) -> Iterator[Row]:
    """Hold back rows with a single cell until a fuller row shows that they are rows."""
    held: list[Row] = []
    has_more = False  # than a footer has
    for row in rows:
        if not _may_be_footer(row, phones):
            has_more = False
        elif not has_more:
            held.append(row)
            has_more = len(held) > _MOST_HELD
            if has_more:
                yield from held
                held.clear()
            continue
        if held:
            yield from held
            held.clear()
        yield row
    if held:
        notes.add(_counted(len(held), unit, "below the last contact was taken for a footer."))


def _may_be_footer(row: Row, phones: set[int]) -> bool:
    cells = row.cells
    if row.problem:
        return False
    place, cell = next((n, cell) for n, cell in enumerate(cells) if cell)
    if _FOOTER.match(cell):
        return len(cells) - cells.count("") == 1 or _has_sums(cells[place + 1 :])
    return place not in phones and len(cells) - cells.count("") == 1


def _has_sums(cells: Sequence[str]) -> bool:
    """Whether cells have small numbers only, and so no phone."""
    return all(_SUM.fullmatch(cell.strip()) for cell in cells if cell.strip())


def _without_repeats(rows: Iterator[Row], headings: Sequence[str], notes: Notes) -> Iterator[Row]:
    """Leave out rows that repeat the headings, as in files that were put together."""
    place = next((n for n, heading in enumerate(headings) if heading.strip()), 0)
    first, names = headings[place], list(map(str.strip, headings))
    for row in rows:
        cells = row.cells
        # Most rows are not like the headings in their first cell, and cost no more than that.
        if len(cells) > place and cells[place] == first and list(map(str.strip, cells)) == names:
            notes.add(_REPEATS)
        else:
            yield row


class _Shape:
    """The columns that count, and rows that have just these."""

    def __init__(self, headings: Sequence[str]) -> None:
        self._all = list(headings)
        self._first, self._last = 0, len(headings)

    @property
    def headings(self) -> list[str]:
        """The headings of the columns that count."""
        return self._all[self._first : self._last]

    @property
    def may_have_more(self) -> bool:
        """Whether columns may be left out, which the first rows show."""
        return not self._all[-1].strip() or bool(_INDEX.fullmatch(self._all[0].strip()))

    def look_at(self, head: Sequence[Row], notes: Notes) -> None:
        """Leave columns out by the first rows of the table."""
        while self._last and not self._all[self._last - 1].strip():
            if any(cell.strip() for row in head for cell in row.cells[self._last - 1 :]):
                break
            self._last -= 1
        while self._first < self._last and self._counts_rows(head):
            self._first += 1
        if self._first:
            notes.add("The first column only numbers the rows, and was left out.")

    def _counts_rows(self, head: Sequence[Row]) -> bool:
        if not _INDEX.fullmatch(self._all[self._first].strip()):
            return False
        cells = [row.cells[self._first].strip() for row in head if len(row.cells) > self._first]
        if not cells or not all(cell.isdecimal() and len(cell) <= _MOST_DIGITS for cell in cells):
            return False
        numbers = list(map(int, cells))
        return all(before < after for before, after in pairwise(numbers))

    def fitted(self, rows: Iterator[Row], notes: Notes) -> Iterator[Row]:
        """Give rows with as many cells as there are headings, or with a problem."""
        width, columns = len(self._all), len(self.headings)
        for row in rows:
            if len(row.cells) == width == columns or row.problem:
                yield row
            else:
                yield self._fit(row, notes)

    def _fit(self, row: Row, notes: Notes) -> Row:
        cells, width = list(row.cells), len(self._all)
        unlike = cells[width:] if len(cells) > width else self._all[len(cells) :]
        if any(map(str.strip, unlike)):
            found = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            return Row(row.number, cells, f"{found}, but the heading row has {width}")
        if nameless := sum(1 for cell in cells[self._last : width] if cell.strip()):
            notes.add("Cells in columns without a heading, which were left out: {count}.", nameless)
        cells += [""] * (width - len(cells))
        return Row(row.number, cells[self._first : self._last])
