"""Sends the rows of an import, until it is known what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from heymarket_async.batches import BatchResult, Outcome, lists_what_was_stored
from heymarket_async.bulk.importing.known import Known
from heymarket_async.bulk.importing.lookups import halves, look_up, may_be_of_one_row
from heymarket_async.bulk.importing.outcome_file import OutcomeFile
from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import (
    Before,
    Row,
    RowOutcome,
    Verdict,
    judge,
    judge_answered,
)
from heymarket_async.bulk.importing.same_phone import SamePhone
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.errors import HeymarketError, StatusError


class Sender:
    """Looks rows up, and writes those that are to be written.

    Args:
        tally: Has the client, and counts.
        file: Where rows are written down before they are sent.
        results: Takes in what became of them.
        same_phone: Takes it in too.
        overwrite: Whether contacts that are different are overwritten.
        dry_run: Whether to stop before anything is written.
    """

    def __init__(
        self,
        tally: RequestStats,
        file: OutcomeFile,
        results: Results,
        same_phone: SamePhone,
        *,
        overwrite: bool,
        dry_run: bool,
    ) -> None:
        self._tally = tally
        self._file = file
        self._results = results
        self._same_phone = same_phone
        self._overwrite = overwrite
        self._dry_run = dry_run
        self._lost_in_a_row = 0

    async def look(self, rows: Sequence[Row]) -> list[Row]:
        """Settle what a look into the account can, and return the rows that are to be sent."""
        left: list[Row] = []
        for row, known in await self._undecided(rows):
            if self._dry_run:
                self._settle(row, Verdict(RowOutcome.UPDATED if known else RowOutcome.CREATED))
                continue
            row.was_lost = row.before is not None
            row.before = Before.PRESENT if known else Before.ABSENT
            row.rev = known[0].rev if known else None
            left.append(row)
        await self._file.flush()
        return left

    async def write(self, rows: Sequence[Row], attempt: int = 1) -> None:
        """Send rows that `look` gave as one batch, and settle them all.

        Raises:
            HeymarketError: They were not sent, or it cannot be looked up what became of them, or
                the server answers no batch any more.
        """
        await self._file.sent(rows)
        contacts = [row.contact for row in rows]
        try:
            result = await self._tally.client.contacts.create_batch(
                contacts, overwrite=self._overwrite
            )
        except HeymarketError as error:
            failure = error
        else:
            self._lost_in_a_row = 0
            await self._after_answer(rows, result)
            return
        if isinstance(failure, StatusError) and may_be_of_one_row(failure):
            self._lost_in_a_row = 0
            await self._write_apart(rows, failure, attempt)
        elif failure.may_have_taken_effect:
            await self._after_lost_answer(rows, failure, attempt)
        else:
            for row in rows:
                self._file.settled(row, Verdict(RowOutcome.UNKNOWN, str(failure)))
            raise failure

    async def _write_apart(self, rows: Sequence[Row], failure: StatusError, attempt: int) -> None:
        """Find the one row that is at fault, if it was not the size."""
        if len(rows) == 1:
            self._settle(rows[0], Verdict(RowOutcome.REJECTED, str(failure)))
            return
        for half in halves(rows):
            await self.write(half, attempt)

    async def _after_lost_answer(
        self, rows: Sequence[Row], failure: HeymarketError, attempt: int
    ) -> None:
        """Look what became of rows, and send again what was not stored.

        That makes no second contact: a batch leaves a known phone alone, or overwrites it.

        Raises:
            HeymarketError: So many batches failed one after the other that no row can be at fault.
        """
        await self._wait(attempt)
        if not (left := await self.look(rows)):
            self._lost_in_a_row = 0
        elif attempt < self._tally.client.retry.attempts:
            await self.write(left, attempt + 1)
        elif self._lost_in_a_row == _MOST_LOST:
            raise failure
        else:
            self._lost_in_a_row += 1
            await self._give_up(left, failure, attempt)

    async def _give_up(self, left: Sequence[Row], failure: HeymarketError, attempt: int) -> None:
        if len(left) > 1 and isinstance(failure, StatusError):
            # It may be one row that the server cannot bear, and that is no fault of the others.
            for half in halves(left):
                await self.write(half, attempt)
        else:
            for row in left:
                self._settle(row, Verdict(RowOutcome.UNKNOWN, str(failure)))

    async def _after_answer(self, rows: Sequence[Row], result: BatchResult) -> None:
        if all(item.outcome is Outcome.STORED for item in result.items):
            for row in rows:
                created = row.before is Before.ABSENT
                self._settle(row, Verdict(RowOutcome.CREATED if created else RowOutcome.UPDATED))
            await self._file.flush()
            return
        items = {item.contact.phone: item for item in result.items}
        attempts = self._tally.client.retry.attempts
        left = list(rows)
        for attempt in range(1, attempts + 1):
            seen = await self._undecided(left)
            left = list[Row]()
            for row, known in seen:
                item = items[row.contact.phone]
                is_last = attempt == attempts
                if verdict := judge_answered(row, known, item, is_last_look=is_last):
                    self._settle(row, verdict)
                else:
                    left.append(row)
            await self._file.flush()
            if not left:
                return
            if attempt < attempts:
                # How soon a write can be seen is not documented.
                await self._wait(attempt)
        lists_all = lists_what_was_stored(result)
        for row in left:
            is_omitted = lists_all and items[row.contact.phone].returned is None
            self._settle(row, _OMITTED if is_omitted else _UNSEEN)

    async def _undecided(self, rows: Sequence[Row]) -> list[tuple[Row, Sequence[Known]]]:
        """Settle rows by what the account has, and return the others with what it has of them."""
        found = await look_up(self._tally.client, [row.contact.phone for row in rows])
        left: list[tuple[Row, Sequence[Known]]] = []
        for row in rows:
            known = found.contacts.get(row.contact.phone, [])
            if refused := found.refused.get(row.contact.phone):
                outcome = RowOutcome.UNKNOWN if row.before else RowOutcome.REJECTED
                self._settle(row, Verdict(outcome, refused))
            elif verdict := judge(row, known, overwrite=self._overwrite):
                self._settle(row, verdict)
            else:
                left.append((row, known))
        return left

    async def _wait(self, attempt: int) -> None:
        seconds = self._tally.client.retry.jitter_s(attempt)
        waited_s = self._tally.waited_s
        waited_s[_WAITED] = waited_s.get(_WAITED, 0.0) + seconds
        await asyncio.sleep(seconds)

    def _settle(self, row: Row, verdict: Verdict) -> None:
        self._results.settle(row, verdict)
        self._same_phone.settled(row, verdict)


_MOST_LOST = 12
"""Batches; to cut one of 2,000 down to its first row takes eleven."""

_WAITED = "to look again"
_OMITTED = Verdict(
    RowOutcome.REJECTED,
    "Heymarket does not list it among what it stored, gives no reason, and it cannot be found",
)
_UNSEEN = Verdict(
    RowOutcome.UNKNOWN, "Heymarket answered, but the contact cannot be seen as it was sent"
)
