"""An SQLite file of contacts, which an export fills and a sync follows up.

    contacts          every contact: id, rev, updated, instant, json, deleted_at
    fields            the account's custom fields
    runs              what each sync did
    current_contacts  a view: a column for each field, custom fields by their titles
    opted_out_contacts, changes_by_day
                      views on it

`json` is the contact as the server sent it, but for half an emoji, which no reader takes. `instant`
is `updated` in a form that sorts as time, or empty if it is no time; `rev` is 0 if it is not known.
The `id` of a contact that came without one, or with one of more than 64 bits, is negative, made up.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.bulk.read.versions import batch_of, older, text_of
from heymarket_async.bulk.sinks.staging import beside, real_path
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.lock import Lock
from heymarket_async.bulk.store.private_files import check_own, make_private
from heymarket_async.models import ContactField

T = TypeVar("T")

_BESIDE = ("-wal", "-shm", "-journal")
"""The files that SQLite makes beside a file, and reads if they are there."""

_REMEDY = "remove it, or name another file"
_NOT_OURS = "drop the index, trigger or rule that is not of this package, or name another file"
_REMEDIES = {
    sqlite3.SQLITE_ERROR: _REMEDY,
    sqlite3.SQLITE_CORRUPT: _REMEDY,
    sqlite3.SQLITE_MISMATCH: _REMEDY,
    sqlite3.SQLITE_NOTADB: _REMEDY,
    sqlite3.SQLITE_TOOBIG: _REMEDY,
    sqlite3.SQLITE_CONSTRAINT: _NOT_OURS,
}
"""The remedy for a file that is damaged, lacks what this package has made, or has more."""

_Values = Sequence[str | int | None] | Mapping[str, str | int | None]


class Database:
    """An SQLite file of contacts, for one job.

    It and the files that SQLite keeps beside it are the user's own, see
    `heymarket_async.bulk.private`. SQLite opens them by their names. So in a folder that others can
    write, somebody could put a file beside it at the very moment that it is opened: keep a database
    in a folder of your own.

    All but opening and closing it raises `OSError` if the file cannot be read or written to, and
    `ValueError` if something in it was changed by another program.

    Args:
        path: The file; made, for its owner alone to read, if it is not there.

    Attributes:
        path: The file; once it is open, behind all links.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = ExitStack()

    def open(self) -> None:
        """Open the file.

        Raises:
            ValueError: The file is something else, or of another version of this package; or its
                name is too long.
            PermissionError: It, or a file beside it, belongs to somebody else.
            OSError: The file cannot be opened, or another job is at work on it.
        """
        self.path = path = real_path(self.path)
        if any(beside(path, ending) not in self._beside() for ending in _BESIDE):
            raise ValueError(
                f"{path}: the name is too long for the files that SQLite keeps beside it; name a"
                " shorter one"
            )
        with ExitStack() as opened:
            opened.callback(Lock(beside(path, ".heymarket-lock")).release)
            # One that is there is not opened here: that would take the locks that SQLite has on it.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            for each in (path, *self._beside()):
                check_own(each)
            self._facts = path.lstat()
            with self.naming():
                # One thread at a time, but not always the same one.
                self._connection = sqlite3.connect(
                    path, isolation_level=None, check_same_thread=False
                )
                opened.callback(self._connection.close)
                self._prepare(path)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Let go of the file, if it is open."""
        self._opened.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do what is done in it as a whole, or not at all.

        Raises:
            OSError: The file cannot be written to: the disk is full, or another program holds it;
                or it is not there any more.
        """
        with self.naming():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.check_there()
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def naming(self) -> Generator[None]:
        """Let an error of what is in the file say which file it is, and what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # of Python's own
            remedy = _REMEDIES.get(code & 0xFF)
            raise OSError(f"{self.path}: {error}{f'; {remedy}' if remedy else ''}") from None
        except UNREADABLE:
            raise self.damaged("a contact") from None

    def check_there(self) -> None:
        """Refuse to go on if the file is not in its place any more: SQLite does not notice.

        Raises:
            OSError: It was removed, or replaced by another one.
        """
        with suppress(FileNotFoundError):
            if os.path.samestat(self.path.lstat(), self._facts):
                return
        raise OSError(f"{self.path} was removed or replaced while it was written; run it again")

    def damaged(self, what: str) -> ValueError:
        """Return the error of a file that another program has changed."""
        return ValueError(f"{self.path}: {what} that is stored cannot be read; {_REMEDY}")

    def _beside(self) -> list[Path]:
        return [self.path.with_name(self.path.name + ending) for ending in _BESIDE]

    def state(self, name: str) -> str | None:
        """Return a text that is kept under a name."""
        found = self._rows(str, "SELECT value FROM state WHERE name = ?", name)
        return next(found, None)

    def decoded_state(self, name: str, kind: type[T]) -> T | None:
        """Return what is kept under a name as JSON, or None if nothing is."""
        stored = self.state(name) or "null"
        try:
            return None if stored == "null" else msgspec.json.decode(stored, type=kind)
        except UNREADABLE:
            raise self.damaged(f"`{name}`") from None

    def set_state(self, name: str, value: str | None) -> None:
        """Keep a text under a name, or nothing any more."""
        self._run("DELETE FROM state WHERE name = ?", (name,))
        if value is not None:
            self._run("INSERT INTO state VALUES (?, ?)", (name, value))

    # Contacts

    def upsert(self, lines: Sequence[bytes], *, latest: str) -> int:
        """Add contacts, or replace older versions of them; return how many that was.

        Args:
            lines: The contacts.
            latest: See `Version.replaces`.
        """
        records = ((*record, latest) for record in _records(lines))
        return self._run_many(schema.UPSERT, records).rowcount

    def distrust(self, *, after: str, until: str) -> None:
        """Let any other content replace the contacts that were updated between two instants."""
        where = "instant > ? AND instant <= ?"
        insert = f"INSERT INTO distrusted SELECT id FROM contacts WHERE {where}"  # noqa: S608 - a constant
        self._run(insert, (after, until))

    def updated_since(self, instant: str) -> Iterator[bytes]:
        """Give the trusted contacts that were updated at that instant or later, or have no time."""
        where = "(instant >= ? OR instant = '') AND id NOT IN distrusted"
        query = f"SELECT json FROM contacts WHERE {where}"  # noqa: S608 - a constant
        return map(str.encode, self._rows(str, query, instant))

    def count(self, *, deleted: bool = False) -> int:
        """Count the contacts, with or without those that are deleted."""
        where = "" if deleted else " WHERE deleted_at IS NULL"
        (count,) = self._rows(int, f"SELECT count(*) FROM contacts{where}")  # noqa: S608 - two constants
        return count

    def ids(self) -> Iterator[int]:
        """Give the ids of the contacts that are not deleted."""
        return self._rows(int, "SELECT id FROM contacts WHERE deleted_at IS NULL")

    def mark_deleted(self, ids: Iterable[int], at: str) -> None:
        """Note when contacts were found to be deleted; they stay in the file."""
        marks = ((at, each) for each in ids)
        self._run_many("UPDATE contacts SET deleted_at = ? WHERE id = ?", marks)

    def fields(self) -> list[ContactField]:
        """Return the custom fields that the views have."""
        ids = self._rows(int, "SELECT id FROM fields ORDER BY id")
        titles = self._rows(str, "SELECT title FROM fields ORDER BY id")
        return [ContactField(id=each, title=title) for each, title in zip(ids, titles, strict=True)]

    def show(self, fields: Sequence[ContactField]) -> None:
        """Make the views, with the account's custom fields as they are now."""
        self._run("DELETE FROM fields")
        rows = [(field.id, field.title) for field in fields]
        self._run_many("INSERT INTO fields VALUES (?, ?)", rows)
        for statement in (*schema.DROP_VIEWS, *schema.views(Table(fields))):
            self._run(statement)

    # Loading anew, beside what is there

    def begin_load(self) -> None:
        """Make an empty place for contacts beside those that are there."""
        self._run("DROP TABLE IF EXISTS incoming")
        self._run(schema.TABLE.format(name="incoming"))

    def load(self, lines: Sequence[bytes]) -> None:
        """Add contacts there. It has no index, which makes a large load several times faster."""
        self._run_many(schema.INSERT.format(name="incoming"), _records(lines))

    def loaded(self) -> Iterator[bytes]:
        """Give the contacts there."""
        return map(str.encode, self._rows(str, "SELECT json FROM incoming ORDER BY rowid"))

    def end_load(self, again: Iterable[int], *, latest: str) -> None:
        """Let what was loaded take the place of what was there before.

        Args:
            again: Ids that were loaded more than once; the newest version of each stays.
            latest: See `Version.replaces`.
        """
        run = self._run
        run("CREATE TEMP TABLE again (id INTEGER PRIMARY KEY)")
        self._run_many("INSERT INTO again VALUES (?)", ((each,) for each in again))
        loaded = (
            "SELECT rowid, json FROM incoming WHERE id IN (SELECT id FROM again) ORDER BY rowid"
        )
        lines = ((place, str(json).encode()) for place, json in run(loaded))
        self._run_many(
            "DELETE FROM incoming WHERE rowid = ?",
            [(each,) for each in older(lines, latest=latest)],
        )
        run("DROP TABLE again")
        # None of them was deleted, whatever another program has noted meanwhile.
        run("UPDATE incoming SET deleted_at = NULL WHERE deleted_at IS NOT NULL")
        # Indexes, ours and others, and somebody's triggers are dropped with the table.
        dropped = run(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'contacts' AND sql IS NOT NULL"
            " AND type IN ('index', 'trigger')"
        ).fetchall()
        run("DROP TABLE contacts")
        run("ALTER TABLE incoming RENAME TO contacts")
        for (statement,) in dropped:
            run(statement)

    # Runs

    def begin_run(self, started: str) -> int:
        """Note that a run has begun, and return its number."""
        run = self._run
        run("UPDATE runs SET outcome = 'interrupted' WHERE outcome = 'running'")
        done = run("INSERT INTO runs (started, outcome) VALUES (?, 'running')", (started,))
        return int(done.lastrowid or 0)

    def end_run(self, number: int, **facts: str | int | None) -> None:
        """Note how a run has ended."""
        columns = ", ".join(f"{name} = :{name}" for name in facts)
        self._run(
            f"UPDATE runs SET {columns} WHERE number = :number",  # noqa: S608 - names of columns
            {**facts, "number": number},
        )

    def _run(self, statement: str, values: _Values = ()) -> sqlite3.Cursor:
        with self.naming():
            return self._connection.execute(statement, values)

    def _run_many(self, statement: str, rows: Iterable[_Values]) -> sqlite3.Cursor:
        with self.naming():
            return self._connection.executemany(statement, rows)

    def _rows(self, kind: type[T], query: str, *values: str) -> Iterator[T]:
        with self.naming():
            for (value,) in self._connection.execute(query, values):
                if not isinstance(value, kind):
                    raise self.damaged("something")
                yield value

    def _prepare(self, path: Path) -> None:
        run = self._connection.execute
        try:
            kind = run("PRAGMA application_id").fetchone()[0]
            version = run("PRAGMA user_version").fetchone()[0]
            is_new = not run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise  # it is damaged, or another program holds it
            raise ValueError(f"{path} is not an SQLite file") from None
        if not is_new and kind != schema.APPLICATION_ID:
            raise ValueError(f"{path} holds something else; name a file of its own")
        if not is_new and version != schema.VERSION:
            raise ValueError(
                f"{path} has version {version}, and this package reads {schema.VERSION};"
                " name another file, or use the package that wrote it"
            )
        make_private(path)
        # Readers are not kept waiting, and what is committed outlasts a power failure.
        run("PRAGMA journal_mode = WAL")
        # SQLite makes the files beside it like the file itself; a killed job may have left some.
        for each in self._beside():
            with suppress(FileNotFoundError):
                make_private(each)
        run("PRAGMA synchronous = FULL")
        # Without it, a table cannot be renamed while somebody's view is on the one it replaces.
        run("PRAGMA legacy_alter_table = ON")
        run(schema.DISTRUSTED)
        if is_new:
            with self.transaction():
                for statement in schema.ALL:
                    run(statement)


def _records(lines: Sequence[bytes]) -> Iterator[tuple[int, int, str, str, str]]:
    rows = batch_of(lines).rows
    for place, line in enumerate(lines):
        instant = rows.stamps[place]
        updated = rows.updated[place] if instant else ""
        yield rows.ids[place], rows.revs[place] or 0, updated, instant, text_of(line)
