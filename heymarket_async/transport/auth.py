"""Credentials, and the short-lived tokens that are signed with them.

A token dies 300 seconds after its `iat`, by Heymarket's clock. So one is reused for at most 240
seconds, whatever the clocks here do, and when Heymarket refuses one, the next is stamped with the
time that its answer told.

https://developers.heymarket.com/authentication
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import NoReturn

import jwt

from heymarket_async.privacy import Hidden, hides_locals
from heymarket_async.timestamps import http_date

REUSED_FOR_S = 240.0
_AS_LONG_AS_PYJWT_LIKES = 32


class _Secret:
    """What no `repr`, copy or pickle may show."""

    __slots__ = ("_fingerprint", "_secret", "_secrets")

    def __init__(self, secret: str, identity: str) -> None:
        self._secret = Hidden(secret)
        self._secrets = Hidden(tuple(secret.split("||")))
        self._fingerprint = hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """A name for these credentials that tells nothing about them."""
        return self._fingerprint

    @property
    def secrets(self) -> Hidden[tuple[str, ...]]:
        """What must not be shown anywhere."""
        return self._secrets

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<secret>, fingerprint={self._fingerprint!r})"

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, _Secret)
            and self._secret.reveal() == other._secret.reveal()
        )

    def __hash__(self) -> int:
        return hash(self._fingerprint)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} does not pickle, so that no secret is written anywhere;"
            " read the credentials where they are used, as HeymarketClient.from_env() does"
        )


@hides_locals
class ApiSecret(_Secret):
    """An API secret, with which short-lived tokens are signed.

    Args:
        secret_id: The API Secret ID.
        secret_key: The API Secret Key, shown once when the secret is made.

    Raises:
        ValueError: One of them is empty or has white space around it.

    https://developers.heymarket.com/authentication
    """

    __slots__ = ("_secret_id",)

    def __init__(self, secret_id: str, secret_key: str) -> None:
        _check("secret_id", secret_id)
        _check("secret_key", secret_key)
        super().__init__(f"{secret_id}||{secret_key}", secret_id)
        self._secret_id = secret_id

    def token(self, now: float) -> str:
        """Return a token that is valid for 300 seconds from `now`, in Unix seconds."""
        claims: dict[str, object] = {"iss": self._secret_id, "iat": int(now)}
        if len(self._secret.reveal()) < _AS_LONG_AS_PYJWT_LIKES:
            # Heymarket's secrets are longer. Those that tests make up need no warning.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                return self._signed(claims)
        return self._signed(claims)

    def _signed(self, claims: dict[str, object]) -> str:
        return jwt.encode(claims, self._secret.reveal().encode(), algorithm="HS256")  # pyright: ignore[reportUnknownMemberType] - PyJWT leaves the key's type partly open


@hides_locals
class ApiKey(_Secret):
    """A legacy API key, sent as it is. Heymarket plans to end these keys; prefer `ApiSecret`.

    Raises:
        ValueError: The key is empty or has white space around it.

    https://developers.heymarket.com/authentication
    """

    __slots__ = ()

    def __init__(self, key: str) -> None:
        _check("key", key)
        super().__init__(key, key)

    def token(self, now: float) -> str:  # noqa: ARG002 - a key does not depend on the time
        """Return the key."""
        return self._secret.reveal()


Credentials = ApiSecret | ApiKey
CredentialsProvider = Callable[[], Awaitable[Credentials]]


class Signer:
    """Keeps one token fresh for a client.

    Args:
        credentials: What to sign with, or an async callable that returns it. The callable is
            asked again at least every 240 seconds of use and after a token was refused.
        wall: Returns the Unix time.
        monotonic: Returns a time that is never set back.

    Attributes:
        fingerprint: A name for the credentials in use that tells nothing about them; "" until a
            callable was asked for them.
        secrets: What must not be shown anywhere.
    """

    def __init__(
        self,
        credentials: Credentials | CredentialsProvider,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider: CredentialsProvider | None = None
        self._known: Credentials | None = None
        self.fingerprint = ""
        self.secrets: Hidden[tuple[str, ...]] = Hidden(())
        if isinstance(credentials, ApiSecret | ApiKey):
            self._know(credentials)
        else:
            self._provider = credentials
        self._wall = wall
        self._monotonic = monotonic
        self._skew_s: float = 0.0
        self._token: Hidden[str] | None = None
        self._iat = 0.0
        self._signed_at = 0.0
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    @property
    def credentials(self) -> Credentials | None:
        """The credentials in use; None until a callable was asked for them."""
        return self._known

    @property
    def can_change(self) -> bool:
        """Whether other credentials may be in use later."""
        return self._provider is not None

    @property
    def needs_credentials(self) -> bool:
        """Whether `ask` must be awaited before the next token."""
        if self._provider is None:
            return False
        return not self._monotonic() - self._asked_at < REUSED_FOR_S

    async def ask(self) -> None:
        """Ask the provider for credentials, once for all callers that wait."""
        async with self._asking:
            if self._provider is None or not self.needs_credentials:
                return
            asked = self._provider()
            if not inspect.isawaitable(asked):
                raise ValueError("the credentials callable must be async")
            credentials = await asked
            if not isinstance(credentials, ApiSecret | ApiKey):
                raise ValueError("the credentials callable must return an ApiSecret or ApiKey")
            if credentials != self._known:
                self._token = None
            self._know(credentials)
            self._asked_at = self._monotonic()

    def _know(self, credentials: Credentials) -> None:
        self._known = credentials
        self.fingerprint = credentials.fingerprint
        self.secrets = credentials.secrets

    def token(self) -> Hidden[str]:
        """Return a token that is less than 240 seconds old by both of this machine's clocks."""
        now, monotonic = self._wall() + self._skew_s, self._monotonic()
        # Two clocks, because the one can be set and the other may stand still during suspend.
        fresh = 0 <= now - self._iat < REUSED_FOR_S and monotonic - self._signed_at < REUSED_FOR_S
        if self._token is None or not fresh:
            if self._known is None:
                raise RuntimeError("ask() must be awaited first where needs_credentials is true")
            self._token = Hidden(self._known.token(now))
            self._iat, self._signed_at = int(now), monotonic
        return self._token

    def distrust(self, token: Hidden[str], date: str | None) -> None:
        """Drop a token that Heymarket refused, and learn its clock from the answer's `Date`.

        A token that was replaced meanwhile is none of this call's business.
        """
        if token != self._token:
            return
        self._token = None
        self._asked_at = float("-inf")
        told = None if date is None else http_date(date)
        # Without a time, one that was learned before may be the reason.
        self._skew_s = 0.0 if told is None else told - self._wall()


def _check(name: str, value: str) -> None:
    # White space comes with copying, and control characters do not fit into a header.
    text = value if isinstance(value, str) else ""
    if not text or not text.isprintable() or any(character.isspace() for character in text):
        raise ValueError(f"{name} must be text without white space, as Heymarket shows it")
