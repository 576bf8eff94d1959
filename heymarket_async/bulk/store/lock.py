"""Keeps two jobs from working on one thing at the same time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from heymarket_async.bulk.store.private_files import open_own


def lock(descriptor: int, path: Path) -> None:
    """Lock an open file; the system lets go of it when the process ends, however it ends.

    Raises:
        OSError: Another job holds it.
    """
    with suppress(ImportError):  # on Windows, where nothing keeps jobs apart
        import fcntl  # noqa: PLC0415 - not everywhere

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OSError(error.errno, "another job is at work there", str(path)) from None


class Lock:
    """A lock on something that is no file of its own.

    Args:
        path: A file for it alone; made if it is not there.

    Raises:
        OSError: Another job holds it, or the file cannot be made, is a link, a pipe or a device,
            or belongs to somebody else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
            try:
                lock(self._descriptor, path)
                if self._is_there():
                    return
            except OSError:
                os.close(self._descriptor)
                raise
            # Between the two, its last holder has removed it: the next one would make another.
            os.close(self._descriptor)

    def release(self) -> None:
        """Let go of it, and remove the file."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False
