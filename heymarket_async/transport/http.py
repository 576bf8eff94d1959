"""One exchange: bytes out, bytes in. The only module of the client that talks through aiohttp."""

from __future__ import annotations

import asyncio
import functools
import io
import os
import warnings
from collections import deque
from collections.abc import Mapping
from ssl import SSLContext
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from heymarket_async.errors import (
    ClientStateError,
    ConnectError,
    HeymarketError,
    NoResponseError,
)
from heymarket_async.transport.time_limits import TimeLimit, TimeLimits
from heymarket_async.transport.waits import give_up

# More connections make small calls dearer, not faster; further calls wait for their turn here,
# where it does not count against their time limit, instead of in aiohttp's pool, where it would.
CONNECTIONS = 100


Session = aiohttp.ClientSession


class Answer(msgspec.Struct, frozen=True):
    """What came back; header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        """Its `X-Request-Id`, or ""."""
        return _request_id(self.headers)


class Slots:
    """At most so many exchanges at once, first come, first served."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._queue: deque[asyncio.Future[None]] = deque()

    def take(self) -> asyncio.Future[None] | None:
        """Return None if a slot was free, else a future that is done when one was handed over.

        A slot that was taken must be given back with `release`, and whoever stops waiting for the
        future must `discard` it.
        """
        if self._free:
            self._free -= 1
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        return turn

    def release(self) -> None:
        """Hand the slot to the first that waits, or free it."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def discard(self, turn: asyncio.Future[None]) -> None:
        """Give up a turn, whether it came already or not."""
        give_up(self._queue, turn, self.release)


class Http:
    """The connections of one client.

    Args:
        session: A session to borrow, with its connector and cookies; it is never closed here, and
            its middlewares are not run. None makes one in the loop of the first call.
        proxy: URL of an HTTP proxy; may carry a user and a password.
        ssl: Context for TLS; None for the default one.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        proxy: str | None = None,
        ssl: SSLContext | None = None,
    ) -> None:
        self._session = session
        self._owned = session is None
        if session is not None and session.auth is not None:
            raise ValueError("session must not have an auth of its own: each call brings a token")
        self._proxy, self._proxy_headers = _split_proxy(proxy)
        self._ssl = True if ssl is None else ssl
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limits = TimeLimits()
        self._last_body = b""
        self.closed = False
        self.slots = Slots(CONNECTIONS)

    def enter(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, to which the first call binds these connections.

        Raises:
            ClientStateError: The client is closed, or bound to another loop.
        """
        loop = asyncio.get_running_loop()
        if self.closed:
            raise ClientStateError("the client is closed; make a new one")
        if self._loop is loop:
            return loop
        if self._loop is not None:
            raise ClientStateError(
                "the client is in use in another event loop; make one client per loop, inside"
                " the coroutine that the loop runs"
            )
        self._loop = loop
        return loop

    def leave(self) -> None:
        """Let no call enter any more.

        Raises:
            ClientStateError: The client is in use in another loop, which has not ended.
        """
        loop = self._loop
        if loop and loop is not asyncio.get_running_loop() and not loop.is_closed():
            raise ClientStateError("the client is in use in another event loop; close it there")
        self.closed = True

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> Answer:
        """Send one request and return its whole answer, whatever the status.

        Raises:
            ConnectError: Nothing was sent.
            NoResponseError: The request was sent, and no whole answer came in time.
            ClientStateError: The borrowed session is closed.
        """
        response: aiohttp.ClientResponse | None = None
        target = URL(url, encoded=True)
        try:
            with TimeLimit(self._limits, asyncio.get_running_loop().time() + timeout_s):
                response = await self._open().request(
                    method,
                    target,
                    data=_payload(body),
                    headers=headers,
                    timeout=_timeout(timeout_s),
                    proxy=self._proxy,
                    proxy_headers=self._proxy_headers,
                    ssl=self._ssl,
                    allow_redirects=False,
                    raise_for_status=False,
                    middlewares=() if method in _NEVER_RESENT else _NEVER_RESEND,
                )
                stream = response.content
                # What came whole needs no waiting; but a borrowed session may trace what is read.
                whole = self._owned and stream.is_eof()
                content = stream.read_nowait() if whole else await response.read()
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            failure = self._failure(error, target)
        else:
            # Held until the next one came: a large body that is freed before goes back to the
            # system, and to get its memory anew costs a tenth of a page of 1,000.
            self._last_body = content
            return Answer(response.status, response.headers, content)
        if response is not None:
            failure.request_id = _request_id(response.headers)
        raise failure

    async def aclose(self) -> None:
        """Close the connections that were made here."""
        self._limits.close()
        self._last_body = b""
        if self._owned and self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _failure(self, error: Exception, target: URL) -> HeymarketError:
        failure: HeymarketError
        if isinstance(error, RuntimeError) and not isinstance(error, aiohttp.ClientError):
            if self._session is None or not self._session.closed:
                raise error
            failure = ClientStateError("the borrowed session is closed")
        elif isinstance(error, _NOTHING_WAS_SENT):
            where = f"{target.host}:{target.port}"
            failure = ConnectError(
                f"could not connect to {where} ({_name(error)}); nothing was sent"
            )
        else:
            failure = NoResponseError(f"got no whole answer ({_name(error)})")
        # Errors about a response hold the request's headers, and those hold the token.
        failure.__cause__ = None if isinstance(error, aiohttp.ClientResponseError) else error
        return failure

    def __del__(self) -> None:
        if self._owned and self._session is not None and not self._session.closed:
            warnings.warn(
                "a HeymarketClient was not closed; use `async with`, or await its aclose()",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )


def proxy_from_environment(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, or None.

    aiohttp's own `trust_env` reads the environment on each request, which makes a small call three
    times as dear.
    """
    target = URL(url)
    if target.host is None or proxy_bypass(target.host):
        return None
    return getproxies().get(target.scheme)


_NOTHING_WAS_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


class _DroppedError(aiohttp.ClientError):
    """A connection was dropped; aiohttp does not know this error, so it does not send again."""


async def _never_resend(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # aiohttp sends PUT, DELETE and GET once more by itself if a kept-alive connection turns out
    # dropped. That would be a second layer of retries, blind to pacing, and wrong for a write
    # that must not be repeated.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _DroppedError(_name(error)) from error


_NEVER_RESEND = (_never_resend,)
# A middleware costs a fiftieth of a small call, and aiohttp sends these once as it is.
_NEVER_RESENT = frozenset({"POST", "PATCH"})


@functools.lru_cache(maxsize=16)
def _timeout(timeout_s: float) -> aiohttp.ClientTimeout:
    # Connecting has a shorter limit of its own, so that a connection that never came about is
    # told apart from an answer that never came.
    return aiohttp.ClientTimeout(total=None, connect=min(10.0, timeout_s / 2))


def _request_id(headers: Mapping[str, str]) -> str:
    # It ends up in logs and on terminals.
    text = headers.get("X-Request-Id", "")
    return text if text.isprintable() else ""


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    # aiohttp writes bytes at once, and warns of more than a megabyte of them.
    return io.BytesIO(body) if body is not None and len(body) > 1 << 20 else body


def _split_proxy(proxy: str | None) -> tuple[URL | None, Mapping[str, str] | None]:
    if proxy is None:
        return None, None
    url = URL(proxy) if isinstance(proxy, str) else URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(
            "proxy must be the URL of an HTTP proxy, such as http://proxy.example:3128"
        )
    if url.user is None:
        return url, None
    # Out of the URL, because URLs are in the texts of errors.
    login = aiohttp.encode_basic_auth(url.user, url.password or "")
    return url.with_user(None), {"Proxy-Authorization": login}


def _name(error: BaseException) -> str:
    # The class, not the text: texts of aiohttp quote what they failed on.
    if isinstance(error, _DroppedError):
        return str(error)
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
        return "time-out"
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno and not isinstance(error, aiohttp.ClientSSLError):
        return f"{name}: {os.strerror(error.errno)}" if error.errno > 0 else name
    return name
