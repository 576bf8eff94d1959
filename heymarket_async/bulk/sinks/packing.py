"""How a file of contacts is compressed: in pieces that stand alone, so that it can be cut."""

from __future__ import annotations

import gzip
import sys
import zlib
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol, cast

_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


class Packing(Protocol):
    """Plain, or a compression whose pieces can stand one behind the other.

    Attributes:
        suffix: What the name of such a file ends in.
        damages: What reading raises if the file is damaged.
    """

    suffix: str
    damages: tuple[type[Exception], ...]

    def pack(self, data: bytes) -> bytes:
        """Return a piece that can stand behind others."""
        ...

    def reader(self, file: BinaryIO) -> BinaryIO:
        """Read a file of pieces as one."""
        ...


class Plain:
    """Not compressed."""

    suffix = ""
    damages: tuple[type[Exception], ...] = ()

    def pack(self, data: bytes) -> bytes:
        """Return the data."""
        return data

    def reader(self, file: BinaryIO) -> BinaryIO:
        """Return the file."""
        return file


class Gzip:
    """Members of gzip."""

    suffix = ".gz"
    damages: tuple[type[Exception], ...] = (gzip.BadGzipFile, EOFError, zlib.error)

    def pack(self, data: bytes) -> bytes:
        """Return a member."""
        return gzip.compress(data, mtime=0)

    def reader(self, file: BinaryIO) -> BinaryIO:
        """Read all members as one."""
        return cast("BinaryIO", gzip.open(file, "rb"))


class _Module(Protocol):
    ZstdError: type[Exception]

    def compress(self, data: bytes) -> bytes: ...
    def open(self, file: BinaryIO, mode: str) -> BinaryIO: ...


class Zstandard:
    """Frames of Zstandard.

    Raises:
        ValueError: Python is older than 3.14, and the extra `zst` is not installed.
    """

    suffix = ".zst"

    def __init__(self) -> None:
        try:
            self._zstd = cast(_Module, import_module(_ZSTD))
        except ImportError:
            raise ValueError(
                "a .zst file needs a package: pip install 'heymarket-async[zst]'"
            ) from None
        self.damages: tuple[type[Exception], ...] = (self._zstd.ZstdError, EOFError)

    def pack(self, data: bytes) -> bytes:
        """Return a frame."""
        return self._zstd.compress(data)

    def reader(self, file: BinaryIO) -> BinaryIO:
        """Read all frames as one."""
        return self._zstd.open(file, "rb")


def packing_of(path: Path) -> Packing:
    """Return how a file is compressed, which the end of its name tells."""
    kinds: tuple[type[Packing], ...] = (Gzip, Zstandard)
    return next((each for each in kinds if each.suffix == path.suffix), Plain)()
