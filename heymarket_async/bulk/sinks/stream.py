"""The sink that is a pipe: JSON Lines, written as the records come."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.sinks.files import joined
from heymarket_async.bulk.store.private_files import PIPE, behind_links, open_own
from heymarket_async.checks import kind_of
from heymarket_async.models.contact import ContactField

_RETRY_S = 0.1


class Stream:
    """JSON Lines into standard output or another pipe, written as the records come.

    A line cannot be taken back: a record that is edited meanwhile comes again, and its last line
    is the newest. There is no checkpoint, so an interrupted export cannot be resumed.

    Args:
        file: The pipe; it is not closed.

    Raises:
        ValueError: It does not take bytes.
    """

    needs_fields = False

    def __init__(self, file: BinaryIO) -> None:
        if isinstance(file, io.TextIOBase) or not hasattr(file, "write"):
            raise ValueError(
                "file must be open for bytes, such as sys.stdout.buffer or open(path, 'wb'), not"
                f" {kind_of(file)}"
            )
        self._file = file

    def open(self, checkpoint: Path | None, *, restart: bool) -> None:  # noqa: ARG002 - has none
        """Refuse a place for a checkpoint.

        Raises:
            JobError: A place is given.
        """
        if checkpoint is not None:
            raise JobError(
                "no_checkpoint",
                "An export into a pipe has no checkpoint: it cannot be resumed.",
                "Leave out checkpoint.",
            )

    def stored(self) -> Iterable[bytes]:
        """Return nothing."""
        return ()

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:  # noqa: ARG002 - not kept
        """Write records."""
        self._file.write(joined(lines))
        self._file.flush()

    def finish(
        self,
        again: frozenset[int],  # noqa: ARG002 - they are written already
        fields: Sequence[ContactField],  # noqa: ARG002 - not needed
    ) -> Iterable[int]:
        """Do nothing: all records are written already."""
        return ()

    def close(self) -> None:
        """Leave the pipe open for its owner."""


async def open_pipe(path: Path) -> BinaryIO:
    """Open a pipe or a device to write to; wait for the reader of a named pipe.

    Raises:
        PermissionError: It, or a link to it, belongs to another user.
        OSError: It cannot be opened.
    """
    while (descriptor := _opened(path)) is None:  # noqa: ASYNC110 - no event says that it is read
        await asyncio.sleep(_RETRY_S)
    return os.fdopen(descriptor, "wb")


def _opened(path: Path) -> int | None:
    """Open a pipe, and return its descriptor, or None if it has no reader yet."""
    real = behind_links(path)
    try:
        if real.is_relative_to("/proc"):  # a pipe without a name, which this process was given
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        else:
            descriptor = open_own(real, os.O_WRONLY, expected=PIPE, closes=False)
    except OSError as error:
        if error.errno == errno.ENXIO and real.is_fifo():
            return None
        raise
    os.set_blocking(descriptor, True)
    return descriptor
