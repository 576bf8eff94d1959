"""The sandbox's clock, which tests move forward."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from threading import RLock

_TICK_S = 1.0


class Clock:
    """The time of the account: the real one, and what tests have added to it.

    Tokens are still judged by the real time, so a client keeps its access.

    Args:
        lock: Held by everything that changes the account.
        wrong_s: Returns by how many seconds a fault has set the clock wrong.

    Attributes:
        advanced_s: By how many seconds it was advanced.
    """

    def __init__(self, lock: RLock, wrong_s: Callable[[], float]) -> None:
        self._lock = lock
        self._wrong_s = wrong_s
        self.advanced_s = 0.0
        self._numbers = itertools.count()  # of two acts at one time, the older one runs first
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def now(self) -> float:
        """The time, in seconds since 1970."""
        return time.time() + self.advanced_s + self._wrong_s()

    def advance(self, seconds: float) -> None:
        """Move the clock forward, and run what comes due: each act at its own time.

        Raises:
            ValueError: `seconds` is negative.
        """
        if not seconds >= 0:
            raise ValueError("seconds must not be negative")
        with self._lock:
            end = self.now + seconds
            while self._planned and self._planned[0][0] <= end:
                self.advanced_s += max(0.0, self._planned[0][0] - self.now)
                self._run_first()
            self.advanced_s += max(0.0, end - self.now)

    def run_due(self) -> None:
        """Run the acts whose time has come."""
        with self._lock:
            while self._planned and self._planned[0][0] <= self.now:
                self._run_first()

    def at(self, when_s: float, act: Callable[[], None]) -> None:
        """Run an act when the clock reaches this time, in seconds since 1970."""
        with self._lock:
            heapq.heappush(self._planned, (when_s, next(self._numbers), act))

    def open(self) -> None:
        """Run what comes due by itself, to the second, in the running loop."""
        self._ticking = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def close(self) -> None:
        """Run nothing by itself any more."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _tick(self) -> None:
        self.open()
        self.run_due()

    def _run_first(self) -> None:
        heapq.heappop(self._planned)[2]()
