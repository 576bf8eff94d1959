"""Knows which messages a client has sent or may have sent, so that nobody gets one twice. No HTTP.

https://developers.heymarket.com/concepts/messages
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Self
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.errors import HeymarketError, StatusError
from heymarket_async.models.new_message import (
    NewBroadcast,
    NewComment,
    NewEmail,
    NewMessage,
    SentMessage,
)
from heymarket_async.timestamps import Began

New = NewMessage | NewBroadcast | NewComment | NewEmail
Key = tuple[type[New], str]

MOST_RESULTS = 10_000
"""How many results are remembered: those of 20 minutes or more, at 500 requests a minute."""

SEARCHED_S = 3600.0
"""How far back a message is looked for if it is not known when it was sent."""

_CONFLICT = 409


class Sends(msgspec.Struct):
    """The messages, broadcasts, comments and e-mails of a client, by kind and `local_id`.

    The newest results are remembered, at most 10,000. All that may have been sent stay known until
    that is certain. Each takes about 300 bytes, so a long outage takes some memory.

    Attributes:
        results: The results of those that were sent, oldest first.
        unsettled: When those that may have been sent were first sent, or earlier.
        taken: Those of them that had an answer of 200-399 which was cut or cannot be read.
            Heymarket most likely has them, even if they cannot be seen.
        locks: Keep calls with the same `local_id` apart. A lock stays as long as a call has it or
            waits for it.
    """

    results: OrderedDict[Key, SentMessage] = msgspec.field(
        default_factory=OrderedDict[Key, SentMessage]
    )
    unsettled: dict[Key, Began] = {}
    taken: set[Key] = set()
    locks: WeakValueDictionary[Key, asyncio.Lock] = msgspec.field(
        default_factory=WeakValueDictionary[Key, asyncio.Lock]
    )

    def turn(self, new: New) -> Send:
        """Return an async context: no other call sends the same thing in it, but waits."""
        return Send(self, (type(new), new.local_id))


class Send:
    """One thing to send, in its turn.

    Attributes:
        local_id: Its `local_id`.
        was_refused: The newest attempt was not carried out, whatever became of those before it.
    """

    def __init__(self, sends: Sends, key: Key) -> None:
        self._sends = sends
        self._key = key
        self._lock = sends.locks.setdefault(key, asyncio.Lock())
        self.local_id = key[1]
        self.was_refused = False

    async def __aenter__(self) -> Self:
        await self._lock.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def result(self) -> SentMessage | None:
        """The result of an earlier call, if it was sent."""
        return self._sends.results.get(self._key)

    @property
    def began(self) -> Began | None:
        """When it may first have been sent; None if it certainly was not."""
        return self._sends.unsettled.get(self._key)

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be sent again if it cannot be seen."""
        return not self.was_refused and self._key not in self._sends.taken

    def may_be_sent_since(self, began: Began) -> None:
        """Remember that it may have been sent, by this client or by another one."""
        known = self.began or began
        self._sends.unsettled[self._key] = max(known, began, key=lambda each: each.seconds_ago)

    def succeed(self, result: SentMessage) -> SentMessage:
        """Remember the result, and return it."""
        results = self._sends.results
        results[self._key] = result
        results.move_to_end(self._key)
        if len(results) > MOST_RESULTS:
            results.popitem(last=False)
        self._sends.unsettled.pop(self._key, None)
        self._sends.taken.discard(self._key)
        return result

    async def attempt(
        self, answer: Awaitable[SentMessage], *, conflict_ends_repeat: bool = False
    ) -> SentMessage:
        """Return the answer to a send, with its `local_id`.

        It counts as unsettled from here on until there is an answer. So it does after a cancelled
        call.

        Args:
            answer: Sends it.
            conflict_ends_repeat: Heymarket recognizes a repeat by its `local_id`. So 409 means that
                an attempt whose answer was lost was carried out.

        Raises:
            HeymarketError: Any. With the `local_id`, and with `may_have_taken_effect` also if an
                earlier attempt may have been carried out.
        """
        began = self.began
        self._sends.unsettled.setdefault(self._key, timestamps.began())
        try:
            result = await answer
        except HeymarketError as error:
            self.was_refused = not error.may_have_taken_effect
            status: int | None = getattr(error, "status", None)
            if status is not None and status < 400 and not self.was_refused:
                self._sends.taken.add(self._key)
            # An answer to a repeat says nothing about the attempt before it.
            is_repeat = began is not None or not self.was_refused
            is_conflict = isinstance(error, StatusError) and error.status == _CONFLICT
            if is_conflict and is_repeat and conflict_ends_repeat:
                return self.succeed(SentMessage(local_id=self.local_id))
            if is_conflict:
                self.may_be_sent_since(timestamps.seconds_ago(SEARCHED_S))
            elif not is_repeat:
                del self._sends.unsettled[self._key]
            error.may_have_taken_effect = is_repeat or is_conflict
            error.local_id = self.local_id
            raise
        return self.succeed(replace(result, local_id=self.local_id))
