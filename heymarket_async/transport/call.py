"""The options and the state of one call, and the events that report its attempts."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Generic, TypeVar

import msgspec

from heymarket_async.checks import is_int, one_of
from heymarket_async.errors import HeymarketError
from heymarket_async.request import Repeat, Request
from heymarket_async.transport import retry
from heymarket_async.transport.account import Binding
from heymarket_async.transport.bodies import MAX_BYTES
from heymarket_async.transport.cancelling import Cancellable
from heymarket_async.transport.retry import RetryPolicy

T = TypeVar("T")

logger = logging.getLogger("heymarket_async")
logger.addHandler(logging.NullHandler())


class AttemptEvent(msgspec.Struct, frozen=True):
    """One attempt of a call, as passed to the `on_attempt` hook.

    Attributes:
        call: Verb and documented path, such as "PUT /v1/contact/{id}".
        attempt: 1 for the first.
        status: Status of the answer, or None if none came.
        seconds: How long the exchange took.
        waited_s: Seconds that the call waited since the attempt before, or since it began: for a
            connection, for its turn under the rate limit, and between attempts.
        waits: Those seconds by reason, such as {"the rate limit": 1.5}; empty if there were none.
        request_id: The answer's `X-Request-Id`, or "".
        error: The error of the attempt, or None; a copy, which may be kept.
        date: The answer's `Date`, the time by the server's clock, or "".
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


TIMEOUT_S = 30.0
# Long enough for three waits of more than a minute: a 429 need not say how long to wait.
DEADLINE_S = 240.0
MAX_PAGE_SIZE = 1000


class Options(msgspec.Struct, frozen=True):
    """The options that clients with shared connections may have of their own."""

    timeout_s: float = TIMEOUT_S
    deadline_s: float = DEADLINE_S
    retry: RetryPolicy = RetryPolicy()
    on_attempt: Callable[[AttemptEvent], object] | None = None
    max_answer_bytes: int = MAX_BYTES
    max_page_size: int = MAX_PAGE_SIZE

    def __post_init__(self) -> None:
        for name in ("timeout_s", "deadline_s"):
            seconds = one_of(name, getattr(self, name), (int, float))
            if not (seconds > 0 and math.isfinite(seconds)):
                raise ValueError(f"{name} must be a finite number of seconds above 0")
        for name in ("max_answer_bytes", "max_page_size"):
            number: object = getattr(self, name)
            if not is_int(number) or number < 1:
                raise ValueError(f"{name} must be an integer of at least 1")
        one_of("retry", self.retry, RetryPolicy)
        check_hook("on_attempt", self.on_attempt)


class Writes:
    """Counts the writes of a context that may have taken effect, those under way included."""

    def __init__(self) -> None:
        self.possible = 0


writes_of_context: ContextVar[Writes | None] = ContextVar("heymarket_writes", default=None)
"""The counter for the writes that are sent in this context, or None if nobody asks."""


class Call(Cancellable, Generic[T]):
    """The state of one call over its attempts; cancelled when its client closes.

    Attributes:
        request: The request.
        body: Its body, encoded.
        loop: The loop that it runs in.
        waiting_since: The end of the last attempt, or the start of the call, by the loop's clock.
        deadline: When the call is given up, by the loop's clock.
        binding: Keeps the call to one account; None if any account will do.
        waits: Seconds that it waited since `waiting_since`, by reason.
        attempts: How many requests were sent.
        is_in_flight: A request was sent and not answered yet.
        may_have_taken_effect: It is a write, and a failed attempt may have carried it out.
    """

    request: Request[T]
    body: bytes | None
    loop: asyncio.AbstractEventLoop
    waiting_since: float
    deadline: float
    binding: Binding | None = None
    waits: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    attempts: int = 0
    is_in_flight: bool = False
    may_have_taken_effect: bool = False

    @property
    def may_be_sent(self) -> bool:
        """Whether a request may have reached the server."""
        return self.is_in_flight or self.may_have_taken_effect

    def __repr__(self) -> str:
        # The body holds people's data.
        return f"<Call of {self.request.call}>"

    def annotate(self, error: HeymarketError) -> None:
        """Write the facts of the call into an error."""
        possible = error.may_have_taken_effect or retry.may_have_taken_effect(error)
        if possible and self.request.repeat is not Repeat.READ:
            self.may_have_taken_effect = True
        error.call = self.request.call
        error.attempts = self.attempts
        error.may_have_taken_effect = self.may_have_taken_effect

    def mark(self, cancelled: asyncio.CancelledError) -> None:
        """Mark a cancellation of a write that may have taken effect, as errors are marked."""
        if self.request.repeat is not Repeat.READ:
            vars(cancelled)["may_have_taken_effect"] = self.may_be_sent


def emit(event: AttemptEvent, hook: Callable[[AttemptEvent], object] | None) -> None:
    """Log an attempt and pass it to the hook, which cannot break the call."""
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
        call_hook(hook, event, name="on_attempt", of="call")


def check_hook(name: str, hook: object) -> None:
    """Check that a hook can be called.

    Raises:
        ValueError: It is not a plain function or another callable, and not None.
    """
    if hook is not None and not callable(hook):
        raise ValueError(f"{name} must be a function, or None")
    if inspect.iscoroutinefunction(hook):
        raise ValueError(f"{name} must be a plain function: it is called, not awaited")


def call_hook(hook: Callable[[T], object], event: T, *, name: str, of: str) -> None:
    """Call a hook. Its errors are logged, and cannot break the call or job that it watches."""
    try:
        result = hook(event)
        if inspect.iscoroutine(result):
            result.close()
            logger.error("%s returned a coroutine, which is not awaited", name)
    except (Exception, asyncio.CancelledError):
        logger.exception("the %s hook failed; the %s continues", name, of)
