"""At most so many requests a minute per credential, first come, first served.

Heymarket counts 500 requests a minute, and does not say whether its minute is fixed or slides. A
log of send times serves both: no window of that length ever holds more.

A window belongs to a credential and is shared by all clients, event loops and threads of the
process. A pacer is one event loop's queue before that window.

https://developers.heymarket.com/rate-limits
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque

import msgspec

# Requests travel for different times, so the server may see a window closer together than it was
# sent. A hundredth more (0.6 of 60 seconds) costs 1 % of the budget.
_MARGIN = 1.01


class RateLimit(msgspec.Struct, frozen=True):
    """How many requests may be sent in any window of so many seconds.

    Attributes:
        limit: Requests, at least one.
        per_s: Length of the window in seconds.
    """

    limit: int
    per_s: float = 60.0

    def __post_init__(self) -> None:
        if self.limit < 1 or not self.per_s > 0:
            raise ValueError("rate_limit must allow at least one request in a window above 0 s")


DOCUMENTED = RateLimit(500, per_s=60.0)


class Window:
    """The send times of one credential. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._longest_s = 0.0
        self._last = float("-inf")
        self._paused_until = float("-inf")
        self._spaced_until = float("-inf")
        self.pacers: weakref.WeakValueDictionary[tuple[int, RateLimit | None], Pacer] = (
            weakref.WeakValueDictionary()
        )

    def take(self, now: float, rate: RateLimit | None) -> float:
        """Take the right to send now and return 0, or return how many seconds to wait for it."""
        with self._lock:
            wait_s = self._wait_s(now, rate)
            if wait_s <= 0.0:
                self._last = now
                if rate is not None:
                    self._sent.append(now)
                return 0.0
            return wait_s

    def _wait_s(self, now: float, rate: RateLimit | None) -> float:
        if now < self._paused_until:
            return self._paused_until - now
        if now < self._spaced_until:
            pace = rate or DOCUMENTED
            if (spaced_s := self._last + pace.per_s / pace.limit - now) > 0.0:
                return spaced_s
        if rate is None:
            return 0.0
        self._longest_s = max(self._longest_s, rate.per_s * _MARGIN)
        while self._sent and self._sent[0] <= now - self._longest_s:
            self._sent.popleft()
        if len(self._sent) < rate.limit:
            return 0.0
        return self._sent[-rate.limit] + rate.per_s * _MARGIN - now

    def give_back(self, sent_at: float) -> None:
        """Return a right that was taken at that time and not used."""
        with self._lock:
            if sent_at in self._sent:
                self._sent.remove(sent_at)

    def pause(self, until: float, rate: RateLimit | None) -> None:
        """Let nobody send before that time; for a window after it, space the sends evenly.

        Calls that piled up during a pause would otherwise all leave at its end, into a minute of
        which we no longer know how much is left.
        """
        with self._lock:
            self._paused_until = max(self._paused_until, until)
            self._spaced_until = self._paused_until + (rate or DOCUMENTED).per_s

    def is_idle(self, now: float) -> bool:
        """Whether nothing that is remembered here can matter any more."""
        with self._lock:
            remembered_until = max(self._last + self._longest_s, self._spaced_until)
            return not self.pacers and now > remembered_until


class Pacer:
    """One event loop's queue before a window."""

    def __init__(
        self, window: Window, rate: RateLimit | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._window = window
        self._rate = rate
        self._loop = loop
        self._queue: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> asyncio.Future[float] | None:
        """Return None if a request may be sent now, else a future that is done when it may.

        Whoever stops waiting for the future must `discard` it.
        """
        wait_s = 0.0
        if not self._queue:
            wait_s = self._window.take(self._loop.time(), self._rate)
            if not wait_s:
                return None
        turn: asyncio.Future[float] = self._loop.create_future()
        self._queue.append(turn)
        if self._timer is None:
            self._timer = self._loop.call_later(wait_s, self._serve)
        return turn

    def discard(self, turn: asyncio.Future[float]) -> None:
        """Give up a turn, whether it came already or not, so that it leaves no hole."""
        if turn in self._queue:
            self._queue.remove(turn)
        elif turn.done() and not turn.cancelled() and turn.exception() is None:
            self._window.give_back(turn.result())
            self._wake()
        if not self._queue and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pause(self, seconds: float) -> None:
        """Let no call of this credential be sent for so long."""
        self._window.pause(self._loop.time() + seconds, self._rate)

    @property
    def minute_s(self) -> float:
        """How long a refused call waits to outlast the window in which the limit is counted."""
        return (self._rate or DOCUMENTED).per_s * _MARGIN

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._serve()

    def _serve(self) -> None:
        self._timer = None
        while self._queue:
            now = self._loop.time()
            if wait_s := self._window.take(now, self._rate):
                self._timer = self._loop.call_later(wait_s, self._serve)
                return
            turn = self._queue.popleft()
            if turn.done():
                self._window.give_back(now)
            else:
                turn.set_result(now)


class Windows:
    """The windows of all credentials that this process uses.

    Windows outlive their clients: a script that runs one event loop after the other still has one
    budget a minute.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], Window] = {}
        self._forget_at = 256

    def pacer(
        self,
        origin: str,
        fingerprint: str,
        rate: RateLimit | None,
        loop: asyncio.AbstractEventLoop,
    ) -> Pacer:
        """Return the pacer that all clients of a loop share for one credential at one server."""
        with self._lock:
            window = self._windows.get((origin, fingerprint))
            if window is None:
                self._forget_idle(loop.time())
                window = self._windows[origin, fingerprint] = Window()
            pacer = window.pacers.get((id(loop), rate))
            if pacer is None:
                pacer = window.pacers[id(loop), rate] = Pacer(window, rate, loop)
            return pacer

    def _forget_idle(self, now: float) -> None:
        # Looked through only when they have doubled, so thousands of credentials stay cheap.
        if len(self._windows) >= self._forget_at:
            kept = {key: each for key, each in self._windows.items() if not each.is_idle(now)}
            self._windows = kept
            self._forget_at = max(256, 2 * len(kept))


WINDOWS = Windows()
