"""The turns of one client's calls: a connection first, then the rate limit of the credential."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from heymarket_async.errors import RateLimitError
from heymarket_async.pacing.line import Line, Slots
from heymarket_async.pacing.window import WINDOWS, Pacer, RateLimit

if TYPE_CHECKING:  # pragma: no cover - it needs an extra
    from heymarket_async.pacing.shared import SharedPacer

AnyPacer: TypeAlias = "Pacer | SharedPacer"

_RATE_LIMIT = "the rate limit"

_NO_WAIT: tuple[str, Callable[[], float]] = "", lambda: 0.0


class WaitLimits(NamedTuple):
    """How long a call waits for its turns.

    Attributes:
        deadline: When it gives up, by the loop's clock.
        longest_pause_s: The longest pause that it waits for, in seconds.
        waits: How long it has waited so far, in seconds by reason; each wait is added.
    """

    deadline: float
    longest_pause_s: float
    waits: dict[str, float]


class Turns:
    """The lines that the calls of one client wait in.

    Args:
        slots: The line for a connection.
        origin: The server, in one spelling.
        rate: How many requests may be sent; None for as many as wanted.
        check_open: Raises an error if the client is closed.

    Attributes:
        slots: The line for a connection.
        pacers: The line of each credential in use, by fingerprint.
    """

    def __init__(
        self, slots: Slots, origin: str, rate: RateLimit | None, check_open: Callable[[], object]
    ) -> None:
        self.slots = slots
        self.pacers: dict[str, AnyPacer] = {}
        self._origin = origin
        self._rate = rate
        self._check_open = check_open
        self._waits: dict[object, tuple[str, Callable[[], float]]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def for_other_credentials(self) -> Turns:
        """Return turns with the same connections, but with new lines under the rate limit."""
        other = copy.copy(self)
        other.pacers = {}
        return other

    @property
    def reason(self) -> str:
        """Why the call that waits longest is waiting, or "" if none is."""
        return next(iter(self._waits.values()), _NO_WAIT)[0]

    @property
    def left_s(self) -> float:
        """For how many seconds that call still waits, at least; inf if that is not known."""
        return next(iter(self._waits.values()), _NO_WAIT)[1]()

    @contextmanager
    def waiting(self, reason: str, left_s: Callable[[], float]) -> Generator[None]:
        """Show that a call waits, why, and for how much longer, while the block runs."""
        wait = object()
        self._waits[wait] = reason, left_s
        try:
            yield
        finally:
            del self._waits[wait]

    def pacer(self, fingerprint: str) -> AnyPacer:
        """Return the line for a credential, and close those of credentials no longer in use."""
        pacer = self.pacers.get(fingerprint)
        if pacer is None:
            for rotated in self.pacers.values():
                closing = asyncio.create_task(rotated.aclose(), name="heymarket-close-line")
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
            self.pacers.clear()
            pacer = self.pacers[fingerprint] = self._new_pacer(fingerprint)
        return pacer

    async def wait_for_slot(self, turn: asyncio.Future[None], limits: WaitLimits) -> None:
        """Wait for a connection.

        Raises:
            DeadlineError, RateLimitError, ClientStateError: The call cannot be sent.
        """
        # The calls that have a connection may all be waiting for the rate limit.
        reason = _RATE_LIMIT if self.reason == _RATE_LIMIT else "all connections are in use"
        await self._wait(self.slots, turn, reason, limits)

    async def wait_for_pacer(
        self,
        pacer: AnyPacer,
        turn: asyncio.Future[None],
        limits: WaitLimits,
        fingerprint: Callable[[], str],
    ) -> AnyPacer:
        """Wait for a turn under the rate limit, and return the line that gave it.

        Raises:
            DeadlineError, RateLimitError, ClientStateError, StoreError: The call cannot be sent.
        """
        waited_for: asyncio.Future[None] | None = turn
        while waited_for is not None:
            await self._wait(pacer, waited_for, _RATE_LIMIT, limits)
            if (current := self.pacer(fingerprint())) is pacer:
                break
            # The credentials were rotated meanwhile. The new ones have a rate limit of their own.
            pacer.give_back()
            pacer, waited_for = current, current.take()
        return pacer

    async def aclose(self) -> None:
        """Close the lines of all credentials."""
        for pacer in self.pacers.values():
            await pacer.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _wait(
        self, line: Line, turn: asyncio.Future[None], reason: str, limits: WaitLimits
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        longest_s = min(limits.deadline - began, limits.longest_pause_s)
        try:
            for pacer in self.pacers.values():
                refuse_long_pause(pacer.pause_s, longest_s)
            with self.waiting(reason, line.next_s):
                await line.wait(turn, deadline=limits.deadline, reason=reason)
            limits.waits[reason] = limits.waits.get(reason, 0.0) + loop.time() - began
            self._check_open()
        except BaseException:
            line.discard(turn)
            raise

    def _new_pacer(self, fingerprint: str) -> AnyPacer:
        loop = asyncio.get_running_loop()
        if self._rate is None or self._rate.store is None:
            return WINDOWS.pacer(self._origin, fingerprint, self._rate, loop)
        from heymarket_async.pacing import shared  # noqa: PLC0415 - an extra

        return shared.pacer(f"{self._origin} {fingerprint}", self._rate, loop)


def refuse_long_pause(pause_s: float, longest_s: float) -> None:
    """Raise an error if a pause is longer than a call would wait.

    Raises:
        RateLimitError: It is.
    """
    if pause_s and pause_s > longest_s:
        raise RateLimitError(
            f"was not sent: an earlier answer asks to wait {pause_s:.0f} s more",
            status=429,
            retry_after_s=pause_s,
        )
