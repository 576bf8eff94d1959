"""What a sync keeps in its file beside the contacts: whose they are, and how far it has come.

Kept in the table `state`:

    account, surface  what the file follows
    credentials       the fingerprint of the credentials that the last run had
    ascending         "true" if that list is oldest first, "false" if newest first, or "null"
    newest            the instant up to which everything was read by the last run that was completed
    latest            the latest instant that an `updated` could have at the last write
    told              ids of odd contacts that a run has told, so that no other tells them again
    first_run         the checkpoint of a first run that is not completed
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from heymarket_async.bulk.read import checkpoint as checkpoints
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import SETTLE_S
from heymarket_async.bulk.read.odd import Odd
from heymarket_async.bulk.read.windows import earlier, later
from heymarket_async.bulk.store.database import Database
from heymarket_async.models import ContactField
from heymarket_async.transport.account import Account


class Following:
    """The file of a sync, opened for one run, which is noted in it; all of this blocks.

    Args:
        database: The file.
        clock: Tells the server's time, as an instant.

    Attributes:
        newest: The instant up to which everything was read, or None before the first run.
        changed: How many contacts this run has added or changed.
        told: Ids of odd contacts that earlier runs have told.

    Raises:
        ValueError: The file holds an export, or another program has changed what is kept in it.
    """

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        is_of_export = database.state("checkpoint") or database.count(deleted=True)
        if database.state("account") is None and is_of_export:
            if database.state("surface") is not None:
                raise database.damaged("`account`")
            raise self._wrong("the file holds an export; name a file that only a sync writes to")
        with database.transaction():
            self._run = database.begin_run(_now())
        self.newest = database.state("newest")
        self.told = frozenset(database.decoded_state("told", list[int]) or [])
        self.changed = 0
        self._before = database.count(deleted=True)

    def distrust_what_is_ahead(self) -> None:
        """Believe no time of the file that is still to come, or was when it was written.

        If the file was to have come to such a time, all contacts are read anew: an earlier version
        believed every `updated`, and what has changed since is not known.
        """
        if (then := self._database.state("latest")) is not None:
            self._database.distrust(after=then, until=self._latest())
        if self.newest is not None and self.newest > self._latest():
            self.newest = None

    def bind(self, account: Account, surface: str, *, rebind: bool) -> None:
        """Follow this account on this surface, now and from now on.

        Args:
            account: Whose contacts.
            surface: Which list.
            rebind: The account may be on another server than before, if its team is the same.

        Raises:
            ValueError: The file follows another one.
        """
        name, of = account.name, self._database.state("account")
        with self._database.transaction():
            if of is not None and not account.is_the_one(of, self._database.state("credentials")):
                if not (rebind and account.is_same_team(of)):
                    raise self._wrong(_follows_another(account, of, rebind=rebind))
            elif of is not None:
                name = account.better(of)
            if (list_of := self._database.state("surface")) not in {None, "v1", "v2"}:
                raise self._database.damaged("`surface`")
            if list_of not in {None, surface}:
                raise self._wrong(
                    f"the file follows another surface, {list_of}, not {surface}; name another file"
                )
            self._database.set_state("account", name)
            self._database.set_state("credentials", account.credentials)
            self._database.set_state("surface", surface)

    def checkpoint(self, account: Account, surface: str, *, reads_all: bool) -> Checkpoint:
        """Return where this run begins; the file must have been bound to the account."""
        stored = self._database.state("first_run")
        if self.newest is None and stored is not None:
            try:
                return checkpoints.read(stored, account=None, surface=surface, date=None)
            except ValueError:
                raise self._database.damaged("the checkpoint") from None
        at = checkpoints.new(account=account, surface=surface)
        if not reads_all:
            at.windows = []
            at.newest = self.newest
            at.ascending = self._database.decoded_state("ascending", bool)
        return at

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Add contacts, or newer versions of them; a first run is resumed from there."""
        with self._database.transaction():
            latest = self._latest()
            self.changed += self._database.upsert(lines, latest=latest)
            self._database.set_state("latest", latest)
            if self.newest is None:
                self._database.set_state("first_run", checkpoint)

    def missing(self, seen: Container[int]) -> list[int]:
        """Return the ids in the file that are not among those."""
        return [each for each in self._database.ids() if each not in seen]

    def complete(
        self,
        newest: str | None,
        *,
        ascending: bool | None,
        deleted: Iterable[int],
        fields: Sequence[ContactField] | None,
        told: Odd,
    ) -> None:
        """Note that everything up to an instant is in the file, and that some are deleted.

        Custom fields that could not be read, which is None, stay as they were.
        """
        with self._database.transaction():
            self._database.mark_deleted(deleted, _now())
            self._database.set_state("newest", newest)
            self._database.set_state("ascending", json.dumps(ascending))
            self._database.set_state("first_run", None)
            ids = self.told.union(told.unplaced.shown, told.ahead.shown)
            self._database.set_state("told", json.dumps(sorted(ids)))
            self._database.show(self._database.fields() if fields is None else fields)

    def stored(self, settle_s: float) -> Iterator[bytes]:
        """Give the contacts that this run may meet again."""
        since = earlier(self.newest, settle_s) if self.newest else ""
        return self._database.updated_since(since)

    def naming(self) -> AbstractContextManager[None]:
        """Let an error of what `stored` has given say which file it is of."""
        return self._database.naming()

    def _wrong(self, message: str) -> ValueError:
        return ValueError(f"{self._database.path}: {message}")

    def _latest(self) -> str:
        return later(self._clock(), SETTLE_S)

    def count(self) -> int:
        """Count the contacts in the file, without those that are deleted."""
        return self._database.count()

    def added(self) -> int:
        """Count the contacts that this run has added."""
        return self._database.count(deleted=True) - self._before

    def end(self, **facts: str | int | None) -> None:
        """Note how this run has ended."""
        with self._database.transaction():
            self._database.end_run(self._run, ended=_now(), **facts)


def _follows_another(account: Account, of: str, *, rebind: bool) -> str:
    remedy = "name another file"
    if account.is_same_team(of):
        remedy += ", or rebind it (--rebind) if the account has moved"
    elif rebind:
        remedy = "it cannot be rebound, since it is not shown that the team is the same"
    return (
        f"the file follows another account, {checkpoints.shown(of)}, not {account.name}; {remedy}"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
