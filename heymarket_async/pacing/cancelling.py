"""Cancelling a task in a way that can be told from a cancellation that comes from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec

from heymarket_async.privacy import Masked


class Cancellable(Masked, msgspec.Struct, eq=False, kw_only=True):
    """Work of the running task that can be cancelled from here.

    Attributes:
        task: Who does it.
        cancelled_before: How many cancellations of that task were pending when it began.
        is_cancelled: It was cancelled from here.
    """

    task: asyncio.Task[object] = msgspec.field(
        default_factory=cast("Callable[[], asyncio.Task[object]]", asyncio.current_task)
    )
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
        """Undo that, and return whether it was done, and by nobody else."""
        return self.is_cancelled and self.task.uncancel() <= self.cancelled_before
