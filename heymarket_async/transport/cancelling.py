"""Cancels the running task of a call: at the end of a time limit, or when its client is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Self, cast

import msgspec

from heymarket_async.privacy import Masked

running_task = cast("Callable[[], asyncio.Task[object]]", asyncio.current_task)


class Cancellable(Masked, msgspec.Struct, eq=False, kw_only=True):
    """Work of the running task that this object can cancel.

    Attributes:
        task: The task that does the work.
        cancelled_before: How many cancellations of that task were pending when the work began.
        is_cancelled: This object has cancelled it.
    """

    task: asyncio.Task[object] = msgspec.field(default_factory=running_task)
    cancelled_before: int = 0
    is_cancelled: bool = False

    def __post_init__(self) -> None:
        self.cancelled_before = self.task.cancelling()

    def cancel(self) -> None:
        """Cancel the task, once."""
        if not self.is_cancelled:
            self.is_cancelled = True
            self.task.cancel()

    def take_back(self) -> bool:
        """Undo `cancel`; return True if it was called, and nobody else cancelled the task."""
        return self.is_cancelled and self.task.uncancel() <= self.cancelled_before


class TimeLimits:
    """The running time limits of one client. They share a timer.

    `asyncio.timeout` sets a timer for each limit. That costs a twentieth of a small call, and
    hardly any of these timers ever fires.

    Attributes:
        running: The limits of the exchanges under way.
        timer_at: When the timer fires: at the first end of a limit, or before; inf for never.
    """

    def __init__(self) -> None:
        self.running: set[TimeLimit] = set()
        self.timer_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def set_timer(self, at: float) -> None:
        """Move the timer; inf stops it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at == inf else asyncio.get_running_loop().call_at(at, self._fire)
        self.timer_at = at

    def _fire(self) -> None:
        # Usually, the exchange that the timer was set for has ended long ago.
        now = asyncio.get_running_loop().time()
        for limit in [limit for limit in self.running if limit.until <= now]:
            self.running.discard(limit)
            limit.cancel()
        self.set_timer(min((limit.until for limit in self.running), default=inf))


class TimeLimit(Cancellable):
    """Ends its `with` block with `TimeoutError` at a time, as `asyncio.timeout_at` does.

    Attributes:
        limits: All limits of the client.
        until: The end, by the loop's clock.
    """

    limits: TimeLimits
    until: float

    def __enter__(self) -> Self:
        self.limits.running.add(self)
        if self.until < self.limits.timer_at:
            self.limits.set_timer(self.until)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.limits.running.discard(self)
        if self.take_back() and exc_type is asyncio.CancelledError:
            raise TimeoutError from exc
