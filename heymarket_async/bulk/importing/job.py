"""Imports contacts: each row ends with one true outcome, and no phone gets a second contact."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path

from heymarket_async.bulk.importing.feed import Feed
from heymarket_async.bulk.importing.intake import Intake, Item
from heymarket_async.bulk.importing.outcome_file import OutcomeFile, checked_path
from heymarket_async.bulk.importing.outcome_lines import Header, Kind
from heymarket_async.bulk.importing.report import ImportReport, Results
from heymarket_async.bulk.importing.rules import Row
from heymarket_async.bulk.importing.same_phone import SamePhone
from heymarket_async.bulk.importing.send import Sender
from heymarket_async.bulk.progress import OnProgress, Tally, told
from heymarket_async.checks import is_int, one_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import account_of, hold


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
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Create the contacts whose phone the account does not know, and return what was done.

    The phones of `batch_size` rows are looked up with one request, and what is to be written is
    collected into full batches. Where an answer is lost or can be read in two ways, the phones
    are looked up before anything is sent again. A row that cannot be stored stops no other.

    With an outcome file, a killed import can be resumed from the same rows: nothing is lost, and
    what was sent without an answer is looked up. If the input raises, the rows before are imported
    and noted down, and then its error is raised.

    Args:
        client: Its retry policy also says how often, and after what waits, rows whose answer was
            lost are sent again.
        rows: Each a `NewContact`, a mapping of its fields, or a `RejectedRow`. They are numbered
            from 1, and read `batch_size` at a time as they are needed; an iterable that is not
            async, in a thread of its own, so that it may block. What is bound to its thread, such
            as an SQLite cursor, is to be made in there, by a generator, or given asynchronously.
        overwrite: Overwrite contacts that differ in a given field. Heymarket may empty what is not
            given, custom fields above all.
        dry_run: Compare with the account, and write nothing; outcomes are what would become.
        batch_size: Rows in a request; the most is not documented. Requests that are refused as too
            large are cut in halves.
        concurrency: Requests at once.
        outcomes: The file to write what became of each row to.
        resume: Go on with the file where it is there: skip the rows that are settled, and look up
            those that are unknown.
        on_progress: Called with a `Progress` twice a second; must not block.

    Raises:
        HeymarketError: The import cannot go on, such as with credentials that are refused; resume
            it then.
        ValueError: An argument breaks its rule, or the outcome file is not of this import.

    https://developers.heymarket.com/api-reference/contacts/bulk
    """
    one_of("client", client, HeymarketClient)
    for name, switch in (("overwrite", overwrite), ("dry_run", dry_run), ("resume", resume)):
        one_of(name, switch, bool)
    for name, number in (("batch_size", batch_size), ("concurrency", concurrency)):
        if not is_int(number) or number < 1:
            raise ValueError(f"{name} must be an integer of at least 1")
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable | AsyncIterable):
        raise ValueError("rows must be an iterable of contacts")
    if on_progress is not None and not callable(on_progress):
        raise ValueError("on_progress must be a function, or None")
    path = checked_path(outcomes, resume=resume)
    tally = Tally(client)
    async with Feed(rows, batch_size) as feed:
        await feed.begin()
        async with told(on_progress, lambda: tally.progress(0, None, "starting")):
            file = await _outcome_file(tally.client, path, overwrite, dry_run, resume)
        results = Results(file, tally)
        async with file, told(on_progress, results.progress):
            same_phone = SamePhone(results)
            intake = Intake(feed, file, results, same_phone, batch_size)
            sender = Sender(tally, file, results, same_phone, overwrite=overwrite, dry_run=dry_run)
            await _import(intake, sender, batch_size, concurrency)
            while again := same_phone.again(batch_size):
                if to_send := await sender.look(again):
                    await sender.write(to_send)
    if feed.failure is not None:
        raise feed.failure
    return results.report()


async def _outcome_file(
    client: HeymarketClient, path: Path | None, overwrite: bool, dry_run: bool, resume: bool
) -> OutcomeFile:
    if path is None:
        await hold(transport_of(client))
        return OutcomeFile()
    kind = Kind.DRY_RUN if dry_run else Kind.IMPORT
    account = await account_of(transport_of(client))
    header = Header(kind=kind, account=account.name, overwrite=overwrite)
    return OutcomeFile(path, header, resume=resume)


async def _import(intake: Intake, sender: Sender, size: int, concurrency: int) -> None:
    """Look up chunk by chunk, write batch by batch, several side by side."""
    to_send: list[Row] = []
    turn = asyncio.Lock()

    async def work() -> None:
        while True:
            async with turn:
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            to_send.extend(await sender.look(chunk))
            while len(to_send) >= size:
                batch, to_send[:] = to_send[:size], to_send[size:]
                await sender.write(batch)

    async with aclosing(intake.chunks()) as chunks:
        await _side_by_side(work, concurrency)
    if to_send:
        await sender.write(to_send)


async def _side_by_side(work: Callable[[], Coroutine[object, object, None]], times: int) -> None:
    """Run a piece of work several times at once; the first error ends them all."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(times):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
