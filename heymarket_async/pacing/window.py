"""The rate limit of a credential within one process: first come, first served.

Heymarket counts 500 requests a minute, and does not say whether its minute is fixed or slides. So
no window of that length, wherever it begins, may hold more.

It is not known either when Heymarket counts a request, only that it does so before it answers. So a
request weighs from the moment it is sent until a window after its answer. That costs the time of
one answer a minute, and keeps the limit in any case.

A window belongs to a credential, and is shared by all clients, event loops and threads of the
process. A pacer is the line of one event loop for that window.

https://developers.heymarket.com/rate-limits
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from bisect import bisect_right
from collections import deque
from importlib.util import find_spec
from math import isfinite

import msgspec

from heymarket_async.checks import is_int, one_of
from heymarket_async.extras import needs
from heymarket_async.pacing.line import Line
from heymarket_async.privacy import Masked, hides_locals

# For clocks that run at different speeds: 0.12 of 60 seconds.
MARGIN = 1.002

# Valkey speaks Redis' protocol, and has schemes of its own.
SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
}


class RateLimit(Masked, msgspec.Struct, frozen=True):
    """How many requests may be sent in any `per_s` seconds.

    Attributes:
        limit: Requests, at least one.
        per_s: Length of the window in seconds.
        store: URL of a Redis or Valkey server, or of a node of a cluster, in which all processes
            that name it share the window of a credential, such as "redis://localhost:6379/0";
            needs the extra `redis`.
        share: The part of the shared limit that one client may use, above 0 and at most 1.
        fallback: The part of the limit that one client uses while the store is unreachable, from 0
            to 1. One divided by the number of clients keeps all within the limit, except in the
            minute in which the store is lost. 0 raises `StoreError` instead.
    """

    limit: int
    per_s: float = 60.0
    store: str | None = None
    share: float = 1.0
    fallback: float = 0.1

    @hides_locals
    def __post_init__(self) -> None:
        if not is_int(self.limit) or self.limit < 1:
            raise ValueError("rate_limit.limit must be an integer of at least 1")
        if not (one_of("rate_limit.per_s", self.per_s, (int, float)) > 0 and isfinite(self.per_s)):
            raise ValueError("rate_limit.per_s must be a finite number of seconds above 0")
        if not 0 < one_of("rate_limit.share", self.share, (int, float)) <= 1:
            raise ValueError("rate_limit.share must be above 0, and 1 at most")
        if self.share < 1 and self.store is None:
            raise ValueError("rate_limit.share needs rate_limit.store, to share it with others")
        if not 0 <= one_of("rate_limit.fallback", self.fallback, (int, float)) <= 1:
            raise ValueError("rate_limit.fallback must be from 0 to 1")
        if self.store is not None:
            _check_store(self.store)

    def __repr__(self) -> str:
        # The URL of a store may hold a password.
        shown = {**msgspec.structs.asdict(self), "store": self.store and "<URL>"}
        return f"RateLimit({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


# So a pickle in a queue does not depend on where the class is kept.
RateLimit.__module__ = "heymarket_async"


def _check_store(url: str) -> None:
    # Before the package is asked for: it would not help a URL that is wrong.
    check_scheme(one_of("rate_limit.store", url, str), "rate_limit.store")
    if find_spec("redis") is None:
        raise ValueError(needs("rate_limit.store", "redis"))
    from heymarket_async.pacing import store  # noqa: PLC0415 - an extra

    store.check(url)


def check_scheme(url: str, name: str) -> None:
    """Check that a URL may be that of a Redis server, which needs no package.

    Raises:
        ValueError: It is not; `name` is the argument that has it.
    """
    if url.partition("://")[0] not in SCHEMES:
        raise ValueError(f"{name} must be the URL of a Redis server, redis://host:port/0")


DOCUMENTED_LIMIT = RateLimit(500, per_s=60.0)


class Window:
    """The requests that one credential has sent lately. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._answered: deque[float] = deque()
        self._longest_s = 0.0
        self._last = float("-inf")
        self._paused_until = float("-inf")
        self._spaced_until = float("-inf")
        self.pacers: weakref.WeakValueDictionary[tuple[int, RateLimit | None], Pacer] = (
            weakref.WeakValueDictionary()
        )

    def take(self, now: float, rate: RateLimit | None) -> float:
        """Take the right to send now and return 0, or return how many seconds to wait at least.

        The caller must `release` the right after the answer, or `give_back` it unused.
        """
        with self._lock:
            if now < self._spaced_until and (wait_s := self._held_up_s(now, rate)) > 0.0:
                return wait_s
            if rate is not None and (wait_s := self._wait_s(now, rate)) > 0.0:
                return wait_s
            self._last = now
            self._under_way += 1
            return 0.0

    def _held_up_s(self, now: float, rate: RateLimit | None) -> float:
        if now < self._paused_until:
            return self._paused_until - now
        pace = rate or DOCUMENTED_LIMIT
        # After the pause, calls are spaced evenly.
        return self._last + pace.per_s / pace.limit - now

    def _wait_s(self, now: float, rate: RateLimit) -> float:
        answered, window_s = self._answered, rate.per_s * MARGIN
        if window_s > self._longest_s:
            self._longest_s = window_s
        while answered and answered[0] <= now - self._longest_s:
            answered.popleft()
        weighing = len(answered)
        if window_s < self._longest_s:  # other clients of the credential count in a longer one
            weighing -= bisect_right(answered, now - window_s)
        too_many = self._under_way + weighing + 1 - rate.limit
        if too_many <= 0:
            return 0.0
        # Requests under way will weigh for a whole window more, once they are answered.
        oldest = answered[too_many - 1 - weighing] if too_many <= weighing else now
        return oldest + window_s - now

    def release(self, now: float, rate: RateLimit | None) -> None:
        """Let a request that was answered or failed weigh for a window more."""
        with self._lock:
            self._under_way -= 1
            if rate is not None:
                self._answered.append(now)

    def give_back(self) -> None:
        """Return a right that was not used."""
        with self._lock:
            self._under_way -= 1

    def pause(self, until: float, rate: RateLimit | None) -> None:
        """Pause all calls until that time, and space them evenly for a window after it.

        Calls that pile up during a pause would otherwise all leave at its end, although nobody
        knows how much of Heymarket's minute is left then.
        """
        with self._lock:
            self._paused_until = max(self._paused_until, until)
            self._spaced_until = self._paused_until + (rate or DOCUMENTED_LIMIT).per_s

    def pause_s(self, now: float) -> float:
        """Return for how many seconds calls are still paused."""
        with self._lock:
            return max(0.0, self._paused_until - now)

    def is_idle(self, now: float) -> bool:
        """Return True if the window can be forgotten: nothing in it can delay a call any more."""
        with self._lock:
            last = self._answered[-1] if self._answered else float("-inf")
            until = max(last + self._longest_s, self._spaced_until)
            return not self.pacers and not self._under_way and now > until


class Pacer(Line):
    """The line of one event loop for a window."""

    def __init__(
        self, window: Window, rate: RateLimit | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self._window = window
        self._rate = rate
        self._loop = loop

    def _take_now(self) -> float:
        return self._window.take(self._loop.time(), self._rate)

    def give_back(self) -> None:
        """Return a turn that was not used, for the first in line."""
        self._window.give_back()
        self._serve()

    def answered(self) -> None:
        """Count a request as answered or failed: it weighs for a window more."""
        self._window.release(self._loop.time(), self._rate)

    def pause(self, seconds: float) -> None:
        """Pause all calls of this credential."""
        self._window.pause(self._loop.time() + seconds, self._rate)

    @property
    def pause_s(self) -> float:
        """The seconds for which calls of this credential are still paused."""
        return self._window.pause_s(self._loop.time())

    async def aclose(self) -> None:
        """Do nothing: it has no connection to close, and other clients may wait in this line."""


class Windows:
    """The windows of all credentials that this process uses.

    They outlive their clients. A script that runs one event loop after another has one budget.
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
        """Return the line that all clients of a loop share for one credential at one server."""
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
        # Only when their number has doubled, so that thousands of credentials stay cheap.
        if len(self._windows) >= self._forget_at:
            kept = {key: each for key, each in self._windows.items() if not each.is_idle(now)}
            self._windows = kept
            self._forget_at = max(256, 2 * len(kept))


WINDOWS = Windows()
