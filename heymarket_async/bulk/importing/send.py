"""Sends the rows of an import, until the outcome of every row is decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from heymarket_async.batches import BatchResult, Outcome, lists_what_was_stored
from heymarket_async.bulk.importing.lookup import (
    Existing,
    halves,
    is_refusal,
    look_up,
    may_be_of_one_row,
)
from heymarket_async.bulk.importing.rules import (
    Decision,
    PendingRow,
    RowOutcome,
    SentWhen,
    decide,
    decide_after_answer,
    keep_opt_out,
    may_be_opted_out,
    note_opt_outs,
    of_opt_out,
)
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.bulk.store.outcome_file import OutcomeFile
from heymarket_async.errors import DecodeError, HeymarketError, StatusError
from heymarket_async.models.new_contact import NewStatus

_MOST_FAILED = 12
"""Batches; to cut one of 2,000 down to its first row takes eleven."""

_WAIT = "to look again"
_SENT = Decision(RowOutcome.UNKNOWN)
_CREATED, _UPDATED = Decision(RowOutcome.CREATED), Decision(RowOutcome.UPDATED)
_OMITTED = Decision(
    RowOutcome.REJECTED,
    "Heymarket does not list it among the stored contacts, gives no reason, and it cannot be found",
)
_UNSEEN = Decision(
    RowOutcome.UNKNOWN, "Heymarket answered, but the contact cannot be seen as it was sent"
)


class Sender:
    """Looks rows up, and writes those that must be written.

    Args:
        stats: Has the client, and counts.
        file: Where rows are added before they are sent.
        finish: Called with each row and its outcome.
        overwrite: Whether contacts that differ are overwritten.
        dry_run: Whether nothing is written.
    """

    def __init__(
        self,
        stats: RequestStats,
        file: OutcomeFile[RowOutcome, SentWhen],
        finish: Callable[[PendingRow, Decision], None],
        *,
        overwrite: bool,
        dry_run: bool,
    ) -> None:
        self._stats = stats
        self._file = file
        self._finish = finish
        self._overwrite = overwrite
        self._dry_run = dry_run
        self._failed_in_a_row = 0

    async def look(self, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """Look rows up, finish those that can be decided, and return those that must be sent."""
        left: list[PendingRow] = []
        for row, existing in await self._undecided(rows):
            if self._dry_run:
                outcome = RowOutcome.UPDATED if existing else RowOutcome.CREATED
                row.opted_out = bool(row.to_opt_out)
                self._finish(row, Decision(outcome))
                continue
            row.was_lost = row.sent_when is not None
            row.sent_when = SentWhen.PRESENT if existing else SentWhen.ABSENT
            row.rev = existing[0].rev if existing else None
            left.append(row)
        await self._file.flush()
        return left

    async def write(self, rows: Sequence[PendingRow], attempt: int = 1) -> None:
        """Send rows that `look` returned as one batch, and finish them all.

        Raises:
            HeymarketError: They were not sent, or cannot be looked up after a lost answer, or the
                server answers no batch any more.
        """
        await self._file.add_sent(row.line(_SENT) for row in rows)
        contacts = [row.contact for row in rows]
        try:
            result = await self._stats.client.contacts.create_batch(
                contacts, overwrite=self._overwrite
            )
        except HeymarketError as error:
            failure = error
        else:
            self._failed_in_a_row = 0
            await self._after_answer(rows, result)
            return
        if isinstance(failure, StatusError) and may_be_of_one_row(failure):
            self._failed_in_a_row = 0
            await self._divide(rows, failure, attempt, RowOutcome.REJECTED)
        elif failure.may_have_taken_effect:
            await self._after_lost_answer(rows, failure, attempt)
        else:
            for row in rows:
                self._file.add(row.line(Decision(RowOutcome.UNKNOWN, str(failure))))
            raise failure

    async def _after_lost_answer(
        self, rows: Sequence[PendingRow], failure: HeymarketError, attempt: int
    ) -> None:
        """Look rows up, and send again those that were not stored.

        That makes no second contact: a batch leaves an existing phone alone, or overwrites it.

        Raises:
            HeymarketError: So many batches failed in a row that it cannot be the fault of one row.
        """
        await self._wait(attempt)
        if not (left := await self.look(rows)):
            self._failed_in_a_row = 0
        elif attempt < self._stats.client.retry.attempts:
            await self.write(left, attempt + 1)
        elif self._failed_in_a_row == _MOST_FAILED:
            raise failure
        else:
            self._failed_in_a_row += 1
            await self._divide(left, failure, attempt, RowOutcome.UNKNOWN)

    async def _divide(
        self,
        rows: Sequence[PendingRow],
        failure: HeymarketError,
        attempt: int,
        outcome: RowOutcome,
    ) -> None:
        """Write a failed batch in halves, down to the row at fault, which gets this outcome.

        Without any answer it cannot be the fault of one row, and all of them get the outcome.
        """
        if len(rows) > 1 and isinstance(failure, StatusError):
            for half in halves(rows):
                await self.write(half, attempt)
        else:
            for row in rows:
                await self._settle(row, Decision(outcome, str(failure)))

    async def _after_answer(self, rows: Sequence[PendingRow], result: BatchResult) -> None:
        if all(item.outcome is Outcome.STORED for item in result.items):
            for row in rows:
                row.opted_out = bool(row.to_opt_out)
                self._finish(row, _CREATED if row.sent_when is SentWhen.ABSENT else _UPDATED)
            await self._file.flush()
            return
        items = {item.contact.phone: item for item in result.items}
        attempts = self._stats.client.retry.attempts
        left = rows
        for attempt in range(1, attempts + 1):
            undecided = await self._undecided(left)
            left = list[PendingRow]()
            for row, existing in undecided:
                item, is_last = items[row.contact.phone], attempt == attempts
                if decision := decide_after_answer(row, existing, item, is_last_lookup=is_last):
                    await self._settle(row, decision)
                else:
                    left.append(row)
            await self._file.flush()
            if not left:
                return
            if attempt < attempts:
                await self._wait(attempt)  # it is not documented how soon a write can be seen
        lists_all = lists_what_was_stored(result)
        for row in left:
            is_omitted = lists_all and items[row.contact.phone].returned is None
            await self._settle(row, _OMITTED if is_omitted else _UNSEEN)

    async def _undecided(
        self, rows: Sequence[PendingRow]
    ) -> list[tuple[PendingRow, Sequence[Existing]]]:
        """Look rows up, finish those that can be decided, and return the others with contacts."""
        # Duplicates that say opted out may have one phone.
        phones = dict.fromkeys(row.contact.phone for row in rows)
        found = await look_up(self._stats.client, list(phones))
        left: list[tuple[PendingRow, Sequence[Existing]]] = []
        for row in rows:
            existing = found.get(row.contact.phone, [])
            if isinstance(existing, str):
                self._finish(row, _not_found(row, existing))
            elif not existing and of_opt_out(row) is None:
                row.to_opt_out = ()
                left.append((row, existing))
            elif decision := await self._decision(row, existing):
                await self._settle(row, decision)
            else:
                left.append((row, existing))
        return left

    async def _decision(self, row: PendingRow, existing: Sequence[Existing]) -> Decision | None:
        note_opt_outs(row, existing, overwrite=self._overwrite)
        if decision := of_opt_out(row):
            is_done = existing and not row.to_opt_out
            return decision.because("the contact is opted out already") if is_done else decision
        decided = decide(row, existing, overwrite=self._overwrite)
        if decided is None and may_be_opted_out(row, existing) and not await self._is_opted_in(row):
            keep_opt_out(row)
        return decided

    async def _is_opted_in(self, row: PendingRow) -> bool:
        """Whether Heymarket says for certain that a phone has not opted out.

        Raises:
            HeymarketError: It does not answer, which has nothing to do with this row.
        """
        try:
            status = await self._stats.client.contacts.status(phone=row.contact.phone)
        except (StatusError, DecodeError) as error:
            if isinstance(error, StatusError) and not is_refusal(error):
                raise
            return False
        return status.unsubscribed is False

    # Opting out

    async def _settle(self, row: PendingRow, decision: Decision) -> None:
        """Finish a row; if existing contacts must be opted out as it says, do that first."""
        if row.to_opt_out:
            decision = await self._opt_out(row, decision)
        self._finish(row, decision)

    async def _opt_out(self, row: PendingRow, decision: Decision) -> Decision:
        """Opt contacts out, and return the outcome of the row, which may be another one by now.

        Raises:
            HeymarketError: The account refuses, or the server answers nothing any more.
        """
        if not self._dry_run and (failure := await self._unsubscribe(row, decision)):
            return failure
        row.opted_out = True
        if decision.outcome is RowOutcome.UNCHANGED:
            return Decision(RowOutcome.UPDATED, contact_id=decision.contact_id)
        if decision.reason is None:
            return decision
        return decision.because(f"its opt-out {'would be' if self._dry_run else 'was'} applied")

    async def _unsubscribe(self, row: PendingRow, decision: Decision) -> Decision | None:
        if row.sent_when is None and decision.outcome is not RowOutcome.REJECTED:
            row.sent_when = SentWhen.PRESENT
            await self._file.add_sent([row.line(_SENT)])
        set_status = self._stats.client.contacts.set_status
        for contact_id in row.to_opt_out:
            try:
                if contact_id is None:
                    await set_status(NewStatus.UNSUBSCRIBED, phone=row.contact.phone)
                else:
                    await set_status(NewStatus.UNSUBSCRIBED, contact_id=contact_id)
            except HeymarketError as error:
                return self._failed_opt_out(decision, error)
        self._failed_in_a_row = 0
        return None

    def _failed_opt_out(self, decision: Decision, error: HeymarketError) -> Decision:
        if isinstance(error, StatusError) and is_refusal(error):
            more = f"its opt-out was refused: {error}"
            return decision.because(more, RowOutcome.REJECTED)
        if not error.may_have_taken_effect or self._failed_in_a_row == _MOST_FAILED:
            raise error
        self._failed_in_a_row += 1
        more = f"its opt-out got no clear answer: {error}"
        return decision.because(more, RowOutcome.UNKNOWN)

    async def _wait(self, attempt: int) -> None:
        seconds = self._stats.client.retry.jitter_s(attempt)
        waited_s = self._stats.waited_s
        waited_s[_WAIT] = waited_s.get(_WAIT, 0.0) + seconds
        await asyncio.sleep(seconds)


def _not_found(row: PendingRow, reason: str) -> Decision:
    """Return the outcome of a row whose phone cannot be looked up."""
    if decision := of_opt_out(row):
        return decision.because(f"its opt-out was not applied: {reason}")
    return Decision(RowOutcome.UNKNOWN if row.sent_when else RowOutcome.REJECTED, reason)
