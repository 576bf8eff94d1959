"""Deduplicates the rows of an import by their phones."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import (
    Decision,
    PendingRow,
    RowOutcome,
    duplicate,
    keep_opt_out,
    of_opt_out,
)

_SHELVES = 16
_LONGEST = 1024
"""Entries of a board, which is then cut in halves."""

_NUMBERS = 1 << 32
"""How many numbers an entry has for the part of a phone, and for a row."""


class FirstRows:
    """The first row of each phone, in less than nine bytes a phone.

    A `dict` takes more than ten times as much. Phones are sorted on shelves by their last digits,
    and a shelf has boards, one after the other. No board is longer than `_LONGEST`, so an insertion
    is cheap, and the memory that one board outgrows is soon used by another. An entry has 32 bits
    of the phone, and 32 bits of the row. The shelf stands for the rest of the phone.
    """

    def __init__(self) -> None:
        self._shelves: dict[int, _Shelf] = {}

    def first(self, phone: int, row: int) -> int:
        """Return the first row of a phone, which is this one if there is none yet."""
        shelf, entry = self._shelf(phone)
        number, place = shelf.find(entry)
        board = shelf.boards[number]
        if first := _row_at(board, place, entry):
            return first
        board.insert(place, entry + row)
        if len(board) == _LONGEST:
            shelf.cut(number)
        return row

    def known(self, phone: int) -> int | None:
        """Return the first row of a phone, or None if there is none yet."""
        shelf, entry = self._shelf(phone)
        number, place = shelf.find(entry)
        return _row_at(shelf.boards[number], place, entry) or None

    def forget(self, phone: int) -> None:
        """Forget a phone that has a first row, so that the next row becomes its first."""
        shelf, entry = self._shelf(phone)
        number, place = shelf.find(entry)
        del shelf.boards[number][place]

    def _shelf(self, phone: int) -> tuple[_Shelf, int]:
        """Return the shelf of a phone, and the entry of the phone with no row in it."""
        rest, last = divmod(phone, _SHELVES)
        above, part = divmod(rest, _NUMBERS)  # above is 0 for phones of ten digits or fewer
        key = above * _SHELVES + last
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = _Shelf([array("Q")], array("Q", [0]))
        return shelf, part * _NUMBERS


def _row_at(board: array[int], place: int, entry: int) -> int:
    """Return the row in the entry of a phone, or 0 if another phone is in its place."""
    row = board[place] - entry if place < len(board) else 0
    return row if row < _NUMBERS else 0


class _Shelf(NamedTuple):
    """Sorted entries, on boards.

    Attributes:
        boards: Each board has greater entries than the one before it.
        least: The least entry that may be on each board.
    """

    boards: list[array[int]]
    least: array[int]

    def find(self, entry: int) -> tuple[int, int]:
        """Return the number of the board for an entry, and the place on it."""
        number = bisect_right(self.least, entry) - 1
        return number, bisect_left(self.boards[number], entry)

    def cut(self, number: int) -> None:
        """Cut a board in halves."""
        board, middle = self.boards[number], _LONGEST // 2
        self.boards[number : number + 1] = board[:middle], board[middle:]
        self.least.insert(number + 1, board[middle] // _NUMBERS * _NUMBERS)


class Duplicates:
    """Deduplicates rows by phone: the first one wins; if it is rejected, the next is tried.

    At most two rows of a phone are tried, since a made-up phone may be in a thousand rows, and each
    would be rejected. A later row that says opted out is looked up once the first is finished, so
    that its opt-out is applied. A row that was rejected when it was read never is the first, but if
    it says opted out, no other row makes its phone textable. In memory are the phones, and for each
    pending row at most two that wait for it: the next one, and one that says opted out.

    Args:
        results: Where outcomes are added.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._first = FirstRows()
        self._first_rejected = FirstRows()
        self._waiting: dict[int, tuple[PendingRow, ...]] = {}
        self._released: list[PendingRow] = []
        self._opted_out: set[int] = set()

    def admit(self, row: PendingRow) -> bool:
        """Return whether a row can be looked up now; otherwise it waits, or is rejected."""
        phone = int(row.contact.phone)
        if row.rejected is not None:
            return self._admit_opt_out(row, phone, row.rejected)
        if phone in self._opted_out:
            row.is_opted_out = True
            keep_opt_out(row)
        first = self._first.first(phone, row.number)
        if first == row.number:
            self._waiting[first] = ()
            return True
        opts_out = row.is_opted_out is True
        if (waiting := self._waiting.get(first)) is None:
            if opts_out:
                row.duplicate_of = first
            else:
                self._reject(row, duplicate(first))
            return opts_out
        other = next((each for each in waiting if each.is_opted_out is True), None)
        if not waiting or (opts_out and other is None):
            self._waiting[first] = (*waiting, row)
        elif opts_out and other is not None:
            self._reject(row, duplicate(first).because(f"row {other.number} says opted out, too"))
        else:
            self._reject(row, duplicate(first))
        return False

    def _admit_opt_out(self, row: PendingRow, phone: int, rejected: Decision) -> bool:
        self._opted_out.add(phone)
        first = self._first.known(phone)
        waiting = None if first is None else self._waiting.get(first)
        if first is None or waiting is None:
            return True
        other = next((each for each in waiting if each.is_opted_out is True), None)
        if other is None:
            self._waiting[first] = (*waiting, row)
        else:
            self._reject(row, rejected.because(f"row {other.number} says opted out, too"))
        return False

    def skip(self, number: int, phone: int) -> None:
        """Take note of a row that an earlier run had finished."""
        self._first.first(phone, number)

    def finish(self, row: PendingRow, decision: Decision) -> None:
        """Add the outcome of a row, and decide about the rows that wait for it."""
        if of_opt_out(row) is not None:
            self._reject(row, decision)
            return
        self._results.finish(row, decision)
        waiting = self._waiting.pop(row.number)
        if decision.outcome is RowOutcome.REJECTED:
            self._may_try_next(int(row.contact.phone), row.number)
        if waiting:
            self._released += [each for each in waiting if self.admit(each)]

    def released(self, least: int, most: int) -> list[PendingRow]:
        """Take rows that waited and can be looked up now, if there are at least so many."""
        if len(self._released) < least:
            return []
        rows, self._released = self._released[:most], self._released[most:]
        return rows

    def _may_try_next(self, phone: int, number: int) -> None:
        if self._first_rejected.first(phone, number) == number:
            self._first.forget(phone)

    def _reject(self, row: PendingRow, decision: Decision) -> None:
        is_duplicate = row.rejected is None
        self._results.duplicates += is_duplicate and decision.outcome is RowOutcome.REJECTED
        row.sent_when = None  # an earlier run sent the row, and its line must stay true
        self._results.finish(row, decision)
