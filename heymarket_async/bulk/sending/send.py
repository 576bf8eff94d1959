"""Sends texts until the outcome of every row is known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta
from itertools import islice

from msgspec.structs import replace

from heymarket_async.bulk.importing.lookup import is_refusal
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.bulk.sending.opt_outs import SAID_BY_INPUT, opted_out
from heymarket_async.bulk.sending.outcomes import SendFile, SendOutcome, TextRow
from heymarket_async.bulk.sending.report import SendResults
from heymarket_async.bulk.thread import side_by_side
from heymarket_async.errors import HeymarketError, StatusError
from heymarket_async.models.message import Message
from heymarket_async.models.new_message import NewMessage
from heymarket_async.privacy import Hidden
from heymarket_async.transport import masking

_BEGUN_AT_ONCE = 20
"""Rows that are written down as begun together. After a kill, as many may have to be looked up."""

_MOST_FAILED = 12
"""Rows that may fail in a row, for a reason that may be of all rows."""

_OF_RIGHTS = {403, 404}
"""A refusal of one person, or of everything that these credentials send."""

_WAIT = "to look for texts of an earlier run"
_CLOCKS = timedelta(days=1)
"""How far the clock that stamps messages may differ from the one that the job began by."""


class Sender:
    """Looks opt-outs up, and sends rows.

    Args:
        message: The message of all rows; each gets its own phone, text and `local_id`.
        rows: The rows, in order.
        stats: Has the client, and counts.
        file: Where rows are added before they are sent.
        results: Where outcomes are added.
        began: When the job began, maybe in an earlier run.
        batch_size: Phones to look up with one request.
        wait_s: Seconds in which a message that was sent can be seen.
        dry_run: Whether nothing is sent.
    """

    def __init__(
        self,
        message: NewMessage,
        rows: Iterator[TextRow],
        stats: RequestStats,
        file: SendFile,
        results: SendResults,
        *,
        began: datetime,
        batch_size: int,
        wait_s: float,
        dry_run: bool,
    ) -> None:
        self._message = message
        self._rows = rows
        self._stats = stats
        self._messages = stats.client.messages
        self._look_ups = results.look_ups.client
        self._file = file
        self._results = results
        self._since = began - _CLOCKS
        self._batch_size = batch_size
        self._wait_s = wait_s
        self._dry_run = dry_run
        self._turn = asyncio.Lock()
        self._failed_in_a_row = 0
        self._refusal = (0, "")
        self._started = time.monotonic()
        self._waiting = asyncio.Lock()

    async def run(self, concurrency: int) -> None:
        """Send all rows, several at once.

        Raises:
            HeymarketError: The account refuses, or the server answers nothing any more.
        """
        async with aclosing(self._begun()) as rows:
            await side_by_side(lambda: self._work(rows), concurrency, name="heymarket-sender")

    async def _work(self, rows: AsyncGenerator[TextRow]) -> None:
        while True:
            async with self._turn:
                row = await anext(rows, None)
            if row is None:
                return
            await self._finish(row)

    async def _begun(self) -> AsyncGenerator[TextRow]:
        """Give rows that may be sent, once the outcome file says so on the disk."""
        while rows := list(islice(self._rows, self._batch_size)):
            reasons = await self._reasons(rows)
            left = [row for row in rows if not self._is_left_out(row, reasons.get(row.phone))]
            while left:
                group, left = left[:_BEGUN_AT_ONCE], left[_BEGUN_AT_ONCE:]
                for row in group:
                    row.is_begun = True
                await self._file.add_sent(row.line(SendOutcome.UNKNOWN) for row in group)
                for row in group:
                    yield row
            await self._file.flush()

    async def _reasons(self, rows: list[TextRow]) -> dict[str, str]:
        """Return why people must not be texted, by phone."""
        phones = dict.fromkeys(row.phone for row in rows if not row.opted_out)
        reasons = await opted_out(self._look_ups, list(phones)) if phones else {}
        return reasons | {row.phone: SAID_BY_INPUT for row in rows if row.opted_out}

    def _is_left_out(self, row: TextRow, reason: str | None) -> bool:
        """Whether a row is done without being sent. If it may have been sent, that comes first."""
        row.reason = reason
        if row.may_be_sent and not self._dry_run:
            return False
        if reason is not None:
            self._skip(row, reason)
        elif self._dry_run:
            self._sent(row, None)
        return reason is not None or self._dry_run

    async def _finish(self, row: TextRow) -> None:
        """Send a row, and add its outcome."""
        message = replace(
            self._message, phone_number=row.phone, text=row.text, local_id=str(row.local_id)
        )
        try:
            found = await self._find(message) if row.may_be_sent else None
            if found is None and row.reason is not None:
                self._skip(row, row.reason)
                return
            sent = found or await self._messages.send_once(message, wait_s=self._wait_s)
        except HeymarketError as error:
            self._fail(row, error)
            return
        self._failed_in_a_row = 0
        self._sent(row, sent.id)

    async def _find(self, message: NewMessage) -> Message | None:
        """Return a text that an earlier run may have sent, if it is there.

        Raises:
            HeymarketError: It is not known; with `may_have_taken_effect`.
        """
        async with self._waiting:
            left_s = self._started + self._wait_s - time.monotonic()
            if left_s > 0:
                self._stats.waited_s[_WAIT] = self._stats.waited_s.get(_WAIT, 0.0) + left_s
                await asyncio.sleep(left_s)
        try:
            return await self._look_ups.messages.find_sent(message, since=self._since)
        except HeymarketError as error:
            error.may_have_taken_effect = True  # the text, not the look
            raise

    def _fail(self, row: TextRow, error: HeymarketError) -> None:
        """Add the outcome of a row that failed.

        Raises:
            HeymarketError: It is not the fault of this row.
        """
        status = error.status if isinstance(error, StatusError) and is_refusal(error) else 0
        is_unknown = error.may_have_taken_effect
        if not (is_unknown or status):
            raise error
        outcome = SendOutcome.UNKNOWN if is_unknown else SendOutcome.REJECTED
        reason, detail = _without_values(row, error)
        self._results.add(row.line(outcome, reason))
        # A wrong inbox or template is refused with the same words for everybody.
        before, self._refusal = self._refusal, (status, detail)
        may_be_of_all = is_unknown or status in _OF_RIGHTS or before == self._refusal
        self._failed_in_a_row = self._failed_in_a_row + 1 if may_be_of_all else 1
        if self._failed_in_a_row > _MOST_FAILED:
            raise error

    def _skip(self, row: TextRow, reason: str) -> None:
        self._results.opted_out += 1
        self._results.add(row.line(SendOutcome.SKIPPED, reason))

    def _sent(self, row: TextRow, message_id: int | None) -> None:
        self._results.segments += row.segments
        self._results.add(row.line(SendOutcome.SENT, message_id=message_id))


def _without_values(row: TextRow, error: HeymarketError) -> tuple[str, str]:
    """Return why a row failed, and Heymarket's explanation, without values of the row.

    The client has masked the whole text, but Heymarket may repeat a name that is in it.
    """
    detail = error.detail if isinstance(error, StatusError) else ""
    if not detail:
        return str(error), ""
    values = {part for value in row.values for part in (value, *value.split())}
    masked = masking.mask(detail, values, Hidden(()))
    return str(error).replace(detail, masked), masked
