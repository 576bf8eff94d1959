"""The file of the rows that an import rejected: as they were, with the reason, to be mended."""

from __future__ import annotations

import csv
import filecmp
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import msgspec

from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.bulk.sinks.tables import Cell, as_it_was, harmless
from heymarket_async.bulk.store.private_files import (
    UNFINISHED,
    beside,
    lock,
    make_private,
    naming,
    open_new,
    open_own,
    remove,
    sync_folder,
)
from heymarket_async.decoding import mending

IMPORT_ERROR = "import_error"
"""The column, or the key, of the reason."""

_HALF_PAIR = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Half of an emoji. The surrogates between are bytes that were not UTF-8."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Without it, spreadsheets do not read UTF-8."""


class RejectedFile:
    """A file with each rejected row as it was, and the reason in `import_error`.

    A context manager. The rows are written beside the path, and put in place at the end, also after
    an error. Only the owner can read the file. If no row was added, there is no file. A file that
    is there already is kept: if it has other content, a number is added to the name, as in
    `people.csv.rejected-2.csv`.

    A row of a table that has more cells than headings keeps them behind `import_error`. If there
    is a heading `import_error` already, as in a rejected file that is imported again, its cells are
    replaced. A line that is not an object of JSON is written as it is, without the reason.

    Args:
        path: The file.
        headings: Those of the table that is imported, for a file of CSV; None for JSON Lines.
        delimiter: The character between the cells of CSV.

    Attributes:
        written: The path that was written, or that has the same content; None without any row.

    Raises:
        OSError: No file can be written beside the path; when it is opened, or later.
    """

    def __init__(self, path: Path, headings: Sequence[str] | None, *, delimiter: str = ",") -> None:
        self.written: Path | None = None
        self._path = path
        self._part = beside(path, UNFINISHED)
        self._headings = None if headings is None else list(headings)
        self._delimiter = delimiter
        self._file: BinaryIO | None = None
        self._is_empty = True

    def add(self, source: object, reason: str) -> None:
        """Add a row.

        Args:
            source: The cells of a row of a table, or the line of an object of JSON.
            reason: Why it was rejected.
        """
        if self._headings is None:
            line = source if isinstance(source, bytes) else _encoded(cast(str, source))
            self._write(_with_reason(line, reason))
            return
        if self._is_empty:
            self._write(_BYTE_ORDER_MARK + self._row(self._headings, IMPORT_ERROR))
        self._write(self._row(cast("Sequence[str]", source), reason))

    def __enter__(self) -> Self:
        with naming(self._path), ExitStack() as opened:
            if self._part.exists():  # a killed job left it, or another job is writing it
                old = opened.enter_context(os.fdopen(open_own(self._part, os.O_RDWR), "r+b"))
                lock(old.fileno(), self._path)
            self._file = open_new(self._part)
            lock(self._file.fileno(), self._path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            with naming(self._path):
                with file:
                    file.flush()
                    os.fsync(file.fileno())
                if not self._is_empty:
                    self.written = self._put_in_place()
        finally:
            remove(self._part)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            raise RuntimeError("the rejected file is not open")
        self._is_empty = False
        with naming(self._path):
            self._file.write(data)

    def _row(self, cells: Sequence[str], reason: str) -> bytes:
        headings = self._headings or []
        place = _place_of_reason(headings)
        row = [*cells, *[""] * (len(headings) - len(cells))]
        row[place : place + 1 if place < len(headings) else place] = [reason]
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter).writerow(map(_safe, row))
        return _encoded(text.getvalue())

    def _put_in_place(self) -> Path:
        paths = _candidates(self._path)
        while not self._is_put(path := next(paths)):
            pass
        return path

    def _is_put(self, path: Path) -> bool:
        """Put the file in this place, and return whether it is free or has the same content."""
        try:
            _give_name(self._part, path)
        except FileExistsError:
            if not _is_equal(path, self._part):
                return False
            make_private(path)
            return True
        sync_folder(path.parent)
        return True


def _give_name(file: Path, path: Path) -> None:
    """Put a file at a path, whole or not at all, unless something is there."""
    try:
        path.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, or a fault that comes again
        path.open("xb").close()  # the name is taken first, so that no file is overwritten
        try:
            file.replace(path)
        except BaseException:
            remove(path)
            raise


def _place_of_reason(headings: Sequence[str]) -> int:
    names = [heading.strip().casefold() for heading in headings]
    return names.index(IMPORT_ERROR) if IMPORT_ERROR in names else len(names)


def _with_reason(line: bytes, reason: str) -> bytes:
    """Return an object of JSON with a reason. Any other line stays as it is."""
    try:
        values = mending.decode(_decode, line)
    except UNREADABLE:
        return line.rstrip(b"\r\n") + b"\n"
    values.pop(IMPORT_ERROR, None)
    values[IMPORT_ERROR] = msgspec.Raw(msgspec.json.encode(reason))
    return msgspec.json.encode(values) + b"\n"


def _safe(cell: str) -> Cell:
    """Return a cell that no spreadsheet runs, and that a reader takes for the same cell."""
    (safe,) = harmless([cell])
    if as_it_was(str(safe)) == as_it_was(cell):
        return safe
    # White space before an apostrophe.
    (safe,) = harmless([as_it_was(cell)])
    return safe


def _encoded(text: str) -> bytes:
    """Return text as UTF-8, and the bytes that were not UTF-8 as they were."""
    return _HALF_PAIR.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))


def _is_equal(path: Path, new: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode) and filecmp.cmp(path, new, shallow=False)
    except OSError:  # nobody may read it
        return False


_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
