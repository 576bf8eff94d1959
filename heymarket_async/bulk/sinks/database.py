"""An SQLite file of contacts, which an export fills and a sync follows up.

    contacts          every contact: id, rev, updated, instant, json, deleted_at
    fields            the account's custom fields
    runs              what each sync did
    current_contacts  a view: a column for each field, custom fields by their titles
    opted_out_contacts, changes_by_day
                      views on it

`json` is the contact as the server sent it. `instant` is `updated` in a form that sorts as time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from heymarket_async.bulk.lock import Lock
from heymarket_async.bulk.sinks.staging import beside, real_path
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.bulk.versions import row_of, version_of
from heymarket_async.models import ContactField

APPLICATION_ID = 0x48657953
VERSION = 1

_MOST_COLUMNS = 2000
"""What SQLite takes; what goes beyond stays in `json` alone."""

_TABLE = """
CREATE TABLE {name} (
    id INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    updated TEXT NOT NULL,
    instant TEXT NOT NULL,
    json TEXT NOT NULL,
    deleted_at TEXT
)"""
_INDEXES = (
    "CREATE UNIQUE INDEX contacts_by_id ON contacts (id)",
    "CREATE INDEX contacts_by_instant ON contacts (instant)",
)
_RUNS = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    ended TEXT,
    outcome TEXT NOT NULL,
    kind TEXT,
    added INTEGER,
    changed INTEGER,
    deleted INTEGER,
    contacts INTEGER,
    requests INTEGER,
    doubts TEXT
)"""
_SCHEMA = (
    _TABLE.format(name="contacts"),
    *_INDEXES,
    "CREATE TABLE fields (id INTEGER PRIMARY KEY, title TEXT NOT NULL)",
    "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    _RUNS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
_DROP_VIEWS = tuple(
    f"DROP VIEW IF EXISTS {view}"
    for view in ("changes_by_day", "opted_out_contacts", "current_contacts")
)
_DELETE_OLDER = """
DELETE FROM incoming WHERE rowid IN (
    SELECT place FROM (
        SELECT rowid AS place, row_number() OVER (PARTITION BY id ORDER BY rev DESC, instant DESC)
            AS age
        FROM incoming WHERE id IN (SELECT id FROM again)
    ) WHERE age > 1
)"""
_INSERT = "INSERT INTO {name} (id, rev, updated, instant, json) VALUES (?, ?, ?, ?, ?)"
_UPSERT = (
    _INSERT.format(name="contacts")
    + """
ON CONFLICT (id) DO UPDATE SET
    rev = excluded.rev, updated = excluded.updated, instant = excluded.instant,
    json = excluded.json, deleted_at = NULL
WHERE (excluded.rev, excluded.instant) > (rev, instant) OR deleted_at IS NOT NULL"""
)


class Database:
    """An SQLite file of contacts, opened for one job.

    Args:
        path: The file; made, for its owner alone to read, if it is not there.

    Raises:
        ValueError: The file is something else, or of another version of this package.
        OSError: The file cannot be opened, or another job is at work on it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path = real_path(path)
        self._lock = Lock(beside(path, ".lock"))
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            # One thread at a time, but not always the same one.
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                with self._told_as_of_a_file():
                    self._prepare(path)
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._lock.release()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do what is done in it as a whole, or not at all.

        Raises:
            OSError: The file cannot be written to: the disk is full, or another program holds it.
        """
        with self._told_as_of_a_file():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _told_as_of_a_file(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(f"{self._path}: {error}") from None

    def state(self, name: str) -> str | None:
        """Return a text that is kept under a name."""
        found = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,))
        return next((str(value) for (value,) in found), None)

    def set_state(self, name: str, value: str | None) -> None:
        """Keep a text under a name, or nothing any more."""
        self._connection.execute("DELETE FROM state WHERE name = ?", (name,))
        if value is not None:
            self._connection.execute("INSERT INTO state VALUES (?, ?)", (name, value))

    # Contacts

    def upsert(self, lines: Iterable[bytes]) -> int:
        """Add contacts, or replace older versions of them; return how many that was."""
        before = self._connection.total_changes
        self._connection.executemany(_UPSERT, _records(lines))
        return self._connection.total_changes - before

    def updated_since(self, instant: str) -> Iterator[bytes]:
        """Give the contacts that were updated at that instant or later."""
        return self._lines("SELECT json FROM contacts WHERE instant >= ?", instant)

    def count(self, *, deleted: bool = False) -> int:
        """Count the contacts, with or without those that are deleted."""
        where = "" if deleted else " WHERE deleted_at IS NULL"
        return int(self._connection.execute(f"SELECT count(*) FROM contacts{where}").fetchone()[0])  # noqa: S608 - two constants

    def ids(self) -> Iterator[int]:
        """Give the ids of the contacts that are not deleted."""
        for (each,) in self._connection.execute("SELECT id FROM contacts WHERE deleted_at IS NULL"):
            yield int(each)

    def mark_deleted(self, ids: Iterable[int], at: str) -> None:
        """Note when contacts were found to be deleted; they stay in the file."""
        marks = ((at, each) for each in ids)
        self._connection.executemany("UPDATE contacts SET deleted_at = ? WHERE id = ?", marks)

    def show(self, fields: Sequence[ContactField]) -> None:
        """Make the views, with the account's custom fields as they are now."""
        self._connection.execute("DELETE FROM fields")
        rows = [(field.id, field.title) for field in fields]
        self._connection.executemany("INSERT INTO fields VALUES (?, ?)", rows)
        for statement in (*_DROP_VIEWS, *_views(Table(fields))):
            self._connection.execute(statement)

    # Loading anew, beside what is there

    def begin_load(self) -> None:
        """Make an empty place for contacts beside those that are there."""
        self._connection.execute("DROP TABLE IF EXISTS incoming")
        self._connection.execute(_TABLE.format(name="incoming"))

    def load(self, lines: Iterable[bytes]) -> None:
        """Add contacts there. It has no index, which makes a large load several times faster."""
        self._connection.executemany(_INSERT.format(name="incoming"), _records(lines))

    def loaded(self) -> Iterator[bytes]:
        """Give the contacts there."""
        return self._lines("SELECT json FROM incoming")

    def end_load(self, again: Iterable[int]) -> None:
        """Let what was loaded take the place of what was there before.

        Args:
            again: Ids that were loaded more than once; the newest version of each stays.
        """
        run = self._connection.execute
        run("CREATE TEMP TABLE again (id INTEGER PRIMARY KEY)")
        self._connection.executemany("INSERT INTO again VALUES (?)", ((each,) for each in again))
        run(_DELETE_OLDER)
        run("DROP TABLE again")
        for view in _DROP_VIEWS:
            run(view)
        run("DROP TABLE contacts")
        run("ALTER TABLE incoming RENAME TO contacts")
        for index in _INDEXES:
            run(index)

    # Runs

    def begin_run(self, started: str) -> int:
        """Note that a run has begun, and return its number."""
        run = self._connection.execute
        run("UPDATE runs SET outcome = 'interrupted' WHERE outcome = 'running'")
        done = run("INSERT INTO runs (started, outcome) VALUES (?, 'running')", (started,))
        return int(done.lastrowid or 0)

    def end_run(self, number: int, **facts: str | int | None) -> None:
        """Note how a run has ended."""
        for name, value in facts.items():
            self._connection.execute(
                f"UPDATE runs SET {name} = ? WHERE number = ?",  # noqa: S608 - names of columns
                (value, number),
            )

    def _lines(self, query: str, *values: str) -> Iterator[bytes]:
        for (json,) in self._connection.execute(query, values):
            yield str(json).encode()

    def _prepare(self, path: Path) -> None:
        run = self._connection.execute
        try:
            kind = run("PRAGMA application_id").fetchone()[0]
            version = run("PRAGMA user_version").fetchone()[0]
            is_new = not run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError:
            raise ValueError(f"{path} is not an SQLite file") from None
        if not is_new and kind != APPLICATION_ID:
            raise ValueError(f"{path} holds something else; name a file of its own")
        if not is_new and version != VERSION:
            raise ValueError(f"{path} has version {version}, and this package reads {VERSION}")
        # Readers are not kept waiting, and what is committed outlasts a power failure.
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if is_new:
            with self.transaction():
                for statement in _SCHEMA:
                    run(statement)


class Sqlite:
    """A sink that is an SQLite file; see `heymarket_async.bulk.sinks.database` for what is in it.

    The contacts of an unfinished export are kept in the file beside those of the last one, which
    they replace when they are complete.

    Args:
        path: The file.
    """

    needs_fields = True

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._database: Database | None = None

    def open(self, checkpoint: Path | None, *, restart: bool) -> str | None:
        """Open the file, and return the checkpoint that an unfinished export left, or None.

        Raises:
            ValueError: A place for the checkpoint was named, or the file is something else, or a
                sync follows with it.
        """
        if checkpoint is not None:
            raise ValueError("checkpoint must be None: an SQLite file keeps it in itself")
        self._database = database = Database(self._path)
        if database.state("account") is not None:
            raise ValueError(f"a sync keeps {self._path} up to date; export into another file")
        stored = database.state("checkpoint")
        if stored is None or restart:
            with database.transaction():
                database.set_state("checkpoint", None)
                database.begin_load()
            return None
        return stored

    def stored(self) -> Iterable[bytes]:
        """Return the contacts that were written together with that checkpoint."""
        return self._open.loaded()

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Add contacts and replace the checkpoint, in one transaction."""
        with self._open.transaction():
            self._open.load(lines)
            self._open.set_state("checkpoint", checkpoint)

    def finish(self, again: frozenset[int], fields: Sequence[ContactField]) -> Iterator[int]:
        """Let these contacts take the place of those of an earlier export, in one transaction."""
        with self._open.transaction():
            self._open.end_load(again)
            self._open.show(fields)
            self._open.set_state("checkpoint", None)
        yield self._open.count()

    def close(self) -> None:
        """Let go of the file. What is not finished stays to be gone on with."""
        if self._database is not None:
            self._database.close()

    @property
    def _open(self) -> Database:
        if self._database is None:
            raise RuntimeError("the sink is not open")
        return self._database


def _records(lines: Iterable[bytes]) -> Iterator[tuple[int, int, str, str, str]]:
    for line in lines:
        row = row_of(line)
        version = version_of(row)
        yield row.id, version.rev, row.updated, version.instant, line.decode()


def _views(table: Table) -> list[str]:
    shown = table.paths[:_MOST_COLUMNS]
    columns = [f"json_extract(json, {_text(path)}) AS {_name(name)}" for name, path in shown]
    return [
        f"CREATE VIEW current_contacts AS SELECT {', '.join(columns)}"  # noqa: S608 - quoted
        " FROM contacts WHERE deleted_at IS NULL",
        "CREATE VIEW opted_out_contacts AS SELECT * FROM current_contacts WHERE is_opted_out",
        "CREATE VIEW changes_by_day AS SELECT day, sum(updated) AS updated, sum(deleted) AS deleted"
        " FROM (SELECT substr(instant, 1, 10) AS day, 1 AS updated, 0 AS deleted FROM contacts"
        " UNION ALL SELECT substr(deleted_at, 1, 10), 0, 1 FROM contacts"
        " WHERE deleted_at IS NOT NULL) GROUP BY day ORDER BY day",
    ]


def _name(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\0", "") + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
