"""A line of calls that wait for their turn: for a connection, or under the rate limit."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from math import inf

from heymarket_async.errors import DeadlineError


class Line(ABC):
    """Gives turns to calls in the order in which they ask.

    The kinds of lines differ in when the first call may go (`_take_now`). The rest is the same:

    1. A call asks, nobody waits, and a turn is free: it takes the turn and goes at once.
    2. A call asks otherwise: it gets a future and joins the end of the line.
    3. A turn becomes free: the first in line gets it, which sets the result of its future.
    4. The first in line has given up already: the next one is first.
    5. A call gives up before it got its turn: it leaves the line.
    6. A call gives up just after it got its turn: the turn goes to the next in line.
    7. A call was refused (its future has an error): it has no turn to return.
    """

    def __init__(self) -> None:
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def _take_now(self) -> float:
        """Take a turn and return 0, or return after how many seconds to try again; inf for never.

        A line that returns inf must call `_serve` when a turn becomes free.
        """

    @abstractmethod
    def give_back(self) -> None:
        """Return a turn, for the first in line if there is one."""

    def take(self) -> asyncio.Future[None] | None:
        """Return None if the call may go now, else a future that is done when it may.

        A call that stops waiting for the future must `discard` it.
        """
        wait_s = inf
        if not self._queue and not (wait_s := self._take_now()):
            return None
        turn = self._join()
        if self._timer is None:
            self._set_timer(wait_s)
        return turn

    def next_s(self) -> float:
        """Return after how many seconds the first in line may go, at the earliest; inf: unknown."""
        if not self._queue:
            return 0.0  # its turn has come, and it has not noticed yet
        if self._timer is None:
            return inf
        return max(0.0, self._timer.when() - asyncio.get_running_loop().time())

    async def wait(self, turn: asyncio.Future[None], *, deadline: float, reason: str) -> None:
        """Wait for a turn; after any error, the caller must `discard` it.

        Raises:
            DeadlineError: The loop's time reached `deadline` first.
            StoreError: The call was refused.
        """
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except TimeoutError:
            late = f"was still waiting ({reason}) when its deadline passed"
            raise DeadlineError(late) from None

    def discard(self, turn: asyncio.Future[None]) -> None:
        """Give up a turn, whether it has come or not."""
        if turn in self._queue:
            self._queue.remove(turn)
        elif turn.done() and not turn.cancelled() and turn.exception() is None:
            self.give_back()
        if not self._queue:
            self._set_timer(inf)

    def _join(self) -> asyncio.Future[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        return turn

    def _is_waited_for(self) -> bool:
        while self._queue and self._queue[0].done():
            self._queue.popleft()
        return bool(self._queue)

    def _serve(self) -> None:
        """Give turns to the first in line for as long as there are any."""
        wait_s = inf
        while self._is_waited_for() and not (wait_s := self._take_now()):
            self._queue.popleft().set_result(None)
        self._set_timer(wait_s if self._queue else inf)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if seconds < inf:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._serve)


class Slots(Line):
    """The line for the connections of one client, which limit its exchanges at the same time."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self._free = slots

    def _take_now(self) -> float:
        if not self._free:
            return inf
        self._free -= 1
        return 0.0

    def give_back(self) -> None:
        """Free a connection, for the first in line if there is one."""
        self._free += 1
        if self._queue:
            self._serve()
