"""A set of contact ids in little memory: two megabytes for a million that lie close together."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_BITS = 16
_LOW = (1 << _BITS) - 1
_MOST_LISTED = 4096


class IdSet:
    """Ids by their upper bits; the lower 16 as a sorted list, or as a bitmap if that is smaller.

    Roaring bitmaps do the same. The memory for an id depends on how close together the ids lie: two
    bytes if one number in twenty is an id, five if one in a thousand is, and 170 if no two ids
    share their upper bits. A `set` takes sixty.
    """

    def __init__(self) -> None:
        self._chunks: dict[int, array[int] | bytearray] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        chunk, low = self._chunks.get(number >> _BITS, b""), number & _LOW
        if isinstance(chunk, bytearray):
            return bool(chunk[low >> 3] & 1 << (low & 7))
        place = bisect_left(chunk, low)
        return place < len(chunk) and chunk[place] == low

    def add_all(self, numbers: Iterable[int]) -> list[int]:
        """Add ids, and return those that were there already."""
        known: list[int] = []
        for number in numbers:
            high, low = number >> _BITS, number & _LOW
            chunk = self._chunks.get(high)
            if isinstance(chunk, bytearray):
                byte, bit = low >> 3, 1 << (low & 7)
                if chunk[byte] & bit:
                    known.append(number)
                    continue
                chunk[byte] |= bit
            else:
                if chunk is None:
                    chunk = self._chunks[high] = array("H")
                place = bisect_left(chunk, low)
                if place < len(chunk) and chunk[place] == low:
                    known.append(number)
                    continue
                chunk.insert(place, low)
                if len(chunk) > _MOST_LISTED:
                    self._chunks[high] = _bitmap(chunk)
            self._size += 1
        return known


def _bitmap(listed: array[int]) -> bytearray:
    bitmap = bytearray(1 << _BITS - 3)
    for low in listed:
        bitmap[low >> 3] |= 1 << (low & 7)
    return bitmap
