"""Reads contacts from spreadsheets: .xlsx, .xlsm, .xlsb, .xls, .ods; needs the extra `import`."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO
from zipfile import ZipFile

from heymarket_async.bulk.contact_files import compound_file, open_document
from heymarket_async.bulk.contact_files.heading_row import table_of
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.contact_files.values import text_of
from heymarket_async.extras import needs

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Stands in an .xlsx with a password, which is not a ZIP file."""

_SHEET = re.compile(r"xl/worksheets/[^/]*\.xml")
_REFERENCE = re.compile(rb"""\br(?:ef)?\s*=\s*["'](?:[^"':]*:)?\$?([A-Za-z]*)\$?(\d+)["']""")
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_CELL_WITHOUT_REFERENCE = re.compile(rb"<(?:\w+:)?c\b(?![^<>]*\br\s*=)")
_STRINGS = re.compile(r"(?:.*/)?sharedStrings\.xml", re.IGNORECASE)
_COUNT_OF_STRINGS = re.compile(rb"""\buniqueCount\s*=\s*["']\s*\+?(\d+)""")
_DIGITS = 12
"""Letters or digits of a reference that are enough to see that it is far away."""

_BEGINNING = 4096
"""Bytes of a sheet that have its extent, as programs write it."""

_SMALL = 4_000_000
"""Bytes of a sheet that is small enough to look at all of its cells."""

_MOST_ROWS, _MOST_COLUMNS, _MOST_CELLS = 2_200_000, 40_000, 100_000_000
"""The reader keeps all cells between the first and the last one, also those that are empty.

No program writes more than half as many rows or columns. But a row may be counted twice here: with
its reference, and as one that could have none.
"""

_MOST_STRINGS = 10_000_000
"""The reader asks for memory for as many texts as the file says it has, 24 bytes for each."""

_MOST_TITLES = 20
"""Rows of a sheet that may stand above its headings."""


def read(file: BinaryIO, *, is_phone_heading: Callable[[str], bool], notes: Notes) -> Table:
    """Return the table in the first visible sheet that has phones, or else that is not empty.

    The sheet is held in memory: about 1 GB for a million rows of ten columns. A number is text
    without an exponent; dates and times are in ISO 8601, and errors such as #N/A are empty.

    Args:
        file: The spreadsheet; it can seek.
        is_phone_heading: Whether a cell is a heading of phones.
        notes: Get the name of the sheet, if there are others.

    Raises:
        ValueError: The file has a password, is damaged or empty, or the extra is missing.
    """
    file = _prepared(file)
    with _explaining(file):
        file.seek(0)
        sheet = _sheet_of(file, is_phone_heading, notes)
    return table_of(_rows(sheet), is_phone_heading=is_phone_heading, notes=notes, unit="row")


def _prepared(file: BinaryIO) -> BinaryIO:
    """Return a spreadsheet that its reader can read to the end, and in the memory there is.

    Raises:
        ValueError: There is none.
    """
    try:
        _check_extent(file)
        compound_file.check(file)
        return open_document.prepared(file, _is_too_large)
    except (compound_file.DamagedError, open_document.DamagedError):
        raise _damaged() from None
    except open_document.TooLargeError:
        raise ValueError(
            "The spreadsheet has a cell far away from the contacts, so it is too large to be read."
            " Delete the empty rows and columns behind the contacts, or save it as CSV."
        ) from None


def _check_extent(file: BinaryIO) -> None:
    """Check that no stray cell, and no number of texts, is too large for the memory."""
    try:
        with ZipFile(file) as archive:
            for part in archive.infolist():
                if _SHEET.fullmatch(part.filename):
                    size = _SMALL if part.file_size <= _SMALL else _BEGINNING
                    with archive.open(part) as sheet:
                        _check_references(sheet.read(size))
                elif _STRINGS.fullmatch(part.filename):
                    with archive.open(part) as strings:
                        _check_count(strings.read(_BEGINNING), part.file_size)
    except (open_document.TooLargeError, open_document.DamagedError):
        raise
    except Exception:  # noqa: BLE001 - another format, or damaged: the reader explains it
        return


def _check_references(content: bytes) -> None:
    found = _REFERENCE.findall(content)
    # A row or a cell without a reference follows the one before it.
    in_rows = [len(_CELL_WITHOUT_REFERENCE.findall(row)) for row in _ROW.split(content)]
    columns = max((_number(letters) for letters, _ in found), default=0) + max(in_rows)
    rows = max((int(row[:_DIGITS]) for _, row in found), default=0) + len(in_rows)
    if _is_too_large(rows, columns):
        raise open_document.TooLargeError


def _is_too_large(rows: int, columns: int) -> bool:
    return rows > _MOST_ROWS or columns > _MOST_COLUMNS or rows * columns > _MOST_CELLS


def _check_count(content: bytes, size: int) -> None:
    for number in _COUNT_OF_STRINGS.findall(content):
        # Some programs write a wrong number. But no text takes less than a byte.
        if int(number[: 2 * _DIGITS]) > max(size, _MOST_STRINGS):
            raise open_document.DamagedError


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters[:_DIGITS].upper():
        number = number * 26 + letter - ord("A") + 1
    return number


@contextmanager
def _explaining(file: BinaryIO) -> Generator[None]:
    """Say in plain words why a spreadsheet cannot be read."""
    try:
        from python_calamine import CalamineError  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError(needs("a spreadsheet", "import")) from None
    try:
        yield
    except CalamineError:
        file.seek(0)  # the reader says only that it does not know the format
        raise (_locked() if _ENCRYPTED in file.read() else _damaged()) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust; it is not an Exception
            raise
        raise _damaged() from None


def _locked() -> ValueError:
    return ValueError(
        "The spreadsheet has a password. Open it in a spreadsheet program, and save it without one."
    )


def _damaged() -> ValueError:
    return ValueError(
        "The spreadsheet is damaged, has a password, or is of a kind that cannot be read. Open it"
        " in a spreadsheet program, and save it as .xlsx without a password."
    )


def _sheet_of(
    file: BinaryIO, is_phone_heading: Callable[[str], bool], notes: Notes
) -> CalamineSheet:
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415

    workbook = CalamineWorkbook.from_filelike(file)
    sheets = [each for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in sheets if each.visible == SheetVisibleEnum.Visible]
    names = visible or [each.name for each in sheets]
    chosen = _chosen(workbook, names, is_phone_heading)
    if len(sheets) > 1:
        notes.add(f"The file has {len(sheets)} sheets; only “{chosen.name}” was read.")
    return chosen


def _chosen(
    workbook: CalamineWorkbook, names: Iterable[str], is_phone_heading: Callable[[str], bool]
) -> CalamineSheet:
    first: CalamineSheet | None = None
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        if any(any(map(is_phone_heading, row.cells)) for row in islice(_rows(sheet), _MOST_TITLES)):
            return sheet
        first = first or sheet
    if first is None:
        raise ValueError("The spreadsheet is empty.")
    return first


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    for number, values in enumerate(sheet.iter_rows(), start=1):
        cells = [value if isinstance(value, str) else text_of(value) for value in values]
        yield Row(number, cells)
