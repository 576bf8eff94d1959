"""HTTP answers of the web services for errors of Heymarket."""

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


def refusal_of(error: HeymarketError) -> Refusal:
    """Return the answer to an error. Log those that the caller cannot correct.

    No error has personal data.
    """
    status, retry_after_s = _status_of(error)
    if status >= 500:
        logger.warning("%s: %s", type(error).__name__, error)
    headers = {} if retry_after_s is None else {"Retry-After": str(math.ceil(retry_after_s))}
    body = {"error": type(error).__name__, "request_id": error.request_id}
    return Refusal(body, status, headers)


def _status_of(error: HeymarketError) -> tuple[int, float | None]:
    """Return the HTTP status for an error, and the seconds to wait before a retry."""
    match error:
        case _ if error.may_have_taken_effect:
            return 504, None  # the result is not known
        case RateLimitError():
            return 503, error.retry_after_s or 60.0
        case DeadlineError() | ConnectError() | StoreError() | ClientStateError():
            return 503, 1.0  # nothing was sent
        case NoResponseError():
            return 504, None
        case BadRequestError():
            return 422, None
        case _:
            return 502, None  # our credentials, or Heymarket itself
