"""The same promises over real sockets, in both frameworks."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator, AsyncIterator

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI

from heymarket_async.webhooks import Receiver
from heymarket_async.webhooks import aiohttp as for_aiohttp
from heymarket_async.webhooks import fastapi as for_fastapi
from tests.webhooks.deliveries import TOKEN, body, delivery, message


class Served:
    """An application with a resource that its handler uses, and that it closes at its end."""

    def __init__(self) -> None:
        self.handled: list[int] = []
        self.is_open = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.receiver = Receiver(self.handle, tokens=TOKEN, at_once=2)
        self.url = ""
        self.stopping = asyncio.Event()

    async def handle(self, event) -> None:
        await self.goes_on.wait()
        assert self.is_open
        self.handled.append(event.message.id)

    @contextlib.asynccontextmanager
    async def resource(self, _: object) -> AsyncGenerator[None]:
        self.is_open = True
        yield
        self.is_open = False


@contextlib.asynccontextmanager
async def in_aiohttp(served: Served) -> AsyncIterator[None]:
    app = web.Application(client_max_size=1 << 30)  # of other routes
    for_aiohttp.add_webhook(app, "/hooks", served.receiver)
    app.cleanup_ctx.append(web_context(served))
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    yield
    await runner.cleanup()


def web_context(served: Served):
    async def context(app: web.Application):
        async with served.resource(app):
            yield

    return context


def server_in_this_loop(app: FastAPI) -> uvicorn.Server:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    # At its end it would bring back the handlers of the loop's run in which it began.
    server.capture_signals = contextlib.nullcontext
    return server


@contextlib.asynccontextmanager
async def in_fastapi(served: Served) -> AsyncIterator[None]:
    app = FastAPI(lifespan=served.resource)
    for_fastapi.add_webhook(app, "/hooks", served.receiver)
    server = server_in_this_loop(app)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    served.url = f"http://127.0.0.1:{port}/hooks"
    yield
    server.should_exit = True
    await serving


SERVERS = {"aiohttp": in_aiohttp, "fastapi": in_fastapi}


@pytest.fixture(params=SERVERS)
async def served(request):
    served = Served()
    stack = contextlib.AsyncExitStack()
    await stack.enter_async_context(SERVERS[request.param](served))
    served.stop = stack.aclose
    yield served
    served.goes_on.set()
    await stack.aclose()


@pytest.fixture
async def caller():
    async with aiohttp.ClientSession() as session:
        yield session


async def post(caller, served, data) -> int:
    async with caller.post(served.url, data=data) as answer:
        assert await answer.read() == b""
        return answer.status


async def test_a_delivery_is_answered_before_the_work_and_handled(served, caller):
    served.goes_on.clear()
    assert await post(caller, served, body(delivery())) == 200
    assert served.handled == []

    served.goes_on.set()
    await asyncio.wait(served.receiver._tasks)
    assert await post(caller, served, body(delivery())) == 200
    assert served.handled == [1]


async def test_refusals_are_answers_and_never_500(served, caller):
    large = io.BytesIO(b" " * (2 << 20))
    sent = [b"", b"x", b"[" * 100_000, body(delivery(token="no")), body(delivery())[:-1]]

    assert [await post(caller, served, each) for each in sent] == [400, 400, 400, 401, 400]
    assert await post(caller, served, b"\xff") == 400
    with contextlib.suppress(aiohttp.ClientConnectionError):  # it may be closed amid the body
        assert await post(caller, served, large) == 413
    assert await post(caller, served, body(delivery())) == 200


async def test_a_body_without_a_length_ends_at_1_mib(served):
    host, port = served.url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "POST /hooks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    chunk = b"10000\r\n%b\r\n" % (b" " * 0x10000)
    for _ in range(17):  # and no end
        writer.write(chunk)
        await writer.drain()

    assert b" 413 " in await reader.readline()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_deliveries_beyond_the_bound_are_answered_503(served, caller):
    served.goes_on.clear()
    numbers = range(1, 4)
    statuses = [await post(caller, served, body(delivery(message(each)))) for each in numbers]

    assert statuses == [200, 200, 503]


async def test_another_method_is_not_for_the_receiver(served, caller):
    async with caller.get(served.url) as answer:
        assert answer.status == 405


async def test_a_server_that_stops_handles_what_it_answered_while_its_resources_are_open(
    served, caller
):
    served.goes_on.clear()
    assert await post(caller, served, body(delivery())) == 200
    await caller.close()
    stopping = asyncio.create_task(served.stop())
    while served.is_open and not served.receiver._is_closed:
        await asyncio.sleep(0.005)
    assert not stopping.done()
    served.goes_on.set()
    await stopping

    assert (served.handled, served.is_open) == ([1], False)


async def test_a_caller_that_hangs_up_amid_a_body_leaves_nothing(served, caller):
    host, port = served.url.split("/")[2].split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort()

    assert await post(caller, served, body(delivery())) == 200
