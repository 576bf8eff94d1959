"""Guards aiohttp's connections against stray answers and against hidden resends.

If a server or gateway sends one answer too many on a kept-alive connection, every later call would
get the answer of the call before. aiohttp checks for such bytes when a connection goes back to its
pool, but not when it is taken out again, and not when it is new. Bytes that arrive after a request
was sent cannot be distinguished from its answer here.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from yarl import URL


class Connector(aiohttp.TCPConnector):
    """Closes a connection instead of using it if bytes arrived before a request was sent."""

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> ResponseHandler:
        # Runs once per connection. The public `connect` would cost a hundredth of every call.
        try:
            protocol = await super()._create_connection(req, traces, timeout)
        except _NO_TUNNEL as error:
            failure = _by_whom(error, req)
        else:
            return await self._checked(protocol)
        raise failure  # outside, because the context of an error may quote the login for the proxy

    async def _checked(self, protocol: ResponseHandler) -> ResponseHandler:
        try:
            await _check_new(protocol)
        except BaseException:
            protocol.close()
            raise
        protocol.is_connected = _is_clean(protocol)  # type: ignore[method-assign] # the pool calls it
        return protocol


class EarlyError(aiohttp.ClientConnectionError):
    """A new connection was answered, or closed, before anything was sent over it."""

    def __init__(self) -> None:
        super().__init__("it was answered or closed before anything was sent")


class TunnelError(aiohttp.ClientConnectionError):
    """A proxy closed the connection at CONNECT, or its answer is not HTTP. Nothing was sent.

    Args:
        proxy: Its URL.
    """

    def __init__(self, proxy: URL) -> None:
        super().__init__(f"the proxy {proxy.origin()} does not answer CONNECT like a proxy")


# aiohttp raises these if CONNECT fails, and also if an answer is lost after a request was sent.
_NO_TUNNEL = (
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientResponseError,
)


def _by_whom(error: Exception, request: aiohttp.ClientRequest) -> Exception:
    """Return an error from before a request was sent, or that of its proxy if it is one's."""
    is_clear = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
    return error if is_clear or request.proxy is None else TunnelError(request.proxy)


class DroppedError(aiohttp.ClientError):
    """A connection was dropped. aiohttp does not know this error, so it does not resend.

    Args:
        reason: The error of aiohttp.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


# aiohttp never resends these. A middleware costs a fiftieth of a small call.
NEVER_RESENT = frozenset({"POST", "PATCH"})


async def never_resend(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Raise if a kept-alive connection was dropped, where aiohttp would send once more by itself.

    It does so for PUT, DELETE and GET. That would be a second layer of retries, which ignores
    pacing, and repeats writes that must not be repeated.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise DroppedError(error) from error


class _StaleError(Exception):
    """Bytes arrived on an idle connection. Nothing was sent over it."""


async def never_stale(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Check connections of a borrowed session, whose connector is not ours; a middleware.

    It tells errors of a proxy from those after a request was sent, too.

    The check runs after a connection was taken out of the pool. By then aiohttp has discarded the
    beginning of a stray answer. A whole one, and bytes that are not HTTP, are still found.
    """
    send, was_sent = request.send, False

    async def checked(connection: Connection) -> aiohttp.ClientResponse:
        nonlocal was_sent
        protocol = connection.protocol
        if protocol is not None and getattr(protocol, "_payload", None) is None:
            await _check_new(protocol)
        elif protocol is not None and not _is_clean(protocol)():
            raise _StaleError  # aiohttp closes it
        was_sent = True
        return await send(connection)

    request.send = checked  # type: ignore[method-assign, assignment] # no public seam lies there
    try:
        while True:
            with suppress(_StaleError):
                return await handler(request)
    except _NO_TUNNEL as error:
        if was_sent:
            raise
        failure = _by_whom(error, request)
    finally:
        vars(request).pop("send", None)  # else the request and `checked` keep each other alive
    raise failure  # outside, like that of `Connector`


async def _check_new(protocol: ResponseHandler) -> None:
    """Check that nothing arrived over a connection that was just made.

    Raises:
        EarlyError: Bytes arrived, or the connection is closed.
    """
    # Let the event loop read. Polling the socket shows nothing, as TLS sends bytes of its own.
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    # Until aiohttp has a parser for the connection, it keeps the bytes here.
    if getattr(protocol, "_tail", b"") or not _is_clean(protocol, is_new=True)():
        raise EarlyError


_TURNS = 5


def _is_clean(protocol: ResponseHandler, *, is_new: bool = False) -> Callable[[], bool]:
    """Return a function that returns whether a connection can be used, or used again."""
    is_connected, unread = protocol.is_connected, _nothing if is_new else _unread(protocol)
    # Whole stray answers. The public `should_close` checks much more.
    pending = getattr(protocol, "_buffer", ())

    def is_clean() -> bool:
        # In this order: the socket of a closed connection may belong to another one by now.
        if pending or not is_connected() or unread(0):
            return False
        # Only aiohttp's parser knows the beginning of an answer.
        parser = getattr(protocol, "_parser", None)
        try:
            return parser is None or parser.feed_eof() is None
        except Exception:  # noqa: BLE001 - any error means that an answer has begun
            return False

    return is_clean


def _unread(protocol: ResponseHandler) -> Callable[[float], object]:
    """Return a function that returns whether the socket has bytes that were not read yet."""
    transport = protocol.transport
    found = transport and transport.get_extra_info("socket")
    if not found or not hasattr(select, "poll"):
        return _nothing
    poll = select.poll()
    poll.register(found, select.POLLIN)
    return poll.poll


def _nothing(_: float) -> None:
    """Stand in for polling a socket."""
