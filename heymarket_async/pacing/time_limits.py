"""Time limits of many exchanges and waits, kept by one timer.

A timer for each, as aiohttp's `total` and `asyncio.timeout` set one, costs a twentieth of a small
call, and hardly one ever fires.
"""

from __future__ import annotations

import asyncio
from math import inf
from types import TracebackType
from typing import Self

from heymarket_async.pacing.cancelling import Cancellable


class TimeLimits:
    """The time limits of what one client's calls do.

    Attributes:
        under_way: Those that are watched over.
        looks_at: When that is done next: at the first of their ends, or before; inf for never.
    """

    def __init__(self) -> None:
        self.under_way: set[TimeLimit] = set()
        self.looks_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def look_at(self, at: float) -> None:
        """Look then, and not at the time that was set before."""
        self.close()
        self._timer = asyncio.get_running_loop().call_at(at, self._look)
        self.looks_at = at

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.looks_at = inf

    def _look(self) -> None:
        # Most often, what the timer was set for has ended long ago, and later ones are under way.
        now = asyncio.get_running_loop().time()
        self.close()
        for limit in [each for each in self.under_way if each.until <= now]:
            self.under_way.discard(limit)
            limit.cancel()
        if self.under_way:
            self.look_at(min(limit.until for limit in self.under_way))


class TimeLimit(Cancellable):
    """Ends what the running task does in its `with` block at a time, with `TimeoutError`.

    A cancellation that comes from elsewhere goes through, as with `asyncio.timeout_at`.

    Attributes:
        limits: Those that share a timer.
        until: The end, by the loop's clock.
    """

    limits: TimeLimits
    until: float

    def __enter__(self) -> Self:
        self.limits.under_way.add(self)
        if self.until < self.limits.looks_at:
            self.limits.look_at(self.until)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.limits.under_way.discard(self)
        if self.take_back() and exc_type is asyncio.CancelledError:
            raise TimeoutError from exc
