"""Time limits of many exchanges, kept by one timer.

A timer for each, as aiohttp's `total` and `asyncio.timeout` set one, costs a twentieth of a small
call, and hardly one ever fires.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, cast


class TimeLimits:
    """The time limits of one client's exchanges."""

    def __init__(self) -> None:
        self._under_way: set[TimeLimit] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limit: TimeLimit) -> None:
        """Watch over a limit until its `end`."""
        self._under_way.add(limit)
        if self._timer is None or limit.until < self._timer.when():
            self._set_timer(limit.until)

    def end(self, limit: TimeLimit) -> None:
        """Watch over it no more."""
        self._under_way.discard(limit)

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, until: float) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_at(until, self._look)

    def _look(self) -> None:
        # Most often, what the timer was set for has ended long ago, and later ones are under way.
        now = asyncio.get_running_loop().time()
        self.close()
        for limit in [each for each in self._under_way if each.until <= now]:
            self._under_way.discard(limit)
            limit.expire()
        if self._under_way:
            self._set_timer(min(limit.until for limit in self._under_way))


class TimeLimit:
    """Ends what the running task does in its `with` block at a time, with `TimeoutError`.

    A cancellation that comes from elsewhere goes through, as with `asyncio.timeout_at`.

    Args:
        limits: Those that share a timer.
        until: The end, by the loop's clock.
    """

    __slots__ = ("_cancelled_before", "_is_over", "_limits", "_task", "until")

    def __init__(self, limits: TimeLimits, until: float) -> None:
        self._limits = limits
        self.until = until
        self._is_over = False

    def __enter__(self) -> Self:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._cancelled_before = self._task.cancelling()
        self._limits.begin(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._limits.end(self)
        if self._is_over:
            others = self._task.uncancel() - self._cancelled_before
            if exc_type is asyncio.CancelledError and others <= 0:
                raise TimeoutError from exc

    def expire(self) -> None:
        """End the task's work: the time is over."""
        self._is_over = True
        self._task.cancel()
