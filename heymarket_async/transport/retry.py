"""Retries: the rules that say which failed attempts are repeated, and the loop that repeats them.

The rules, for an attempt that failed:

    not sent: DNS, refused, TLS, connect time-out      retry any call
    not sent: the proxy answers 401, 403 or 407        raise
    429                                                retry any call
    401                                                retry once with a new token (in Transport)
    sent, but no whole answer                          retry, unless the call is an unsafe write
    408, 425, 500-599 except 501 and 505               retry, unless the call is an unsafe write
    200-299, but no JSON: a gateway's page, empty      retry, unless the call is an unsafe write
    anything else                                      raise
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

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

# Gateways use more of them than HTTP defines, such as 520-524 and 529.
_TEMPORARY = frozenset({408, 425, *range(500, 600)}) - {501, 505}
_PROXY_REFUSES = frozenset({401, 403, 407})


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and how soon a failed call is sent again.

    The wait before attempt n is random between 0 and `base_s` * 2^(n-2), at most `cap_s` ("full
    jitter"). If the server says how long to wait, the random part is added to that.

    Attributes:
        attempts: Attempts in all; 1 turns retries off.
        base_s: Longest wait before the second attempt, in seconds.
        cap_s: Longest wait that the server did not ask for, in seconds.
        max_retry_after_s: Longest wait that a server may ask for, in seconds. If it asks for a
            longer one, the call raises at once, with `retry_after_s`. A 429 pauses the other calls
            of the credential for at most this long or a minute, whichever is longer.
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
        """Return a random wait after this many attempts."""
        return random.uniform(0, min(self.cap_s, self.base_s * 2 ** (attempt - 1)))  # noqa: S311 - spreads load, guards nothing


def may_have_taken_effect(error: HeymarketError) -> bool:
    """Whether a write may have been carried out although it failed with this error."""
    if isinstance(error, StatusError):
        # A redirect may stand for "done, see there", but for 307 and 308: "not here".
        is_moved = 300 <= error.status <= 399 and error.status not in {307, 308}
        return error.status == 408 or error.status >= 500 or is_moved
    return isinstance(error, NoResponseError | DecodeError)


def may_repeat(error: HeymarketError, repeat: Repeat, policy: RetryPolicy) -> bool:
    """Whether a call that failed with this error may be sent again."""
    if isinstance(error, StatusError):
        if error.retry_after_s is not None and error.retry_after_s > policy.max_retry_after_s:
            return False
        is_temporary = error.status in _TEMPORARY and repeat is not Repeat.UNSAFE
        return is_temporary or isinstance(error, RateLimitError)
    if isinstance(error, NoResponseError) or (isinstance(error, DecodeError) and error.is_garbled):
        return repeat is not Repeat.UNSAFE
    return isinstance(error, ConnectError) and error.proxy_status not in _PROXY_REFUSES


def server_wait_s(error: HeymarketError, window_s: float) -> float:
    """Return the seconds that the server asks to wait before the next request.

    Args:
        error: The error that its answer became.
        window_s: Length of the window in which the server counts requests. A 429 without a hint
            means a wait of all of it, because the time left in it is not known.
    """
    if not isinstance(error, StatusError):
        return 0.0
    if error.retry_after_s is not None:
        return error.retry_after_s
    return window_s if isinstance(error, RateLimitError) else 0.0


async def after(
    failed: HeymarketError,
    attempt: Callable[[], Awaitable[T]],
    *,
    repeat: Repeat,
    policy: RetryPolicy,
    window_s: float,
    deadline: float,
    sleep: Callable[[float], Awaitable[None]],
) -> T:
    """Make further attempts after the first, until one succeeds or the call must be given up.

    The first is made outside, because tenacity costs a quarter of a call that succeeds. No wait
    begins that would end after the deadline.

    Raises:
        HeymarketError: The error of the last attempt.
    """
    if not may_repeat(failed, repeat, policy):
        raise failed
    loop = asyncio.get_running_loop()
    async for step in AsyncRetrying(  # pragma: no branch - it raises the last error itself
        retry=retry_if_exception(
            lambda error: isinstance(error, HeymarketError) and may_repeat(error, repeat, policy)
        ),
        wait=lambda state: _wait_s(state, policy, window_s),
        stop=lambda state: (
            state.attempt_number >= policy.attempts or state.upcoming_sleep > deadline - loop.time()
        ),
        sleep=sleep,
        reraise=True,
    ):
        with step:
            if step.retry_state.attempt_number == 1:
                raise failed
            try:
                return await attempt()
            except DeadlineError as late:
                # The error before it says why the call took so long.
                late.request_id = failed.request_id
                raise late from failed
            except HeymarketError as error:
                failed = error
                raise
    raise failed  # pragma: no cover - for the type checkers


def _wait_s(state: RetryCallState, policy: RetryPolicy, window_s: float) -> float:
    error = state.outcome.exception() if state.outcome else None
    hint_s = server_wait_s(error, window_s) if isinstance(error, HeymarketError) else 0.0
    return hint_s + policy.jitter_s(state.attempt_number)
