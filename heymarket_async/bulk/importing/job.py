"""Imports contacts: each row gets one true outcome, and no phone gets a second contact."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from typing import Literal

from heymarket_async.bulk.importing.duplicates import Duplicates
from heymarket_async.bulk.importing.report import ImportReport, OnRejected, Results
from heymarket_async.bulk.importing.rules import (
    IMPORTED,
    Decision,
    ImportHeader,
    NumberedRow,
    PendingRow,
    RowOutcome,
    SentWhen,
)
from heymarket_async.bulk.importing.send import Sender
from heymarket_async.bulk.importing.source import (
    Item,
    RejectedRow,
    SourceRow,
    batches_of,
    check_first_row,
    check_not_answered,
    check_rows,
    contact_of,
    wrong_kind,
)
from heymarket_async.bulk.progress import (
    OnProgress,
    RequestStats,
    check_client,
    reporting,
    stats_of_job,
)
from heymarket_async.bulk.store.outcome_file import OutcomeFile, checked_path
from heymarket_async.bulk.store.outcome_lines import digest_of
from heymarket_async.bulk.thread import concurrency_of, side_by_side
from heymarket_async.checks import is_int, one_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.models.new_contact import NewContact
from heymarket_async.privacy import hides_locals
from heymarket_async.transport import wire
from heymarket_async.transport.account import account_of, hold

_KINDS = (NewContact, Mapping, RejectedRow, SourceRow)


@hides_locals
async def import_contacts(
    client: HeymarketClient,
    rows: Iterable[Item] | AsyncIterable[Item],
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    batch_size: int = 100,
    concurrency: int = 4,
    outcomes: str | os.PathLike[str] | None = None,
    resume: bool = False,
    restart: bool = False,
    on_progress: OnProgress | None = None,
    on_rejected: OnRejected | None = None,
) -> ImportReport:
    """Create contacts for the phones that the account does not have, and return a report.

    The phones of `batch_size` rows are looked up with one request, and the rows to write are
    collected into full batches. If an answer is lost or ambiguous, the phones are looked up before
    anything is sent again. A row that cannot be stored does not stop the others.

    If rows share a phone, the first one wins; if Heymarket rejects it, the next is tried.

    Somebody who opted out stays so. An overwrite sends contacts that are opted out as opted out,
    whatever the row says. A row that says opted out opts an existing contact out, even without
    `overwrite`, and even if the row is a duplicate or is refused. This is as good as the lookup
    before it: somebody who opts out between a lookup and the write that follows may be overwritten.

    With an outcome file, a killed import can be resumed. It knows rows by their content, so the
    input may have been mended, sorted, shortened or continued. Rows that were created, updated or
    unchanged are skipped, rows that were sent without an answer are looked up, and rejected rows
    are tried again. If the input raises an error, the rows before it are imported and their
    outcomes written first.

    Args:
        client: Its retry policy also decides how often, and after which waits, rows are sent again
            after a lost answer.
        rows: `NewContact`s, mappings of their fields, `RejectedRow`s, or `SourceRow`s. They are
            numbered from 1, and read `batch_size` at a time as they are needed. An iterable that is
            not async is read in a thread of its own, so it may block. An object that is bound to
            its thread, such as an SQLite cursor, must be made there, by a generator, or be read
            asynchronously.
        overwrite: Overwrite contacts that differ in a given field. Heymarket may empty fields that
            are not given, custom fields above all.
        dry_run: Compare with the account, and write nothing. The report says what an import would
            do.
        batch_size: Rows in a request; the most is not documented. A request that is refused as too
            large is repeated in halves.
        concurrency: Requests at once, at most 100: a client has 100 connections.
        outcomes: The file to write the outcome of each row to.
        resume: Continue the outcome file if it exists, and begin one if it does not.
        restart: Discard the outcome file if it exists. A file of another kind is refused.
        on_progress: Called with a `Progress` twice a second; must not block.
        on_rejected: Called once for each row that is rejected, with the reason and the row as it
            was given, or the `source` of a `SourceRow`; must not block. Its error ends the import.

    Raises:
        HeymarketError: The import cannot continue, for example because the credentials are refused.
            Resume it later.
        JobError: The outcome file exists already, belongs to another import, or is none.
        ValueError: An argument breaks its rule.

    https://developers.heymarket.com/api-reference/contacts/bulk
    """
    check_client(client)
    switches = {"overwrite": overwrite, "dry_run": dry_run, "resume": resume, "restart": restart}
    for name, switch in switches.items():
        one_of(name, switch, bool)
    if resume and restart:
        raise ValueError("resume and restart exclude each other")
    if not is_int(batch_size) or batch_size < 1:
        raise ValueError("batch_size must be an integer of at least 1")
    concurrency_of(concurrency)
    check_not_answered(rows)
    check_rows(rows, "contacts")
    for name, function in (("on_progress", on_progress), ("on_rejected", on_rejected)):
        if function is not None and not callable(function):
            raise ValueError(f"{name} must be a function, or None")
    path = checked_path(outcomes, ImportHeader, resume=resume, restart=restart)
    stats = stats_of_job(client)
    async with aclosing(batches_of(rows, batch_size)) as batches:
        first = await anext(batches, list[Item]())
        for item in first[:1]:
            check_first_row(item, _KINDS, "NewContacts or mappings of their fields")
        async with reporting(on_progress, lambda: stats.progress(0, None, "starting")):
            if path is None:
                await hold(transport_of(stats.client))
                file = OutcomeFile(IMPORTED)
            else:
                header = await _header(stats.client, overwrite=overwrite, dry_run=dry_run)
                file = OutcomeFile(IMPORTED, path, header, resume=resume, restart=restart)
        results = Results(file, stats, on_rejected)
        job = _Import(
            batches, file, stats, results, batch_size, overwrite=overwrite, dry_run=dry_run
        )
        async with file, reporting(on_progress, results.progress):
            await job.run(first, concurrency)
    if job.failure is not None:
        raise job.failure
    return results.report()


async def _header(client: HeymarketClient, *, overwrite: bool, dry_run: bool) -> ImportHeader:
    account = await account_of(transport_of(client))
    kind: Literal["import", "dry run"] = "dry run" if dry_run else "import"
    return ImportHeader(kind=kind, account=account.name, overwrite=overwrite)


class _Import:
    """The way of the rows from the input to their outcomes.

    In memory are a chunk for each worker, one batch of the input, and one to send.

    Attributes:
        failure: The error of the input, which ends it, or None.
    """

    def __init__(
        self,
        batches: AsyncGenerator[list[Item]],
        file: OutcomeFile[RowOutcome, SentWhen],
        stats: RequestStats,
        results: Results,
        size: int,
        *,
        overwrite: bool,
        dry_run: bool,
    ) -> None:
        self.failure: Exception | None = None
        self._batches = batches
        self._results = results
        self._file = file
        self._size = size
        self._duplicates = Duplicates(results)
        self._sender = Sender(
            stats, file, self._duplicates.finish, overwrite=overwrite, dry_run=dry_run
        )
        self._to_send: list[PendingRow] = []
        self._turn = asyncio.Lock()

    async def run(self, first: list[Item], concurrency: int) -> None:
        """Look up chunk by chunk and write batch by batch, several of them at once.

        Args:
            first: The first batch of the input.
            concurrency: Requests at once.
        """
        async with aclosing(self._chunks(first)) as chunks:
            await side_by_side(lambda: self._work(chunks), concurrency, name="heymarket-importer")
        if self._to_send:
            await self._sender.write(self._to_send)
        while released := self._duplicates.released(1, self._size):
            if to_send := await self._sender.look(released):
                await self._sender.write(to_send)

    async def _work(self, chunks: AsyncGenerator[list[PendingRow]]) -> None:
        while True:
            async with self._turn:
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            to_send = await self._sender.look(chunk)
            self._to_send += to_send
            while len(self._to_send) >= self._size:
                batch, self._to_send = self._to_send[: self._size], self._to_send[self._size :]
                await self._sender.write(batch)

    async def _chunks(self, items: list[Item]) -> AsyncGenerator[list[PendingRow]]:
        """Give the rows that must be looked up, up to where the input ends or fails."""
        chunk: list[PendingRow] = []
        while items:
            for item in items:
                if (row := self._admit(item)) is not None:
                    chunk.append(row)
                if len(chunk) == self._size:
                    yield chunk
                    chunk = []
            while released := self._duplicates.released(self._size, self._size):
                yield released
            await self._file.flush()
            try:
                items = await anext(self._batches, list[Item]())
            except Exception as error:  # noqa: BLE001 - raised once the rows before are finished
                self.failure, items = error, []
        if chunk:
            yield chunk

    def _admit(self, item: Item) -> PendingRow | None:
        """Number a row, and return it unless its outcome is known or it waits for another row."""
        self._results.rows += 1
        number = self._results.rows
        given, source = (item.item, item.source) if isinstance(item, SourceRow) else (item, item)
        contact, content = _encoded(given)
        digest = digest_of(content)
        if isinstance(contact, RejectedRow):
            rejected = Decision(RowOutcome.REJECTED, contact.reason)
            if contact.opted_out_phone is None:
                row = NumberedRow(number=number, digest=digest, source=source)
                self._results.add(row, rejected)
                return None
            opt_out = PendingRow(
                number=number,
                contact=NewContact(phone=contact.opted_out_phone, is_opted_out=True),
                digest=digest,
                source=source,
                is_opted_out=True,
                rejected=rejected,
            )
            return opt_out if self._duplicates.admit(opt_out) else None
        earlier = self._file.earlier.take(digest)
        if isinstance(earlier, RowOutcome):
            self._results.skip(earlier)
            self._duplicates.skip(number, int(contact.phone))
            return None
        pending = PendingRow(
            number=number,
            contact=contact,
            digest=digest,
            source=source,
            sent_when=earlier,
            is_opted_out=contact.is_opted_out,
        )
        return pending if self._duplicates.admit(pending) else None


def _encoded(item: Item) -> tuple[NewContact | RejectedRow, bytes]:
    """Return a row as a contact that can be sent, and the content that identifies it."""
    contact = item
    if not isinstance(item, NewContact) and isinstance(item, Mapping):
        contact = contact_of(item)
    if isinstance(contact, NewContact):
        try:
            return contact, wire.encode(contact) or b""
        except ValueError as error:
            contact = RejectedRow(str(error))
    elif not isinstance(contact, RejectedRow):
        contact = RejectedRow(
            f"is neither a NewContact nor a mapping of its fields, but {wrong_kind(item)}"
        )
    return contact, contact.reason.encode()
