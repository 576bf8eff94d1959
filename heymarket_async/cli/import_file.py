"""The file of an import: opening it, the meaning of its columns, its rows, and how to resume."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import AsyncGenerator, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import msgspec
import typer

from heymarket_async import ContactField
from heymarket_async.bulk import Progress
from heymarket_async.bulk.contact_files.formats import FileFormat, open_contacts
from heymarket_async.bulk.contact_files.json_lines import Records
from heymarket_async.bulk.contact_files.layouts import meaning_of
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.plan import PHONE, Plan, plan_of, plan_of_records
from heymarket_async.bulk.contact_files.plan_checks import check_country_codes
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.thread import run_unwatched
from heymarket_async.cli.kept import same_command

T = TypeVar("T")
Row_co = TypeVar("Row_co", covariant=True)


class Reader(Protocol[Row_co]):
    """Makes something of the rows of a file, such as contacts."""

    def of_table(self, table: Table) -> Iterator[Row_co]:
        """Make something of the rows of a table."""
        ...

    def of_records(self, records: Records) -> Iterator[Row_co]:
        """Make something of objects of JSON."""
        ...


class ImportFile:
    """A file of contacts, or standard input.

    Args:
        path: The file, or - for standard input.
        file_format: Its format, or None to find it.
        delimiter: The character between the cells of text, "tab", or None to find it.
        encoding: The encoding of text, or None to find it.
        mapped: The fields of columns, as the user gave them. The row of headings is found by those
            that mean phones.

    Attributes:
        notes: Remarks on the file.
        path: As given.
        is_stdin: It is standard input.
        content: The table or the records in it, once it is open.
        first_rows: The first rows of a table, if it is one.
    """

    def __init__(
        self,
        path: Path,
        *,
        file_format: FileFormat | None,
        delimiter: str | None,
        encoding: str | None,
        mapped: Mapping[str, str],
    ) -> None:
        self.notes = Notes()
        self.content: Table | Records = Table([], iter(()))
        self.first_rows: list[Row] = []
        self._first_records: list[Mapping[str, object]] = []
        self.is_stdin = str(path) == "-"
        self.path = path
        self._format = file_format
        self._delimiter = "\t" if delimiter == "tab" else delimiter
        if delimiter is not None and (len(self._delimiter or "") != 1 or delimiter in '"\r\n '):
            raise typer.BadParameter('--delimiter must be one character, or "tab".')
        self._encoding = encoding
        self._mapped = mapped
        phones = ",".join(names for names, field in mapped.items() if field == "phone")
        self._phones = {name.strip() for name in phones.split(",")} - {""}
        self._rows_read = 0
        self._has_failed = False
        self._is_being_read = False
        self._file: BinaryIO = io.BytesIO()

    @asynccontextmanager
    async def opened(self, head: int) -> AsyncGenerator[None]:
        """Open the file and read its headings and first rows, in a thread that nothing waits for.

        A pipe may be silent. Once its rows are being read, the thread that reads them closes it.

        Args:
            head: The number of rows to look at.

        Raises:
            ValueError: It is not a file of contacts, or it is damaged.
            OSError: It cannot be read.
        """
        await run_unwatched(partial(self._open, head))
        try:
            yield
        finally:
            if not self._is_being_read:
                self._close()

    def plan(
        self,
        fields: Sequence[ContactField] | None,
        *,
        ignored: Collection[str],
        ignore_others: bool,
        ignore_opt_outs: bool,
    ) -> Plan:
        """Return the meanings of the columns, by the headings and the first rows.

        Args:
            fields: The custom fields of the account, or None if they cannot be read.
            ignored: See `plan_of`.
            ignore_others: See `plan_of`.
            ignore_opt_outs: See `plan_of`.

        Raises:
            JobError: See `plan_of`.
        """
        of_content = (
            partial(plan_of, self.content.headings, self.first_rows)
            if isinstance(self.content, Table)
            else partial(plan_of_records, self._first_records)
        )
        return of_content(
            fields,
            mapped=self._mapped,
            ignored=ignored,
            ignore_others=ignore_others,
            ignore_opt_outs=ignore_opt_outs,
        )

    def rows(self, reader: Reader[T]) -> Generator[T]:
        """Read the rows, and close the file."""
        self._is_being_read = True
        try:
            for row in self._rows(reader):
                self._rows_read += 1
                yield row
        except (ValueError, OSError):
            self._has_failed = True
            raise
        finally:
            self._close()

    def with_total(self, progress: Progress) -> Progress:
        """Add an estimate of the number of rows, by the share of the file that is read."""
        share = self.content.share_read()
        if not share or not self._rows_read:
            return progress
        total = max(round(self._rows_read / share), progress.done)
        return msgspec.structs.replace(progress, total=total, is_estimated=share < 1)

    def check_country_codes(self, plan: Plan, region: str | None) -> None:
        """Check that the phones of a table have country codes, unless their region is given.

        Raises:
            JobError: They seem to have none.
        """
        if region is None and not plan.is_export:
            phones = [[row.cells[at] for at in plan.sources[PHONE]] for row in self.first_rows]
            check_country_codes(phones, phone_reader())

    @contextmanager
    def noting_how_to_resume(self, outcomes: Path | None, *, restart: bool) -> Generator[None]:
        """Add a note on how to resume to the error that ends a job, once it has begun.

        Args:
            outcomes: The outcome file, if there is one.
            restart: The command discarded earlier outcomes, and must not do so again.
        """
        try:
            yield
        except BaseException as error:
            # An error about another argument says by itself what to do.
            is_interrupted = self._has_failed or not isinstance(error, ValueError)
            if self._rows_read and is_interrupted and (outcomes is None or outcomes.exists()):
                error.add_note(_how_to_resume(outcomes, restart=restart))
            raise

    def _open(self, head: int) -> None:
        self._file = _stdin() if self.is_stdin else self.path.open("rb")
        try:
            self.content = open_contacts(
                self._file,
                "" if self.is_stdin else self.path.name,
                file_format=self._format,
                delimiter=self._delimiter,
                encoding=self._encoding,
                is_phone_heading=self._is_phone_heading,
                notes=self.notes,
            )
            if isinstance(self.content, Table):
                self.first_rows = [row for row in self.content.head(head) if not row.problem]
            else:
                records = self.content.head(head)
                self._first_records = [each.fields for each in records if not each.problem]
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self.content.close()
        self._file.close()

    def _is_phone_heading(self, cell: str) -> bool:
        known = meaning_of(cell)
        return cell.strip() in self._phones or (known is not None and known.field == "phone")

    def _rows(self, reader: Reader[T]) -> Iterator[T]:
        if isinstance(self.content, Table):
            return reader.of_table(self.content)
        return reader.of_records(self.content)


def _stdin() -> BinaryIO:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is if closed
        raise OSError(errno.EBADF, "standard input is closed")
    try:
        descriptor = sys.stdin.fileno()
    except io.UnsupportedOperation:  # it was replaced
        return sys.stdin.buffer
    # Not `sys.stdin`: that could not be closed at the end while a thread waits in it.
    return open(descriptor, "rb", closefd=False)


def _how_to_resume(outcomes: Path | None, *, restart: bool) -> str:
    if outcomes is None:
        return (
            "There is no outcome file to resume from. Run the import again from the beginning: no"
            " phone gets a second contact. Add --outcomes FILE to be able to resume that one."
        )
    way_on = same_command(restart=restart)
    return f"To resume, {way_on}. The outcome of each row is in {outcomes}"
