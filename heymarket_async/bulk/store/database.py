"""An SQLite file of contacts, messages and conversations, written by exports and syncs.

    contacts          all contacts: id, rev, updated, instant, json, deleted_at
    messages, conversations
                      the same for messages and conversations, from the first export of them on
    fields            the account's custom fields
    runs              the runs of a sync, and of the exports of messages and conversations
    current_contacts  a view with a column for each field, custom fields by their titles
    current_messages, current_conversations
                      views with a column for each field
    opted_out_contacts, changes_by_day
                      views on the contacts
    archive           a view of the messages, with their conversations and contacts

`json` is the record as the server sent it, but without lone surrogates (half an emoji), which no
reader takes. `instant` is `updated` in a form that sorts as time, or empty if it is not a time.
`rev` is 0 if it is unknown. A record that came without an id, or with one of more than 64 bits,
has a negative `id`.
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
from heymarket_async.bulk.kind import CONTACT, CONVERSATION, MESSAGE, Kind
from heymarket_async.bulk.read.versions import rows_of, text_of
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.private_files import (
    SQLITE_FILES,
    Lock,
    beside,
    check_own,
    is_same_file,
    make_private,
    real_path,
)
from heymarket_async.models.contact import ContactField

T = TypeVar("T")

_REMEDY = "Remove the file, or name another one."
_NOT_OURS = "Drop the index, trigger or rule of another program, or name another file."
_REMEDIES = {
    sqlite3.SQLITE_ERROR: _REMEDY,
    sqlite3.SQLITE_CORRUPT: _REMEDY,
    sqlite3.SQLITE_MISMATCH: _REMEDY,
    sqlite3.SQLITE_NOTADB: _REMEDY,
    sqlite3.SQLITE_TOOBIG: _REMEDY,
    sqlite3.SQLITE_FULL: "Make room, then run the same job again.",
    sqlite3.SQLITE_CONSTRAINT: _NOT_OURS,
}
"""The remedies for a file that is damaged, has no room, or has a rule of another program."""

_OF_THE_FILE = frozenset({"account", "credentials"})
"""The state that all kinds of records share."""

_MOST_LOG_BYTES = 4 * 1024 * 1024
"""As large as SQLite lets the log grow by itself."""

_Values = Sequence[str | int | None] | Mapping[str, str | int | None]


class Database:
    """An SQLite file of records, for one job.

    It and the files that SQLite keeps beside it follow the rule of
    `heymarket_async.bulk.store.private_files`. SQLite opens them by their names: in a folder that
    other users can write, they could add one of them at the moment that it is opened. So keep a
    database in a folder of your own.

    Its methods raise `OSError` if the file cannot be read or written, and `ValueError` if another
    program has changed a value in it.

    Args:
        path: The file; made, for its owner alone to read, if it is not there.
        kind: The kind of records that the job is about.

    Attributes:
        path: The file; once it is open, behind all links.
        kind: The kind of records.
    """

    def __init__(self, path: Path, kind: Kind = CONTACT) -> None:
        self.path = path
        self.kind = kind
        self._opened = ExitStack()

    def open(self) -> None:
        """Open the file.

        Raises:
            ValueError: It is of another program, or of another version of this package, or its
                name is too long.
            PermissionError: It, or a file beside it, belongs to another user.
            OSError: It cannot be opened, or another job works with it.
        """
        self.path = path = real_path(self.path)
        self._beside = [beside(path, ending) for ending in SQLITE_FILES]
        if not all(file.name.startswith(path.name) for file in self._beside):
            raise ValueError(
                f"{path}: the name is too long for the files that SQLite keeps beside it. Name a"
                " shorter one."
            )
        with ExitStack() as opened:
            opened.callback(Lock(beside(path, ".heymarket-lock")).release)
            # Opening and closing an existing file would end the locks that SQLite has on it.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            for file in (path, *self._beside):
                check_own(file)
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
        """Close the file, if it is open."""
        self._opened.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit the statements in it as a whole, or none of them.

        Raises:
            OSError: The file cannot be written: the disk is full, another program has locked it,
                or it was removed.
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
        """Add the file and a remedy to the errors of its content."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # of Python's own
            remedy = _REMEDIES.get(code & 0xFF)
            raise OSError(f"{self.path}: {error}{f'. {remedy}' if remedy else ''}") from None

    def check_there(self) -> None:
        """Check that the file is in its place, since SQLite writes to a removed file too.

        Raises:
            OSError: It was removed, or replaced by another one.
        """
        if not is_same_file(self.path, self._facts):
            raise OSError(
                f"{self.path} was removed or replaced while it was written. Run this again."
            )

    def merge_log(self) -> None:
        """Make it one file, which can be read where nothing can be written beside it.

        It stays as it is while another program has it open.
        """
        with suppress(OSError):
            self.run("PRAGMA journal_mode = DELETE")

    def damaged(self, what: str) -> ValueError:
        """Return the error for a value that another program has changed."""
        return ValueError(f"{self.path}: {what} that is stored cannot be read. {_REMEDY}")

    # Statements

    def run(self, statement: str, values: _Values = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with self.naming():
            return self._connection.execute(statement, values)

    def run_many(self, statement: str, rows: Iterable[_Values]) -> int:
        """Run a statement for each row of values, and return how many rows of the file changed."""
        with self.naming():
            return self._connection.executemany(statement, rows).rowcount

    def values(self, kind: type[T], query: str, *values: str) -> Iterator[T]:
        """Give the values of a query's one column.

        Raises:
            ValueError: One is not of this type.
        """
        with self.naming():
            for (value,) in self._connection.execute(query, values):
                if not isinstance(value, kind):
                    raise self.damaged("something")
                yield value

    # State

    def state(self, name: str) -> str | None:
        """Return the text that is stored under a name, for this kind of records."""
        query = "SELECT value FROM state WHERE name = ?"
        return next(self.values(str, query, self._key(name)), None)

    def decoded_state(self, name: str, kind: type[T]) -> T | None:
        """Return the JSON that is stored under a name, or None if there is none."""
        try:
            return msgspec.json.decode(self.state(name) or "null", type=kind | None)
        except UNREADABLE:
            raise self.damaged(f"`{name}`") from None

    def set_state(self, name: str, value: str | None) -> None:
        """Store a text under a name, or remove it."""
        self.run("DELETE FROM state WHERE name = ?", (self._key(name),))
        if value is not None:
            self.run("INSERT INTO state VALUES (?, ?)", (self._key(name), value))

    def _key(self, name: str) -> str:
        """Return the key for a name. The file has one account; the rest is of each kind."""
        is_shared = self.kind is CONTACT or name in _OF_THE_FILE
        return name if is_shared else f"{self.kind.plural}.{name}"

    # Records

    def upsert(self, lines: Sequence[bytes], *, latest: str) -> int:
        """Add records, or replace older versions of them; return how many that was.

        Args:
            lines: The records.
            latest: See `Version.replaces`.
        """
        rows = ((*record, latest) for record in records(lines, self.kind))
        return self.run_many(schema.UPSERT.format(name=self.kind.plural), rows)

    def distrust(self, *, after: str, until: str) -> None:
        """Let any other content replace the records that were updated between two instants."""
        query = f"SELECT id FROM {self.kind.plural} WHERE instant > ? AND instant <= ?"  # noqa: S608 - a constant
        self.run(f"INSERT INTO distrusted {query}", (after, until))

    def updated_since(self, instant: str) -> Iterator[bytes]:
        """Give the trusted records that were updated at that instant or later, or have no time."""
        query = f"SELECT json FROM {self.kind.plural} WHERE (instant >= ? OR instant = '')"  # noqa: S608 - a constant
        return map(str.encode, self.values(str, f"{query} AND id NOT IN distrusted", instant))

    def count(self, *, deleted: bool = False) -> int:
        """Count the records, with or without those that are deleted."""
        where = "" if deleted else " WHERE deleted_at IS NULL"
        (count,) = self.values(int, f"SELECT count(*) FROM {self.kind.plural}{where}")  # noqa: S608 - constants
        return count

    def ids(self) -> Iterator[int]:
        """Give the ids of the records that are not deleted."""
        query = f"SELECT id FROM {self.kind.plural} WHERE deleted_at IS NULL"  # noqa: S608 - a constant
        return self.values(int, query)

    def mark_deleted(self, ids: Iterable[int], at: str) -> None:
        """Store the time when records were found to be deleted; they stay in the file."""
        marks = ((at, record_id) for record_id in ids)
        self.run_many(f"UPDATE {self.kind.plural} SET deleted_at = ? WHERE id = ?", marks)  # noqa: S608 - a constant

    def forget(self) -> None:
        """Remove all records of this kind, and their state."""
        self.run(f"DELETE FROM {self.kind.plural}")  # noqa: S608 - a constant
        self.run("DELETE FROM state WHERE name GLOB ?", (self._key("*"),))

    def fields(self) -> list[ContactField]:
        """Return the custom fields that the views have."""
        if not self.kind.has_custom_fields:
            return []
        ids = self.values(int, "SELECT id FROM fields ORDER BY id")
        titles = self.values(str, "SELECT title FROM fields ORDER BY id")
        return [
            ContactField(id=field_id, title=title)
            for field_id, title in zip(ids, titles, strict=True)
        ]

    def show(self, fields: Sequence[ContactField]) -> None:
        """Make the views, of contacts with the account's custom fields as they are now."""
        if self.kind.has_custom_fields:
            self.run("DELETE FROM fields")
            rows = [(field.id, field.title) for field in fields]
            self.run_many("INSERT INTO fields VALUES (?, ?)", rows)
        for statement in schema.views(fields, self.kind):
            self.run(statement)

    # Runs

    def begin_run(self, started: str) -> int:
        """Add a run, and return its number."""
        self.run("UPDATE runs SET outcome = 'interrupted' WHERE outcome = 'running'")
        done = self.run("INSERT INTO runs (started, outcome) VALUES (?, 'running')", (started,))
        return int(done.lastrowid or 0)

    def end_run(self, number: int, **facts: str | int | None) -> None:
        """Store how a run has ended."""
        columns = ", ".join(f"{name} = :{name}" for name in facts)
        update = f"UPDATE runs SET {columns} WHERE number = :number"  # noqa: S608 - names of columns
        self.run(update, {**facts, "number": number})

    # Opening

    def _prepare(self, path: Path) -> None:
        run = self._connection.execute
        try:
            kind = run("PRAGMA application_id").fetchone()[0]
            version = run("PRAGMA user_version").fetchone()[0]
            is_new = not run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise  # it is damaged, or another program holds it
            raise ValueError(f"{path} is not an SQLite file. Name another file.") from None
        if not is_new and kind != schema.APPLICATION_ID:
            raise ValueError(f"{path} holds the tables of another program. Name another file.")
        if not is_new and version != schema.VERSION:
            raise ValueError(
                f"{path} has version {version}, and this package reads {schema.VERSION}. Name"
                " another file, or use the version of the package that wrote it."
            )
        make_private(path)
        # A killed job may have left files beside it. To change the mode, SQLite removes a journal.
        self._make_others_private()
        # Readers need not wait, and a commit outlasts a power failure.
        run("PRAGMA journal_mode = WAL")
        self._make_others_private()
        run("PRAGMA synchronous = FULL")
        # A reader that takes long lets the log grow, and an open one would keep it as large.
        run(f"PRAGMA journal_size_limit = {_MOST_LOG_BYTES}")
        # Else a table could not be renamed if another program has a view on the one it replaces.
        run("PRAGMA legacy_alter_table = ON")
        run(schema.DISTRUSTED)
        if is_new:
            self._connection.executescript(schema.NEW_FILE)
        if self.kind is not CONTACT:
            for kind in (MESSAGE, CONVERSATION):  # both, because a view joins them
                for statement in schema.table(kind):
                    run(statement)

    def _make_others_private(self) -> None:
        for file in self._beside:
            with suppress(FileNotFoundError):
                make_private(file)


def records(
    lines: Sequence[bytes], kind: Kind = CONTACT
) -> Iterator[tuple[int, int, str, str, str]]:
    """Give the values of `schema.INSERT` for records that are given as JSON."""
    rows = rows_of(lines, kind.version)
    for place, line in enumerate(lines):
        instant = rows.stamps[place]
        updated = rows.times[place] if instant else ""
        yield rows.ids[place], rows.revs[place] or 0, updated, instant, text_of(line)
