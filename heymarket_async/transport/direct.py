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
from importlib import import_module
from math import inf
from operator import is_
from ssl import SSLContext
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from multidict import MultiMapping
from yarl import URL

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader

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
        idle: Connections with the times when they became idle, the last one last, and whether they
            need another parser.
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
        self.idle: deque[tuple[Connection, float, bool]] = deque()
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

    def take(self, now: float) -> tuple[Connection, bool] | None:
        """Return an idle connection, and whether it needs another parser; None if there is none."""
        while self.idle:
            connection, since, needs_parser = self.idle.pop()
            if not connection.closed and now - since < IDLE_S:
                return connection, needs_parser
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
        taken = route.take(now)
        connection, needs_parser = taken or (await self._connected(route, connect), True)
        try:
            protocol = cast("ResponseHandler", connection.protocol)
            is_head = method == "HEAD"
            if needs_parser or protocol._skip_payload is not is_head:  # noqa: SLF001
                protocol.set_response_params(
                    skip_payload=is_head, read_until_eof=True, auto_decompress=False
                )
            head = route.head(method, target, headers, body)
            cast("Transport", protocol.transport).write(head + body if body else head)
            message, content = await protocol.read()
            while 100 <= message.code < 200 and message.code != _SWITCHING_PROTOCOLS:
                message, content = await protocol.read()
        except BaseException:
            connection.close()
            raise
        if content.is_eof():  # usually, all of it has arrived
            self._give_back(connection, protocol, message, route)
            return Response(method, message, _taken_from(content), None)
        response = Response(method, message, content, connection)
        content.on_eof(functools.partial(self._end, response, message, route))
        return response

    async def _connected(self, route: Route, connect: aiohttp.ClientTimeout) -> Connection:
        try:
            return await self.connector.connect(route.request, [], connect)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error

    def _end(self, response: Response, message: RawResponseMessage, route: Route) -> None:
        # From here on the connection may serve another call, which this response must not close.
        if (connection := response.let_go()) is not None:
            protocol = cast("ResponseHandler", connection.protocol)
            self._give_back(connection, protocol, message, route)

    def _give_back(
        self,
        connection: Connection,
        protocol: ResponseHandler,
        message: RawResponseMessage,
        route: Route,
    ) -> None:
        """Keep a connection for the next request, unless it is closed or cannot be used again."""
        transport = protocol.transport  # None if it was closed
        # Bytes that wait to be written: it was answered before it was read to its end.
        if transport is None or protocol.should_close or transport.get_write_buffer_size():
            connection.close()
            return
        # A parser reads many answers. But it adds a trailer, which only a chunked answer can have,
        # to the headers of the next one.
        route.idle.append((connection, self._loop.time(), message.chunked))
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
        try:
            await self.connector.close()  # and wait until their ends were sent
        finally:
            for route in self._routes.values():
                route.close_idle(inf)


def _taken_from(content: StreamReader) -> bytes:
    """Return a body that has arrived; `read_nowait` takes ten times as long."""
    parts: deque[bytes] | None = getattr(content, "_buffer", None)  # a stream of nothing has none
    if not parts:
        return b""
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
        connection: Connection | None,
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

    def let_go(self) -> Connection | None:
        """Return its connection, and hold it no more; None if it holds none."""
        connection, self._connection = self._connection, None
        return connection

    def close(self) -> None:
        """Close its connection, unless it holds none any more."""
        if (connection := self.let_go()) is not None:
            connection.close()


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
        getattr(session, "_request", None),  # aioresponses and VCR answer here
        request,
        getattr(request, "send", None),
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
        except (ImportError, AttributeError, TypeError, ValueError):
            pass
        return f"{part} of aiohttp {aiohttp.__version__} is not as expected"
    return ""


def _part(path: str) -> Any:
    module, *names = path.split(".")
    return functools.reduce(getattr, names, import_module(f"aiohttp.{module}"))


def _has(path: str, *names: str) -> bool:
    return all(hasattr(_part(path), name) for name in names)


def _takes(path: str, *names: str) -> bool:
    return set(names) <= set(inspect.signature(_part(path)).parameters)


EXPECTATIONS: dict[str, Callable[[], bool]] = {
    "BaseConnector.connect": lambda: _takes(
        "connector.BaseConnector.connect", "req", "traces", "timeout"
    ),
    "ClientRequest": lambda: _takes(
        "client_reqrep.ClientRequest", "method", "url", "proxy", "proxy_headers", "ssl"
    ),
    "Connection": lambda: _has("connector.Connection", "protocol", "closed", "close"),
    "ResponseHandler": lambda: (
        _has("client_proto.ResponseHandler", "transport", "read", "should_close")
        and "_skip_payload" in _part("client_proto.ResponseHandler.__init__").__code__.co_names
    ),
    "ResponseHandler.set_response_params": lambda: _takes(
        "client_proto.ResponseHandler.set_response_params",
        *("skip_payload", "read_until_eof", "auto_decompress"),
    ),
    "StreamReader": lambda: _has("streams.StreamReader", "_buffer", "is_eof", "on_eof"),
    # It must see the beginning of a stray answer, see `transport.connections`. The one in Python
    # does not, and is only there where aiohttp has no wheel.
    "HttpResponseParser": lambda: (
        _part("http.HttpResponseParser").__module__ == "aiohttp._http_parser"
    ),
    "RawResponseMessage": lambda: _has("http.RawResponseMessage", "code", "headers", "chunked"),
}
"""The undocumented parts of aiohttp that are used here, and whether they are as expected."""
