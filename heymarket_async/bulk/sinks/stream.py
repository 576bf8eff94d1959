"""The sink that is a pipe: JSON Lines, as they come."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from heymarket_async.bulk.sinks.files import joined
from heymarket_async.bulk.store.private_files import behind_links, open_own_pipe
from heymarket_async.models import ContactField

_LOOK_AGAIN_S = 0.1


class Stream:
    """JSON Lines into standard output or another pipe, as they come.

    Nothing can be taken back from a pipe: a contact that is edited meanwhile comes again, and its
    last line is the newest. There is no checkpoint.

    Args:
        file: Where to write; it is not closed.
    """

    needs_fields = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def open(self, checkpoint: Path | None, *, restart: bool) -> None:  # noqa: ARG002 - has none
        """Refuse a place for a checkpoint.

        Raises:
            ValueError: One was asked for.
        """
        if checkpoint is not None:
            raise ValueError("checkpoint needs a file: a pipe cannot be gone on with")

    def stored(self) -> Iterable[bytes]:
        """Return nothing."""
        return ()

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:  # noqa: ARG002 - not kept
        """Write contacts."""
        self._file.write(joined(lines))
        self._file.flush()

    def finish(
        self,
        again: frozenset[int],  # noqa: ARG002 - they were written
        fields: Sequence[ContactField],  # noqa: ARG002 - not needed
    ) -> Iterable[int]:
        """Do nothing: all was written."""
        return ()

    def close(self) -> None:
        """Leave the file to its owner."""


async def open_pipe(path: Path) -> BinaryIO:
    """Open a pipe or a device to write to, without holding up the loop.

    A named pipe is waited for until somebody reads it.

    Raises:
        PermissionError: It, or a link to it, belongs to somebody else.
        OSError: It cannot be opened.
    """
    while (file := _opened(path)) is None:  # noqa: ASYNC110 - nobody tells of a reader
        await asyncio.sleep(_LOOK_AGAIN_S)
    return file


def _opened(path: Path) -> BinaryIO | None:
    try:
        return open(path, "wb", opener=_at_once)
    except OSError as error:
        if error.errno == errno.ENXIO and path.is_fifo():
            return None  # nobody reads it
        raise


def _at_once(path: str, flags: int) -> int:  # noqa: ARG001 - it is there, and nothing to cut
    real = behind_links(Path(path))
    if real.is_relative_to("/proc"):  # a pipe without a name, which this process was given
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    else:
        descriptor = open_own_pipe(real)
    os.set_blocking(descriptor, True)
    return descriptor
