"""Reads contacts from an SQLite file that an export or a sync has written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.contact_files.values import text_of
from heymarket_async.bulk.store.private_files import beside

_QUERY = "SELECT * FROM current_contacts"
_FORMATS = slice(18, 20)
"""The bytes of the header that say whether a file has a write-ahead log."""

_LOG, _NO_LOG = b"\2\2", b"\1\1"


def read(file: BinaryIO) -> Table:
    """Return the view `current_contacts`; a row is numbered from 1, without the headings.

    The file is not changed, and may be in a folder that cannot be written to. A file without a name
    is read into memory. `Table.close` closes the database.

    Args:
        file: The file; it can seek.

    Raises:
        ValueError: It is damaged, or has no such view.
    """
    connection = _opened(file)
    try:
        connection.text_factory = _decoded
        cursor = connection.execute(_QUERY)
        headings = [column[0] for column in cursor.description]
    except sqlite3.Error as error:
        connection.close()
        raise _unreadable(error) from None
    return Table(headings, _rows(cursor), unit="row", close=connection.close)


def _opened(file: BinaryIO) -> sqlite3.Connection:
    file.seek(0)
    header = file.read(_FORMATS.stop)
    path = _path_of(file)
    if path is None:
        # A log is another file, so a copy in memory must not ask for one.
        formats = _NO_LOG if header[_FORMATS] == _LOG else header[_FORMATS]
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.deserialize(header[: _FORMATS.start] + formats + file.read())
        return connection
    log = beside(path, "-wal")
    has_log = log.exists() and log.stat().st_size > 0
    # Without a log that is in use, SQLite need not make one: the folder may be read-only.
    is_still = header[_FORMATS] == _LOG and not has_log
    uri = f"{path.absolute().as_uri()}?{'immutable=1' if is_still else 'mode=ro'}"
    # One thread at a time, but not always the same one.
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _path_of(file: BinaryIO) -> Path | None:
    """Return the path of a file, by which SQLite can open it, or None."""
    name: object = getattr(file, "name", None)
    if not isinstance(name, str):
        return None
    try:
        is_there = os.path.samestat(os.fstat(file.fileno()), Path(name).stat())
    except OSError:
        return None
    return Path(name) if is_there else None


def _rows(cursor: sqlite3.Cursor) -> Iterator[Row]:
    try:
        for number, values in enumerate(cursor, start=1):
            yield Row(number, [text_of(value) for value in values])
    except sqlite3.Error as error:
        raise _unreadable(error) from None


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def _unreadable(error: sqlite3.Error) -> ValueError:
    if "no such table" in str(error):
        return ValueError(
            "The SQLite file is not of an export or a sync: it has no view current_contacts. Save"
            " the table of contacts as CSV."
        )
    return ValueError(
        "The SQLite file cannot be read: it is damaged, in use, or its folder may not be read."
        " Export the contacts again, or copy the file with those that begin with its name."
    )
