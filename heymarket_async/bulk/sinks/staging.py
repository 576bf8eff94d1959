"""A folder in which an unfinished export is kept: its contacts, and how far it is.

All names in it begin with `heymarket-`, and nothing else in it is touched.
`heymarket-rows` only grows. `heymarket-state.json` says how much of it counts, and is replaced as a
whole after that much is on the disk. So whenever the process dies, or the machine, the two fit
together: when the export is resumed, anything added behind that length is cut off.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec

from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.bulk.sinks.packing import Packing
from heymarket_async.bulk.store.lock import Lock
from heymarket_async.bulk.store.private_files import (
    behind_links,
    check_own,
    make_private,
    open_new,
    open_own,
)

UNFINISHED = ".heymarket-new"
"""The ending of what is to take the place of the file beside it; nobody else has such files."""

_LONGEST_NAME = 255


ANEW = "start anew (--restart)"
"""The remedy for an unfinished export that is damaged."""


class _State(msgspec.Struct, omit_defaults=True):
    kind: str
    length: Annotated[int, msgspec.Meta(ge=0)]
    checkpoint: str
    keeps_folder: bool = False


class Staging:
    """The folder of one unfinished export; it belongs to one process at a time.

    It and all that is read from it are the user's own, see `heymarket_async.bulk.private`. A folder
    in which others could replace files is taken from them, and what they have put in it is refused.

    Args:
        folder: Where it is; made, for its owner alone to read, if it is not there.
        packing: How the contacts are compressed.
        kind: What they are to become, such as ".jsonl.gz"; another kind does not go on with them.
        restart: Drop what an unfinished export left.
        is_named: The user has named the folder. If it was there before, it stays at the end.

    Attributes:
        rows: The file of the contacts.
        checkpoint: How far the export is, or None if it begins.

    Raises:
        ValueError: The folder holds something else, or what is to become another kind of file.
        PermissionError: It, or a file in it, belongs to somebody else.
        OSError: The folder cannot be made, or another export works in it.
    """

    def __init__(
        self, folder: Path, packing: Packing, *, kind: str, restart: bool, is_named: bool = False
    ) -> None:
        self._folder = folder = behind_links(folder)
        self.rows = folder / "heymarket-rows"
        self.checkpoint: str | None = None
        self._packing = packing
        self._kind = kind
        self._state = folder / "heymarket-state.json"
        self._length = 0
        was_there = self._take_folder()
        self._lock = Lock(folder / "heymarket-lock")
        self._keeps_folder = is_named and was_there and self._was_there_before()
        try:
            state = None if restart else self._stored()
            if state is None:
                self._state.unlink(missing_ok=True)
                self._file = open_new(self.rows)
            else:
                self._file = _reopened(self.rows, state.length)
                self._length = state.length
                self.checkpoint = state.checkpoint
        except BaseException:
            self._lock.release()
            raise

    def add(self, data: bytes, checkpoint: str) -> None:
        """Add to the contacts and replace the checkpoint, once all of it is on the disk."""
        try:
            with naming(self.rows):
                if data or not self._length:  # compressed, nothing is something too
                    self._file.write(self._packing.pack(data))
                self._file.flush()
                os.fsync(self._file.fileno())
            length = self._file.tell()
            state = _State(self._kind, length, checkpoint, self._keeps_folder)
            replace_file(self._state, msgspec.json.encode(state))
        except OSError:
            self._cut_off()
            raise
        self._length, self.checkpoint = length, checkpoint

    def lines(self) -> Iterator[bytes]:
        """Give the contacts that were added, each as a line without its end.

        Raises:
            ValueError: They are damaged.
        """
        try:
            with (
                os.fdopen(open_own(self.rows, os.O_RDONLY), "rb") as packed,
                self._packing.reader(packed) as file,
            ):
                for line in file:
                    yield line.rstrip(b"\n")
        except self._packing.damages:
            raise _unreadable(self.rows) from None

    def become(self, path: Path) -> None:
        """Let the file of the contacts be this file.

        Raises:
            ValueError: Another file is in its place.
        """
        if not os.path.samestat(self.rows.lstat(), os.fstat(self._file.fileno())):
            raise ValueError(f"{self.rows} was replaced meanwhile; {ANEW}")
        self.rows.replace(path)

    def finish(self) -> None:
        """Drop what is staged, once it has become what it was staged for."""
        self.checkpoint = None

    def close(self) -> None:
        """Let go of the folder, and remove it if there is nothing in it to go on with."""
        with suppress(OSError):  # of a disk that is full: what is not recorded does not count
            self._file.close()
        is_over = self.checkpoint is None
        if is_over:
            # The state first: without it, what is left of the rest means nothing.
            for path in (self._state, beside(self._state, UNFINISHED), self.rows):
                path.unlink(missing_ok=True)
        self._lock.release()
        if is_over and not self._keeps_folder:
            with suppress(OSError):  # what somebody else has put there is not ours
                self._folder.rmdir()

    def _cut_off(self) -> None:
        """Cut off what was added in part."""
        with suppress(OSError):  # it is still full of what could not be written
            self._file.close()
        self._file = _reopened(self.rows, self._length)

    def _take_folder(self) -> bool:
        """Make the folder or take the one that is there, and return whether one was."""
        try:
            self._folder.mkdir(mode=0o700)
        except FileExistsError:
            self._check_folder()
            if _can_lose_files(self._folder):
                make_private(self._folder, is_right=stat.S_ISDIR)
            return True
        return False

    def _check_folder(self) -> None:
        if not self._folder.is_dir():
            raise ValueError(f"{self._folder} is no folder; name one to keep the export in")
        check_own(self._folder, is_right=stat.S_ISDIR)
        check_own(self._state)
        if self._state.exists():
            return
        # What a desktop leaves in every folder, such as .DS_Store, makes it nobody's.
        if any(not each.name.startswith(("heymarket-", ".")) for each in self._folder.iterdir()):
            raise ValueError(
                f"{self._folder} holds other files than an unfinished export; name another folder"
            )

    def _was_there_before(self) -> bool:
        """Whether the folder is older than the unfinished export in it, if there is one."""
        with suppress(OSError, *UNREADABLE):
            return self._read_state().keeps_folder
        return True

    def _stored(self) -> _State | None:
        try:
            state = self._read_state()
            if self.rows.stat().st_size < state.length:
                return None
        except FileNotFoundError:
            return None  # not begun, or finished but for being removed
        except UNREADABLE:
            raise _unreadable(self._state) from None
        if state.kind != self._kind:
            raise ValueError(
                f"{self._folder} holds an unfinished export into a {state.kind} file, not into a"
                f" {self._kind} file; continue that export,"
                f" {ANEW}, or name another folder"
            )
        return state

    def _read_state(self) -> _State:
        with os.fdopen(open_own(self._state, os.O_RDONLY), "rb") as file:
            return msgspec.json.decode(file.read(), type=_State)


def _can_lose_files(folder: Path) -> bool:
    """Whether others can put files in the place of those in it."""
    mode = folder.stat().st_mode
    return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX


def _unreadable(path: Path) -> ValueError:
    return ValueError(f"{path} cannot be read; {ANEW}")


def _reopened(path: Path, length: int) -> BinaryIO:
    """Open a file to add to it behind a length."""
    file = os.fdopen(open_own(path, os.O_WRONLY | os.O_APPEND), "ab")
    file.truncate(length)
    file.seek(length)
    return file


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Let an error say which file is at fault; of a full disk the system tells no name."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Give a file a new content: all of it or, whatever happens, the old one."""
    partial = beside(path, UNFINISHED)
    with naming(path), open_new(partial) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def real_path(path: Path) -> Path:
    """Return where a file is to be, behind all links.

    Raises:
        ValueError: It is a folder, a pipe or a device.
        PermissionError: It is a link of somebody else's.
        OSError: The links go in a circle.
    """
    real = behind_links(path)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(real.lstat().st_mode):
            raise ValueError(f"{path} is no file; name one")
    return real


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
