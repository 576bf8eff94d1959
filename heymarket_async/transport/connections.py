"""Connections that are not used again, because more came over them than was asked for.

A server or a gateway that sends one answer too many on a kept-alive connection would otherwise
answer each later call with the answer of the call before. aiohttp looks for such bytes when a
connection goes back to its pool, but not when it is taken out again.
"""

from __future__ import annotations

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
    """Closes a kept-alive connection instead of using it, if bytes came while it was idle."""

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> ResponseHandler:
        # Once for a connection. `connect`, which is public, would cost a hundredth of each call.
        protocol = await super()._create_connection(req, traces, timeout)
        protocol.is_connected = _is_clean(protocol)  # type: ignore[method-assign] # the pool asks it
        return protocol


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
        # One that is new may have got something that belongs to TLS.
        is_new = getattr(protocol, "_payload", None) is None
        if protocol is not None and not is_new and not _is_clean(protocol)():
            raise _StaleError  # aiohttp closes it
        return await send(connection)

    request.send = checked  # type: ignore[method-assign, assignment] # no public seam lies there
    try:
        while True:
            with suppress(_StaleError):
                return await handler(request)
    finally:
        vars(request).pop("send", None)  # it holds the request that holds it


def _is_clean(protocol: ResponseHandler) -> Callable[[], bool]:
    """Return a function that tells whether a connection that was used before can be used again."""
    is_connected, unread = protocol.is_connected, _unread(protocol)
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
        return lambda _: None
    poll = select.poll()
    poll.register(found, select.POLLIN)
    return poll.poll
