"""What an export needs of the place that its contacts go to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from heymarket_async.models import ContactField

FOREVER = "9999-12-31T23:59:59Z"


@runtime_checkable
class Dated(Protocol):
    """A sink that tells versions of contacts apart by the server's time.

    Attributes:
        latest: The latest instant that an `updated` can have, see `Version.replaces`; set before
            `finish`.
    """

    latest: str


@runtime_checkable
class Filed(Protocol):
    """A sink that is a file.

    Attributes:
        path: The file, by which errors name what is stored.
    """

    path: Path

    def doubts(self, fields: Sequence[ContactField]) -> list[str]:
        """Return what the file does not show of contacts that have these custom fields."""
        ...


class Sink(Protocol):
    """Where an export's contacts go; data and checkpoint are kept together, or neither.

    Its methods are called one at a time, in a thread of the export's own, so they may block.

    Attributes:
        needs_fields: Whether `finish` is to be given the account's custom fields.
    """

    needs_fields: bool

    def open(self, checkpoint: Path | None, *, restart: bool) -> str | None:
        """Get ready, and return the checkpoint that an unfinished export left, or None.

        Args:
            checkpoint: Where the caller wants it kept; None leaves that to the sink.
            restart: Drop what an unfinished export left.

        Raises:
            ValueError: This sink cannot keep a checkpoint there.
            OSError: The place cannot be written to.
        """
        ...

    def stored(self) -> Iterable[bytes]:
        """Return the contacts that were written together with that checkpoint."""
        ...

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Add contacts, each as one line of JSON, and replace the checkpoint: both, or neither.

        A contact that was edited meanwhile comes again.
        """
        ...

    def finish(self, again: frozenset[int], fields: Sequence[ContactField]) -> Iterable[int]:
        """Make the result whole and drop the checkpoint.

        Args:
            again: Ids that were written more than once. Only the newest version is to stay, by the
                later `updated` or the greater `rev`; see docs/bulk.md.
            fields: The account's custom fields, if the sink needs them.

        Returns:
            While it works, how many contacts it has come to, so that it can be interrupted.
        """
        ...

    def close(self) -> None:
        """Let go of everything. What is not finished stays to be gone on from.

        Called also if `open` has failed.
        """
        ...
