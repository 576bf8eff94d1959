"""The sink that is an SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from heymarket_async.bulk.sinks.sink import FOREVER
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.database import Database
from heymarket_async.models import ContactField


class Sqlite:
    """A sink that is an SQLite file; see `heymarket_async.bulk.sinks.database` for what is in it.

    The contacts of an unfinished export are kept in the file beside those of the last one, which
    they replace when they are complete.

    Args:
        path: The file.
    """

    needs_fields = True
    latest = FOREVER

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._database: Database | None = None

    def doubts(self, fields: Sequence[ContactField]) -> list[str]:
        """Return which custom fields have no column in the views."""
        return schema.doubts(fields)

    def open(self, checkpoint: Path | None, *, restart: bool) -> str | None:
        """Open the file, and return the checkpoint that an unfinished export left, or None.

        Raises:
            ValueError: A place for the checkpoint was named, or the file is something else, or a
                sync follows with it.
        """
        self._database = None
        if checkpoint is not None:
            raise ValueError("checkpoint must be None: an SQLite file keeps it in itself")
        self._database = database = Database(self.path)
        database.open()
        if database.state("account") is not None:
            raise ValueError(f"a sync keeps {self.path} up to date; export into another file")
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
            self._open.end_load(again, latest=self.latest)
            self._open.show(fields)
            self._open.set_state("checkpoint", None)
        self._open.check_there()
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
