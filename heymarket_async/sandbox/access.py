"""Who may call, and how often.

https://developers.heymarket.com/authentication
https://developers.heymarket.com/rate-limits
"""

import base64
import math
import re
import warnings
from collections import deque
from email.utils import formatdate
from typing import TypeGuard

import jwt
from jwt.types import Options

from heymarket_async.sandbox.answers import Refused
from heymarket_async.sandbox.readings import Readings

TOKEN_LIFE_S = 300
KEPT_TOKENS = 1000
# As seconds, this is the year 5138; as milliseconds, 1973.
_NO_SECONDS = 1e11
# PyJWT, which is asked here, also takes padding and skips what is no base64url; others do not.
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

# Times are judged against the sandbox's clock, which may be set wrong on purpose.
_SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
}


class Access:
    """Checks credentials.

    Attributes:
        secret_id: The API Secret's id, which a token names as `iss`.
        api_key: The legacy key, sent as it is.
    """

    def __init__(self, secret_id: str, secret_key: str, api_key: str, readings: Readings) -> None:
        self.secret_id = secret_id
        self.api_key = api_key
        self._key = f"{secret_id}||{secret_key}".encode()
        self._readings = readings
        # A client sends one token for minutes; checking its signature once is enough.
        self._verified: dict[str, dict[str, object]] = {}

    def check(self, header: str, now: float) -> str:
        """Return the name of the credential, or refuse with 401."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "basic" and token == self._as_user_name():
            return self.api_key
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "no bearer token")
        if token == self.api_key:
            return self.api_key
        self._check_claims(self._claims(token), now)
        return self.secret_id

    def _as_user_name(self) -> str:
        return base64.b64encode(f"{self.api_key}:".encode()).decode()

    def _claims(self, token: str) -> dict[str, object]:
        if token in self._verified:
            return self._verified[token]
        if not _TOKEN.fullmatch(token):
            raise Refused(401, "the token is not three parts of base64url without padding")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # secrets of tests may be short
                claims = jwt.decode(  # pyright: ignore[reportUnknownMemberType] - needs cryptography
                    token, self._key, algorithms=["HS256"], options=_SIGNATURE_ONLY
                )
        except jwt.InvalidTokenError as error:
            raise Refused(401, f"the token is not valid ({type(error).__name__})") from None
        if len(self._verified) >= KEPT_TOKENS:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _check_claims(self, claims: dict[str, object], now: float) -> None:
        issued, expires = claims.get("iat"), claims.get("exp")
        if claims.get("iss") != self.secret_id:
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
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return isinstance(value, int) or not math.isnan(value)


class Window:
    """Counts one credential's requests.

    Args:
        limit: How many requests a window lets through; None: all.
        per_s: Length of the window in seconds.
    """

    def __init__(self, limit: int | None, per_s: float, readings: Readings) -> None:
        self._limit = limit
        self._per_s = per_s
        self._readings = readings
        # Older ones than the last `limit` cannot count any more.
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

    def _ends(self, counted_at: float) -> float:
        """Return when a request counted then stops counting."""
        if self._readings.window == "sliding":
            return counted_at + self._per_s
        return (counted_at // self._per_s + 1) * self._per_s

    def _retry_after(self, wait_s: float, clock: float) -> dict[str, str]:
        forms = {
            "seconds": str(math.ceil(wait_s)),
            "date": formatdate(math.ceil(clock + wait_s), usegmt=True),
        }
        form = forms.get(self._readings.retry_after)
        return {} if form is None else {"Retry-After": form}
