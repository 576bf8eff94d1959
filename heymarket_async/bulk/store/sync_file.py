"""The SQLite file of a sync: its account, and how far it has come, beside the records.

Kept in the table `state`; but for the account and the credentials, the names begin with "messages."
or "conversations." if it is about these:

    account, surface  the account and the list that the file follows
    credentials       the fingerprint of the credentials of the last run
    ascending         "true" if that list is oldest first, "false" if newest first, or "null"
    newest            the instant up to which the last complete run has read everything
    settled           up to where that is settled, as `Settled` in JSON
    page_size         the limit that has brought the most rows
    fields_read       the server's time when the custom fields were read
    latest            the latest instant that an `updated` could have at the last write
    told              ids of odd records that a run has reported, so that later runs do not
    first_run         the checkpoint of a first run that is not complete
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from heymarket_async.bulk.errors import JobError, mismatch_error
from heymarket_async.bulk.kind import CONTACT
from heymarket_async.bulk.read import checkpoint as checkpoints
from heymarket_async.bulk.read.checkpoint import Checkpoint, Settled
from heymarket_async.bulk.read.collect import SETTLE_S
from heymarket_async.bulk.read.source import Source
from heymarket_async.bulk.store.database import Database
from heymarket_async.models.contact import ContactField
from heymarket_async.timestamps import earlier, later
from heymarket_async.transport.account import Account
from heymarket_async.walk.cursor import PAGE_SIZE

_FIELDS_KEPT_S = 3600.0


class SyncFile:
    """The file of a sync, opened for one run, which is recorded in it. Its methods block.

    Args:
        database: The file.
        clock: Returns the server's time, as an instant.
        source: The list to read.

    Attributes:
        database: The file.
        account: The account that the file follows; None until it is bound to one.
        begins_with_newest: Whether only changes have to be read, from a list that can be read
            newest first.
        changed: How many records this run has added or changed.
        reported: Ids of odd records that earlier runs have reported.

    Raises:
        ValueError: The file holds an export, or another program has changed its state.
    """

    def __init__(self, database: Database, clock: Callable[[], str], source: Source) -> None:
        self.database = database
        self._clock = clock
        self._source = source
        followed = database.state("surface")
        if followed is not None and database.state("account") is None:
            raise database.damaged("`account`")
        if followed is None and (database.state("checkpoint") or database.count(deleted=True)):
            raise JobError(
                "file_of_export",
                f"{database.path} holds an export.",
                "Name a file that only a sync writes to.",
            )
        with database.transaction():
            self._run = database.begin_run(_now())
        name = database.state("account")
        self.account = Account(name, database.state("credentials") or "") if name else None
        self._recall()

    def _recall(self) -> None:
        """Read how far the runs before have come."""
        database = self.database
        self._newest = database.state("newest")
        self._ascending = database.decoded_state("ascending", bool)
        is_newest_first = self._source.newest is not None or self._ascending is False
        self.begins_with_newest = self._newest is not None and is_newest_first
        self._settled = database.decoded_state("settled", Settled) or Settled()
        self.reported = frozenset(database.decoded_state("told", list[int]) or [])
        self.changed = 0
        self._before = database.count(deleted=True)

    @property
    def resumes(self) -> bool:
        """Whether the next run continues an interrupted one: only the first run is resumed."""
        return self._newest is None

    def forget(self) -> None:
        """Drop the records and how far they were read, so that all are read anew."""
        with self.database.transaction():
            self.database.forget()
            self.database.set_state("surface", self._source.surface)
        self._recall()

    def bind(self, account: Account, *, rebind: bool) -> None:
        """Bind the file to an account and a list.

        Args:
            account: The account.
            rebind: The account may be on another server than before, if its team is the same.

        Raises:
            JobError: The file belongs to another account or list.
        """
        database, surface = self.database, self._source.surface
        name, stored = account.name, database.state("account")
        if stored is not None:
            if account.matches(stored, database.state("credentials")):
                name = account.name_to_store(stored)
            elif not (rebind and account.is_same_team(stored)):
                raise self._of_another_account(account, stored, rebind=rebind)
        followed = database.state("surface")
        if followed not in {None, "v1", "v2"} and database.kind is CONTACT:
            raise database.damaged("`surface`")
        if followed not in {None, surface}:
            raise mismatch_error("surface", str(database.path), followed, surface)
        with database.transaction():
            database.set_state("account", name)
            database.set_state("credentials", account.credentials)
            database.set_state("surface", surface)
        self.account = Account(name, account.credentials)

    def begin(self, *, all_anew: bool) -> Checkpoint:
        """Return the checkpoint to read from. It has no spans if only changes are read.

        An answer must have shown the server's clock.

        Args:
            all_anew: Read all records, even if only changes are needed.

        Raises:
            ValueError: Another program has changed the state.
        """
        self._distrust_the_future()
        surface = self._source.surface
        stored = self.database.state("first_run")
        if self._newest is None and stored is not None:
            try:
                return checkpoints.read(stored, account=None, surface=surface, date=None)
            except ValueError:
                raise self.database.damaged("the checkpoint") from None
        checkpoint = checkpoints.new(account=self.account, surface=surface)
        if self._newest is not None and not all_anew:
            checkpoint.spans = []
            checkpoint.newest = self._newest
            if self._settled.before <= later(self._newest, 1.0):  # else others have changed it
                checkpoint.settled = self._settled
            checkpoint.ascending = self._ascending
        # Oldest first, the changes are seldom more than a page, which proves no larger one.
        if not checkpoint.ascending:
            found = self.database.decoded_state("page_size", int)
            checkpoint.page_size = max(found or 0, PAGE_SIZE)
        return checkpoint

    def _of_another_account(self, account: Account, stored: str, *, rebind: bool) -> JobError:
        reason, remedy = "", "Name another file."
        if account.is_same_team(stored) and self.database.kind is CONTACT:
            reason = "moved_account"
            remedy = "Name another file, or pass rebind=True if the account has moved."
        elif rebind:
            remedy = "It cannot be rebound, because it is not known that the team is the same."
        path = str(self.database.path)
        return mismatch_error("account", path, stored, account.name, reason=reason, remedy=remedy)

    def _distrust_the_future(self) -> None:
        """Believe no time in the file that is in the future, or was when it was written.

        If the file has come to such a time, all records are read anew: earlier versions of this
        package believed every `updated`, and it is not known what has changed since.
        """
        if (then := self.database.state("latest")) is not None:
            self.database.distrust(after=then, until=self._latest())
        if self._newest is not None and self._newest > self._latest():
            self._newest = None

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Add records, or newer versions of them; a first run resumes from this checkpoint."""
        with self.database.transaction():
            latest = self._latest()
            self.changed += self.database.upsert(lines, latest=latest)
            self.database.set_state("latest", latest)
            if self._newest is None:
                self.database.set_state("first_run", checkpoint)

    def stored(self, settle_s: float) -> Iterator[bytes]:
        """Give the records that this run may read again."""
        since = earlier(self._newest, settle_s) if self._newest else ""
        return self.database.updated_since(since)

    def missing(self, seen: Container[int]) -> list[int]:
        """Return the ids in the file that are not among those."""
        return [record_id for record_id in self.database.ids() if record_id not in seen]

    def complete(
        self,
        checkpoint: Checkpoint,
        *,
        deleted: Iterable[int],
        fields: Sequence[ContactField] | None,
    ) -> int:
        """Record that the run is complete, and which records are deleted.

        Args:
            checkpoint: Where the next run begins.
            deleted: The ids of deleted records.
            fields: The custom fields; None leaves those in the file.

        Returns:
            How many records this run has added.
        """
        with self.database.transaction():
            self.database.mark_deleted(deleted, _now())
            self.database.set_state("newest", checkpoint.newest)
            self.database.set_state(
                "settled", msgspec.json.encode(_for_the_next_run(checkpoint)).decode()
            )
            self.database.set_state("ascending", json.dumps(checkpoint.ascending))
            if checkpoint.page_size is not None:
                self.database.set_state("page_size", json.dumps(checkpoint.page_size))
            self.database.set_state("first_run", None)
            self.database.set_state(
                "told", json.dumps(sorted(self.reported.union(checkpoint.odd.ids)))
            )
            self.database.show(self.database.fields() if fields is None else fields)
            if fields is not None:
                self.database.set_state("fields_read", self._clock())
        return self.database.count(deleted=True) - self._before

    def needs_fields(self) -> bool:
        """Whether to read the custom fields: their titles may be old, or a contact has changed."""
        read_at, now = self.database.state("fields_read"), self._clock()
        return (
            bool(self.changed)
            or not read_at
            or not read_at <= now <= later(read_at, _FIELDS_KEPT_S)
        )

    def end(self, **facts: str | int | None) -> None:
        """Record the end of this run."""
        with self.database.transaction():
            self.database.end_run(self._run, ended=_now(), **facts)

    def _latest(self) -> str:
        return later(self._clock(), SETTLE_S)


def _for_the_next_run(checkpoint: Checkpoint) -> Settled:
    """Return what has settled; after the first run nothing has: the next one reads it once more."""
    settled = checkpoint.settled
    if checkpoint.spans:
        return Settled(read_at=settled.read_at, behind_s=settled.behind_s)
    return settled


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
