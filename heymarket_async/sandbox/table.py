"""A table of things of the account, sorted by `updated`, with their JSON ready to be sent.

A list call is a bisection and a slice, whatever the number of things.
"""

import random
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Generic, Self, TypeVar

import msgspec

from heymarket_async.sandbox.odd import TWICE, Look, Wanted, look, with_look
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.stamps import BASE, unit, written


@dataclass(slots=True)
class Stored:
    """A stored thing: the keys that it is sorted and found by, and its JSON."""

    stamp: int
    id: int
    line: bytes

    @property
    def value(self) -> dict[str, object]:
        """Its JSON, decoded."""
        return msgspec.json.decode(self.line, type=dict[str, object])


T = TypeVar("T", bound=Stored)


class Content(msgspec.Struct, Generic[T], frozen=True):
    """All that a table holds.

    Attributes:
        rows: The things.
        unseen: Those that cannot be seen yet, and when they can, in seconds since 1970.
        next_id: The id of the next new thing.
        newest: The newest stamp.
    """

    rows: list[T]
    unseen: list[tuple[float, T]]
    next_id: int
    newest: int


def _place(row: Stored) -> tuple[int, int]:
    return row.stamp, row.id


def _stamp(row: Stored) -> int:
    return row.stamp


class Table(Generic[T]):
    """Stored things of one kind.

    Attributes:
        readings: The options for behaviour that the API docs leave open.
        looks: The odd looks, by id.
        lock: Held by everything that changes the account, once it belongs to one.
    """

    def __init__(
        self, readings: Readings, rng: random.Random, rows: Iterable[T] = (), *, first_id: int = 1
    ) -> None:
        self.readings = readings
        self._rng = rng
        self._rows = sorted(rows, key=_place)
        self._by_id = {row.id: row for row in self._rows}
        self._next_id = max(self._by_id, default=first_id - 1) + 1
        self._newest = self._rows[-1].stamp + unit(readings) if self._rows else BASE
        self._unseen: deque[tuple[float, T]] = deque()
        self.looks: dict[int, Look] = {}
        self.lock = RLock()

    @property
    def rows(self) -> list[dict[str, object]]:
        """Everything as it is stored, oldest first, also what cannot be seen yet."""
        rows = sorted([*self._rows, *(row for _, row in self._unseen)], key=_place)
        return [row.value for row in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def by_id(self, row_id: int) -> T | None:
        """Return the thing with this id, if it can be seen."""
        return self._by_id.get(row_id)

    def seen_at(self, now_s: float) -> Self:
        """Return this table as it is seen at this time."""
        while self._unseen and self._unseen[0][0] <= now_s:
            self.add(self._unseen.popleft()[1])
        return self

    def shown(self, row: T) -> bytes:
        """Return the JSON of a thing as it is sent, with its odd look if it has one."""
        look = self.looks.get(row.id)
        return row.line if look is None else with_look(row.line, look)

    def listed(self, rows: Iterable[T]) -> list[bytes]:
        """Return the JSON of things as a list shows them."""
        return self._looked(rows) if self.looks else [row.line for row in rows]

    def _looked(self, rows: Iterable[T]) -> list[bytes]:
        lines: list[bytes] = []
        for row in rows:
            lines += [self.shown(row)] * (2 if self.looks.get(row.id) is TWICE else 1)
        return lines

    def show_as(self, row_id: int, wanted: Wanted | None) -> None:
        """Show a thing this way from now on; None: the usual way.

        Raises:
            ValueError: There is no such thing, or no such kind of look.
        """
        if row_id not in self._by_id:
            raise ValueError(f"there is nothing with the id {row_id}")
        self.looks.pop(row_id, None)
        if wanted is not None:
            self.looks[row_id] = look(wanted)

    def count(self, *, after: int | None = None, before: int | None = None) -> int:
        """Count all things, or those updated after a stamp, or before one."""
        high = len(self._rows) if before is None else bisect_left(self._rows, before, key=_stamp)
        return high if after is None else high - bisect_right(self._rows, after, key=_stamp)

    def page(
        self,
        *,
        newest_first: bool,
        start: int,
        size: int,
        before: int | None = None,
        after: int | None = None,
        only: Callable[[T], bool] | None = None,
    ) -> Sequence[T]:
        """Return one page: `only` and the dates first, then the order, then start and size."""
        rows = self._rows if only is None else list(filter(only, self._rows))
        low, high = 0, len(rows)
        left, right = bisect_left, bisect_right
        if self.readings.inclusive:
            left, right = right, left
        if before is not None:
            high = left(rows, before, key=_stamp)
        if after is not None:
            low = right(rows, after, key=_stamp)
        if newest_first:
            low, high = max(low, high - start - size), max(low, high - start)
            return self._slice(rows, low, high)[::-1]
        return self._slice(rows, min(high, low + start), min(high, low + start + size))

    def _slice(self, rows: list[T], low: int, high: int) -> Sequence[T]:
        """Return the things between two places, with ties shuffled if the readings say so."""
        if self.readings.ties == "stable" or low == high:
            return rows[low:high]
        first = bisect_left(rows, rows[low].stamp, key=_stamp)
        last = bisect_right(rows, rows[high - 1].stamp, key=_stamp)
        shuffled = sorted(rows[first:last], key=lambda row: (row.stamp, self._rng.random()))
        return shuffled[low - first : high - first]

    def new_id(self) -> int:
        """Return an id that was never used before."""
        self._next_id += 1
        return self._next_id - 1

    def stamp(self, now_s: float) -> int:
        """Return the stamp of a write: never before the newest stamp there is."""
        step = unit(self.readings)
        self._newest = max(int(now_s * 1e9) // step * step, self._newest)
        return self._newest

    def written(self, stamp: int) -> str:
        """Write a stamp the way reads show it."""
        return written(stamp, self.readings)

    def add(self, row: T, *, seen_from_s: float | None = None) -> None:
        """Store a thing, in the place of the one with its id if there is one.

        Args:
            row: The thing.
            seen_from_s: When it can be seen, in seconds since 1970; None: at once.
        """
        if seen_from_s is not None:
            self._unseen.append((seen_from_s, row))
            return
        if known := self._by_id.get(row.id):
            self.remove(known)
        insort(self._rows, row, key=_place)
        self._by_id[row.id] = row

    def content(self) -> "Content[T]":
        """Return all that it holds."""
        return Content(list(self._rows), list(self._unseen), self._next_id, self._newest)

    def restore(self, content: "Content[T]") -> None:
        """Hold the content of another table in place of its own."""
        self._rows = sorted(content.rows, key=_place)
        self._by_id = {row.id: row for row in self._rows}
        self._unseen = deque(content.unseen)
        self._next_id, self._newest = content.next_id, content.newest
        # The same draws must not be made again: some of them gave UUIDs.
        self._rng.seed(f"{content.next_id} {content.newest}")

    def remove(self, row: T) -> None:
        """Delete a thing."""
        del self._rows[bisect_left(self._rows, _place(row), key=_place)]
        del self._by_id[row.id]
