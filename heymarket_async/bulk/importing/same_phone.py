"""Of rows with one phone the first counts, and the next one if the account refuses that."""

from __future__ import annotations

from heymarket_async.bulk.importing.phone_rows import PhoneRows
from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import Row, RowOutcome, Verdict


class SamePhone:
    """Lets one row at a time through for each phone, and settles the others.

    In memory are the phones, and for each row under way at most one that waits for its end. Two
    rows of a phone are tried: of a thousand with one made-up phone, each would be refused.

    Args:
        results: Takes in the rows that are settled here.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._first = PhoneRows()
        self._first_refused = PhoneRows()
        self._next: dict[int, Row | None] = {}
        self._again: list[Row] = []

    def let_through(self, row: Row) -> bool:
        """Return whether a row is to be sent now; else it waits, or is settled."""
        first = self._first.first(int(row.contact.phone), row.number)
        if first == row.number:
            self._next[row.number] = None
            return True
        if first in self._next and self._next[first] is None:
            self._next[first] = row
        else:
            self._reject(row, first)
        return False

    def skip(self, number: int, phone: int, outcome: RowOutcome) -> None:
        """Take note of a row that an earlier run has settled."""
        first = self._first.first(phone, number)
        self._results.duplicates += first != number
        if first == number and outcome is RowOutcome.REJECTED:
            self._may_try_next(phone, number)

    def settled(self, row: Row, verdict: Verdict) -> None:
        """Settle the row that waits for this one, or have it tried."""
        waiting = self._next.pop(row.number)
        is_next = verdict.outcome is RowOutcome.REJECTED and self._may_try_next(
            int(row.contact.phone), row.number
        )
        if waiting is None:
            return
        if is_next:
            self.let_through(waiting)
            self._again.append(waiting)
        else:
            self._reject(waiting, row.number)

    def again(self, size: int) -> list[Row]:
        """Take so many of the rows that are to be tried since the first of their phone was not."""
        rows, self._again = self._again[:size], self._again[size:]
        return rows

    def _may_try_next(self, phone: int, number: int) -> bool:
        if self._first_refused.first(phone, number) != number:
            return False
        self._first.forget(phone)
        return True

    def _reject(self, row: Row, first: int) -> None:
        self._results.duplicates += 1
        self._results.settle(row, Verdict(RowOutcome.REJECTED, f"row {first} has the same phone"))
