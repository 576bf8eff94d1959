"""A list of contacts that can be read in every way that Heymarket's documentation leaves open.

Written from the documentation, and sharing only the errors with the package.
"""

from __future__ import annotations

import copy
import functools
import operator
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from heymarket_async import (
    BadRequestError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    ServerError,
)

BASE = datetime(2026, 4, 12, 15, 30, tzinfo=UTC)


class Row(msgspec.Struct, frozen=True):
    id: int
    rev: int | None
    updated: str


REFUSALS: dict[str, HeymarketError] = {
    "400": BadRequestError("answered 400", status=400),
    "500": ServerError("answered 500", status=500),
    "late": NoResponseError("got no whole answer (time-out)"),
    "too large": DecodeError("the body is larger than max_answer_bytes"),
}
"""The errors that a limit above the largest may be answered with."""

ANSWERS = ["cut", "half", "default", "empty", *REFUSALS]
"""All ways in which a limit above the largest may be answered."""


@dataclass
class Listing:
    """The rows, and how the server reads what it is asked.

    `changes` says from which request on the cap, and the answer to a larger limit, are others.
    """

    ticks: list[int]
    newest_first: bool = True
    inclusive: bool = False
    cap: int = 100
    over: str = "cut"
    page_base: int | None = 1
    digits: int = 0
    trimmed: bool = False
    mixes_ties: bool = False
    shown: Literal["exactly", "cut", "rounded"] = "exactly"
    odd: dict[int, str] = field(default_factory=dict)
    doubled: frozenset[int] = frozenset()
    shows_rev: bool = True
    default: int = 30
    contradicts: bool = False
    changes: dict[int, tuple[int, str]] = field(default_factory=dict)
    requests: list[tuple[str | None, int | None, int | None]] = field(default_factory=list)
    rows: dict[int, tuple[int, int]] = field(init=False)
    _ordered: tuple[dict[int, tuple[int, int]], list[tuple[int, int, int]]] | None = field(
        init=False, default=None
    )

    def __post_init__(self) -> None:
        self.rows = {number: (tick, 1) for number, tick in enumerate(self.ticks, start=1)}

    def text(self, tick: int) -> str:
        """One tick is the smallest step that this server keeps, and shows unless told otherwise."""
        return _text(tick, self.digits, self.shown, self.trimmed)

    def edit(self, number: int) -> None:
        latest = max(tick for tick, _ in self.rows.values())
        self.rows[number] = (latest + 1, self.rows[number][1] + 1)

    def delete(self, number: int) -> None:
        del self.rows[number]

    async def fetch(self, date: str | None, page: int | None, limit: int | None) -> list[Row]:
        self.cap, self.over = self.changes.get(len(self.requests), (self.cap, self.over))
        self.requests.append((date, page, limit))
        size = self._size(limit)
        rows = list(self._in_order())
        if self.mixes_ties:
            # Rows of one timestamp come in another order each time, as from a database.
            random.Random(len(self.requests)).shuffle(rows)
            rows.sort(key=lambda row: row[0], reverse=self.newest_first)
        if date is not None:
            rows = self._after(rows, self._tick_of(date))
        if self.doubled:  # some stand in the list twice
            rows = [row for row in rows for _ in range(2 if row[1] in self.doubled else 1)]
        first = 0
        if page is not None and self.page_base is not None:
            first = max(0, page - self.page_base) * size
        return [
            Row(number, rev if self.shows_rev else None, self.odd.get(number, self.text(tick)))
            for tick, number, rev in rows[first : first + size]
        ]

    def _in_order(self) -> list[tuple[int, int, int]]:
        """Return the rows as the server lists them. They seldom change between two requests."""
        if self._ordered is None or self._ordered[0] != self.rows:
            rows = ((tick, number, rev) for number, (tick, rev) in self.rows.items())
            self._ordered = dict(self.rows), sorted(rows, reverse=self.newest_first)
        return self._ordered[1]

    def _size(self, limit: int | None) -> int:
        """A limit above the cap is cut, halved, counts as none, gets nothing, or is refused."""
        if limit is None or (limit > self.cap and self.over == "default"):
            return self.default
        if limit <= self.cap or self.over == "cut":
            return min(limit, self.cap)
        if self.over == "half":
            return limit // 2
        if self.over == "empty":
            return 0
        raise copy.copy(REFUSALS[self.over])

    def _tick_of(self, date: str) -> int:
        whole, _, fraction = date.removesuffix("Z").partition(".")
        seconds = int((datetime.fromisoformat(f"{whole}+00:00") - BASE).total_seconds())
        digits = fraction.ljust(self.digits, "0") if self.digits else ""
        return seconds * 10**self.digits + int(digits or 0)

    def _after(self, rows: list[tuple[int, int, int]], tick: int) -> list[tuple[int, int, int]]:
        goes_down = self.newest_first is not self.contradicts
        if self.inclusive:
            compare = operator.le if goes_down else operator.ge
        else:
            compare = operator.lt if goes_down else operator.gt
        return [row for row in rows if compare(row[0], tick)]


@functools.lru_cache(100_000)
def _text(tick: int, digits: int, shown: str, trimmed: bool) -> str:
    second = 10**digits
    if shown != "exactly":
        tick += second // 2 if shown == "rounded" else 0
        tick -= tick % second
    seconds, rest = divmod(tick, second)
    text = f"{BASE + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"
    fraction = f"{rest:0{digits}d}" if digits and shown == "exactly" else ""
    fraction = fraction.rstrip("0") if trimmed else fraction
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"
