"""What one call is made with, what it knows of itself, and what is told of its attempts."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from heymarket_async.checks import is_int, one_of
from heymarket_async.errors import HeymarketError
from heymarket_async.request import Repeat, Request
from heymarket_async.transport import retry
from heymarket_async.transport.account import Binding
from heymarket_async.transport.bodies import MOST_BYTES
from heymarket_async.transport.cancelling import Cancellable
from heymarket_async.transport.retry import RetryPolicy

T = TypeVar("T")

logger = logging.getLogger("heymarket_async")
logger.addHandler(logging.NullHandler())


class AttemptEvent(msgspec.Struct, frozen=True):
    """One attempt of a call, as the `on_attempt` hook gets it.

    Attributes:
        call: Verb and documented path, such as "PUT /v1/contact/{id}".
        attempt: 1 for the first.
        status: Status of the answer, or None if none came.
        seconds: How long the exchange took.
        waited_s: How long the call waited since the attempt before, or since it began: for a
            connection, for its turn under the rate limit, and between attempts.
        waits: Those seconds by reason, such as {"the rate limit": 1.5}; empty if there were none.
        request_id: The answer's `X-Request-Id`, or "".
        error: What the attempt raised, or None; a copy, which may be kept.
        date: The answer's `Date`, which tells the server's clock, or "".
    """

    call: str
    attempt: int
    status: int | None
    seconds: float
    waited_s: float
    waits: Mapping[str, float]
    request_id: str
    error: HeymarketError | None
    date: str = ""


class Options(msgspec.Struct, frozen=True):
    """What one client may do differently from another that shares its connections."""

    timeout_s: float = 30.0
    deadline_s: float = 180.0
    retry: RetryPolicy = RetryPolicy()
    on_attempt: Callable[[AttemptEvent], object] | None = None
    max_answer_bytes: int = MOST_BYTES

    def __post_init__(self) -> None:
        for name in ("timeout_s", "deadline_s"):
            seconds = one_of(name, getattr(self, name), (int, float))
            if not (seconds > 0 and math.isfinite(seconds)):
                raise ValueError(f"{name} must be a finite number of seconds above 0")
        if not is_int(self.max_answer_bytes) or self.max_answer_bytes < 1:
            raise ValueError("max_answer_bytes must be an integer of at least 1")
        one_of("retry", self.retry, RetryPolicy)
        if self.on_attempt is not None and not callable(self.on_attempt):
            raise ValueError("on_attempt must be a function, or None")
        if inspect.iscoroutinefunction(self.on_attempt):
            raise ValueError("on_attempt must be a plain function: it is called, not awaited")


class Call(Cancellable, Generic[T]):
    """The state of one call over its attempts; cancelled when its client closes.

    Attributes:
        request: What is sent.
        body: Its body as it is sent.
        since: When the attempt before ended, or the call began.
        deadline: When the call is given up.
        binding: The account that it must go to, if that matters.
        waits: What it has waited for since then, in seconds, by reason.
        attempts: How often it was sent.
        is_under_way: It was sent, and not answered yet.
        resigned: A new token was signed, because the first was refused.
        may_have_taken_effect: It is a write, and an attempt that failed may have carried it out.
    """

    request: Request[T]
    body: bytes | None
    since: float
    deadline: float
    binding: Binding | None = None
    waits: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    attempts: int = 0
    is_under_way: bool = False
    resigned: bool = False
    may_have_taken_effect: bool = False

    def __repr__(self) -> str:
        # A body holds people's data.
        return f"<Call of {self.request.call}>"

    def annotate(self, error: HeymarketError) -> None:
        """Write into an error what the call knows of itself."""
        possible = error.may_have_taken_effect or retry.may_have_taken_effect(error)
        if possible and self.request.repeat is not Repeat.READ:
            self.may_have_taken_effect = True
        error.call = self.request.call
        error.attempts = self.attempts
        error.may_have_taken_effect = self.may_have_taken_effect


def emit(event: AttemptEvent, hook: Callable[[AttemptEvent], object] | None) -> None:
    """Log an attempt and call the hook, which cannot break the call."""
    logger.debug(
        "%s: attempt %d, status %s, %.3f s, waited %.3f s, request id %s, %s",
        event.call,
        event.attempt,
        event.status,
        event.seconds,
        event.waited_s,
        event.request_id or "none",
        type(event.error).__name__ if event.error else "no error",
    )
    if hook is not None:
        tell(hook, event, name="on_attempt", of="call")


def tell(hook: Callable[[T], object], event: T, *, name: str, of: str) -> None:
    """Call a hook, which cannot break the call, or the job, that it is told of."""
    try:
        result = hook(event)
        if inspect.iscoroutine(result):
            result.close()
            logger.error("%s returned a coroutine, which is called but not awaited", name)
    except (Exception, asyncio.CancelledError):
        logger.exception("the %s hook failed; the %s goes on", name, of)
