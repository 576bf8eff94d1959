"""Keeps an SQLite file up to date with an account."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from heymarket_async.bulk.custom_fields import UNREAD, fields_of
from heymarket_async.bulk.progress import OnProgress, Progress, Tally, told
from heymarket_async.bulk.read.collect import SETTLE_S, Collector
from heymarket_async.bulk.read.options import Reading
from heymarket_async.bulk.read.proof import count_of, prove, wrote_other
from heymarket_async.bulk.read.walk import walk
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.database import Database
from heymarket_async.bulk.store.sync_file import Following
from heymarket_async.bulk.thread import OneThread
from heymarket_async.checks import one_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.errors import DecodeError, HeymarketError, NotFoundError
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import account_of

_LOGGED = ("kind", "contacts", "added", "changed", "deleted", "requests")
_MOST_ASKED_FOR = 1000

_NOT_MET = " of the contacts that were not met"
_NOT_MARKED = ", so they are not marked"


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a sync did.

    Attributes:
        kind: "full", all contacts were read; or "changes", only what changed since the last run.
        contacts: Contacts in the file, without those that are deleted.
        counted: How many the account said to have at the end, or None.
        added: Contacts that the file did not have.
        changed: Contacts of which the file had an older version.
        deleted: Contacts that were found to be deleted.
        requests: Requests sent, repeated ones included.
        repeated: How many of them failed and were sent again.
        resumed: This run went on where an interrupted one stood.
        seconds: How long it took.
        waited_s: Seconds that its calls waited, by reason.
        doubts: What may be missing in the file, and why; empty if nothing is.
        mended: Contacts that were read whose JSON had to be mended first.
    """

    kind: str
    contacts: int
    counted: int | None
    added: int
    changed: int
    deleted: int
    requests: int
    repeated: int
    resumed: bool
    seconds: float
    waited_s: dict[str, float]
    doubts: list[str]
    mended: int = 0


@hides_locals
async def sync_contacts(
    client: HeymarketClient,
    path: Path | str,
    *,
    surface: Literal["v1", "v2"] = "v2",
    page_size: int = 100,
    concurrency: int = 1,
    detect_deletions: bool = False,
    settle_s: float = SETTLE_S,
    rebind: bool = False,
    on_progress: OnProgress | None = None,
) -> SyncReport:
    """Bring an SQLite file up to date with an account, and return what was done.

    The first run reads all contacts; if it is interrupted, the next one goes on with it. Later runs
    read only what changed since. What is in the file is described in
    `heymarket_async.bulk.sinks.database`; each run adds a line to its table `runs`.

    Args:
        client: Whose contacts.
        path: The file; made, for its owner alone to read, if it is not there.
        surface: Which list to read: "v2", oldest update first, or "v1".
        page_size: Contacts asked for at once; v2 takes 100 at most.
        concurrency: How many parts of the time range are read side by side when all are.
        detect_deletions: Read all contacts, and mark those that are not there any more: a deletion
            is no change that Heymarket tells of. Each that was not met is asked for, up to 1,000.
            In a first run that goes on with an interrupted one, what that had read counts as met.
        settle_s: How far before the newest `updated` of the last run to begin, in seconds: a write
            may show up late.
        rebind: Follow the account to another base URL, where it must have the same team.
        on_progress: Called with a `Progress` twice a second.

    Raises:
        ValueError: An argument breaks its rule, or the file holds something else, or the contacts
            of another account or surface.
        HeymarketError: The run could not be completed; the next one makes up for it.
        OSError: The file cannot be written to, or another job is at work on it.
    """
    reading = Reading(surface, page_size, concurrency)
    one_of("detect_deletions", detect_deletions, bool)
    one_of("rebind", rebind, bool)
    if not one_of("settle_s", settle_s, (int, float)) >= 0:
        raise ValueError("settle_s must be a number of seconds, 0 or above")
    run = _Run(client, reading, settle_s, rebind=rebind)
    async with told(on_progress, run.progress):
        return await run.run(Path(path), detect_deletions=detect_deletions)


class _Run:
    """One run of a sync."""

    def __init__(
        self, client: HeymarketClient, reading: Reading, settle_s: float, *, rebind: bool
    ) -> None:
        self._tally = Tally(client)
        self._client = self._tally.client
        self._reading = reading
        self._settle_s = settle_s
        self._rebind = rebind
        self._thread = OneThread()
        self._started = time.monotonic()
        self._stage = "starting"
        self._collector: Collector | None = None

    def progress(self) -> Progress:
        """Return how far it is."""
        job = self._collector
        return self._tally.progress(
            job.taken if job else 0, job.at.counted if job else None, self._stage
        )

    async def run(self, path: Path, *, detect_deletions: bool) -> SyncReport:
        """Bring the file up to date, and let go of it in any case."""
        try:
            database = Database(path)
            try:
                await self._thread.run(database.open)
                file = await self._thread.run(Following, database, self._tally.clock)
                return await self._logged(file, detect_deletions=detect_deletions)
            finally:
                await self._thread.run(database.close)
        finally:
            self._thread.close()

    async def _logged(self, file: Following, *, detect_deletions: bool) -> SyncReport:
        try:
            report = await self._sync(file, detect_deletions=detect_deletions)
        except (HeymarketError, OSError, ValueError) as error:
            await self._thread.run(file.end, outcome=type(error).__name__)
            raise
        shown = msgspec.structs.asdict(report)
        facts = {name: shown[name] for name in _LOGGED}
        doubts = "; ".join(report.doubts) or None
        await self._thread.run(file.end, outcome="done", doubts=doubts, **facts)
        return report

    async def _sync(self, file: Following, *, detect_deletions: bool) -> SyncReport:
        thread = self._thread
        account, surface = await account_of(transport_of(self._client)), self._reading.surface
        await thread.run(file.bind, account, surface, rebind=self._rebind)
        # What is needed at the end is asked for now: it must not fail after hours.
        fields = await fields_of(self._client)
        await thread.run(file.distrust_what_is_ahead)
        reads_all = file.newest is None or detect_deletions
        at = await thread.run(file.checkpoint, account, surface, reads_all=reads_all)
        is_resumed = any(window.cursor for window in at.windows)
        job = self._collector = Collector(
            file, thread, at, clock=self._tally.clock, settle_s=self._settle_s
        )
        if is_resumed or not reads_all:
            self._stage = "recalling"
            with file.naming():
                await thread.each(file.stored(self._settle_s), job.recall)
        self._stage = "reading"
        at.counted = await count_of(self._client, at)
        await walk(self._client, job, self._reading)
        self._stage = "catching up"
        # Until the missing ones are marked, the file has more than were read.
        have = job.distinct if detect_deletions else partial(thread.run, file.count)
        counted, doubts = await prove(self._client, job, self._reading, have)
        deleted = await self._deleted(file, job, counted, doubts=doubts) if detect_deletions else []
        doubts += at.odd.doubts(file.told)
        doubts += [UNREAD] if fields is None else schema.doubts(fields)
        await thread.run(
            file.complete,
            at.newest,
            ascending=at.ascending,
            deleted=deleted,
            fields=fields,
            told=at.odd,
        )
        added = await thread.run(file.added)
        return SyncReport(
            kind="full" if reads_all else "changes",
            contacts=await thread.run(file.count),
            counted=counted,
            added=added,
            changed=file.changed - added,
            deleted=len(deleted),
            requests=self._tally.requests,
            repeated=self._tally.repeated,
            resumed=is_resumed,
            seconds=round(time.monotonic() - self._started, 3),
            waited_s=self._tally.waits(),
            doubts=doubts,
            mended=at.odd.mended,
        )

    async def _deleted(
        self, file: Following, job: Collector, counted: int | None, *, doubts: list[str]
    ) -> list[int]:
        """Return which contacts in the file are deleted, once that is sure."""
        is_proved, known = not doubts, len(doubts)
        missing = await self._thread.run(file.missing, job.memory.seen)
        # An id of 0 or below was made up, or is none that Heymarket can be asked for.
        askable = [each for each in missing if each > 0]
        asked = askable if len(askable) <= _MOST_ASKED_FOR else []
        deleted = await self._gone(asked, doubts)
        if unasked := set(missing).difference(asked):
            if is_proved:
                deleted += unasked  # all that are counted were read, and these are not among them
            else:
                doubts.append(f"{len(unasked):,}{_NOT_MET} could not be asked for{_NOT_MARKED}")
        left = await self._thread.run(file.count) - len(deleted)
        if counted is not None and left > counted and len(doubts) == known:
            more = f"{left - counted:,} more than the account counts"
            doubts.append(f"the file has {left:,} contacts, {more}")
        elif counted is not None and left < counted and not doubts:
            doubts.append(wrote_other(left, counted))
        return deleted

    async def _gone(self, missing: list[int], doubts: list[str]) -> list[int]:
        answers = {each: await self._is_gone(each) for each in missing}
        if unsure := sum(gone is None for gone in answers.values()):
            doubts.append(
                f"{unsure:,}{_NOT_MET} may be deleted, but no answer of Heymarket says"
                f" so{_NOT_MARKED}"
            )
        return [each for each, gone in answers.items() if gone]

    async def _is_gone(self, contact_id: int) -> bool | None:
        """Ask for a contact; None if the answer does not show whether it is there.

        Such is a 404 of a gateway, and a 200 that does not hold this contact.
        """
        try:
            await self._client.contacts.get(contact_id, returns=msgspec.Raw)
        except NotFoundError as error:
            return bool(error.request_id) or None
        except DecodeError:
            return None
        return False
