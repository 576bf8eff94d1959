"""Everything that a client's calls wait for, so that a deadline or closing ends each wait."""

from __future__ import annotations

import asyncio

from heymarket_async.errors import ClientStateError, DeadlineError


class Waits:
    """The futures that calls of one client are waiting for, each with its reason."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[float], str] = {}

    @property
    def reason(self) -> str:
        """Why the call that waits longest is waiting, or "" if none is."""
        return next(iter(self._waiting.values()), "")

    async def wait(self, future: asyncio.Future[float], *, until: float, reason: str) -> None:
        """Wait for a future.

        Raises:
            DeadlineError: The loop's time reached `until` first.
            ClientStateError: The client was closed first.
        """
        late = DeadlineError(f"was still waiting ({reason}) when its deadline passed")
        timer = future.get_loop().call_at(until, _fail, future, late)
        self._waiting[future] = reason
        try:
            await future
        finally:
            timer.cancel()
            del self._waiting[future]

    async def sleep(self, seconds: float, *, until: float, reason: str) -> None:
        """Wait for so many seconds; raises as `wait` does."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[float] = loop.create_future()
        timer = loop.call_later(seconds, _finish, over)
        try:
            await self.wait(over, until=until, reason=reason)
        finally:
            timer.cancel()

    def close(self) -> None:
        """End all waits."""
        for future in list(self._waiting):
            _fail(future, ClientStateError("was still waiting when its client was closed"))


def _fail(future: asyncio.Future[float], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _finish(future: asyncio.Future[float]) -> None:
    if not future.done():
        future.set_result(0.0)
