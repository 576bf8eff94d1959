"""The file of an import: its format, its rows, how far it is read, and how to resume it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from pathlib import Path
from typing import BinaryIO

import msgspec
import typer

from heymarket_async import ContactField, HeymarketClient, NewContact
from heymarket_async.bulk import OnProgress, Progress, RejectedRow
from heymarket_async.bulk.contact_files.columns import Columns
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.rows import csv_rows, json_rows
from heymarket_async.bulk.custom_fields import fields_of
from heymarket_async.bulk.importing.outcome_file import checked_path
from heymarket_async.bulk.progress import RequestStats, reporting
from heymarket_async.cli.options import Format

__all__ = ["Columns", "Source", "custom_fields_of", "meanings_of"]


class Source:
    """The rows of a file, or of standard input.

    The thread that iterates over the rows opens, reads and closes the file: a pipe may be silent.

    Args:
        path: The file, or - for standard input.
        file_format: Its format, or None for the one that its name gives.
        delimiter: The character between the cells of CSV, "tab", or None for a comma.
        region: The country of phones without a country code, or None.
    """

    def __init__(
        self, path: Path, file_format: Format | None, delimiter: str | None, region: str | None
    ) -> None:
        self._path = path
        self._format = file_format or _format_of(path)
        self._phone = phone_reader(region)
        self._delimiter = "\t" if delimiter == "tab" else delimiter or ","
        if delimiter is not None and self._format is not Format.CSV:
            raise typer.BadParameter("--delimiter is for CSV only.")
        if len(self._delimiter) != 1 or self._delimiter in '"\r\n ':
            raise typer.BadParameter('--delimiter must be one character, or "tab".')
        self._size: int | None = None
        self._bytes_read = 0
        self._rows_read = 0
        self._has_failed = False

    def check(self, outcomes: Path | None, *, resume: bool) -> None:
        """Check that the file exists and the outcome file can be used, before any request.

        Raises:
            ValueError: The outcome file exists already, or there is none to resume.
            OSError: A file does not exist or cannot be used.
        """
        if str(self._path) != "-":
            self._path.stat()
        checked_path(outcomes, resume=resume)

    def rows(self, columns: Columns) -> Generator[NewContact | RejectedRow]:
        """Read the rows."""
        try:
            with self._opened() as file:
                self._size = _size_of(file)
                for row in self._read(self._lines(file), columns):
                    self._rows_read += 1
                    yield row
        except (ValueError, OSError):
            self._has_failed = True
            raise

    def with_total(self, progress: Progress) -> Progress:
        """Add an estimate of the number of rows, by the size of the file if it has one."""
        if not self._size or not self._bytes_read:
            return progress
        total = round(self._rows_read * self._size / self._bytes_read)
        stage = f"{progress.stage} (estimated)"
        return msgspec.structs.replace(progress, total=total, stage=stage)

    @contextmanager
    def noting_how_to_resume(self, outcomes: Path | None) -> Generator[None]:
        """Add a note on how to resume to the error that ends an import, once it has begun."""
        try:
            yield
        except BaseException as error:
            # An error about another argument says by itself what to do.
            is_interrupted = self._has_failed or not isinstance(error, ValueError)
            if self._rows_read and is_interrupted and (outcomes is None or outcomes.exists()):
                error.add_note(_how_to_resume(outcomes))
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

    def _read(self, lines: Iterable[bytes], columns: Columns) -> Iterator[NewContact | RejectedRow]:
        if self._format is Format.CSV:
            return csv_rows(lines, columns, self._phone, delimiter=self._delimiter)
        return json_rows(lines, columns, self._phone)

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        for line in file:
            self._bytes_read += len(line)
            yield line


def meanings_of(mapped: list[str]) -> dict[str, str]:
    """Return the field by column of --map COLUMN=FIELD."""
    pairs = [each.rpartition("=") for each in mapped]
    if not all(column and field for column, _, field in pairs):
        raise typer.BadParameter('--map must be COLUMN=FIELD, such as --map "Cell phone=phone".')
    return {column: field for column, _, field in pairs}


async def custom_fields_of(
    client: HeymarketClient, on_progress: OnProgress
) -> list[ContactField] | None:
    """Return the custom fields of the account, or None if they cannot be read."""
    stats = RequestStats(client)
    async with reporting(on_progress, lambda: stats.progress(0, None, "starting")):
        return await fields_of(stats.client)


def _format_of(path: Path) -> Format:
    suffix = path.suffix.casefold().removeprefix(".")
    if suffix in list(Format):
        return Format(suffix)
    raise typer.BadParameter(
        "The name of FILE does not give its format. Add --format csv or --format jsonl."
    )


def _size_of(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None  # a pipe has none
    except UnsupportedOperation:
        return None


def _how_to_resume(outcomes: Path | None) -> str:
    if outcomes is None:
        return (
            "There is no outcome file to resume from. Run the import again from the beginning: no"
            " phone gets a second contact. Add --outcomes FILE to be able to resume that one."
        )
    return (
        "To resume, run the same command again with --resume."
        f" The outcome of each row is in {outcomes}"
    )
