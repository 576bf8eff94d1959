"""The file of an import: where its rows come from, how far it is read, and how to go on with it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from pathlib import Path
from typing import BinaryIO

import msgspec

from heymarket_async import NewContact
from heymarket_async.bulk import OnProgress, Progress, RejectedRow
from heymarket_async.bulk.importing.columns import Columns

Reader = Callable[[Iterable[bytes], Columns], Iterator[NewContact | RejectedRow]]


class Source:
    """A file of rows, or standard input.

    It is opened, read and closed by who iterates over its rows, which is a thread: a pipe may be
    silent.

    Args:
        path: The file, or - for standard input.
        read: Makes rows of its lines.
    """

    def __init__(self, path: Path, read: Reader) -> None:
        self._path = path
        self._read = read
        self._size: int | None = None
        self._bytes_read = 0
        self._rows_read = 0
        self._has_failed = False

    def check(self) -> None:
        """Look whether the file is there, before anything is asked.

        Raises:
            OSError: It is not.
        """
        if str(self._path) != "-":
            self._path.stat()

    def rows(self, columns: Columns) -> Generator[NewContact | RejectedRow]:
        """Give the rows."""
        try:
            with self._opened() as file:
                self._size = _size_of(file)
                for row in self._read(self._lines(file), columns):
                    self._rows_read += 1
                    yield row
        except (ValueError, OSError):
            self._has_failed = True
            raise

    def with_total(self, on_progress: OnProgress | None) -> OnProgress | None:
        """Return what tells progress with how many rows there should be, as far as they are alike.

        Of a pipe nobody knows.
        """
        if on_progress is None:
            return None

        def tell(progress: Progress) -> object:
            if not self._size or not self._bytes_read:
                return on_progress(progress)
            total = round(self._rows_read * self._size / self._bytes_read)
            stage = f"{progress.stage} (total estimated)"
            return on_progress(msgspec.structs.replace(progress, total=total, stage=stage))

        return tell

    @contextmanager
    def with_a_way_on(self, outcomes: Path | None) -> Generator[None]:
        """Add how to go on to what ends the import before its end, once it has begun."""
        try:
            yield
        except BaseException as error:
            # Other arguments that are wrong say by themselves what to do.
            is_ended = self._has_failed or not isinstance(error, ValueError)
            if self._rows_read and is_ended and (outcomes is None or outcomes.exists()):
                error.add_note(_way_on(outcomes))
            raise

    @contextmanager
    def _opened(self) -> Generator[BinaryIO]:
        if str(self._path) != "-":
            with self._path.open("rb") as file:
                yield file
            return
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is if closed
            raise OSError(errno.EBADF, "standard input is closed")
        try:
            descriptor = sys.stdin.fileno()
        except UnsupportedOperation:  # it was replaced
            yield sys.stdin.buffer
            return
        # Not `sys.stdin`: that could not be closed at the end while a thread waits in it.
        with open(descriptor, "rb", closefd=False) as file:
            yield file

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        for line in file:
            self._bytes_read += len(line)
            yield line


def _size_of(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None  # a pipe has none
    except UnsupportedOperation:
        return None


def _way_on(outcomes: Path | None) -> str:
    if outcomes is None:
        return (
            "Nothing was noted down to go on from: run it again from the beginning, with --outcomes"
            " FILE if --resume is to go on with it"
        )
    return f"To go on, run it again with --resume; what became of each row is in {outcomes}"
