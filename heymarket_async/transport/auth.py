"""Credentials, and the short-lived tokens that are signed with them.

A token expires 300 seconds after its `iat`, by Heymarket's clock. So a token is reused for at most
240 seconds, even if the clocks of this machine change. If Heymarket refuses a token, the next one
is stamped with the time of that answer.

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
_PYJWT_WARNS_BELOW = 32


class _Secret:
    """A secret that no `repr` and no pickle shows.

    Attributes:
        fingerprint: A name for these credentials that reveals nothing about them.
        secrets: Their parts, which must not be shown anywhere.
    """

    __slots__ = ("fingerprint", "secrets")

    def __init__(self, secret: str, identity: str) -> None:
        self.fingerprint = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.secrets = Hidden(tuple(secret.split("||")))

    def _reveal(self) -> str:
        return "||".join(self.secrets.reveal())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<secret>, fingerprint={self.fingerprint!r})"

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, _Secret)
            and self.secrets.reveal() == other.secrets.reveal()
        )

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} does not pickle, so that no secret is written anywhere."
            " Read the credentials where they are used, as with HeymarketClient.from_env()."
        )


@hides_locals
class ApiSecret(_Secret):
    """An API secret, which signs short-lived tokens.

    Args:
        secret_id: The API Secret ID.
        secret_key: The API Secret Key, which Heymarket shows once, when the secret is created.

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
        secret = self._reveal()
        claims: dict[str, object] = {"iss": self._secret_id, "iat": int(now)}
        if len(secret) < _PYJWT_WARNS_BELOW:
            # Heymarket's secrets are longer. Secrets made up for tests need no warning.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                return _signed(claims, secret)
        return _signed(claims, secret)


@hides_locals
class ApiKey(_Secret):
    """A legacy API key, sent as the token. Heymarket plans to end these keys; prefer `ApiSecret`.

    Args:
        key: The key as Heymarket shows it.

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
        return self._reveal()


Credentials = ApiSecret | ApiKey
CredentialsProvider = Callable[[], Awaitable[Credentials]]


class Signer:
    """Keeps one token fresh for a client.

    Args:
        credentials: The credentials, or an async callable that returns them. The callable is
            called at least every 240 seconds of use, and after a token was refused.
        wall: Returns the Unix time.
        monotonic: Returns a time that is never set back.

    Attributes:
        credentials: The credentials in use; None until the callable was called.
        can_change: Whether a callable may return other credentials later.
        fingerprint: A name for the credentials in use that reveals nothing about them; "" until
            the callable was called.
        secrets: The parts of the credentials in use, which must not be shown anywhere.
    """

    def __init__(
        self,
        credentials: Credentials | CredentialsProvider,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.credentials: Credentials | None = None
        self.fingerprint = ""
        self.secrets: Hidden[tuple[str, ...]] = Hidden(())
        self._provider: CredentialsProvider | None = None
        if isinstance(credentials, ApiSecret | ApiKey):
            self._use(credentials)
        else:
            self._provider = credentials
        self.can_change = self._provider is not None
        self._wall = wall
        self._monotonic = monotonic
        self._skew_s: float = 0.0
        self._token: Hidden[str] | None = None
        self._iat = 0.0
        self._signed_at = 0.0
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    @property
    def needs_credentials(self) -> bool:
        """Whether `ask` must be awaited before the next token."""
        if self._provider is None:
            return False
        return not self._monotonic() - self._asked_at < REUSED_FOR_S

    async def ask(self) -> None:
        """Call the provider for credentials, once for all waiting calls."""
        async with self._asking:
            if self._provider is None or not self.needs_credentials:
                return
            awaitable = self._provider()
            if not inspect.isawaitable(awaitable):
                raise ValueError("the credentials callable must be async")
            credentials = await awaitable
            if not isinstance(credentials, ApiSecret | ApiKey):
                raise ValueError("the credentials callable must return an ApiSecret or ApiKey")
            if credentials != self.credentials:
                self._token = None
            self._use(credentials)
            self._asked_at = self._monotonic()

    def _use(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.fingerprint = credentials.fingerprint
        self.secrets = credentials.secrets

    def token(self) -> Hidden[str]:
        """Return a token that is less than 240 seconds old by both of this machine's clocks."""
        now, monotonic = self._wall() + self._skew_s, self._monotonic()
        # Two clocks: the first can be set, and the second may stop while the machine sleeps.
        fresh = 0 <= now - self._iat < REUSED_FOR_S and monotonic - self._signed_at < REUSED_FOR_S
        if self._token is None or not fresh:
            if self.credentials is None:
                raise RuntimeError("ask() must be awaited first where needs_credentials is true")
            self._token = Hidden(self.credentials.token(now))
            self._iat, self._signed_at = int(now), monotonic
        return self._token

    def distrust(self, token: Hidden[str], date: str) -> None:
        """Drop a token that Heymarket refused, and learn its clock from the answer's `Date`.

        Do nothing if the token was replaced already.

        Args:
            token: The token.
            date: The date; "" if there is none.
        """
        if token != self._token:
            return
        self._token = None
        self._asked_at = float("-inf")
        server_time = http_date(date)
        # Without a date, the skew that was learned before may be the reason of the refusal.
        self._skew_s = 0.0 if server_time is None else server_time - self._wall()


def _signed(claims: dict[str, object], secret: str) -> str:
    return jwt.encode(claims, secret.encode(), algorithm="HS256")  # pyright: ignore[reportUnknownMemberType] - PyJWT leaves the key's type partly open


def _check(name: str, value: str) -> None:
    # White space is often copied by mistake, and control characters break the header.
    text = value if isinstance(value, str) else ""
    if not text or not text.isprintable() or any(character.isspace() for character in text):
        raise ValueError(f"{name} must be text without white space, as Heymarket shows it")
