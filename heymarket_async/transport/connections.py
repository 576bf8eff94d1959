"""Connections that are not used again, because more came over them than was asked for.

A server or a gateway that sends one answer too many on a kept-alive connection would otherwise
answer each later call with the answer of the call before. aiohttp looks for such bytes when a
connection goes back to its pool, but not when it is taken out again, and not when it is new.

Bytes that come once a request is under way cannot be told from its answer here.
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


class Connector(aiohttp.TCPConnector):
    """Closes a connection instead of using it, if bytes came before they could be an answer."""

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> ResponseHandler:
        # Once for a connection. `connect`, which is public, would cost a hundredth of each call.
        protocol = await super()._create_connection(req, traces, timeout)
        try:
            await _check_new(protocol)
        except BaseException:
            protocol.close()
            raise
        protocol.is_connected = _is_clean(protocol)  # type: ignore[method-assign] # the pool asks it
        return protocol


class EarlyError(aiohttp.ClientConnectionError):
    """A new connection was answered, or closed, before anything was sent over it."""

    def __init__(self) -> None:
        super().__init__("it was answered or closed before anything was sent")


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
    """Bytes came over a connection while it was idle; nothing was sent over it."""


async def never_stale(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware for a borrowed session, whose connector is not ours.

    It looks between taking a connection out of the pool and sending, where aiohttp has thrown away
    the beginning of an answer. A whole one, and bytes that are no HTTP, are still seen.
    """
    send = request.send

    async def checked(connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        if protocol is not None and getattr(protocol, "_payload", None) is None:
            await _check_new(protocol)
        elif protocol is not None and not _is_clean(protocol)():
            raise _StaleError  # aiohttp closes it
        return await send(connection)

    request.send = checked  # type: ignore[method-assign, assignment] # no public seam lies there
    try:
        while True:
            with suppress(_StaleError):
                return await handler(request)
    finally:
        vars(request).pop("send", None)  # it holds the request that holds it


async def _check_new(protocol: ResponseHandler) -> None:
    """Make sure that nothing came over a connection that was just made.

    Raises:
        EarlyError: Something came, or it is closed.
    """
    # The event loop reads what is there. The socket does not tell: TLS sends bytes of its own.
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    # Before aiohttp has a parser for it, it keeps what came as it is.
    if getattr(protocol, "_tail", b"") or not _is_clean(protocol, is_new=True)():
        raise EarlyError


_TURNS = 5


def _is_clean(protocol: ResponseHandler, *, is_new: bool = False) -> Callable[[], bool]:
    """Return a function that tells whether a connection can be used, or used again."""
    is_connected, unread = protocol.is_connected, _nothing if is_new else _unread(protocol)
    # Whole answers that nobody asked for. `should_close`, which is public, looks at much more.
    pending = getattr(protocol, "_buffer", ())

    def is_clean() -> bool:
        # In this order: of what is not connected, the socket may belong to another by now.
        if pending or not is_connected() or unread(0):
            return False
        # aiohttp's parser keeps the beginning of an answer to itself.
        parser = getattr(protocol, "_parser", None)
        try:
            return parser is None or parser.feed_eof() is None
        except Exception:  # noqa: BLE001 - of whatever kind: it has begun, and makes no sense
            return False

    return is_clean


def _unread(protocol: ResponseHandler) -> Callable[[float], object]:
    """Return a function that tells whether something came that the event loop did not read yet."""
    transport = protocol.transport
    found = transport and transport.get_extra_info("socket")
    if not found or not hasattr(select, "poll"):
        return _nothing
    poll = select.poll()
    poll.register(found, select.POLLIN)
    return poll.poll


def _nothing(_: float) -> None:
    """Stand in for a look at a socket."""
