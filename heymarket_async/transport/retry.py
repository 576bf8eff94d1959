"""May a call be sent again, and when.

The rules, for an attempt that failed:

    not sent: DNS, refused, TLS, connect time-out      again, any call
    not sent: the proxy answers 401, 403 or 407        raise
    429                                                again, any call
    401                                                again once, re-signed (by Transport)
    sent, but no whole answer                          again, unless the call is an unsafe write
    408, 425, 500-599 but 501 and 505                  again, unless the call is an unsafe write
    200-299, but no JSON: a gateway's page, empty      again, unless the call is an unsafe write
    anything else                                      raise
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from heymarket_async.checks import is_int, one_of
from heymarket_async.errors import (
    ConnectError,
    DeadlineError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    RateLimitError,
    StatusError,
)
from heymarket_async.request import Repeat

T = TypeVar("T")

# Gateways have more of them than HTTP names, such as 520-524 and 529.
_PASSING = frozenset({408, 425, *range(500, 600)}) - {501, 505}
_PROXY_REFUSES = frozenset({401, 403, 407})


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and how soon a failed call is sent again.

    The wait before attempt n is random between 0 and `base_s` * 2^(n-2), at most `cap_s` ("full
    jitter"). Where the server says how long to wait, that is never undercut and the random part
    comes on top.

    Attributes:
        attempts: Attempts in all; 1 turns retries off.
        base_s: Longest wait before the second attempt, in seconds.
        cap_s: Longest wait of our own choosing, in seconds.
        max_retry_after_s: Longest wait that a server may ask for, in seconds; a call that is told
            to wait longer raises at once, with `retry_after_s`. A 429 pauses the other calls of
            the credential for no longer than that, or for a minute if this is less.
    """

    attempts: int = 5
    base_s: float = 0.5
    cap_s: float = 20.0
    max_retry_after_s: float = 120.0

    def __post_init__(self) -> None:
        if not is_int(self.attempts) or self.attempts < 1:
            raise ValueError("retry.attempts must be an integer of at least 1")
        for name in ("base_s", "cap_s", "max_retry_after_s"):
            seconds = one_of(f"retry.{name}", getattr(self, name), (int, float))
            if not (seconds >= 0 and math.isfinite(seconds)):
                raise ValueError(f"retry.{name} must be a finite number of seconds, 0 or above")

    def jitter_s(self, attempt: int) -> float:
        """Return a random wait after so many attempts."""
        return random.uniform(0, min(self.cap_s, self.base_s * 2 ** (attempt - 1)))  # noqa: S311 - spreads load, guards nothing


def may_have_taken_effect(error: HeymarketError) -> bool:
    """Whether a write that failed so may have been carried out all the same."""
    if isinstance(error, StatusError):
        # A redirect may stand for "done, see there", but for 307 and 308: "not here".
        is_moved = 300 <= error.status <= 399 and error.status not in {307, 308}
        return error.status == 408 or error.status >= 500 or is_moved
    return isinstance(error, NoResponseError | DecodeError)


def may_repeat(error: HeymarketError, repeat: Repeat, policy: RetryPolicy) -> bool:
    """Whether a call that failed so may be sent again."""
    if isinstance(error, StatusError):
        if error.retry_after_s is not None and error.retry_after_s > policy.max_retry_after_s:
            return False
        passing = error.status in _PASSING and repeat is not Repeat.UNSAFE
        return passing or isinstance(error, RateLimitError)
    if isinstance(error, NoResponseError) or (isinstance(error, DecodeError) and error.is_garbled):
        return repeat is not Repeat.UNSAFE
    return isinstance(error, ConnectError) and error.proxy_status not in _PROXY_REFUSES


def server_wait_s(error: HeymarketError, minute_s: float) -> float:
    """Return the seconds for which the server does not want to be asked again.

    Args:
        error: What it answered.
        minute_s: Length of the window in which requests are counted: a 429 without a hint holds
            for all of it, as nobody knows how much of it is left.
    """
    if not isinstance(error, StatusError):
        return 0.0
    if error.retry_after_s is not None:
        return error.retry_after_s
    return minute_s if isinstance(error, RateLimitError) else 0.0


async def again(
    first: HeymarketError,
    attempt: Callable[[], Awaitable[T]],
    *,
    repeat: Repeat,
    policy: RetryPolicy,
    minute_s: float,
    left_s: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> T:
    """Repeat a call whose first attempt failed, until one succeeds or it has to be given up.

    The first attempt happens outside, because tenacity costs a quarter of a call that succeeds.
    A wait that would end after the deadline, which is `left_s()` away, is not begun.

    Raises:
        HeymarketError: How the last attempt failed.
    """

    def is_worth_it(error: BaseException) -> bool:
        return isinstance(error, HeymarketError) and may_repeat(error, repeat, policy)

    retrying = AsyncRetrying(
        retry=retry_if_exception(is_worth_it),
        wait=lambda state: _wait_s(state, policy, minute_s),
        stop=lambda state: (
            stop_after_attempt(policy.attempts)(state) or state.upcoming_sleep > left_s()
        ),
        sleep=sleep,
        reraise=True,
    )
    return await retrying(_FirstThenMore(first, attempt))


class _FirstThenMore(Generic[T]):
    """Fails as the first attempt did, so that tenacity takes over, and then makes more."""

    def __init__(self, first: HeymarketError, attempt: Callable[[], Awaitable[T]]) -> None:
        self._attempt = attempt
        self._failed = first
        self._has_begun = False

    async def __call__(self) -> T:
        if not self._has_begun:
            self._has_begun = True
            raise self._failed
        try:
            return await self._attempt()
        except DeadlineError as late:
            # The deadline is only half of the story.
            late.request_id = self._failed.request_id
            raise late from self._failed
        except HeymarketError as error:
            self._failed = error
            raise


def _wait_s(state: RetryCallState, policy: RetryPolicy, minute_s: float) -> float:
    error = state.outcome.exception() if state.outcome else None
    hint_s = server_wait_s(error, minute_s) if isinstance(error, HeymarketError) else 0.0
    return hint_s + policy.jitter_s(state.attempt_number)
