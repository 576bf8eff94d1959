"""Checks the compound file that an .xls is: its reader follows a circle of sectors without end.

The file is divided into sectors. A table, the FAT, says for each sector which one comes next, and
so they make chains. Short streams are in small sectors within a stream, with a table of their own.
A sheet says how many rows and columns it has, and its reader asks for the memory of all of them.

https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER, _ENTRY, _SMALL, _SHORT = 512, 128, 64, 4096
"""Bytes of the header, an entry of the directory, a small sector, and the shortest other stream."""

_SIZES = {9: 512, 12: 4096}
"""Bytes of a sector, by the power of two in the header."""

_COUNT_OF_DIRECTORY, _DIRECTORY, _COUNT_OF_TABLE, _TABLE, _MORE_OF_TABLE = 10, 12, 11, 19, 17
_COUNT_OF_SMALL_TABLE, _SMALL_TABLE = 16, 15
"""Places in the header, in numbers of four bytes."""

_STREAM, _ROOT = 2, 5
_END, _LARGEST = 0xFFFFFFFE, 0xFFFFFFFA
"""The end of a chain, and the largest number of a sector."""


_EXTENT = re.compile(
    rb"\x00\x02(?:\x0e\x00(?P<wide>.{12})|\x0a\x00(?P<narrow>.{8}))\x00\x00", re.DOTALL
)
"""The record with the first row of a sheet, the row after its last one, and so the columns."""

_MOST_CELLS = 65_536 * 256
"""The cells of the largest sheet that an .xls can have."""


class DamagedError(Exception):
    """The reader would not end, would ask for too much memory, or would fail with noise."""


def check(opened: BinaryIO) -> None:
    """Check the sizes and chains in a compound file; another file is left to its reader.

    Raises:
        DamagedError: One of them cannot be.
    """
    opened.seek(0)
    if opened.read(len(_MARK)) != _MARK:
        return
    content = _MARK + opened.read()
    size = _SIZES.get(int.from_bytes(content[30:32], "little"))
    if size is None or len(content) < _HEADER:
        raise DamagedError
    _Sectors(content, size).check()
    for record in _EXTENT.finditer(content):
        wide, narrow = record.group("wide", "narrow")
        first, end, left, right = (
            struct.unpack("<IIHH", wide) if wide else struct.unpack("<4H", narrow)
        )
        if first > end or left > right or (end - first) * (right - left) > _MOST_CELLS:
            raise DamagedError


class _Sectors:
    """The sectors of a file, by number."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content = content
        self._size = size
        # No two chains share a sector. A circle and chains of many others are too long together.
        self._steps_left = 2 * len(content) // _SMALL

    def __getitem__(self, number: int) -> bytes:
        start = (number + 1) * self._size
        if start >= len(self._content):
            raise DamagedError
        return self._content[start : start + self._size]

    def check(self) -> None:
        """Check all chains."""
        header = _numbers(self._content[:_HEADER])
        for place in (_COUNT_OF_DIRECTORY, _COUNT_OF_TABLE, _COUNT_OF_SMALL_TABLE):
            self._check_fits(header[place] * self._size)
        table = self._table(self._places_of_table(header))
        has_small = header[_COUNT_OF_SMALL_TABLE] > 0
        small = self._table(self._chain(header[_SMALL_TABLE], table) if has_small else ())
        directory = b"".join(map(self.__getitem__, self._chain(header[_DIRECTORY], table)))
        if len(directory) % _ENTRY:
            raise DamagedError
        for kind, first, size in self._streams(directory):
            self._check_fits(size)
            is_small = kind == _STREAM and size < _SHORT
            for number in self._chain(first, small if is_small else table):
                if not is_small:
                    self[number]

    def _check_fits(self, size: int) -> None:
        if size > len(self._content):
            raise DamagedError

    def _places_of_table(self, header: Sequence[int]) -> list[int]:
        """Return the sectors of the FAT: the first are named in the header, more in a chain."""
        found, more = [*header[_TABLE:]], header[_MORE_OF_TABLE]
        while more <= _LARGEST:
            *others, more = _numbers(self[more])
            found += others
            self._check_fits(len(found))
        used = [number for number in found if number <= _LARGEST]
        self._check_fits(len(used) * self._size)
        return used

    def _table(self, sectors: Iterable[int]) -> Sequence[int]:
        return _numbers(b"".join(map(self.__getitem__, sectors)))

    def _chain(self, first: int, table: Sequence[int]) -> Iterator[int]:
        while first != _END:
            self._steps_left -= 1
            if first >= len(table) or self._steps_left < 0:
                raise DamagedError
            yield first
            first = table[first]

    def _streams(self, directory: bytes) -> Iterator[tuple[int, int, int]]:
        """Give the kind, the first sector and the size of each stream that is not empty."""
        width = 4 if self._size == _SIZES[9] else 8
        for at in range(0, len(directory), _ENTRY):
            entry = directory[at : at + _ENTRY]
            size = int.from_bytes(entry[120 : 120 + width], "little")
            if entry[66] in {_STREAM, _ROOT} and size:
                yield entry[66], int.from_bytes(entry[116:120], "little"), size


def _numbers(content: bytes) -> Sequence[int]:
    numbers = array("I", content[: len(content) // 4 * 4])
    if sys.byteorder == "big":  # pragma: no cover - the machines of the tests are not
        numbers.byteswap()
    return numbers
