"""What a client's calls wait for, so that it can be shown, given up, and ended by a deadline."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from heymarket_async.errors import DeadlineError


class Waits:
    """The waits of one client's calls, each with its reason."""

    def __init__(self) -> None:
        self._reasons: dict[object, str] = {}

    @property
    def reason(self) -> str:
        """Why the call that waits longest is waiting, or "" if none is."""
        return next(iter(self._reasons.values()), "")

    async def wait(self, future: asyncio.Future[None], *, until: float, reason: str) -> None:
        """Wait for a future, which is cancelled if it does not come in time.

        Raises:
            DeadlineError: The loop's time reached `until` first.
        """
        self._reasons[future] = reason
        try:
            async with asyncio.timeout_at(until):
                await future
        except TimeoutError:
            late = f"was still waiting ({reason}) when its deadline passed"
            raise DeadlineError(late) from None
        finally:
            del self._reasons[future]

    async def sleep(self, seconds: float, *, reason: str) -> None:
        """Wait for so many seconds."""
        wait = object()
        self._reasons[wait] = reason
        try:
            await asyncio.sleep(seconds)
        finally:
            del self._reasons[wait]


class Turns(Protocol):
    """Something that calls queue for."""

    def discard(self, turn: asyncio.Future[None]) -> None:
        """Give up a turn, whether it came already or not."""
        ...


class Slots:
    """At most so many exchanges at once, first come, first served."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._queue: deque[asyncio.Future[None]] = deque()

    def take(self) -> asyncio.Future[None] | None:
        """Return None if a slot was free, else a future that is done when one was handed over.

        A slot that was taken must be given back with `release`, and whoever stops waiting for the
        future must `discard` it.
        """
        if self._free:
            self._free -= 1
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        return turn

    def release(self) -> None:
        """Hand the slot to the first that waits, or free it."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def discard(self, turn: asyncio.Future[None]) -> None:
        """Give up a turn, whether it came already or not."""
        give_up(self._queue, turn, self.release)


def give_up(
    queue: deque[asyncio.Future[None]],
    turn: asyncio.Future[None],
    give_back: Callable[[], None],
) -> None:
    """Take a turn out of its queue, or give it back if it came already."""
    if turn in queue:
        queue.remove(turn)
    elif turn.done() and not turn.cancelled() and turn.exception() is None:
        give_back()
