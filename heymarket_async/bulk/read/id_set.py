"""A set of contact ids in little memory: two megabytes for a million that lie close together."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_BITS = 16
_MOST_LISTED = 4096


class IdSet:
    """Ids by their upper bits; the lower 16 as a sorted list, or as a bitmap where that is less.

    This is how roaring bitmaps do it. What an id takes depends on how close together they lie: two
    bytes where one in twenty numbers is an id, five where one in a thousand is, and 170 if no two
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
        chunk = self._chunks.get(number >> _BITS)
        low = number & 0xFFFF
        if isinstance(chunk, bytearray):
            return bool(chunk[low >> 3] & 1 << (low & 7))
        if chunk is None:
            return False
        place = bisect_left(chunk, low)
        return place < len(chunk) and chunk[place] == low

    def add_all(self, numbers: Iterable[int]) -> list[int]:
        """Add ids, and return those that were there already."""
        return [number for number in numbers if not self._add(number)]

    def _add(self, number: int) -> bool:
        high, low = number >> _BITS, number & 0xFFFF
        chunk = self._chunks.get(high)
        if isinstance(chunk, bytearray):
            byte, bit = low >> 3, 1 << (low & 7)
            if chunk[byte] & bit:
                return False
            chunk[byte] |= bit
        else:
            if chunk is None:
                chunk = self._chunks[high] = array("H")
            place = bisect_left(chunk, low)
            if place < len(chunk) and chunk[place] == low:
                return False
            chunk.insert(place, low)
            if len(chunk) > _MOST_LISTED:
                self._chunks[high] = _bitmap(chunk)
        self._size += 1
        return True


def _bitmap(listed: array[int]) -> bytearray:
    bitmap = bytearray(1 << _BITS - 3)
    for low in listed:
        bitmap[low >> 3] |= 1 << (low & 7)
    return bitmap
