"""The bytes of a file or a pipe, and a look at the first of them without taking them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

_MOST = 1 << 16
_BLANK = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_LINE_END = re.compile(rb"\n|\r(?!\n|$)", re.DOTALL)


class ByteSource(io.RawIOBase):
    """Reads a file from its present place, and never more than is asked for and there.

    It does not close the file.

    Args:
        file: It may be a pipe that is silent, and cannot seek.
        damage: Errors that mean that the file is damaged.
        problem: The problem to raise for them, as a sentence.

    Attributes:
        can_rewind: The file can be read again: it is not a pipe.
        size: Of the file from that place, in bytes; None for a pipe, or if the file is unpacked.
    """

    def __init__(
        self, file: BinaryIO, *, damage: tuple[type[Exception], ...] = (), problem: str = ""
    ) -> None:
        self._file = file
        # A replaced standard input may have no `read1`.
        self._read: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._damage = damage
        self._problem = problem
        self.can_rewind = file.seekable()
        self._start = file.tell() if self.can_rewind else 0
        self.size = self._measured() if self.can_rewind and not damage else None
        self._head = b""
        self._share = 0.0

    def head(self) -> bytes:
        """Return the first bytes: at most 64 KiB, at least the first line that is not blank."""
        while len(self._head) < _MOST and not _LINE_END.search(self._head.lstrip(_BLANK)):
            some = self._next(_MOST)
            if not some:
                break
            self._head += some
        return self._head

    def share_read(self) -> float | None:
        """Return the share of the file that is read, from 0 to 1; None if it has no size."""
        if not self.size:
            return None
        with suppress(ValueError):  # it is closed
            self._share = min((self._file.tell() - self._start) / self.size, 1.0)
        return self._share

    def close(self) -> None:
        """Do nothing: a reader that is dropped must not end another one."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._head = b""
        self._file.seek(self._start)

    def readinto(self, buffer: Buffer, /) -> int:
        """Read the bytes that are there, and wait only if there are none."""
        view = memoryview(buffer).cast("B")
        some = self._head[: len(view)] or self._next(len(view))
        self._head = self._head[len(some) :]
        view[: len(some)] = some
        return len(some)

    def _measured(self) -> int:
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(self._start)
        return end - self._start

    def _next(self, most: int) -> bytes:
        try:
            return self._read(most)
        except self._damage:
            raise ValueError(self._problem) from None
