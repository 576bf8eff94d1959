"""Exports all records of an account into a sink, and reports whether that is proved complete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.custom_fields import UNREAD, fields_of
from heymarket_async.bulk.job import Job, ReadReport
from heymarket_async.bulk.progress import OnProgress
from heymarket_async.bulk.read import checkpoint as checkpoints
from heymarket_async.bulk.read.catch_up import count_records, other_writer
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import SETTLE_S, Collector
from heymarket_async.bulk.read.source import source_of_contacts
from heymarket_async.bulk.read.walk import ReadOptions
from heymarket_async.bulk.sinks.given import as_sink
from heymarket_async.bulk.sinks.sink import FileSink, Sink
from heymarket_async.checks import one_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.errors import BadRequestError, PaginationError
from heymarket_async.models.contact import ContactField
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import account_of, hold


class ExportReport(ReadReport, frozen=True, kw_only=True):
    """The result of an export of contacts; see `ReadReport`.

    Attributes:
        contacts: Contacts in the result, in their newest versions.
    """

    contacts: int


@hides_locals
async def export_contacts(
    client: HeymarketClient,
    sink: Sink | Path | str,
    *,
    surface: Literal["v1", "v2"] = "v1",
    date: datetime | str | None = None,
    page_size: int | None = None,
    concurrency: int = 1,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> ExportReport:
    """Export all contacts, and return a report.

    After the walk over all contacts, passes read the changes since it began, until a pass brings
    nothing new, or is a single answer. So a contact that is edited meanwhile ends up in its newest
    version. Then the account's count is compared.

    If an export is interrupted, it leaves a checkpoint, even if it is killed. The next export into
    the same sink resumes from it. Memory does not grow with the account.

    Args:
        client: The account.
        sink: The place for the contacts: a path, whose ending gives the format (.jsonl, .csv,
            .parquet, .xlsx or .db); `JsonLines`, `Csv`, `Parquet`, `Xlsx`, `Sqlite` or `Stream`; or
            a `Sink` of your own.
        surface: The list to walk: "v1", or "v2", which is oldest update first.
        date: Only contacts that were updated after it; on v1, it is not documented which side of it
            is listed.
        page_size: Contacts in a page; v2 takes 100 at most. None: as many as the server gives, up
            to the client's `max_page_size`.
        concurrency: Parts of the time range that are walked side by side, at most 100: a client has
            100 connections. If the network or Heymarket is slow to answer, more of them use up the
            rate limit.
        checkpoint: A folder to keep the unfinished export in, instead of one beside the file.
        restart: Drop an unfinished export, and begin anew.
        on_progress: Called with a `Progress` twice a second.

    Raises:
        ValueError: An argument breaks its rule.
        JobError: The checkpoint belongs to another account or query, or is damaged.
        HeymarketError: The export could not be completed. The next one can resume it.
        OSError: The sink could not be written to.
    """
    options = ReadOptions(source_of_contacts(surface), page_size, concurrency)
    after = None if date is None else timestamps.to_text("date", date)
    contacts, report = await export_records(
        client,
        sink,
        options,
        date=after,
        checkpoint=checkpoint,
        restart=restart,
        on_progress=on_progress,
    )
    return ExportReport(contacts=contacts, **msgspec.structs.asdict(report))


async def export_records(
    client: HeymarketClient,
    sink: Sink | Path | str,
    options: ReadOptions,
    *,
    date: str | None = None,
    checkpoint: Path | str | None,
    restart: bool,
    on_progress: OnProgress | None,
) -> tuple[int, ReadReport]:
    """Export all records of a list; return how many the result has, and the report."""
    one_of("restart", restart, bool)
    sink = as_sink(sink)
    folder = None if checkpoint is None else Path(checkpoint)
    if isinstance(sink, FileSink):
        sink.kind = options.source.kind
    job = Job(client)
    async with job.running(on_progress, sink.close):
        stored = await job.thread.run(sink.open, folder, restart=restart)
        if stored is not None and checkpoints.has_no_account(stored):
            await job.thread.run(sink.close)
            stored = await job.thread.run(sink.open, folder, restart=True)
        return await _export(job, sink, options, date, stored, shows=on_progress is not None)


async def _export(
    job: Job,
    sink: Sink,
    options: ReadOptions,
    date: str | None,
    stored: str | None,
    *,
    shows: bool,
) -> tuple[int, ReadReport]:
    place, source = str(sink.path) if isinstance(sink, FileSink) else "", options.source
    kind = source.kind
    checkpoint = await _checkpoint(job, stored, source.surface, date, place)

    async def identify() -> None:
        """Ask for the account, which a checkpoint needs, and for the total, if it is shown."""
        if not checkpoint.account:
            checkpoint.belong_to(await account_of(transport_of(job.client)))
        if shows:
            checkpoint.counted = await count_records(job.client, source, checkpoint)

    # The fields are needed at the end, but read now: that must not fail after hours.
    needs_fields = sink.needs_fields and kind.has_custom_fields
    fields = await fields_of(job.client) if needs_fields else []
    try:
        collector, counted, doubts = await job.read(
            sink,
            checkpoint,
            options,
            recalled=None if stored is None else sink.stored(),
            damaged=lambda: checkpoints.damaged(f"stored {kind.plural}", place),
            identify=None if stored is not None else identify,
        )
    except (BadRequestError, PaginationError) as error:
        if stored is not None:  # its cursor may be the cause
            into = place and f" into {place}"
            error.add_note(
                f"The export{into} was resumed. If it fails like this again, restart it from the"
                " beginning."
            )
        raise
    job.stage = "writing"
    await _finish(job, sink, collector, fields or [])
    made, read = job.made, len(collector.seen.ids)
    # A sink that is not a file may keep several versions of a record.
    if made is not None and made != read and isinstance(sink, FileSink):
        doubts.append(other_writer(kind, made, read))
    doubts += checkpoint.odd.doubts(kind=kind)
    if fields is None:
        doubts.append(UNREAD)
    elif isinstance(sink, FileSink):
        doubts += sink.doubts(fields)
    report = job.report(collector, counted, doubts, resumed=stored is not None)
    return collector.taken if made is None else made, report


async def _checkpoint(
    job: Job, stored: str | None, surface: str, date: str | None, place: str
) -> Checkpoint:
    """Return the checkpoint to read from.

    If the account of the credentials can change, a new one has it from the beginning.
    """
    transport = transport_of(job.client)
    if stored is None:
        return checkpoints.new(account=await hold(transport), surface=surface, date=date)
    account = await account_of(transport, stored=checkpoints.account_in(stored))
    return checkpoints.read(stored, account=account, surface=surface, date=date, place=place)


async def _finish(
    job: Job, sink: Sink, collector: Collector, fields: Sequence[ContactField]
) -> None:
    def count_made(steps: list[int]) -> None:
        job.made = job.written = steps[-1]

    if isinstance(sink, FileSink):
        sink.latest = timestamps.later(job.stats.clock(), SETTLE_S)
    steps = sink.finish(frozenset(collector.seen.edited), fields)
    await job.thread.each(steps, count_made, at_once=1)
    job.written = len(collector.seen.ids)  # a file that is only moved to its place has no steps
