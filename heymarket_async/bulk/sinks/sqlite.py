"""The sink that is an SQLite file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.sinks.sink import FileSink
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.database import Database, records
from heymarket_async.models.contact import ContactField


class Sqlite(FileSink):
    """A sink that is an SQLite file; `heymarket_async.bulk.store.database` lists its tables.

    The contacts of an unfinished export are kept in the file too, in the table `incoming`. When
    they are complete, it replaces the table `contacts` of the last export. Messages and
    conversations are added to those of earlier exports; see `export_messages`.

    Args:
        path: The file.
    """

    format = "Sqlite"

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self._database: Database | None = None

    def doubts(self, fields: Sequence[ContactField]) -> list[str]:
        """Return which custom fields have no column in the views."""
        return schema.doubts(fields)

    def open(self, checkpoint: Path | None, *, restart: bool) -> str | None:
        """Open the file, and return the checkpoint of an unfinished export, or None.

        Raises:
            ValueError: A place for the checkpoint is given, or the file is of another program or
                of a sync.
        """
        self._database = None
        check_no_checkpoint(checkpoint)
        self._database = database = Database(self.path)
        database.open()
        if database.state("surface") is not None:
            raise ValueError(f"A sync keeps {self.path} up to date. Export into another file.")
        stored = None if restart else database.state("checkpoint")
        if stored is None:
            with database.transaction():
                database.set_state("checkpoint", None)
                database.run("DROP TABLE IF EXISTS incoming")
                database.run(schema.TABLE.format(name="incoming"))
        return stored

    def stored(self) -> Iterable[bytes]:
        """Return the contacts that were written together with that checkpoint."""
        query = "SELECT json FROM incoming ORDER BY rowid"
        return map(str.encode, self._opened.values(str, query))

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Add contacts and replace the checkpoint, in one transaction."""
        with self._opened.transaction():
            # The table has no index, which makes a large export several times faster.
            self._opened.run_many(schema.INSERT.format(name="incoming"), records(lines))
            self._opened.set_state("checkpoint", checkpoint)

    def finish(self, again: frozenset[int], fields: Sequence[ContactField]) -> Iterator[int]:
        """Replace the contacts of the last export by these, in one transaction."""
        with self._opened.transaction():
            if again:
                self._keep_newest(self._opened, again)
            self._replace_contacts(self._opened)
            self._opened.show(fields)
            self._opened.set_state("checkpoint", None)
        self._opened.check_there()
        self._opened.merge_log()
        yield self._opened.count()

    def close(self) -> None:
        """Close the file. An unfinished export stays, and can be resumed."""
        if self._database is not None:
            self._database.close()

    @property
    def _opened(self) -> Database:
        if self._database is None:
            raise RuntimeError("the sink is not open")
        return self._database

    def _keep_newest(self, database: Database, again: frozenset[int]) -> None:
        """Keep only the newest version of contacts that were written more than once."""
        database.run(schema.TABLE.format(name="temp.newest"))
        database.run("CREATE UNIQUE INDEX temp.newest_by_id ON newest (id)")
        database.run(schema.UPSERT_REPEATED, (json.dumps(list(again)), self.latest))
        database.run("DELETE FROM incoming WHERE id IN (SELECT id FROM newest)")
        database.run("INSERT INTO incoming SELECT * FROM newest")
        database.run("DROP TABLE newest")

    def _replace_contacts(self, database: Database) -> None:
        # Another program may have marked some as deleted.
        database.run("UPDATE incoming SET deleted_at = NULL WHERE deleted_at IS NOT NULL")
        # All indexes and triggers go with the table, also those that other programs have made.
        dropped = database.run(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'contacts' AND sql IS NOT NULL"
            " AND type IN ('index', 'trigger')"
        ).fetchall()
        database.run("DROP TABLE contacts")
        database.run("ALTER TABLE incoming RENAME TO contacts")
        for (statement,) in dropped:
            database.run(statement)


def check_no_checkpoint(checkpoint: object) -> None:
    """Check that no place is given for the checkpoint of an SQLite file.

    Raises:
        JobError: One is given.
    """
    if checkpoint is not None:
        raise JobError(
            "no_checkpoint",
            "An SQLite file keeps the checkpoint of an export itself.",
            "Leave out checkpoint.",
        )
