"""One exchange: bytes out, bytes in. All that the client sends through aiohttp is sent here."""

from __future__ import annotations

import asyncio
import functools
import io
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
from heymarket_async.transport import bodies, connections, proxies
from heymarket_async.transport.cancelling import TimeLimit, TimeLimits

# More connections make small calls dearer, not faster; further calls wait for their turn here,
# where it does not count against their time limit, instead of in aiohttp's pool, where it would.
CONNECTIONS = 100
# A request id is 36 characters long.
_LONGEST_SHOWN = 128


Session = aiohttp.ClientSession


class Answer(Masked, msgspec.Struct, frozen=True):
    """What came back; header names are looked up in any case.

    Attributes:
        status: HTTP status code.
        headers: As they came; one may be there more than once.
        body: Decompressed.
        may_be_cut: The body is blank, and nothing shows that it was sent so: one that was lost on
            the way looks the same, and a gateway such as nginx makes such an answer look whole.
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
        """Its `Date`, or ""."""
        return _shown(self.headers, "Date")

    def __repr__(self) -> str:
        # Headers may hold a cookie, and the body holds people's data.
        return f"<Answer of {self.status}, {len(self.body):,} bytes>"


class Http:
    """The connections of one client.

    Args:
        session: A session to borrow, with its connector and cookies; it is never closed here, and
            its middlewares are not run. None makes one in the loop of the first call.
        proxy: URL of an HTTP proxy; may carry a user and a password.
        ssl: Context for TLS; None for the default one.
        is_direct: Use no proxy, not even that of a borrowed session.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        proxy: str | None = None,
        ssl: SSLContext | None = None,
        is_direct: bool = False,
    ) -> None:
        self._session = session
        self._owned = session is None
        never_stale = () if session is None else (connections.never_stale,)
        self._middlewares = never_stale, (*_NEVER_RESEND, *never_stale)
        if session is not None and session.auth is not None:
            raise ValueError("session must not have an auth of its own: each call brings a token")
        self._proxy, self._proxy_headers = proxies.split(proxy)
        if is_direct and session is not None:
            self._proxy = URL()  # so aiohttp has it: None stands for that of the session
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
        headers: Hidden[Mapping[str, str]],
        body: bytes | None,
        timeout_s: float,
        max_bytes: int = bodies.MOST_BYTES,
    ) -> Answer:
        """Send one request and return its whole answer, whatever the status.

        Of an answer that is no success, a body that is too large is left out.

        Args:
            method: The verb.
            url: Where to, quoted.
            headers: What to send with it.
            body: What to send, or None.
            timeout_s: Seconds until the last byte of the answer must have come.
            max_bytes: How large the body may be, decompressed.

        Raises:
            ConnectError: Nothing was sent.
            NoResponseError: The request was sent, and no whole answer came in time.
            DecodeError: The answer is a success, and its body is too large, or crowded.
            ClientStateError: The borrowed session is closed.
        """
        response: aiohttp.ClientResponse | None = None
        target = URL(url, encoded=True)
        try:
            with TimeLimit(self._limits, asyncio.get_running_loop().time() + timeout_s):
                response = await self._send(method, target, headers.reveal(), body, timeout_s)
                stream = response.content
                # What came whole needs no waiting; but a borrowed session may trace what is read.
                if self._owned and stream.is_eof():
                    content = stream.read_nowait()
                else:
                    most = bodies.most_of(response.status, max_bytes)
                    content = await bodies.read(response, most, is_traced=not self._owned)
            answer = _answer(response, content, max_bytes)
        except bodies.TooLargeError:
            return _without_body(cast("aiohttp.ClientResponse", response), max_bytes)
        except (aiohttp.ClientError, OSError, RuntimeError, bodies.BodyError) as error:
            failure = self._failure(error, target)
        else:
            if len(answer.body) > bodies.USUAL_BYTES:
                return _uncrowded(answer)
            # Held until the next one came: a large body that is freed before goes back to the
            # system, and to get its memory anew costs a tenth of a page of 1,000.
            self._last_body = answer.body
            return answer
        if response is not None:
            failure.request_id = _request_id(response.headers)
        raise failure

    async def aclose(self) -> None:
        """Close the connections that were made here."""
        self._limits.set_timer(inf)
        self._last_body = b""
        if self._owned and self._session is not None:
            await self._session.close()

    def _send(
        self,
        method: str,
        target: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> Awaitable[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=connections.Connector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        if self._proxy_headers is not None and target.scheme == "http":
            # aiohttp sends them with CONNECT only, and there is none for plain http.
            headers = {**headers, **self._proxy_headers}
        return self._session.request(
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
            middlewares=self._middlewares[method not in _NEVER_RESENT],
            auto_decompress=False,
        )

    def _failure(self, error: Exception, target: URL) -> HeymarketError:
        failure: HeymarketError
        if isinstance(error, RuntimeError) and not isinstance(error, aiohttp.ClientError):
            if self._session is None or not self._session.closed:
                raise error
            failure = ClientStateError("the borrowed session is closed")
        elif isinstance(error, _NOTHING_WAS_SENT):
            where = f"{target.host}:{target.port}"
            failure = ConnectError(
                f"could not connect to {where} ({_reason(error)}); nothing was sent",
                proxy_status=_proxy_status(error),
            )
        else:
            failure = NoResponseError(f"got no whole answer ({_reason(error)})")
        failure.__cause__ = None if _quotes(error) else error
        return failure

    def __del__(self) -> None:
        if self._owned and self._session is not None and not self._session.closed:
            warnings.warn(
                "a HeymarketClient was not closed; use `async with`, or await its aclose()",
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
)


_BEGINS_JSON = frozenset({b"{", b"["})


def _answer(response: aiohttp.ClientResponse, content: bytes, max_bytes: int) -> Answer:
    status, headers = response.status, response.headers
    if len(content) > max_bytes:
        raise bodies.TooLargeError
    if content[:1] in _BEGINS_JSON:  # as a rule
        return Answer(status, headers, content)
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    body = bodies.decompressed(content, encoding, bodies.most_of(status, max_bytes))
    # A last chunk shows nothing, nor does a whole stream of nothing: nginx makes both out of an
    # answer whose connection was closed after the head. Nor does a length of 0 where a compressed
    # stream should be, which has bytes even if nothing is in it.
    is_counted = "Content-Length" in headers and bool(content or encoding == "identity")
    has_body = status not in {204, 205} and response.method != "HEAD"
    may_be_cut = has_body and not is_counted and not body.removeprefix(BOM_UTF8).strip()
    return Answer(status, headers, body, may_be_cut)


def _without_body(response: aiohttp.ClientResponse, max_bytes: int) -> Answer:
    if not 200 <= response.status <= 299:
        return Answer(response.status, response.headers, b"")  # an error says little in any case
    raise DecodeError(
        f"answered {response.status}, but the body is larger than the {max_bytes} bytes that"
        " max_answer_bytes allows; ask for less at once, or allow more",
        status=response.status,
        request_id=_request_id(response.headers),
    ) from None


def _uncrowded(answer: Answer) -> Answer:
    if not bodies.is_crowded(answer.body):
        return answer
    raise DecodeError(
        f"answered {answer.status}, but the {len(answer.body)} bytes of its body hold more values"
        " than an answer of Heymarket",
        status=answer.status,
        request_id=answer.request_id,
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
    return _shown(headers, "X-Request-Id")


def _shown(headers: Mapping[str, str], name: str) -> str:
    # It ends up in logs and on terminals.
    text = headers.get(name, "")[:_LONGEST_SHOWN]
    return text if text.isprintable() else ""


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    # aiohttp writes bytes at once, and warns of more than a megabyte of them.
    return io.BytesIO(body) if body is not None and len(body) > 1 << 20 else body


def _reason(error: Exception) -> str:
    # Our own words, or the class: texts of aiohttp quote what they failed on.
    if isinstance(error, bodies.BodyError | connections.EarlyError):
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
    return _name(root)


def _quotes(error: BaseException | None) -> bool:
    """Whether an error holds what was sent, or a part of what came."""
    if isinstance(error, _DroppedError):
        return _quotes(error.__cause__)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        # Its text may be the head of an answer, of which no more came.
        return not all(isinstance(each, str) for each in error.args)
    return isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError)


def _proxy_status(error: Exception) -> int:
    return error.status if isinstance(error, aiohttp.ClientHttpProxyError) else 0


def _name(error: BaseException) -> str:
    if isinstance(error, _DroppedError):
        return str(error)
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
        return "time-out"
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno and not isinstance(error, aiohttp.ClientSSLError):
        return f"{name}: {os.strerror(error.errno)}" if error.errno > 0 else name
    return name
