"""From the socket to the handlers and back."""

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

from heymarket_async.sandbox import account, channels, contacts_v1, contacts_v2
from heymarket_async.sandbox.access import Access, Window
from heymarket_async.sandbox.answers import Answer, Refused, as_error
from heymarket_async.sandbox.contacts import ContactStore
from heymarket_async.sandbox.faults import Fault, Faults
from heymarket_async.sandbox.hosts import Door
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.received import Kept, Received
from heymarket_async.sandbox.routes import Call, Handler

ROUTES: dict[str, Handler] = {
    **contacts_v1.ROUTES,
    **contacts_v2.ROUTES,
    **channels.ROUTES,
    **account.ROUTES,
}

_UNSENT = Answer(0, b"")
_NO_LINGER = struct.pack("ii", 1, 0)


def _without_data(record: logging.LogRecord) -> bool:
    """Leave of an exception its type and its place: its message may hold what was sent."""
    kind, _, place = record.exc_info or (None, None, None)
    record.exc_text = "".join(traceback.format_tb(place)) + kind.__name__ if kind else None
    record.exc_info = None
    return True


log = logging.getLogger(__name__)
log.addFilter(_without_data)


class Server:
    """Answers requests: records them, lets faults strike, checks access, runs the handler.

    Attributes:
        door: Lets requests in, before anything else is done with them.
        kept: The requests that were let in.
    """

    def __init__(
        self,
        *,
        door: Door,
        store: ContactStore,
        fields: dict[int, str],
        readings: Readings,
        access: Access,
        window: Callable[[], Window],
        faults: Faults,
        request_ids: Callable[[], str],
    ) -> None:
        self.door = door
        self.kept = Kept()
        self._store = store
        self._fields = fields
        self._readings = readings
        self._access = access
        self._window = window
        self._windows: dict[str, Window] = {}
        self._faults = faults
        self._request_ids = request_ids
        self._kept_alive: WeakSet[asyncio.Transport] = WeakSet()
        self._closing = False
        self._resting: set[asyncio.Event] = set()
        self._at_work: set[asyncio.Event] = set()

    def application(self) -> web.Application:
        """Return the aiohttp application, one handler per documented route."""
        app = web.Application()
        for route, handler in ROUTES.items():
            method, path = route.split()
            app.router.add_route(method, path, functools.partial(self._serve, route, handler))
        app.router.add_route("*", "/{anything:.*}", functools.partial(self._serve, "", _no_route))
        return app

    def open(self) -> None:
        """Let faults hold requests back again, after a close."""
        self._closing = False

    def close(self) -> None:
        """Wake every request that a fault holds back."""
        self._closing = True
        for woken in self._resting:
            woken.set()

    async def finished(self) -> None:
        """Wait for the requests whose callers have gone."""
        for done in list(self._at_work):
            await done.wait()

    async def _serve(
        self, route: str, handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        if refusal := self.door.refusal(request):
            return refusal
        received = self._record(request)
        done = asyncio.Event()
        self._at_work.add(done)
        try:
            return await self._exchange(route, handler, request, received)
        except ConnectionError:
            return web.Response()  # the caller has gone; nobody will read it
        finally:
            self.kept.finish(received)
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
        self.kept.add(received)
        return received

    async def _exchange(
        self, route: str, handler: Handler, request: web.Request, received: Received
    ) -> web.StreamResponse:
        if not await self._read_body(request, received):
            handler = _too_large
        fault = self._faults.take(route, kept_alive=self._is_kept_alive(request))
        received.fault = fault.name
        if fault.wait_s:
            await self._rest(fault.wait_s)
        answer = _UNSENT
        if fault.handled:
            answer = self._answer(handler, request, received)
        answer = fault.answer or answer
        if fault.ends in {"reset", "dropped"}:
            return _hang_up(request, reset=fault.ends == "reset")
        received.status = answer.status
        headers = self._headers(answer, received)
        if fault.ends == "cut" or fault.pause_s:
            return await self._in_halves(request, answer, headers, fault)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _read_body(self, request: web.Request, received: Received) -> bool:
        """Read the body into the record, and tell whether it was small enough for that."""
        most = self._readings.max_body_bytes
        if (request.content_length or 0) > most:
            return False
        async for piece in request.content.iter_any():
            if not self.kept.take(received, piece, most):
                return False
        return True

    def _answer(self, handler: Handler, request: web.Request, received: Received) -> Answer:
        now = self._now()
        try:
            credential = self._access.check(request.headers.get("Authorization", ""), now)
            window = self._windows.setdefault(credential, self._window())
            window.admit(received.at, now)
            return handler(
                Call(
                    path=request.match_info,
                    query=received.query,
                    body=received.body,
                    now=now,
                    store=self._store,
                    fields=self._fields,
                    readings=self._readings,
                )
            )
        except Refused as refused:
            return as_error(refused, self._readings)
        except Exception as error:
            log.exception("The sandbox failed to answer %s", received.request_id)
            failed = Refused(500, f"the sandbox failed: {type(error).__name__}")
            return as_error(failed, self._readings)

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
        await self._rest(fault.pause_s)
        await response.write(answer.body[half:])
        return response

    async def _rest(self, seconds: float) -> None:
        woken = asyncio.Event()
        delay_s = 0 if self._closing else seconds
        timer = asyncio.get_running_loop().call_later(delay_s, woken.set)
        self._resting.add(woken)
        await woken.wait()
        self._resting.discard(woken)
        timer.cancel()

    def _headers(self, answer: Answer, received: Received) -> dict[str, str]:
        return {
            "Content-Type": answer.content_type,
            "Date": formatdate(self._now(), usegmt=True),
            "X-Request-Id": received.request_id,
            **answer.headers,
        }

    def _now(self) -> float:
        return time.time() + self._faults.clock_offset_s

    def _is_kept_alive(self, request: web.Request) -> bool:
        """Tell whether the connection served a request before, and remember that it has now."""
        transport = request.transport
        if transport is None or transport in self._kept_alive:
            return transport is not None
        self._kept_alive.add(transport)
        return False


def _no_route(_call: Call) -> Answer:
    raise Refused(404, "no such route")


def _too_large(_call: Call) -> Answer:
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
