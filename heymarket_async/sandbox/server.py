"""From the socket to the handlers and back."""

import asyncio
import functools
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from weakref import WeakSet

import msgspec
from aiohttp import web

from heymarket_async.sandbox import routes_account, routes_channels, routes_v1, routes_v2
from heymarket_async.sandbox.access import Access, Window
from heymarket_async.sandbox.answers import Answer, Refused, as_error
from heymarket_async.sandbox.calls import Call, Handler
from heymarket_async.sandbox.faults import Fault, Faults
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.received import Received
from heymarket_async.sandbox.store import ContactStore

ROUTES: dict[str, Handler] = {
    **routes_v1.ROUTES,
    **routes_v2.ROUTES,
    **routes_channels.ROUTES,
    **routes_account.ROUTES,
}

_UNSENT = Answer(0, b"")
_NO_LINGER = struct.pack("ii", 1, 0)


class Server:
    """Answers requests: records them, lets faults strike, checks access, runs the handler."""

    def __init__(
        self,
        *,
        store: ContactStore,
        fields: dict[int, str],
        readings: Readings,
        access: Access,
        window: Callable[[], Window],
        faults: Faults,
        request_ids: Callable[[], str],
    ) -> None:
        self.requests: deque[Received] = deque(maxlen=10_000)
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
        app = web.Application(client_max_size=self._readings.max_body_bytes)
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
        received = self._record(request)
        done = asyncio.Event()
        self._at_work.add(done)
        try:
            return await self._exchange(route, handler, request, received)
        except ConnectionError:
            return web.Response()  # the caller has gone; nobody will read it
        finally:
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
            body=None,
            headers=headers,
            request_id=self._request_ids(),
            at=time.monotonic(),
        )
        self.requests.append(received)
        return received

    async def _exchange(
        self, route: str, handler: Handler, request: web.Request, received: Received
    ) -> web.StreamResponse:
        too_large = await _read_body(request, received)
        fault = self._faults.take(route, kept_alive=self._is_kept_alive(request))
        received.fault = fault.name
        if fault.wait_s:
            await self._rest(fault.wait_s)
        answer = self._answer(handler, request, received, too_large) if fault.handled else _UNSENT
        answer = fault.answer or answer
        if fault.ends in {"reset", "dropped"}:
            return _hang_up(request, reset=fault.ends == "reset")
        received.status = answer.status
        headers = self._headers(answer, received)
        if fault.ends == "cut" or fault.pause_s:
            return await self._in_halves(request, answer, headers, fault)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def _answer(
        self, handler: Handler, request: web.Request, received: Received, too_large: bool
    ) -> Answer:
        now = self._now()
        try:
            credential = self._access.check(request.headers.get("Authorization", ""), now)
            window = self._windows.setdefault(credential, self._window())
            window.admit(received.at, now)
            handler = _too_large if too_large else handler
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


async def _read_body(request: web.Request, received: Received) -> bool:
    """Read the body into the record, and tell whether it was too large for that."""
    try:
        received.body = _decoded(await request.read())
    except web.HTTPRequestEntityTooLarge:
        return True
    return False


def _decoded(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw


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
