"""Sends requests over aiohttp's connections, without a `ClientSession`.

For each request, a session makes a request, a response, a parser, timers, and on Python 3.11 a task
that writes the body. Together they are half the cost of a small call. Here, aiohttp's connector
still connects (DNS, TLS, proxies) and keeps connections, and its parser still reads the answers.

This uses parts of aiohttp that are not documented. `why_not` says if they are not as expected, or
if somebody watches or replaces the requests of sessions. Then `transport.http` uses a session.
"""

# pyright: reportPrivateUsage=false
# Tests name each private attribute that is used here.

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from asyncio import Transport
from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from operator import is_
from ssl import SSLContext
from types import FunctionType
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import MultiMapping
from yarl import URL

IDLE_S = 15.0
"""Seconds that an unused connection stays open; the same as in aiohttp."""

_NO_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Verbs that need no `Content-Length` if there is no body."""

_SWITCHING_PROTOCOLS = 101
_control_character = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search


class Route:
    """The way to one server, and its idle connections.

    Args:
        base_url: Scheme, host and port, perhaps with the beginning of the path.
        proxy: URL of a proxy, or None.
        proxy_headers: The login for it, or None.
        ssl: Context for TLS; True for the default one.

    Attributes:
        request: Tells the connector where to connect. It is never sent.
        idle: Connections with the times when they became idle, the last one last.
    """

    def __init__(
        self,
        base_url: str,
        proxy: URL | None,
        proxy_headers: Mapping[str, str] | None,
        ssl: SSLContext | bool,
    ) -> None:
        url = URL(base_url, encoded=True)
        self.request = aiohttp.ClientRequest(
            "GET", url, proxy=proxy, proxy_headers=proxy_headers, ssl=ssl
        )
        self.idle: deque[tuple[Connection, float]] = deque()
        is_read_by_proxy = proxy is not None and url.scheme == "http"
        self._before_target = base_url if is_read_by_proxy else url.raw_path.rstrip("/")
        self._first = {"Host": url.host_port_subcomponent or ""}
        self._last = dict(proxy_headers or {}) if is_read_by_proxy else {}
        self._headers: Mapping[str, str] | None = None
        self._lines = ""

    def head(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        """Return the head of a request, as aiohttp writes it.

        Raises:
            ValueError: A header holds a control character, which could begin another header.
        """
        if headers is not self._headers:  # the same object until the token changes
            self._lines = _lines({**self._first, **headers, **self._last})
            self._headers = headers
        length = ""
        if body is not None or method not in _NO_BODY:
            length = f"Content-Length: {len(body or b'')}\r\n"
        line = f"{method} {self._before_target}{target} HTTP/1.1\r\n"
        return f"{line}{self._lines}{length}\r\n".encode()

    def take(self, now: float) -> Connection | None:
        """Return an idle connection that can be used, or None."""
        while self.idle:
            connection, since = self.idle.pop()
            if not connection.closed and now - since < IDLE_S:
                return connection
            connection.close()
        return None

    def close_idle(self, until: float) -> None:
        """Close the connections that have been idle since a time, or longer."""
        while self.idle and self.idle[0][1] <= until:
            self.idle.popleft()[0].close()


def _lines(headers: Mapping[str, str]) -> str:
    lines = [f"{name}: {text}" for name, text in headers.items()]
    if any(map(_control_character, lines)):
        raise ValueError("a header must not hold a control character")
    return "".join(f"{line}\r\n" for line in lines)


class DirectSender:
    """The connections of one client.

    Args:
        connector: Makes them.
        proxy: URL of a proxy, or None.
        proxy_headers: The login for it, or None.
        ssl: Context for TLS; True for the default one.
    """

    def __init__(
        self,
        connector: aiohttp.BaseConnector,
        proxy: URL | None,
        proxy_headers: Mapping[str, str] | None,
        ssl: SSLContext | bool,
    ) -> None:
        self.connector = connector
        self._loop = asyncio.get_running_loop()
        self._new_route = functools.partial(
            Route, proxy=proxy, proxy_headers=proxy_headers, ssl=ssl
        )
        self._routes: dict[str, Route] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def send(
        self,
        method: str,
        base_url: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        now: float,
        connect: aiohttp.ClientTimeout,
    ) -> Response:
        """Send a request, and return its answer once the head has arrived.

        Args:
            method: The verb.
            base_url: Scheme, host and port, perhaps with the beginning of the path.
            target: Path and query, quoted.
            headers: The headers, without those that belong to the connection or the body.
            body: The body, or None.
            now: The time, by the loop's clock.
            connect: The time limit for connecting.
        """
        route = self._routes.get(base_url)
        if route is None:
            route = self._routes[base_url] = self._new_route(base_url)
        connection = route.take(now) or await self._connected(route, connect)
        try:
            protocol = cast(ResponseHandler, connection.protocol)
            is_head = method == "HEAD"
            # One parser reads all answers, unless they have no body.
            if protocol._parser is None or protocol._skip_payload is not is_head:  # noqa: SLF001
                protocol.set_response_params(
                    skip_payload=is_head, read_until_eof=True, auto_decompress=False
                )
            head = route.head(method, target, headers, body)
            cast(Transport, protocol.transport).write(head + body if body else head)
            message, content = await protocol.read()
            while message.code < 200 and message.code != _SWITCHING_PROTOCOLS:
                message, content = await protocol.read()
        except BaseException:
            connection.close()
            raise
        if content.is_eof():  # usually, all of it has arrived
            self._give_back(connection, protocol, route)
            return Response(method, message, _taken_from(content), connection)
        content.on_eof(functools.partial(self._give_back, connection, protocol, route))
        return Response(method, message, content, connection)

    async def _connected(self, route: Route, connect: aiohttp.ClientTimeout) -> Connection:
        try:
            return await self.connector.connect(route.request, [], connect)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error

    def _give_back(self, connection: Connection, protocol: ResponseHandler, route: Route) -> None:
        """Keep a connection for the next request, unless it is closed or cannot be used again."""
        transport = protocol.transport  # None if it was closed
        # Bytes that wait to be written: it was answered before it was read to its end.
        if transport is None or protocol.should_close or transport.get_write_buffer_size():
            connection.close()
            return
        route.idle.append((connection, self._loop.time()))
        if self._timer is None:
            self._timer = self._loop.call_later(IDLE_S, self._close_idle)

    def _close_idle(self) -> None:
        self._timer = None
        until = self._loop.time() - IDLE_S
        for route in self._routes.values():
            route.close_idle(until)
            if route.idle and self._timer is None:
                self._timer = self._loop.call_later(IDLE_S, self._close_idle)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        closed = self.connector.close()
        for route in self._routes.values():
            route.close_idle(inf)
        await closed


def _taken_from(content: StreamReader) -> bytes:
    """Return a body that has arrived; `read_nowait` takes ten times as long."""
    if content is EMPTY_PAYLOAD:
        return b""
    parts = content._buffer  # noqa: SLF001
    body = b"".join(parts)
    parts.clear()  # the connection keeps the stream until the next answer
    return body


class Response:
    """An answer whose head has arrived, with the attributes of `aiohttp.ClientResponse`.

    Attributes:
        method: The verb of the request.
        status: HTTP status code.
        headers: The headers.
        content: The body; a stream until all of it has arrived.
    """

    __slots__ = ("_connection", "content", "headers", "method", "status")

    def __init__(
        self,
        method: str,
        message: RawResponseMessage,
        content: StreamReader | bytes,
        connection: Connection,
    ) -> None:
        self.method = method
        self.status: int = message.code
        self.headers: MultiMapping[str] = message.headers
        self.content = content
        self._connection = connection

    @property
    def content_length(self) -> int | None:
        """Its `Content-Length`, or None."""
        length = self.headers.get("Content-Length")
        return None if length is None else int(length)

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()


def why_not() -> str:
    """Return why requests cannot be sent directly, or "" if they can."""
    # By identity: wrappers of the package wrapt are equal to the functions that they wrap.
    if not (_ARE_OWN and all(map(is_, _seams(), _FIRST_SEAMS))):
        return "requests of aiohttp are watched or replaced"
    return _unmet()


def _seams() -> tuple[object, ...]:
    """Return the parts of aiohttp that other packages replace to watch or to answer requests."""
    session, request = aiohttp.ClientSession, aiohttp.ClientRequest
    return (
        session,
        session.__init__,  # OpenTelemetry and Sentry add trace configs
        session.request,
        session._request,  # noqa: SLF001 - aioresponses and VCR answer here
        request,
        request.send,
        aiohttp.TCPConnector.connect,
    )


def _is_own(seam: object) -> bool:
    """Whether a part is aiohttp's own. A wrapper may show the same names, but has another type."""
    module = ""
    if type(seam) is FunctionType:
        module = seam.__globals__["__name__"]
    elif type(seam) is type:
        module = seam.__module__
    return module.startswith("aiohttp.")


_FIRST_SEAMS = _seams()
# False if something was replaced before this module was imported.
_ARE_OWN = all(map(_is_own, _FIRST_SEAMS))


@functools.cache
def _unmet() -> str:
    """Return the first expectation that this version of aiohttp does not meet, or ""."""
    for part, is_met in EXPECTATIONS.items():
        try:
            if is_met():
                continue
        except (AttributeError, TypeError, ValueError):
            pass
        return f"{part} of aiohttp {aiohttp.__version__} is not as expected"
    return ""


def _takes(function: Callable[..., object], *names: str) -> bool:
    return set(names) <= set(inspect.signature(function).parameters)


def _has(kind: type, *names: str) -> bool:
    return all(hasattr(kind, name) for name in names)


EXPECTATIONS: dict[str, Callable[[], bool]] = {
    "BaseConnector.connect": lambda: _takes(
        aiohttp.BaseConnector.connect, "req", "traces", "timeout"
    ),
    "ClientRequest": lambda: _takes(
        aiohttp.ClientRequest, "method", "url", "proxy", "proxy_headers", "ssl"
    ),
    "Connection": lambda: _has(Connection, "protocol", "transport", "close", "release"),
    "ResponseHandler": lambda: (
        _has(ResponseHandler, "_parser", "transport", "read")
        and "_skip_payload" in ResponseHandler.__init__.__code__.co_names
    ),
    "ResponseHandler.set_response_params": lambda: _takes(
        ResponseHandler.set_response_params, "skip_payload", "read_until_eof", "auto_decompress"
    ),
    # It must see the beginning of a stray answer, see `transport.connections`. The one in Python
    # does not, and is only there where aiohttp has no wheel.
    "HttpResponseParser": lambda: HttpResponseParser.__module__ == "aiohttp._http_parser",
    "StreamReader": lambda: _has(StreamReader, "_buffer", "is_eof", "on_eof"),
    "RawResponseMessage": lambda: _has(RawResponseMessage, "code", "headers"),
}
"""The undocumented parts of aiohttp that are used here, and whether they are as expected."""
