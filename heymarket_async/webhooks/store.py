"""Remembers which events were handled, so that none is handled twice. This store is in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from enum import Enum
from math import inf
from typing import Protocol, TypeVar

KEEP_S = 86_400.0
"""How long an event counts as handled, in seconds. For how long Heymarket retries is not known."""


N = TypeVar("N", int, float)


def above_zero(name: str, number: N) -> N:
    """Return a number.

    Raises:
        ValueError: It is not above 0.
    """
    if not number > 0:
        raise ValueError(f"{name} must be above 0")
    return number


class Claim(Enum):
    """The answer to a claim of an event."""

    TAKEN = "taken"
    """It is yours now: handle it, and then `keep` or `release` it."""
    RUNNING = "running"
    """Another task or process is handling it, or died while it did: then the claim expires."""
    HANDLED = "handled"
    """It was handled before."""


class Store(Protocol):
    """Remembers events by their `Event.dedupe_key`. All methods may raise, if it is unreachable."""

    async def claim(self, key: str, lease_s: float) -> Claim:
        """Claim an event, in one step: of several that try at once, one gets it.

        Args:
            key: The `dedupe_key` of the event.
            lease_s: After so many seconds the claim expires, unless it was kept.
        """
        ...

    async def keep(self, key: str) -> None:
        """Note that a claimed event was handled."""
        ...

    async def release(self, key: str) -> None:
        """Give a claim back, so that the event is handled when it is delivered again."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class MemoryStore:
    """A store for one process. It forgets all when the process ends.

    Args:
        keep_s: How long an event counts as handled, in seconds; a day by default.
        most: The number of handled events to remember. Beyond it, the oldest is forgotten.

    Raises:
        ValueError: A number is not above 0.
    """

    def __init__(self, *, keep_s: float = KEEP_S, most: int = 100_000) -> None:
        self._keep_s = above_zero("keep_s", keep_s)
        self._most = above_zero("most", most)
        self._running: dict[str, float] = {}  # until when its claim lasts, by key
        self._handled: OrderedDict[str, float] = OrderedDict()  # until when, the oldest first

    async def claim(self, key: str, lease_s: float) -> Claim:
        """Claim an event; see `Store`."""
        now = asyncio.get_running_loop().time()
        while self._handled and next(iter(self._handled.values())) <= now:
            self._handled.popitem(last=False)
        if key in self._handled:
            return Claim.HANDLED
        if self._running.get(key, -inf) > now:
            return Claim.RUNNING
        self._running[key] = now + lease_s
        return Claim.TAKEN

    async def keep(self, key: str) -> None:
        """Note that a claimed event was handled."""
        self._running.pop(key, None)
        self._handled[key] = asyncio.get_running_loop().time() + self._keep_s
        self._handled.move_to_end(key)
        if len(self._handled) > self._most:
            self._handled.popitem(last=False)

    async def release(self, key: str) -> None:
        """Give a claim back."""
        self._running.pop(key, None)

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
