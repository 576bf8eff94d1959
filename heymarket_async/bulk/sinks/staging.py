"""A folder in which an unfinished export is kept: its contacts, and how far it is.

`heymarket-rows` only grows. `heymarket-state.json` says how much of it counts, and is replaced as a
whole after that much is on the disk. So whenever the process dies, or the machine, the two fit
together: what was added behind that length is cut off when the export is gone on with.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from heymarket_async.bulk.lock import Lock
from heymarket_async.bulk.sinks.packing import Packing

_LONGEST_NAME = 255


class _State(msgspec.Struct):
    length: int
    checkpoint: str


class Staging:
    """The folder of one unfinished export; it belongs to one process at a time.

    Raises:
        OSError: The folder cannot be made, or another export works in it.
    """

    def __init__(self, folder: Path, packing: Packing, *, restart: bool) -> None:
        self.rows = folder / "heymarket-rows"
        self._folder = folder
        self._packing = packing
        self._state = folder / "heymarket-state.json"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = Lock(folder / "heymarket-lock")
        try:
            self.checkpoint = None if restart else self._recover()
            if self.checkpoint is None:
                self._state.unlink(missing_ok=True)
            self._file = open_private(self.rows, append=self.checkpoint is not None)
        except BaseException:
            self._lock.release()
            raise

    def add(self, data: bytes, checkpoint: str) -> None:
        """Add to the contacts and replace the checkpoint, once all of it is on the disk."""
        self._file.write(self._packing.pack(data) if data else b"")
        self._file.flush()
        os.fsync(self._file.fileno())
        state = msgspec.json.encode(_State(self._file.tell(), checkpoint))
        replace_file(self._state, state)
        self.checkpoint = checkpoint

    def lines(self) -> Iterator[bytes]:
        """Give the contacts that were added, each as a line without its end."""
        with self._packing.reader(self.rows) as file:
            for line in file:
                yield line.rstrip(b"\n")

    def finish(self) -> None:
        """Drop what is staged, once it has become what it was staged for."""
        self.checkpoint = None

    def close(self) -> None:
        """Let go of the folder, and remove it if there is nothing in it to go on with."""
        self._file.close()
        is_over = self.checkpoint is None
        if is_over:
            # The state first: without it, what is left of the rest means nothing.
            for path in (self._state, beside(self._state, ".new"), self.rows):
                path.unlink(missing_ok=True)
        self._lock.release()
        if is_over:
            with suppress(OSError):  # what somebody else has put there is not ours
                self._folder.rmdir()

    def _recover(self) -> str | None:
        try:
            state = msgspec.json.decode(self._state.read_bytes(), type=_State)
            if self.rows.stat().st_size < state.length:
                return None
        except FileNotFoundError:
            return None  # not begun, or finished but for being removed
        except msgspec.MsgspecError:
            raise ValueError(f"{self._state} cannot be read; start anew") from None
        os.truncate(self.rows, state.length)
        return state.checkpoint


def open_private(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file to write to that only its owner can read: contacts are personal data."""
    how = os.O_APPEND if append else os.O_TRUNC
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "ab" if append else "wb")


def replace_file(path: Path, data: bytes) -> None:
    """Give a file a new content: all of it or, whatever happens, the old one."""
    partial = beside(path, ".new")
    with open_private(partial) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def real_path(path: Path) -> Path:
    """Return where a file is to be, behind all links.

    Raises:
        ValueError: It is a folder, a pipe or a device.
        OSError: The links go in a circle.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{path} is no file; name one")
    return path.resolve()


def beside(path: Path, ending: str) -> Path:
    """Return a name in the same folder that says whose it is, unless that would be too long."""
    name = f"{path.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{ending}"
    return path.with_name(name)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder outlast a power failure."""
    # The file is there in any case, so a folder that may not be read is no reason to fail.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
