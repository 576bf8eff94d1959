"""The sink that is a spreadsheet; it needs xlsxwriter, which comes with the extra `xlsx`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# xlsxwriter has types for only some of its methods.

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.sinks.files import StagedFile, in_batches
from heymarket_async.bulk.sinks.tables import Cell, Table, reversible
from heymarket_async.extras import needs
from heymarket_async.models.contact import ContactField
from heymarket_async.transport import wire

if TYPE_CHECKING:
    from xlsxwriter import Workbook  # type: ignore[import-untyped] # has no marker of types
    from xlsxwriter.format import Format  # type: ignore[import-untyped] # as above
    from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped] # as above

_MOST_ROWS = 1_048_575
_MOST_COLUMNS = 16_384
_LONGEST_CELL = 32_767
"""In units of UTF-16; an emoji takes two."""

_LONGEST_TITLE = 100
_WIDTH = 18
_OPTIONS = {"constant_memory": True, "use_zip64": True}
_NO_XML = re.compile("[\ufffe\uffff]")
"""Other control characters can be written: spreadsheets escape them as `_x0000_`."""

_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - a spreadsheet has no time zones
"""The same for all files, so that the same records make the same file."""


class Xlsx(StagedFile):
    """A spreadsheet with a column for each documented field, and of contacts for each custom field.

    All cells are text: phones and ids keep all digits, and no formula or link is made. So only a
    formula with an apostrophe before it gets one more; see `reversible`. The headings stay in view,
    and filter the rows. Values without a column of their own are kept as JSON in the
    last one, `other`.

    A sheet holds at most 1,048,575 records, and a cell 32,767 characters. If that is too little,
    the export ends with `JobError`, and an existing file is kept.

    Args:
        path: The file.

    Raises:
        ValueError: The extra `xlsx` is not installed.
    """

    format = "Xlsx"

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, ".xlsx")
        try:
            from xlsxwriter import Workbook  # noqa: PLC0415 - an extra
        except ImportError:
            raise ValueError(needs("a spreadsheet", "xlsx")) from None
        self._workbook = Workbook

    def _render(
        self, lines: Iterable[bytes], fields: Sequence[ContactField], file: BinaryIO
    ) -> Iterator[int]:
        table = Table(fields, self.kind)
        headings = list(table.columns)
        if len(headings) > _MOST_COLUMNS:
            raise _too_large(f"The table has more than {_MOST_COLUMNS:,} columns.")
        scratch = str(self._staged.scratch())
        target = _Target(file)
        workbook = self._workbook(cast(BinaryIO, target), {**_OPTIONS, "tmpdir": scratch})
        workbook.set_properties({"created": _MADE})
        sheet = workbook.add_worksheet(self.kind.plural.capitalize())
        with closing(cast(TextIO, sheet.row_data_fh)):  # else an interruption leaves it open
            text = workbook.add_format({"num_format": "@"})
            sheet.set_column(0, len(headings) - 1, _WIDTH, text)
            sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
            sheet.freeze_panes(1, 0)
            _write(sheet, 0, headings, headings, workbook.add_format({"bold": True}))
            done = 0
            for done, some in in_batches(lines):
                if done > _MOST_ROWS:
                    raise _too_large(
                        f"The account has more than {_MOST_ROWS:,} {self.kind.plural}."
                    )
                for row, line in enumerate(some, start=done - len(some) + 1):
                    _write(sheet, row, table.row(line), headings, text)
                yield done
            sheet.autofilter(0, 0, done, len(headings) - 1)
            _close(workbook, target)


class _Target:
    """A file that may be replaced: a failed ZipFile writes to it once more when it is collected."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


def _write(
    sheet: Worksheet, row: int, cells: Sequence[Cell], headings: Sequence[str], shown: Format
) -> None:
    for column, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        text = ("true" if cell else "false") if isinstance(cell, bool) else reversible(str(cell))
        if len(text) > _LONGEST_CELL // 2 and _units(text) > _LONGEST_CELL:
            title = wire.masked(headings[column][:_LONGEST_TITLE], None)
            raise _too_large(f"A cell of {title} has more than {_LONGEST_CELL:,} characters.")
        sheet.write_string(row, column, _NO_XML.sub("\ufffd", text), shown)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _close(workbook: Workbook, target: _Target) -> None:
    """Write the file."""
    from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped] # noqa: PLC0415

    try:
        workbook.close()
    except FileCreateError as error:
        raise error.args[0] from None  # the error of the system, such as a full disk
    finally:
        target.file = io.BytesIO()


def _too_large(problem: str) -> JobError:
    return JobError("too_large_for_xlsx", f"{problem} .xlsx cannot hold that.", "Use Csv.")
