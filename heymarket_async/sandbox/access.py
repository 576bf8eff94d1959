"""Credentials and the rate limit.

https://developers.heymarket.com/authentication
https://developers.heymarket.com/rate-limits
"""

import base64
import functools
import math
import re
import warnings
from collections import defaultdict, deque
from email.utils import formatdate
from typing import TYPE_CHECKING, TypeGuard

import jwt

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.routes import Refused

if TYPE_CHECKING:
    from jwt.types import Options  # since PyJWT 2.11

TOKEN_LIFE_S = 300
MAX_TOKENS = 1000
# As seconds, this is the year 5138; as milliseconds, 1973.
_NO_SECONDS = 1e11
# PyJWT also takes padding, and skips characters that are not base64url; other servers do not.
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

# Times are judged against the sandbox's clock, which may be set wrong on purpose.
_SIGNATURE_ONLY: "Options" = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
}


class Access:
    """Checks credentials, and counts the requests of every credential.

    Args:
        secret_id: The API Secret's id; a token's `iss`.
        secret_key: The API Secret's key.
        api_key: The legacy key, sent as it is.
        readings: The options for behaviour that the API docs leave open.
        limit: Requests per window and credential; None: no limit.
        per_s: Length of the window in seconds.
    """

    def __init__(
        self,
        secret_id: str,
        secret_key: str,
        api_key: str,
        readings: Readings,
        limit: int | None,
        per_s: float,
    ) -> None:
        self._secret_id = secret_id
        self._key = f"{secret_id}||{secret_key}".encode()
        self._api_key = api_key
        self._as_user_name = base64.b64encode(f"{api_key}:".encode()).decode()
        self._readings = readings
        self._limits = defaultdict[str, RateLimit](lambda: RateLimit(limit, per_s, readings))
        self._latest = RateLimit(None, per_s, readings)
        # A client sends one token for minutes; checking its signature once is enough.
        self._claims = functools.lru_cache(MAX_TOKENS)(self._verified)

    def admit(self, header: str, arrived: float, now: float) -> None:
        """Let a request with this `Authorization` pass, or refuse it with 401 or 429.

        `arrived` is a monotonic time, `now` the sandbox's clock.
        """
        self._latest = self._limits[self._credential(header, now)]
        self._latest.admit(arrived, now)

    def rate_headers(self, arrived: float) -> dict[str, str]:
        """Return headers about the rate limit of the credential that was admitted last."""
        return self._latest.headers(arrived)

    def _credential(self, header: str, now: float) -> str:
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "basic" and token == self._as_user_name:
            return self._api_key
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "no bearer token")
        if token == self._api_key:
            return self._api_key
        self._check_claims(self._claims(token), now)
        return self._secret_id

    def _verified(self, token: str) -> dict[str, object]:
        if not _TOKEN.fullmatch(token):
            raise Refused(401, "the token is not three parts of base64url without padding")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # secrets of tests may be short
                return jwt.decode(  # pyright: ignore[reportUnknownMemberType] - needs cryptography
                    token, self._key, algorithms=["HS256"], options=_SIGNATURE_ONLY
                )
        except jwt.InvalidTokenError as error:
            raise Refused(401, f"the token is not valid ({type(error).__name__})") from None

    def _check_claims(self, claims: dict[str, object], now: float) -> None:
        issued, expires = claims.get("iat"), claims.get("exp")
        if claims.get("iss") != self._secret_id:
            raise Refused(401, "iss is not the id of an API Secret")
        if not _is_number(issued):
            raise Refused(401, "iat is missing or not a number")
        if issued >= _NO_SECONDS:
            raise Refused(401, "iat must be in seconds, not in milliseconds")
        # Compared, not subtracted: an integer may be too large for that.
        if issued <= now - TOKEN_LIFE_S:
            raise Refused(401, "the token has expired")
        if issued > now + self._readings.future_iat_leeway_s:
            raise Refused(401, "iat lies in the future")
        if self._readings.honours_exp and _is_number(expires) and now >= expires:
            raise Refused(401, "the token has expired")


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) in {int, float} and value == value  # NaN does not equal itself


class RateLimit:
    """Counts the requests of one credential."""

    def __init__(self, limit: int | None, per_s: float, readings: Readings) -> None:
        self._limit = limit
        self._per_s = per_s
        self._readings = readings
        # Only the last `limit` requests can still count.
        self._counted: deque[float] = deque(maxlen=limit)

    def admit(self, now: float, clock: float) -> None:
        """Count a request at `now`, or refuse it with 429; `clock` dates its `Retry-After`."""
        if self._limit is None:
            return
        while self._counted and self._ends(self._counted[0]) <= now:
            self._counted.popleft()
        if len(self._counted) < self._limit:
            self._counted.append(now)
            return
        if self._readings.counts_429:
            self._counted.append(now)
        wait_s = self._ends(self._counted[0]) - now
        raise Refused(429, "rate limit exceeded", self._retry_after(wait_s, clock))

    def headers(self, now: float) -> dict[str, str]:
        """Return the limit, the requests that are left, and the seconds until there are more."""
        if self._limit is None:
            return {}
        reset = self._ends(self._counted[0]) - now if self._counted else 0.0
        numbers = (self._limit, self._limit - len(self._counted), math.ceil(reset))
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        return dict(zip(names, map(str, numbers), strict=True))

    def _ends(self, counted_at: float) -> float:
        """Return when a request counted then stops counting."""
        if self._readings.window == "sliding":
            return counted_at + self._per_s
        return (counted_at // self._per_s + 1) * self._per_s

    def _retry_after(self, wait_s: float, clock: float) -> dict[str, str]:
        forms = {
            "none": {},
            "seconds": {"Retry-After": str(math.ceil(wait_s))},
            "date": {"Retry-After": formatdate(math.ceil(clock + wait_s), usegmt=True)},
        }
        return forms[self._readings.retry_after]
