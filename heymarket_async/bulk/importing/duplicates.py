"""Deduplicates the rows of an import by their phones."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import Decision, PendingRow, RowOutcome

_SHELVES = 512
_NUMBERS = 1 << 32
"""How many numbers an entry has for the part of a phone, and for a row."""


class FirstRows:
    """The first row of each phone, in about eight and a half bytes a phone.

    A `dict` takes more than ten times as much. Phones are sorted on shelves by their last digits:
    phones that follow each other come to different shelves, so a shelf stays short enough for an
    insertion. An entry has 32 bits of the phone, and 32 bits of the row. The shelf stands for the
    rest of the phone.
    """

    def __init__(self) -> None:
        self._shelves: dict[int, array[int]] = {}

    def first(self, phone: int, row: int) -> int:
        """Return the first row of a phone, which is this one if there is none yet."""
        shelf, part, place = self._find(phone)
        if place < len(shelf):
            known, first = divmod(shelf[place], _NUMBERS)
            if known == part:
                return first
        shelf.insert(place, part * _NUMBERS + row)
        return row

    def forget(self, phone: int) -> None:
        """Forget a phone that has a first row, so that the next row becomes its first."""
        shelf, _, place = self._find(phone)
        del shelf[place]

    def _find(self, phone: int) -> tuple[array[int], int, int]:
        """Return the shelf of a phone, its part for an entry, and the place of that entry."""
        rest, last = divmod(phone, _SHELVES)
        above, part = divmod(rest, _NUMBERS)  # above is 0 for phones of twelve digits or fewer
        key = above * _SHELVES + last
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = array("Q")
        return shelf, part, bisect_left(shelf, part * _NUMBERS)


class Duplicates:
    """Deduplicates rows by phone: the first one wins; if it is rejected, the next is tried.

    At most two rows of a phone are tried, since a made-up phone may be in a thousand rows, and each
    would be rejected. In memory are the phones, and for each pending row one that waits for it.

    Args:
        results: Where outcomes are added.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._first = FirstRows()
        self._first_rejected = FirstRows()
        self._waiting: dict[int, PendingRow | None] = {}
        self._retries: list[PendingRow] = []

    def admit(self, row: PendingRow) -> bool:
        """Return whether a row can be sent now; otherwise it waits, or is rejected."""
        first = self._first.first(int(row.contact.phone), row.number)
        if first == row.number:
            self._waiting[first] = None
            return True
        if first in self._waiting and self._waiting[first] is None:
            self._waiting[first] = row
        else:
            self._reject(row, first)
        return False

    def skip(self, number: int, phone: int, outcome: RowOutcome) -> None:
        """Take note of a row that an earlier run had finished."""
        first = self._first.first(phone, number)
        self._results.duplicates += first != number
        if first == number and outcome is RowOutcome.REJECTED:
            self._may_try_next(phone, number)

    def finish(self, row: PendingRow, decision: Decision) -> None:
        """Add the outcome of a row, and reject or retry the row that waits for it."""
        self._results.add(row, decision)
        waiting = self._waiting.pop(row.number)
        is_next = decision.outcome is RowOutcome.REJECTED and self._may_try_next(
            int(row.contact.phone), row.number
        )
        if waiting is not None and is_next:
            self.admit(waiting)
            self._retries.append(waiting)
        elif waiting is not None:
            self._reject(waiting, row.number)

    def take_retries(self, most: int) -> list[PendingRow]:
        """Take rows that can be sent now because the first row of their phone was rejected."""
        rows, self._retries = self._retries[:most], self._retries[most:]
        return rows

    def _may_try_next(self, phone: int, number: int) -> bool:
        if self._first_rejected.first(phone, number) != number:
            return False
        self._first.forget(phone)
        return True

    def _reject(self, row: PendingRow, first: int) -> None:
        self._results.duplicates += 1
        reason = f"row {first} has the same phone"
        self._results.add(row, Decision(RowOutcome.REJECTED, reason))
