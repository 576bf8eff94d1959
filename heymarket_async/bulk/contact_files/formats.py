"""Opens a file of contacts, whatever its format is."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol, cast

from heymarket_async.bulk.contact_files import delimited, json_lines
from heymarket_async.bulk.contact_files.byte_source import ByteSource
from heymarket_async.bulk.contact_files.file_format import (
    DELIMITED,
    SPREADSHEETS,
    TEXTS,
    FileFormat,
    format_of,
)
from heymarket_async.bulk.contact_files.json_lines import Records
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Table
from heymarket_async.bulk.contact_files.text import open_text
from heymarket_async.bulk.sinks.staging import packing_of

__all__ = ["FileFormat", "open_contacts"]

_PACKED = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst"}
_MOST_IN_ARRAY = 200_000_000
"""Bytes of a file that is one array in JSON, which is read whole."""


def open_contacts(
    file: BinaryIO,
    name: str,
    *,
    file_format: FileFormat | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    is_phone_heading: Callable[[str], bool],
    notes: Notes,
) -> Table | Records:
    """Find the format of a file, and read its headings.

    The content decides, then the name. Files that end in .gz or .zst are unpacked.

    Args:
        file: It may be a pipe: CSV and JSON Lines are read from it as they come, and spreadsheets,
            Parquet and SQLite at once, into memory. It is not closed.
        name: Its name, or "" if it has none.
        file_format: Its format, or None to find it.
        delimiter: The character between cells; for CSV only. None to find it.
        encoding: The encoding of text, or None to find it.
        is_phone_heading: Whether a cell is a heading of phones; see `table_of`.
        notes: Gets remarks on the file as a whole.

    Raises:
        JobError: The encoding or the delimiter does not fit.
        ValueError: The file is of another kind, empty or damaged, or a package is not installed.
            Iterating may raise it too.
    """
    opened = _Opened(file, name)
    head = opened.source.head()
    if not head:
        raise ValueError("The file is empty.")
    found = file_format or format_of(head, opened.path, opened.whole)
    if delimiter is not None and found not in DELIMITED:
        raise ValueError("A delimiter is for CSV only. Leave it out.")
    if encoding is not None and found not in TEXTS:
        raise ValueError("An encoding is for text only. Leave it out.")
    if found in DELIMITED or found is FileFormat.JSONL:
        text = open_text(opened.source, encoding=encoding, notes=notes)
        read: Table | Records
        if found is FileFormat.JSONL:
            read = json_lines.read(text, may_be_array=opened.may_be_array)
        else:
            given = "\t" if found is FileFormat.TSV and delimiter is None else delimiter
            read = delimited.read(
                text, delimiter=given, is_phone_heading=is_phone_heading, notes=notes
            )
        read.share_read = opened.share_read

        return read
    if found is FileFormat.VCF:
        return _reader("vcard")(opened.as_file(), encoding=encoding, notes=notes)
    if found in SPREADSHEETS:
        return _reader("spreadsheet")(
            opened.whole(), is_phone_heading=is_phone_heading, notes=notes
        )
    return _reader(found)(opened.whole())


class _Reader(Protocol):
    def __call__(self, file: BinaryIO, **options: object) -> Table: ...


def _reader(module: str) -> _Reader:
    found = import_module(f"heymarket_async.bulk.contact_files.{module}")  # it may need an extra
    return cast(_Reader, found.read)


class _Opened:
    """A file, and its bytes.

    Attributes:
        source: The bytes, unpacked.
        path: Its name, without the ending of a packed file.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._packed: ByteSource | None = None
        self._whole: BinaryIO | None = None
        self.source = ByteSource(file)
        self.path = PurePath(name)
        head = self.source.head()
        for mark, suffix in _PACKED.items():
            if head.startswith(mark):
                self._unpack(suffix)

    @property
    def may_be_array(self) -> bool:
        """Whether it may be read whole as an array in JSON."""
        size = (self._packed or self.source).size
        return size is not None and size <= _MOST_IN_ARRAY

    def share_read(self) -> float | None:
        """Return the share of the file that is read, or None for a pipe."""
        return (self._packed or self.source).share_read()

    def whole(self) -> BinaryIO:
        """Return all of it as a file that can seek: the file itself, or else in memory."""
        if self._whole is None:
            if self.source.can_rewind:
                self.source.rewind()
            is_file = self.source.can_rewind and self._packed is None
            self._whole = self._file if is_file else io.BytesIO(self.source.readall())
        self._whole.seek(0)
        return self._whole

    def as_file(self) -> BinaryIO:
        """Return it as a file that may not be able to seek."""
        return cast(BinaryIO, io.BufferedReader(self.source))

    def _unpack(self, suffix: str) -> None:
        packing = packing_of(Path(f"contacts{suffix}"))
        outer = self._packed = self.source
        if outer.can_rewind:
            outer.rewind()
        # A pipe cannot seek, and its first bytes have been read.
        packed = self._file if outer.can_rewind else cast(BinaryIO, io.BufferedReader(outer))
        problem = f"The {suffix} file is damaged or not whole. Export or download it again."
        self.source = ByteSource(packing.reader(packed), damage=packing.errors, problem=problem)
        self.source.can_rewind = outer.can_rewind
        if self.path.suffix.casefold() == suffix:
            self.path = self.path.with_suffix("")
