"""The interface between an export and the place that its records go to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from heymarket_async.bulk.kind import CONTACT
from heymarket_async.bulk.sinks.endings import path_of
from heymarket_async.models.contact import ContactField

FOREVER = "9999-12-31T23:59:59Z"


class Sink(Protocol):
    """A place for an export's records, which stores them together with the checkpoint.

    Its methods are called one at a time, in a thread of the export, so they may block.

    Attributes:
        needs_fields: Whether `finish` needs the account's custom fields.
    """

    needs_fields: bool

    def open(self, checkpoint: Path | None, *, restart: bool) -> str | None:
        """Get ready, and return the checkpoint of an unfinished export, or None.

        Args:
            checkpoint: Where to keep the checkpoint; None leaves that to the sink.
            restart: Drop an unfinished export.

        Raises:
            ValueError: This sink cannot keep a checkpoint there.
            OSError: The place cannot be written to.
        """
        ...

    def stored(self) -> Iterable[bytes]:
        """Return the records that were written together with that checkpoint."""
        ...

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Add records, one line of JSON each, and replace the checkpoint: both, or neither.

        A record that was edited meanwhile comes again.
        """
        ...

    def finish(self, again: frozenset[int], fields: Sequence[ContactField]) -> Iterable[int]:
        """Make the result whole and drop the checkpoint.

        Args:
            again: Ids of records that were written more than once. Only the newest version is to
                stay: the one with the later `updated` or the greater `rev`; see
                "Versions and times" on the page "Bulk jobs" of the documentation.
            fields: The account's custom fields, if the sink needs them; none for other records
                than contacts.

        Returns:
            The number of records done so far, now and then, so that it can be interrupted.
        """
        ...

    def close(self) -> None:
        """Close everything. An unfinished export stays, and can be resumed.

        Called also if `open` has failed.
        """
        ...


class FileSink:
    """The base of sinks that are files, and have each record once.

    Raises:
        ValueError: The path is not one, or its name is that of a file of another format.

    Attributes:
        format: The name of its format, as in `format_of`.
        path: The file, for error messages.
        kind: The kind of the records; set before `open`.
        latest: The latest instant that an `updated` can have by the server's clock, see
            `Version.replaces`; set before `finish`.
    """

    format: ClassVar[str]
    needs_fields = True
    kind = CONTACT
    latest = FOREVER

    def __init__(self, path: Path | str) -> None:
        self.path = path_of(path, self.format, ", or use {}(path)")

    def doubts(self, fields: Sequence[ContactField]) -> list[str]:  # noqa: ARG002 - most show all
        """Return notes on values that the file does not show, if there are these fields."""
        return []
