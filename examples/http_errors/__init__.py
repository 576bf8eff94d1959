"""HTTP answers of the web services: one shape for all that is refused.

The body is `{"error": ..., "detail": ..., "request_id": ...}`. `detail` is a sentence for people.
"""

from __future__ import annotations

import logging
import math
from typing import NamedTuple

from heymarket_async import (
    BadRequestError,
    ClientStateError,
    ConnectError,
    DeadlineError,
    HeymarketError,
    NoResponseError,
    RateLimitError,
    StoreError,
)

logger = logging.getLogger("heymarket_service")


class Refusal(NamedTuple):
    """An HTTP answer from which the caller can see what to do."""

    body: dict[str, str]
    status: int
    headers: dict[str, str]


def refusal(status: int, error: str, detail: str) -> Refusal:
    """Return the answer to a request that this service refuses itself."""
    return Refusal({"error": error, "detail": detail, "request_id": ""}, status, {})


def refusal_of(error: HeymarketError) -> Refusal:
    """Return the answer to an error of Heymarket, and log it: it has no personal data."""
    status, detail, retry_after_s = _answer_to(error)
    logger.warning("answered %d: %s: %s", status, type(error).__name__, error)
    headers = {} if retry_after_s is None else {"Retry-After": str(math.ceil(retry_after_s))}
    body = {"error": type(error).__name__, "detail": detail, "request_id": error.request_id}
    return Refusal(body, status, headers)


TIMED_OUT = refusal(504, "TimeoutError", "the result is not known; a PUT is safe to retry")


def _answer_to(error: HeymarketError) -> tuple[int, str, float | None]:
    """Return the HTTP status and the detail for an error, and the seconds to wait."""
    later = "Heymarket could not be asked; try again later"
    unknown = TIMED_OUT.body["detail"]
    match error:
        case _ if error.may_have_taken_effect:
            return 504, unknown, None
        case RateLimitError():
            return 503, later, error.retry_after_s or 60.0
        case DeadlineError() | ConnectError() | StoreError() | ClientStateError():
            return 503, later, 1.0  # nothing was sent
        case NoResponseError():
            return 504, unknown, None
        case BadRequestError():
            reason = error.detail or error.code or "it gives no reason"  # masked by the client
            return 422, f"Heymarket refused it: {reason}", None
        case _:
            return 502, "Heymarket, or the access to it, failed", None
