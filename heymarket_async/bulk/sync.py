"""Keeps an SQLite file up to date with an account."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from heymarket_async.bulk.custom_fields import UNREAD, fields_of
from heymarket_async.bulk.job import Job, ReadReport
from heymarket_async.bulk.kind import CONTACT
from heymarket_async.bulk.progress import OnProgress
from heymarket_async.bulk.read.catch_up import count_records, other_writer
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import SETTLE_S, Collector
from heymarket_async.bulk.read.source import source_of_contacts
from heymarket_async.bulk.read.walk import ReadOptions
from heymarket_async.bulk.sinks.endings import path_of
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.database import Database
from heymarket_async.bulk.store.sync_file import SyncFile
from heymarket_async.checks import one_of, seconds_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.errors import DecodeError, HeymarketError, NotFoundError
from heymarket_async.models.contact import ContactField
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import account_of
from heymarket_async.walk.walk import Page

_MOST_ASKED_FOR = 1000

_Fields: TypeAlias = tuple[list[ContactField] | None, list[str]]

_NOT_FOUND = " of the contacts that were not found"
_NOT_MARKED = ", so they are not marked"


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one run of a sync.

    Attributes:
        kind: "full" if all contacts were read, "changes" if only the changes since the last run.
        contacts: Contacts in the file, without those that are deleted.
        counted: The account's own count at the end, or None.
        added: Contacts that the file did not have.
        changed: Contacts that the file had in an older version.
        deleted: Contacts that were found to be deleted.
        requests: Requests sent, repeated ones included.
        repeated: How many of them failed and were sent again.
        resumed: This run resumed an interrupted one.
        seconds: How long it took.
        waited_s: Seconds that its calls waited, by reason.
        doubts: Why contacts may be missing in the file; empty if none are.
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
    page_size: int | None = None,
    concurrency: int = 1,
    detect_deletions: bool = False,
    settle_s: float = SETTLE_S,
    rebind: bool = False,
    on_progress: OnProgress | None = None,
) -> SyncReport:
    """Bring an SQLite file up to date with an account, and return a report.

    The first run reads all contacts; if it is interrupted, the next one resumes it. Later runs
    read only the changes since. The titles of the custom fields are read if a contact has changed,
    and at least once an hour. `heymarket_async.bulk.store.database` describes the content of the
    file; each run adds a line to its table `runs`.

    Args:
        client: The account.
        path: The file. If it does not exist, it is created, readable by its owner only.
        surface: The list to read: "v2", oldest update first, or "v1".
        page_size: Contacts in a page; v2 takes 100 at most. None: as many as the server gives, up
            to the client's `max_page_size`.
        concurrency: Parts of the time range that are read side by side when all contacts are read,
            at most 100.
        detect_deletions: Read all contacts, and mark those that are not there any more; Heymarket
            does not report deletions. Contacts that were not found are asked for one by one, up to
            1,000. In a first run that resumes an interrupted one, contacts that the interrupted one
            has read count as found.
        settle_s: How far before the newest `updated` of the last run to begin, in seconds: a write
            may show up late. That part is read again once; see "Writes that show up late" on
            the page "Decisions" of the documentation.
        rebind: Follow the account to another base URL, where it must have the same team.
        on_progress: Called with a `Progress` twice a second.

    Raises:
        ValueError: An argument breaks its rule, or the file is not one of a sync, or is damaged.
        JobError: The file belongs to another account or list.
        HeymarketError: The run could not be completed; the next run catches up.
        OSError: The file cannot be written to, or another job is using it.
    """
    options = ReadOptions(source_of_contacts(surface), page_size, concurrency)
    one_of("detect_deletions", detect_deletions, bool)
    one_of("rebind", rebind, bool)
    seconds_of("settle_s", settle_s)
    done = await sync_records(
        client,
        path_of(path, "Sqlite", may_exist=True),
        options,
        settle_s=settle_s,
        finds_deleted=detect_deletions,
        rebind=rebind,
        on_progress=on_progress,
    )
    return SyncReport(
        kind=done.kind,
        contacts=done.records,
        counted=done.report.counted_after,
        added=done.added,
        changed=done.changed,
        deleted=done.deleted,
        requests=done.report.requests,
        repeated=done.report.repeated,
        resumed=done.report.resumed,
        seconds=done.report.seconds,
        waited_s=done.report.waited_s,
        doubts=done.report.doubts,
        mended=done.report.mended,
    )


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run on an SQLite file; see `SyncReport` and `ReadReport`."""

    kind: Literal["full", "changes"]
    records: int
    added: int
    changed: int
    deleted: int
    report: ReadReport


async def sync_records(
    client: HeymarketClient,
    path: Path | str,
    options: ReadOptions,
    *,
    settle_s: float,
    window_s: float | None = None,
    finds_deleted: bool = False,
    forgets: bool = False,
    rebind: bool = False,
    on_progress: OnProgress | None,
) -> Synced:
    """Bring the records of a list in an SQLite file up to date, and record the run in it.

    Args:
        client: The account.
        path: The file.
        options: The list, and how to read it.
        settle_s: How late a write may show up, in seconds.
        window_s: How far back later runs look for changes that move no record; None: `settle_s`.
        finds_deleted: Read all records, and mark those that are not there any more.
        forgets: Drop the records of earlier runs first.
        rebind: See `sync_contacts`.
        on_progress: Called with a `Progress` twice a second.
    """
    kind = options.source.kind
    job, database = Job(client), Database(Path(path), kind)
    async with job.running(on_progress, database.close):
        await job.thread.run(database.open)
        file = await job.thread.run(SyncFile, database, job.stats.clock, options.source)
        sync = _Sync(job, file, options, settle_s, window_s)
        try:
            done = await sync.run(
                rebind=rebind,
                forgets=forgets,
                finds_deleted=finds_deleted,
                shows=on_progress is not None,
            )
        except (HeymarketError, OSError, ValueError) as error:
            await job.thread.run(file.end, outcome=type(error).__name__)
            raise
        facts: dict[str, str | int | None] = {
            # The runs of all kinds are in one table, whose columns older versions have made.
            "kind": done.kind if kind is CONTACT else f"{kind.plural}: {done.kind}",
            "contacts": done.records if kind is CONTACT else None,
            "added": done.added,
            "changed": done.changed,
            "deleted": done.deleted,
            "requests": done.report.requests,
        }
        doubts = "; ".join(done.report.doubts) or None
        await job.thread.run(file.end, outcome="done", doubts=doubts, **facts)
        return done


class _Sync:
    """One run on an SQLite file."""

    def __init__(
        self,
        job: Job,
        file: SyncFile,
        options: ReadOptions,
        settle_s: float,
        window_s: float | None,
    ) -> None:
        self._job = job
        self._file = file
        self._options = options
        self._kind = options.source.kind
        self._settle_s = settle_s
        self._window_s = settle_s if window_s is None else window_s

    async def run(self, *, rebind: bool, forgets: bool, finds_deleted: bool, shows: bool) -> Synced:
        job, file, run = self._job, self._file, self._job.thread.run
        account = await account_of(
            transport_of(job.client), stored=None if rebind else file.account
        )
        await run(file.bind, account, rebind=rebind)
        if forgets:
            await run(file.forget)
        checkpoint, newest, fields = await self._start(finds_deleted=finds_deleted)
        is_full, is_resumed = bool(checkpoint.spans), any(span.cursor for span in checkpoint.spans)
        if is_full and shows:
            checkpoint.counted = await count_records(job.client, self._options.source, checkpoint)
        settle_s = self._settle_s if is_full else self._window_s
        collector, counted, doubts = await job.read(
            file,
            checkpoint,
            self._options,
            recalled=None if is_full and not is_resumed else file.stored(settle_s),
            damaged=partial(file.database.damaged, f"a {self._kind.noun}"),
            # Until deleted records are marked, the file has more than were read.
            stored=None if finds_deleted else partial(run, file.database.count),
            settle_s=settle_s,
            newest=newest,
        )
        deleted = await _deleted(job, file, collector, counted, doubts) if finds_deleted else []
        doubts += checkpoint.odd.doubts(file.reported, self._kind)
        shown, more = await self._shown(fields)
        doubts += more
        added = await run(file.complete, checkpoint, deleted=deleted, fields=shown)
        return Synced(
            kind="full" if is_full else "changes",
            records=await run(file.database.count),
            added=added,
            changed=file.changed - added,
            deleted=len(deleted),
            report=job.report(collector, counted, doubts, resumed=is_resumed),
        )

    async def _start(
        self, *, finds_deleted: bool
    ) -> tuple[Checkpoint, Page[msgspec.Raw] | None, _Fields | None]:
        """Return the checkpoint to read from.

        The newest records, or the custom fields, are returned too if they were the first answer.
        That answer shows the server's clock, which the file needs.
        """
        run, client, file = self._job.thread.run, self._job.client, self._file
        newest = fields = None
        if file.begins_with_newest and not finds_deleted:
            newest = await self._options.newest(client)
        elif self._kind.has_custom_fields:
            # The fields are needed at the end, but read now: that must not fail after hours.
            fields = await _fields(client)
        checkpoint = await run(file.begin, all_anew=finds_deleted)
        self._job.resumes = file.resumes
        # If all records have to be read after all, this answer will be too old to catch up with.
        return checkpoint, None if checkpoint.spans else newest, fields

    async def _shown(self, fields: _Fields | None) -> _Fields:
        """Return the custom fields to show, None for those of the file, and the doubts."""
        run, file = self._job.thread.run, self._file
        if not self._kind.has_custom_fields:
            return None, []
        if fields is None and await run(file.needs_fields):
            fields = await _fields(self._job.client)
        return fields or (None, schema.doubts(await run(file.database.fields)))


async def _fields(client: HeymarketClient) -> _Fields:
    """Return the custom fields, or None if they cannot be read, and the doubts about them."""
    fields = await fields_of(client)
    return fields, [UNREAD] if fields is None else schema.doubts(fields)


async def _deleted(
    job: Job, file: SyncFile, collector: Collector, counted: int | None, doubts: list[str]
) -> list[int]:
    """Return the contacts in the file that are certainly deleted; add to the doubts."""
    is_proved, known = not doubts, len(doubts)
    missing = await job.thread.run(file.missing, collector.seen.ids)
    # Heymarket cannot be asked for an id of 0 or below; a negative one was made up.
    askable = [contact_id for contact_id in missing if contact_id > 0]
    asked = askable if len(askable) <= _MOST_ASKED_FOR else []
    answers = {contact_id: await _is_deleted(job.client, contact_id) for contact_id in asked}
    deleted = [contact_id for contact_id, answer in answers.items() if answer]
    if unsure := list(answers.values()).count(None):
        why = "may be deleted, but no answer of Heymarket says so"
        doubts.append(f"{unsure:,}{_NOT_FOUND} {why}{_NOT_MARKED}")
    if unasked := set(missing).difference(asked):
        if is_proved:
            deleted += unasked  # all contacts that are counted were read, without these
        else:
            doubts.append(f"{len(unasked):,}{_NOT_FOUND} could not be asked for{_NOT_MARKED}")
    left = await job.thread.run(file.database.count) - len(deleted)
    if counted is not None and left > counted and len(doubts) == known:
        more = f"{left - counted:,} more than the account counts"
        doubts.append(f"the file has {left:,} contacts, {more}")
    elif counted is not None and left < counted and not doubts:
        doubts.append(other_writer(CONTACT, left, counted))
    return deleted


async def _is_deleted(client: HeymarketClient, contact_id: int) -> bool | None:
    """Ask for a contact; return None if the answer proves nothing.

    A 404 of a gateway proves nothing, and neither does a 200 without this contact.
    """
    try:
        await client.contacts.get(contact_id, returns=msgspec.Raw)
    except NotFoundError as error:
        return None if error.is_foreign else True
    except DecodeError:
        return None
    return False
