"""The folder of an unfinished export: its records, and the checkpoint up to which they are whole.

All names in it begin with `heymarket-`, and nothing else in it is touched. `heymarket-rows` only
grows. `heymarket-state.json` says how many bytes of it count, and is replaced as a whole after they
are on the disk. So the two fit together whenever the process or the machine dies: when the export
is resumed, bytes behind that length are cut off.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, BinaryIO, NamedTuple, Protocol, cast

import msgspec

from heymarket_async.bulk.errors import UNREADABLE, JobError
from heymarket_async.bulk.store.private_files import (
    FOLDER,
    UNFINISHED,
    Lock,
    behind_links,
    beside,
    check_own,
    is_same_file,
    make_private,
    naming,
    open_new,
    open_own,
    replace_file,
    sync_folder,
)
from heymarket_async.extras import needs

_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


def _as_it_is(file: BinaryIO) -> BinaryIO:
    return file  # a function with a name, so that a sink pickles


class Compressor(Protocol):
    """Compresses data as one stream."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress more data, and return the bytes that are ready."""
        ...

    def flush(self) -> bytes:
        """Return the rest."""
        ...


class _Uncompressed:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _uncompressed(lines: Iterable[bytes]) -> Compressor:  # noqa: ARG001 - their size is not needed
    return _Uncompressed()


def _one_member(lines: Iterable[bytes]) -> Compressor:  # noqa: ARG001 - their size is not needed
    return zlib.compressobj(wbits=zlib.MAX_WBITS | 16)


def _one_frame(compressor: Callable[[], _ZstdCompressor], lines: Iterable[bytes]) -> Compressor:
    # Some readers make room for the size that a frame states, and refuse one without it.
    frame = compressor()
    frame.set_pledged_input_size(sum(len(line) + 1 for line in lines))
    return frame


class Packing(NamedTuple):
    """A compression, or none.

    Contacts are staged in pieces that stand alone, so that a file of them can be cut. A finished
    file is one stream, because some readers stop after the first piece.

    Attributes:
        suffix: The ending of the names of such files.
        pack: Returns data as one piece.
        stream: Returns a compressor that makes one stream of these lines.
        reader: Opens a file of pieces as one.
        errors: Raised by reading a damaged file.
    """

    suffix: str = ""
    pack: Callable[[bytes], bytes] = bytes
    stream: Callable[[Iterable[bytes]], Compressor] = _uncompressed
    reader: Callable[[BinaryIO], BinaryIO] = _as_it_is
    errors: tuple[type[Exception], ...] = ()


class _ZstdCompressor(Compressor, Protocol):
    def set_pledged_input_size(self, size: int, /) -> None: ...


class _Zstandard(Protocol):
    ZstdError: type[Exception]
    ZstdCompressor: Callable[[], _ZstdCompressor]

    def compress(self, data: bytes) -> bytes: ...
    def open(self, file: BinaryIO) -> BinaryIO: ...


def packing_of(path: Path) -> Packing:
    """Return the packing for a file by its name: .gz and .zst are compressed.

    Raises:
        ValueError: It ends in .zst, Python is older than 3.14, and the extra `zst` is missing.
    """
    if path.suffix == ".gz":
        reader = cast(Callable[[BinaryIO], BinaryIO], gzip.open)
        errors = (gzip.BadGzipFile, EOFError, zlib.error)
        # Pieces are read only once, so they are compressed fast.
        pack = partial(gzip.compress, compresslevel=1, mtime=0)
        return Packing(".gz", pack, _one_member, reader, errors)
    if path.suffix == ".zst":
        try:
            zstd = cast(_Zstandard, import_module(_ZSTD))
        except ImportError:
            raise ValueError(needs("a .zst file", "zst")) from None
        stream = partial(_one_frame, zstd.ZstdCompressor)
        return Packing(".zst", zstd.compress, stream, zstd.open, (zstd.ZstdError, EOFError))
    return Packing()


class _State(msgspec.Struct, omit_defaults=True):
    kind: str
    length: Annotated[int, msgspec.Meta(ge=0)]
    checkpoint: str
    keeps_folder: bool = False


class Staging:
    """The folder of one unfinished export, for one process at a time.

    Its files follow the rule of `heymarket_async.bulk.store.private_files`. If other users can
    replace files in the folder, their permissions are removed, and their files in it are refused.

    Args:
        folder: The folder; made, for its owner alone to read, if it is not there.
        packing: The compression of the records.
        kind: The format that they are staged for, such as ".jsonl.gz"; no other one resumes them.
        restart: Drop an unfinished export.
        is_named: The user has named the folder. If it was there before, it stays at the end.

    Attributes:
        rows: The file of the records.
        checkpoint: The checkpoint of these records, or None if there are none.

    Raises:
        ValueError: The folder holds other files, or an export into another format.
        PermissionError: It, or a file in it, belongs to another user.
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
        self._scratch = folder / "heymarket-scratch"
        self._state = folder / "heymarket-state.json"
        self._length = 0
        was_there = self._take_folder()
        self._lock = Lock(folder / "heymarket-lock")
        try:
            state = self._read_state(restart=restart)
            self._keeps_folder = is_named and was_there and (state is None or state.keeps_folder)
            self._open_rows(None if restart else state)
        except BaseException:
            self._lock.release()
            raise

    def add(self, data: bytes, checkpoint: str) -> None:
        """Add records and replace the checkpoint, when all of it is on the disk."""
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
            with suppress(OSError):  # it still holds bytes that could not be written
                self._file.close()
            self._reopen_rows(self._length)
            raise
        self._length, self.checkpoint = length, checkpoint

    def lines(self) -> Iterator[bytes]:
        """Give the records as lines without their ends.

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
        except self._packing.errors:
            raise _damaged(self.rows, "cannot be read") from None

    def move_rows(self, path: Path) -> None:
        """Move the records to the place of this file.

        Raises:
            ValueError: Another file is in the place of the records.
        """
        if not is_same_file(self.rows, os.fstat(self._file.fileno())):
            raise _damaged(self.rows, "was replaced meanwhile")
        self.rows.replace(path)
        sync_folder(path.parent)

    def scratch(self) -> Path:
        """Return a new folder for files that are needed to make the file; `close` removes it."""
        shutil.rmtree(self._scratch, ignore_errors=True)  # of an export that was killed
        self._scratch.mkdir(mode=0o700)
        return self._scratch

    def finish(self) -> None:
        """Let `close` remove the records: the file that they were staged for is there."""
        self.checkpoint = None

    def close(self) -> None:
        """Unlock the folder, and remove it if there is nothing to resume."""
        with suppress(OSError):  # of a full disk: bytes behind the recorded length do not count
            self._file.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        is_over = self.checkpoint is None
        if is_over:
            # The state first: without it, the other files mean nothing.
            for path in (self._state, beside(self._state, UNFINISHED), self.rows):
                path.unlink(missing_ok=True)
        self._lock.release()
        if is_over and not self._keeps_folder:
            with suppress(OSError):  # it holds files of other programs
                self._folder.rmdir()

    def _take_folder(self) -> bool:
        """Make the folder or check the existing one, and return whether there was one."""
        folder = self._folder
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            sync_folder(folder.parent)  # what is kept in it must not be lost with its name
            return False
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder. Name a folder for the unfinished export.")
        check_own(folder, FOLDER)
        check_own(self._state)
        # Desktops leave hidden files, such as .DS_Store, in every folder.
        if not self._state.exists() and any(
            not file.name.startswith(("heymarket-", ".")) for file in folder.iterdir()
        ):
            raise ValueError(
                f"{folder} holds other files than an unfinished export. Name another folder."
            )
        mode = folder.stat().st_mode
        if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            make_private(folder, expected=FOLDER)
        return True

    def _read_state(self, *, restart: bool) -> _State | None:
        try:
            with os.fdopen(open_own(self._state, os.O_RDONLY), "rb") as file:
                return msgspec.json.decode(file.read(), type=_State)
        except FileNotFoundError:
            return None  # not begun, or finished and about to be removed
        except UNREADABLE:
            if not restart:
                raise _damaged(self._state, "cannot be read") from None
            return None

    def _open_rows(self, state: _State | None) -> None:
        has_rows = state is not None and self.rows.exists()
        if state is None or not has_rows or self.rows.stat().st_size < state.length:
            self._state.unlink(missing_ok=True)
            self._file = open_new(self.rows)
            return
        if state.kind != self._kind:
            raise JobError(
                "other_format",
                f"{self._folder} holds an unfinished export into a {state.kind[:_SHOWN]} file, not"
                f" into a {self._kind} file.",
                "Continue that export, start anew with restart=True, or name another folder.",
            )
        self._reopen_rows(state.length)
        self._length, self.checkpoint = state.length, state.checkpoint

    def _reopen_rows(self, length: int) -> None:
        """Open the records to add to them, and cut off the bytes behind a length."""
        self._file = os.fdopen(open_own(self.rows, os.O_WRONLY | os.O_APPEND), "ab")
        self._file.truncate(length)
        self._file.seek(length)


_SHOWN = 20
"""Characters of a format, which a damaged file may have made long."""


def _damaged(path: Path, problem: str) -> JobError:
    return JobError("damaged_export", f"{path} {problem}.", "Start anew with restart=True.")
