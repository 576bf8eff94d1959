"""One HTTP exchange over aiohttp: sends a request, and returns its answer or a mapped error."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import warnings
from codecs import BOM_UTF8
from collections.abc import Awaitable, Mapping
from math import inf
from ssl import SSLContext
from typing import cast

import aiohttp
import msgspec
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from multidict import MultiMapping
from yarl import URL

from heymarket_async.errors import (
    ClientStateError,
    ConnectError,
    DecodeError,
    HeymarketError,
    NoResponseError,
)
from heymarket_async.pacing.line import Slots
from heymarket_async.privacy import Hidden, Masked
from heymarket_async.transport import bodies, connections, direct, proxies
from heymarket_async.transport.cancelling import TimeLimit, TimeLimits, running_task
from heymarket_async.transport.direct import DirectSender
from heymarket_async.transport.session import SessionSender

# More connections make small calls slower. Further calls wait for a slot, which does not count
# against their time limit, as a wait in aiohttp's own pool would.
CONNECTIONS = 100
# A request id is 36 characters long.
_MAX_HEADER = 128


Session = aiohttp.ClientSession
_Response = aiohttp.ClientResponse | direct.Response

logger = logging.getLogger("heymarket_async")

_ONE_PER_LOOP = (
    "A client belongs to one loop, and each asyncio.run() makes a new one. Make the client inside"
    " the coroutine: async with HeymarketClient.from_env() as client: ..."
)


class Answer(Masked, msgspec.Struct, frozen=True):
    """The answer to a request.

    Attributes:
        status: HTTP status code.
        headers: The headers; names are looked up in any case, and may occur more than once.
        body: The body, decompressed.
        may_be_cut: The body is blank, and may have been lost on the way: gateways such as nginx
            make an answer without its body look whole.
    """

    status: int
    headers: MultiMapping[str]
    body: bytes
    may_be_cut: bool = False

    @property
    def request_id(self) -> str:
        """Its `X-Request-Id`, or ""."""
        return _request_id(self.headers)

    @property
    def date(self) -> str:
        """Its `Date`; "" if it has none, or if a cache had kept the answer."""
        is_old = _printable(self.headers, "Age").strip("0 ")
        return "" if is_old else _printable(self.headers, "Date")

    def __repr__(self) -> str:
        # Headers may hold a cookie, and the body holds people's data.
        return f"<Answer of {self.status}, {len(self.body):,} bytes>"


class Http:
    """The connections of one client.

    Args:
        session: A session to borrow, with its connector and cookies. It is not closed here, and
            its middlewares are not run. None makes connections of its own, see `transport.direct`.
        proxy: URL of an HTTP proxy; may contain a user and a password.
        ssl: Context for TLS; None for the default one.
        skips_proxy: Use no proxy, not even that of a borrowed session.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        proxy: str | None = None,
        ssl: SSLContext | None = None,
        skips_proxy: bool = False,
    ) -> None:
        self._direct: DirectSender | None = None
        if session is not None and session.auth is not None:
            raise ValueError("session must not have an auth of its own: every call sends a token")
        self._borrowed = session
        self._proxy, self._proxy_headers = proxies.split(proxy)
        if skips_proxy and session is not None:
            self._proxy = URL()  # no proxy; None would mean that of the session
        self._ssl = True if ssl is None else ssl
        self._by_session = SessionSender(session, self._proxy, self._proxy_headers, self._ssl)
        self._logged = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limits = TimeLimits()
        self.closed = False
        self.slots = Slots(CONNECTIONS)

    def enter(self) -> asyncio.AbstractEventLoop:
        """Return the running loop. The first call binds these connections to it.

        Raises:
            ClientStateError: The client is closed, or bound to another loop, or no loop runs.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ClientStateError(
                "no event loop of asyncio is running here. Run the coroutine with asyncio.run();"
                " under anyio, choose the backend asyncio, since the client does not run on trio."
                " After a fork, start a new loop in the new process"
            ) from None
        self.check_open()
        if self._loop is loop:
            return loop
        if self._loop is not None:
            state = "had its first call in an event loop that has ended"
            if not self._loop.is_closed():
                state = "is in use in another event loop"
            raise ClientStateError(f"the client {state}. {_ONE_PER_LOOP}")
        self._loop = loop
        return loop

    def check_open(self) -> None:
        """Check that the client was not closed.

        Raises:
            ClientStateError: It was.
        """
        if self.closed:
            raise ClientStateError("the client is closed. Make a new one")

    def leave(self) -> None:
        """Reject further calls.

        Raises:
            ClientStateError: The client is in use in another loop, which has not ended.
        """
        loop = self._loop
        if loop and loop is not asyncio.get_running_loop() and not loop.is_closed():
            raise ClientStateError("the client is in use in another event loop. Close it there")
        self.closed = True

    async def exchange(
        self,
        method: str,
        base_url: str,
        target: str,
        *,
        headers: Hidden[Mapping[str, str]],
        body: bytes | None,
        timeout_s: float,
        max_bytes: int = bodies.MAX_BYTES,
        task: asyncio.Task[object] | None = None,
    ) -> Answer:
        """Send one request and return its answer, whatever the status.

        If the status is an error and the body is too large, the body is left out.

        Args:
            method: The verb.
            base_url: Scheme, host and port, perhaps with the beginning of the path.
            target: Path and query, quoted.
            headers: The headers.
            body: The body, or None.
            timeout_s: Seconds until the last byte of the answer must have arrived.
            max_bytes: The largest allowed size of the body, after decompression.
            task: The running task, if the caller knows it.

        Raises:
            ConnectError: Nothing was sent.
            NoResponseError: The request was sent, and no whole answer arrived in time.
            DecodeError: The answer is a success, and its body is too large or has too many values.
            ClientStateError: The borrowed session is closed.
        """
        response: _Response | None = None
        now = (self._loop or asyncio.get_running_loop()).time()
        try:
            with TimeLimit(self._limits, now + timeout_s, task=task or running_task()):
                response = await self._send(
                    method, base_url, target, headers.reveal(), body, now, timeout_s
                )
                content = response.content
                if not isinstance(content, bytes):
                    content = await bodies.read(
                        response, max_bytes, is_traced=self._borrowed is not None
                    )
            return _answer(response, content, max_bytes)
        except bodies.TooLargeError:
            return _without_body(cast(_Response, response), max_bytes)
        except (
            aiohttp.ClientError,
            HttpProcessingError,
            OSError,
            RuntimeError,
            bodies.BodyError,
        ) as error:
            status = None if response is None else response.status
            failure = self._failure(error, URL(base_url + target, encoded=True), status)
            if response is not None:
                failure.request_id = _request_id(response.headers)
        raise failure  # outside, because the context of an error may quote what was sent

    async def aclose(self) -> None:
        """Close the connections, except those of a borrowed session."""
        self._limits.set_timer(inf)
        self._by_session.forget()
        if self._direct is not None:
            await self._direct.aclose()

    def _send(
        self,
        method: str,
        base_url: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        now: float,
        timeout_s: float,
    ) -> Awaitable[_Response]:
        """Send a request, and return its answer once the head has arrived."""
        timeout, connector = _timeout(timeout_s), None
        if self._borrowed is None:
            if self._direct is None:
                self._direct = DirectSender(
                    connections.Connector(limit=0), self._proxy, self._proxy_headers, self._ssl
                )
            if not (reason := direct.why_not()):
                return self._direct.send(method, base_url, target, headers, body, now, timeout)
            connector = self._direct.connector
            self._log(reason)
        url = URL(base_url + target, encoded=True)
        return self._by_session.send(connector, method, url, headers, body, timeout)

    def _log(self, reason: str) -> None:
        if reason != self._logged:
            self._logged = reason
            logger.debug("requests are sent through a ClientSession of aiohttp: %s", reason)

    def _failure(self, error: Exception, target: URL, status: int | None) -> HeymarketError:
        if isinstance(error, connections.DroppedError):
            error = error.reason
        failure: HeymarketError
        if isinstance(error, RuntimeError) and not isinstance(error, aiohttp.ClientError):
            if self._borrowed is None or not self._borrowed.closed:
                raise error
            failure = ClientStateError("the borrowed session is closed")
        elif isinstance(error, _NOTHING_WAS_SENT):
            where = f"{target.host}:{target.port}"
            failure = ConnectError(
                f"could not connect to {where} ({_reason(error)}); nothing was sent",
                proxy_status=_proxy_status(error),
            )
        else:
            failure = NoResponseError(f"got no whole answer ({_reason(error)})", status=status)
        failure.__cause__ = None if _quotes(error) else error
        return failure

    def __del__(self) -> None:
        if self._direct is not None and not self._direct.connector.closed:
            self._by_session.forget()  # or aiohttp warns too, of a session that nobody has opened
            warnings.warn(
                "a HeymarketClient was not closed. Use `async with`, or await its aclose().",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )


_NOTHING_WAS_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    connections.EarlyError,
    connections.TunnelError,
)


_BEGINS_JSON = frozenset({b"{", b"["})


def _answer(response: _Response, content: bytes, max_bytes: int) -> Answer:
    status, headers = response.status, response.headers
    if len(content) > max_bytes:
        raise bodies.TooLargeError
    body, may_be_cut = content, False
    if content[:1] not in _BEGINS_JSON:  # compressed, blank, or a page of a gateway
        encoding = headers.get("Content-Encoding", "identity").strip().lower()
        body = bodies.decompressed(content, encoding, bodies.max_size(status, max_bytes))
        # nginx makes an empty answer look whole if its connection was closed after the head: it
        # sends a last chunk, or an empty compressed stream. A length of 0 proves nothing
        # about a compressed body either, because an empty stream has bytes too.
        is_counted = "Content-Length" in headers and bool(content or encoding == "identity")
        has_body = status not in {204, 205} and response.method != "HEAD"
        may_be_cut = has_body and not is_counted and not body.removeprefix(BOM_UTF8).strip()
    if len(body) > bodies.USUAL_BYTES and bodies.is_crowded(body):
        raise DecodeError(
            f"answered {status}, but its body of {len(body)} bytes holds more values than any"
            " answer of Heymarket",
            status=status,
            request_id=_request_id(headers),
        )
    return Answer(status, headers, body, may_be_cut)


def _without_body(response: _Response, max_bytes: int) -> Answer:
    if not 200 <= response.status <= 299:
        return Answer(response.status, response.headers, b"")  # the status says enough
    raise DecodeError(
        f"answered {response.status}, but the body is larger than max_answer_bytes ({max_bytes})."
        " Ask for less at once, or raise max_answer_bytes",
        status=response.status,
        request_id=_request_id(response.headers),
    ) from None


@functools.lru_cache(maxsize=16)
def _timeout(timeout_s: float) -> aiohttp.ClientTimeout:
    # Connecting has a shorter limit of its own, so that a failed connection can be distinguished
    # from a missing answer.
    return aiohttp.ClientTimeout(total=None, connect=min(10.0, timeout_s / 2))


def _request_id(headers: Mapping[str, str]) -> str:
    return _printable(headers, "X-Request-Id")


def _printable(headers: Mapping[str, str], name: str) -> str:
    # The text is written to logs and terminals.
    text = headers.get(name, "")[:_MAX_HEADER]
    return text if text.isprintable() else ""


def _reason(error: Exception) -> str:
    # Our own words, or the name of the class: aiohttp's texts quote what they failed on.
    if isinstance(error, bodies.BodyError | connections.EarlyError | connections.TunnelError):
        return str(error)
    if status := _proxy_status(error):
        return f"the proxy answered {status} to CONNECT"
    root: BaseException = error
    while isinstance(root, aiohttp.ClientResponseError | HttpProcessingError) and root.__cause__:
        root = root.__cause__
    if isinstance(root, LineTooLong):
        return "it has a header that is longer than aiohttp reads"
    if isinstance(root, BadHttpMessage) and root.message.startswith("Too many"):
        return "it has more headers than aiohttp reads"
    if isinstance(root, TimeoutError) and not isinstance(root, aiohttp.ClientError):
        return "time-out"
    name = type(root).__name__
    is_ssl = isinstance(root, aiohttp.ClientSSLError)
    if isinstance(root, OSError) and not is_ssl and root.errno and root.errno > 0:
        return f"{name}: {os.strerror(root.errno)}"
    return name


def _quotes(error: Exception) -> bool:
    """Whether an error holds a part of the request or of the answer."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # It may hold the head of an answer that was cut.
        return not all(isinstance(each, str) for each in error.args)
    quoting = aiohttp.ClientResponseError | aiohttp.ClientPayloadError | HttpProcessingError
    return isinstance(error, quoting)


def _proxy_status(error: Exception) -> int:
    return error.status if isinstance(error, aiohttp.ClientHttpProxyError) else 0
