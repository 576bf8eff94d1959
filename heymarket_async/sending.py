"""Sends a message once: looks for it after a lost answer, before it is sent again. No HTTP.

https://developers.heymarket.com/api-reference/messages/send
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from math import inf

from heymarket_async.errors import HeymarketError
from heymarket_async.models.message import Message, MessageDirection, MessageStatus
from heymarket_async.models.new_message import SentMessage
from heymarket_async.timestamps import Began, http_date
from heymarket_async.transport.call import AttemptEvent
from heymarket_async.transport.retry import RetryPolicy
from heymarket_async.transport.sends import Send

WAIT_S = 10.0
"""Seconds in which a message that was sent can be seen. Heymarket does not document any."""

_LOOKS = (0.1, 0.3, 0.6)
"""The waits before each look, as parts of that time."""

_MARGIN_S = 60.0
"""How much later or earlier than it was sent a message may be stamped."""


async def send_once(
    send: Send,
    attempt: Callable[[], Awaitable[SentMessage]],
    find: Callable[[Began, bool], Awaitable[SentMessage | None]],
    policy: RetryPolicy,
    *,
    since: Began | None,
    call: str,
    wait_s: float,
) -> SentMessage:
    """Send a message until it is in the account, and never while it may still appear there.

    Args:
        send: The message, in its turn.
        attempt: Sends it, always with the same `local_id`.
        find: Looks for it among the newest messages, back to a time, and everywhere if that is
            asked for.
        policy: The number of attempts after lost answers.
        since: When it may first have been sent by somebody else.
        call: The call that `attempt` makes, for errors.
        wait_s: Seconds in which a message that was sent can be seen.

    Raises:
        HeymarketError: With `may_have_taken_effect` if it is unknown whether it was sent.
    """
    if send.result is not None:
        return send.result
    if since is not None:
        send.may_be_sent_since(since)
    failed = _unknown(call, send.local_id)
    left = policy.attempts
    while (sent := await _seen(send, find, wait_s, failed)) is None:
        if left == 0 or not send.may_be_repeated:
            raise failed
        left -= 1
        try:
            return await send.attempt(attempt())
        except HeymarketError as error:
            failed = error
    return sent


async def _seen(
    send: Send,
    find: Callable[[Began, bool], Awaitable[SentMessage | None]],
    wait_s: float,
    unknown: HeymarketError,
) -> SentMessage | None:
    """Look for a message that may have been sent, several times, until it must be visible."""
    if (began := send.began) is None:
        return None
    for part in _LOOKS:
        await asyncio.sleep(part * wait_s)
        try:
            found = await find(began, part is _LOOKS[-1])
        except HeymarketError as error:
            # The failed look-up matters less than the lost answer.
            raise unknown from error
        if found is not None:
            return send.succeed(found)
    return None


def _unknown(call: str, local_id: str) -> HeymarketError:
    return HeymarketError(
        "was tried before, and it is not certain that the message was not sent",
        call=call,
        may_have_taken_effect=True,
        local_id=local_id,
    )


def about(local_id: str, convo_id: int | None = None) -> dict[str, object]:
    """Return the values that the answer to a send must have, if it shows them; see `Request`."""
    values: dict[str, object] = {"local_id": local_id}
    return values if convo_id is None else {**values, "convo_id": convo_id}


def as_sent(message: Message) -> SentMessage:
    """Return a message that was found, as the answer to its send would have shown it."""
    conversation, status = message.conversation, message.status
    return SentMessage(
        id=message.id,
        local_id=message.local_id,
        date=message.date,
        convo_id=conversation.id if conversation is not None else None,
        queued=None if status is None else status == MessageStatus.QUEUED,
        status=status,
    )


class Search:
    """A search for a message among the newest ones: what it looks for, and how far back.

    It goes back from the newest message as far as the send is ago now, and a minute. If the
    server's clock is behind the times of messages, it goes back from there. So no clock needs to be
    right.

    Args:
        local_id: The `local_id` of the message.
        since: When the message was first sent, or earlier.
        call: The call that lists messages, for errors.
        hook: The hook that is called after each attempt too.

    Attributes:
        has_seen_older: A message was too old to be the one.
    """

    def __init__(
        self,
        local_id: str,
        since: Began,
        call: str,
        hook: Callable[[AttemptEvent], object] | None,
    ) -> None:
        self._local_id = local_id
        self._since = since
        self._call = call
        self._hook = hook
        self._date = ""
        self._newest = -inf
        self.has_seen_older = False

    def note(self, event: AttemptEvent) -> object:
        """Read the server's time from an attempt of the search."""
        self._date = event.date or self._date
        return None if self._hook is None else self._hook(event)

    async def first(self, pages: AsyncGenerator[Iterable[Message]]) -> Message | None:
        """Return the message that is searched; None if it is not on a page that is new enough.

        The search ends at a page that is too old as a whole. The newest message that was seen is
        never too old, so a newer page came before this one: a list that is oldest first does not
        end it, and neither does a single wrong time.

        Args:
            pages: The messages, in the server's order; they are closed.

        Raises:
            HeymarketError: A message may be the one, but does not show its `local_id`; or no answer
                had a `Date`.
        """
        async with aclosing(pages):
            async for page in pages:
                rows = list(page)
                times = [row.created_at.timestamp() for row in rows if row.created_at is not None]
                self._newest = max([self._newest, *times])
                for row in rows:
                    if row.local_id == self._local_id:
                        return row
                new = [row for row in rows if not self._is_too_old(row)]
                if any(map(self._may_be_it, new)):
                    reason = "lists a message without its local_id, which may be the one"
                    raise HeymarketError(reason, call=self._call)
                self.has_seen_older |= len(new) < len(rows)
                if not new:
                    return None
        return None

    def _may_be_it(self, row: Message) -> bool:
        """Whether a server that changes a `local_id` may show the message like this.

        It may leave it out, cut it, or write it in other letters.
        """
        shown = (row.local_id or "").strip().casefold()
        is_start = self._local_id.strip().casefold().startswith(shown)
        return is_start and row.type != MessageDirection.INBOUND

    def _is_too_old(self, row: Message) -> bool:
        return row.created_at is not None and row.created_at.timestamp() < self._end

    @property
    def _end(self) -> float:
        if (server := http_date(self._date)) is None:
            reason = "answered without a Date, so it is not known how far to look back"
            raise HeymarketError(reason, call=self._call)
        return min(server, self._newest) - self._since.seconds_ago - _MARGIN_S
