"""A clock for a process: it stands at the real time, and jumps when nothing but time can happen."""

from __future__ import annotations

import selectors
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

GRACE_S = 0.001
"""Real seconds in which the other end of a socket of this process has its bytes."""
LOOK_S = 0.02
"""How often to look whether a thread has ended."""


class Clock:
    """Both clocks of a process, moved forward.

    Attributes:
        ahead_s: By how much.
    """

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._working = 0
        self._monotonic, self._time = time.monotonic, time.time
        self._submit = ThreadPoolExecutor.submit

    def install(self) -> None:
        """Take the place of the clocks; to be called before anything keeps one of them."""
        clock = self
        time.monotonic = lambda: self._monotonic() + self.ahead_s
        time.time = lambda: self._time() + self.ahead_s

        def submit(
            pool: ThreadPoolExecutor, /, *args: Any, **kwargs: Any
        ) -> Future[Any]:  # of any work
            clock._working += 1
            future = clock._submit(pool, *args, **kwargs)
            future.add_done_callback(clock._ended)
            return future

        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]

        class Selector(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> list[Any]:
                if timeout is None or timeout <= GRACE_S:
                    return super().select(timeout)
                if clock._working:
                    return super().select(min(timeout, LOOK_S))
                ready = super().select(GRACE_S)
                # A thread may have been given work, and have ended it, meanwhile.
                if not ready and not clock._working:
                    clock.ahead_s += timeout - GRACE_S
                return ready

        selectors.DefaultSelector = Selector  # type: ignore[misc]

    def _ended(self, _: Future[Any]) -> None:
        self._working -= 1
