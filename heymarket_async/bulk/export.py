"""Exports all contacts of an account into a sink, and tells how far that can be proved."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.custom_fields import UNREAD, fields_of
from heymarket_async.bulk.progress import OnProgress, Progress, Tally, told
from heymarket_async.bulk.read import checkpoint as checkpoints
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import SETTLE_S, Collector
from heymarket_async.bulk.read.options import Reading
from heymarket_async.bulk.read.proof import count_of, prove, wrote_other
from heymarket_async.bulk.read.walk import walk
from heymarket_async.bulk.read.windows import later
from heymarket_async.bulk.sinks.sink import Dated, Filed, Sink
from heymarket_async.bulk.sinks.staging import ANEW
from heymarket_async.bulk.thread import OneThread
from heymarket_async.checks import one_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.errors import BadRequestError, PaginationError
from heymarket_async.models import ContactField
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import account_of


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an export did, and what speaks for it being complete.

    Attributes:
        contacts: Contacts in the result, each in its newest version.
        distinct: Different ids that were met: the same number, unless the sink is one that keeps
            every version.
        counted_before: How many the account said to have when the export began, or None.
        counted_after: How many it said to have at the end.
        edited: Contacts that were edited while the export ran, after they had been read.
        overlap: Contacts that came again in the same version and were left out.
        ties: Contacts that share their `updated` with another one.
        largest_tie: The most contacts that share one.
        oldest: The earliest `updated` that was met, as an instant in UTC, or None.
        newest: The latest.
        pages: Answers of the walk that brought something new; the catch-up's are not counted.
        requests: Requests that this run sent, repeated ones included.
        repeated: How many of them failed and were sent again.
        resumed: This run went on from a checkpoint.
        seconds: How long this run took.
        waited_s: Seconds that its calls waited, by reason, summed where they waited side by side.
        doubts: Why the export is not proved to be complete; empty if it is.
        mended: Contacts whose JSON had to be mended before it could be read.
    """

    contacts: int
    distinct: int
    counted_before: int | None
    counted_after: int | None
    edited: int
    overlap: int
    ties: int
    largest_tie: int
    oldest: str | None
    newest: str | None
    pages: int
    requests: int
    repeated: int
    resumed: bool
    seconds: float
    waited_s: dict[str, float]
    doubts: list[str]
    mended: int = 0

    @property
    def is_proved(self) -> bool:
        """Whether nothing speaks against the export being complete."""
        return not self.doubts


@hides_locals
async def export_contacts(
    client: HeymarketClient,
    sink: Sink,
    *,
    surface: Literal["v1", "v2"] = "v1",
    date: datetime | str | None = None,
    page_size: int = 100,
    concurrency: int = 1,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> ExportReport:
    """Export all contacts, and return what was done.

    The walk over all contacts is followed by passes over what changed since it began, until one
    brings nothing new; so a contact that is edited meanwhile ends up in its newest version. Then
    the account is counted.

    An export that is interrupted, however hard, leaves a checkpoint, and the next one into the same
    sink goes on from it. Memory does not grow with the account.

    Args:
        client: Whose contacts.
        sink: Where they go: `JsonLines`, `Csv`, `Parquet`, `Sqlite`, `Stream`, or your own.
        surface: Which list to walk: "v1", or "v2", which is oldest update first.
        date: Only contacts that were updated after it; on v1, which side of it is walked is not
            documented.
        page_size: Contacts asked for at once; v2 takes 100 at most.
        concurrency: How many parts of the time range are walked side by side. On a network that is
            slow to answer, more of them use up what the rate limit allows.
        checkpoint: A folder to keep the unfinished export in, instead of beside the file.
        restart: Drop what an unfinished export left, and begin anew.
        on_progress: Called with a `Progress` twice a second.

    Raises:
        ValueError: An argument breaks its rule, or the checkpoint belongs to another account or
            query.
        HeymarketError: The export could not be completed. The next one can resume it.
        OSError: The sink could not be written to.
    """
    one_of("restart", restart, bool)
    reading = Reading(surface, page_size, concurrency)
    query = None if date is None else timestamps.to_text("date", date)
    export = _Export(client, sink, reading, query)
    async with told(on_progress, export.progress):
        return await export.run(None if checkpoint is None else Path(checkpoint), restart=restart)


class _Export:
    """One run of an export: open, recall, walk, catch up, count, finish."""

    def __init__(
        self, client: HeymarketClient, sink: Sink, reading: Reading, date: str | None
    ) -> None:
        self._tally = Tally(client)
        self._client = self._tally.client
        self._sink = sink
        self._reading = reading
        self._date = date
        self._thread = OneThread()
        self._started = time.monotonic()
        self._stage = "starting"
        self._made: int | None = None
        self._collector: Collector | None = None

    def progress(self) -> Progress:
        """Return how far it is."""
        at = self._collector
        done = self._made or (at.taken if at else 0)
        return self._tally.progress(done, at.at.counted if at else None, self._stage)

    async def run(self, checkpoint: Path | None, *, restart: bool) -> ExportReport:
        """Export, and let go of everything in any case."""
        try:
            try:
                stored = await self._thread.run(self._sink.open, checkpoint, restart=restart)
                return await self._export(stored)
            finally:
                await self._thread.run(self._sink.close)
        finally:
            self._thread.close()

    async def _export(self, stored: str | None) -> ExportReport:
        at = await self._checkpoint(stored)
        # What is needed at the end is asked for now: it must not fail after hours.
        fields = await fields_of(self._client) if self._sink.needs_fields else []
        collector = self._collector = Collector(
            self._sink, self._thread, at, clock=self._tally.clock
        )
        if stored is not None:
            self._stage = "recalling"
            with checkpoints.stored_at(self._place):
                await self._thread.each(self._sink.stored(), collector.recall)
        with self._noting(stored):
            self._stage = "reading"
            await walk(self._client, collector, self._reading)
            self._stage = "catching up"
            counted, doubts = await prove(
                self._client, collector, self._reading, collector.distinct
            )
        self._stage = "writing"
        await self._finish(collector, fields or [])
        return ExportReport(
            contacts=collector.taken if self._made is None else self._made,
            distinct=len(collector.memory.seen),
            counted_before=at.counted,
            counted_after=counted,
            edited=len(collector.memory.again),
            overlap=at.overlap,
            ties=at.ties,
            largest_tie=at.largest_tie,
            oldest=collector.memory.oldest,
            newest=collector.memory.newest,
            pages=at.pages,
            requests=self._tally.requests,
            repeated=self._tally.repeated,
            resumed=stored is not None,
            seconds=round(time.monotonic() - self._started, 3),
            waited_s=self._tally.waits(),
            doubts=doubts + self._not_made(collector) + at.odd.doubts() + self._not_shown(fields),
            mended=at.odd.mended,
        )

    @contextmanager
    def _noting(self, stored: str | None) -> Generator[None]:
        """Name the way out, should what is stored be the reason that reading fails."""
        try:
            yield
        except (BadRequestError, PaginationError) as error:
            if stored is not None:
                into = "" if self._place is None else f" into {self._place}"
                error.add_note(f"the export{into} was resumed: if it fails like this again, {ANEW}")
            raise

    @property
    def _place(self) -> Path | None:
        return self._sink.path if isinstance(self._sink, Filed) else None

    def _not_made(self, collector: Collector) -> list[str]:
        made, read = self._made, len(collector.memory.seen)
        # Only of a file is it known that each contact is to be in it once.
        if made is None or made == read or not isinstance(self._sink, Filed):
            return []
        return [wrote_other(made, read)]

    def _not_shown(self, fields: Sequence[ContactField] | None) -> list[str]:
        if fields is None:
            return [UNREAD]
        return self._sink.doubts(fields) if isinstance(self._sink, Filed) else []

    async def _checkpoint(self, stored: str | None) -> Checkpoint:
        account = await account_of(transport_of(self._client))
        if stored is not None:
            with checkpoints.stored_at(self._place):
                return checkpoints.read(
                    stored, account=account, surface=self._reading.surface, date=self._date
                )
        at = checkpoints.new(account=account, surface=self._reading.surface, date=self._date)
        at.counted = await count_of(self._client, at)
        return at

    async def _finish(self, collector: Collector, fields: Sequence[ContactField]) -> None:
        if isinstance(self._sink, Dated):
            self._sink.latest = later(self._tally.clock(), SETTLE_S)
        steps = self._sink.finish(frozenset(collector.memory.again), fields)
        await self._thread.each(steps, self._has_made, at_once=1)

    def _has_made(self, steps: list[int]) -> None:
        self._made = steps[-1]
