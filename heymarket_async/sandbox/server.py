"""A request's way from the socket to its handler and back.

In order: `hosts` refuses web pages, `received` records the request, a fault may hit it,
`access` checks its token and the rate limit, and the handler of its route answers it.
"""

import asyncio
import functools
import logging
import socket
import struct
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from weakref import WeakSet

from aiohttp import web

from heymarket_async.sandbox import (
    account,
    channels,
    contacts_v1,
    contacts_v2,
    conversations,
    lists,
    lists_v1,
    messages,
    schedules,
    surveys,
    tags,
    templates,
)
from heymarket_async.sandbox.access import Access
from heymarket_async.sandbox.faults import Fault, Faults
from heymarket_async.sandbox.hosts import Hosts
from heymarket_async.sandbox.received import Received, Recent
from heymarket_async.sandbox.routes import (
    ROUTES,
    Account,
    Answer,
    Call,
    Handler,
    Refused,
    as_answer,
    as_error,
)

HANDLERS = (
    account,
    channels,
    contacts_v1,
    contacts_v2,
    conversations,
    lists,
    lists_v1,
    messages,
    schedules,
    surveys,
    tags,
    templates,
)
"""The modules of handlers: importing them declares their routes."""

ACCEPTS = "Accept-Encoding"
_UNSENT = Answer(0, b"")
_NO_LINGER = struct.pack("ii", 1, 0)


def _without_data(record: logging.LogRecord) -> bool:
    """Log only the type and the place of an exception: its message may quote the request."""
    kind, _, place = record.exc_info or (None, None, None)
    record.exc_text = "".join(traceback.format_tb(place)) + kind.__name__ if kind else None
    record.exc_info = None
    return True


log = logging.getLogger(__name__)
log.addFilter(_without_data)


class Server:
    """Answers requests.

    Attributes:
        hosts: Refuses web pages and foreign hosts, before anything else is done.
        recent: The requests that were not refused by `hosts`.
    """

    def __init__(
        self,
        account: Account,
        *,
        hosts: Hosts,
        access: Access,
        faults: Faults,
        request_ids: Callable[[], str],
    ) -> None:
        self.hosts = hosts
        self.recent = Recent()
        self._account = account
        self._access = access
        self._faults = faults
        self._request_ids = request_ids
        self._used: WeakSet[asyncio.Transport] = WeakSet()
        self._closing: asyncio.Future[None]
        self._at_work: set[asyncio.Event] = set()

    def application(self) -> web.Application:
        """Return an aiohttp application for one start, with a handler per documented route."""
        self._closing = asyncio.get_running_loop().create_future()
        app = web.Application()
        for route, handler in ROUTES.items():
            method, path = route.split()
            app.router.add_route(method, path, functools.partial(self._serve, route, handler))
        app.router.add_route("*", "/{anything:.*}", functools.partial(self._serve, "", _no_route))
        return app

    def close(self) -> None:
        """Wake every request that a fault holds back."""
        self._closing.set_result(None)

    async def finished(self) -> None:
        """Wait for requests in progress, also those whose caller closed the connection."""
        for done in list(self._at_work):
            await done.wait()

    async def _serve(
        self, route: str, handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        if refusal := self.hosts.refusal(request):
            return refusal
        received = self._record(request)
        done = asyncio.Event()
        self._at_work.add(done)
        try:
            return await self._exchange(route, handler, request, received)
        except ConnectionError:
            return web.Response()  # never sent: the caller closed the connection
        finally:
            self.recent.finish(received)
            self._at_work.discard(done)
            done.set()

    def _record(self, request: web.Request) -> Received:
        headers = request.headers.copy()
        if "Authorization" in headers:
            headers["Authorization"] = "***"
        received = Received(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=headers,
            request_id=self._request_ids(),
            at=time.monotonic(),
        )
        self.recent.add(received)
        return received

    async def _exchange(
        self, route: str, handler: Handler, request: web.Request, received: Received
    ) -> web.StreamResponse:
        if not await self._read_body(request, received):
            handler = _too_large
        fault = self._faults.take(route, reused=self._is_reused(request.transport))
        received.fault = fault.name
        if wait_s := fault.wait_s + self._faults.latency_s:
            await self._wait(wait_s)
        answer = self._answer(handler, request, received) if fault.handled else _UNSENT
        answer = fault.answer or answer
        if fault.ends in {"reset", "dropped"}:
            return _hang_up(request, reset=fault.ends == "reset")
        received.status = answer.status
        readings = self._account.readings
        headers = {
            "Content-Type": answer.content_type,
            "Date": formatdate(self._now(), usegmt=True),
            "X-Request-Id": received.request_id,
            **(self._access.rate_headers(received.at) if readings.rate_headers else {}),
            **answer.headers,
        }
        if fault.ends == "cut" or fault.pause_s:
            return await self._in_halves(request, answer, headers, fault)
        response = web.Response(status=answer.status, body=answer.body, headers=headers)
        if (
            readings.gzip
            and len(answer.body) >= 1024
            and "gzip" in request.headers.get(ACCEPTS, "")
        ):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _read_body(self, request: web.Request, received: Received) -> bool:
        """Read the body into the record, and return False if it is too large for that."""
        most = self._account.readings.max_body_bytes
        if (request.content_length or 0) > most:
            return False
        async for piece in request.content.iter_any():
            if not self.recent.take(received, piece, most):
                return False
        return True

    def _answer(self, handler: Handler, request: web.Request, received: Received) -> Answer:
        now = self._now()
        try:
            self._access.admit(request.headers.get("Authorization", ""), received.at, now)
            return self._handle(handler, request, received)
        except Refused as refused:
            return as_error(refused, self._account.readings)
        except Exception as error:
            log.exception("The sandbox failed to answer %s", received.request_id)
            failed = Refused(500, f"the sandbox failed: {type(error).__name__}")
            return as_error(failed, self._account.readings)

    def _handle(self, handler: Handler, request: web.Request, received: Received) -> Answer:
        """Run a handler, at the account's time, while nothing else changes the account."""
        with self._account.lock:
            clock = self._account.clock
            clock.run_due()
            path, body = request.match_info, received.body
            return as_answer(handler(Call(path, received.query, body, clock.now, self._account)))

    async def _in_halves(
        self, request: web.Request, answer: Answer, headers: dict[str, str], fault: Fault
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = max(1, len(answer.body))
        half = len(answer.body) // 2
        await response.prepare(request)
        await response.write(answer.body[:half])
        if fault.ends == "cut":
            return _hang_up(request, reset=False)
        await self._wait(fault.pause_s)
        await response.write(answer.body[half:])
        return response

    async def _wait(self, seconds: float) -> None:
        """Wait, but no longer than until the server closes."""
        await asyncio.wait([self._closing], timeout=seconds)

    def _now(self) -> float:
        return time.time() + self._faults.clock_offset_s

    def _is_reused(self, transport: asyncio.Transport | None) -> bool:
        """Return whether the connection served a request before, and remember that it has now."""
        if transport is None or transport in self._used:
            return transport is not None
        self._used.add(transport)
        return False


def _no_route(_call: Call) -> object:
    raise Refused(404, "no such route")


def _too_large(_call: Call) -> object:
    raise Refused(413, "body: is too large")


def _hang_up(request: web.Request, *, reset: bool) -> web.StreamResponse:
    """End the connection: with a TCP reset, or the way an idle one is closed."""
    transport = request.transport
    if transport is not None:
        if reset:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        else:
            transport.close()
    return web.Response()
