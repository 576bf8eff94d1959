"""Serves webhooks in a process of its own, and measures what deliveries cost it."""

from __future__ import annotations

import asyncio
import gc
import hmac
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable

import uvicorn
from aiohttp import web
from fastapi import FastAPI, Request, Response

from benchmarks.child import finish
from benchmarks.webhooks.posting import TOKEN
from heymarket_async.webhooks import Event, Receiver
from heymarket_async.webhooks import aiohttp as for_aiohttp
from heymarket_async.webhooks import fastapi as for_fastapi

Stop = Callable[[], Awaitable[object]]


async def handle(_: Event) -> None:
    """Do nothing."""


async def aiohttp_bare() -> tuple[int, Stop]:
    async def hooks(request: web.Request) -> web.Response:
        json.loads(await request.read())
        return web.Response()

    return await _aiohttp(lambda app: app.router.add_post("/hooks", hooks))


async def aiohttp_by_hand() -> tuple[int, Stop]:
    """As a careful user writes it: token, each event once, and a task after the answer."""
    seen, tasks = set[object](), set[asyncio.Task[object]]()

    async def hooks(request: web.Request) -> web.Response:
        delivery = json.loads(await request.read())
        if not hmac.compare_digest(delivery["token"], TOKEN):
            return web.Response(status=401)
        data = delivery["event_data"]
        key = (delivery["type"], data["id"], data["status"], data["updated"])
        if key not in seen:
            seen.add(key)
            tasks.add(task := asyncio.create_task(handle(delivery)))
            task.add_done_callback(tasks.discard)
        return web.Response()

    return await _aiohttp(lambda app: app.router.add_post("/hooks", hooks))


async def aiohttp_ours() -> tuple[int, Stop]:
    return await _aiohttp(
        lambda app: for_aiohttp.add_webhook(app, "/hooks", Receiver(handle, tokens=TOKEN))
    )


async def _aiohttp(add: Callable[[web.Application], object]) -> tuple[int, Stop]:
    app = web.Application()
    add(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner.addresses[0][1], runner.cleanup


async def fastapi_bare() -> tuple[int, Stop]:
    app = FastAPI()

    async def hooks(request: Request) -> Response:
        json.loads(await request.body())
        return Response()

    app.add_route("/hooks", hooks, methods=["POST"])
    return await _fastapi(app)


async def fastapi_ours() -> tuple[int, Stop]:
    app = FastAPI()
    for_fastapi.add_webhook(app, "/hooks", Receiver(handle, tokens=TOKEN))
    return await _fastapi(app)


async def _fastapi(app: FastAPI) -> tuple[int, Stop]:
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none", http="h11")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.01)

    async def stop() -> None:
        server.should_exit = True
        await serving

    return server.servers[0].sockets[0].getsockname()[1], stop


RIVALS = {
    each.__name__: each
    for each in (aiohttp_bare, aiohttp_by_hand, aiohttp_ours, fastapi_bare, fastapi_ours)
}


async def measure(rival: str, deliveries: int, *, count: bool) -> dict[str, float]:
    port, stop = await RIVALS[rival]()
    await _posted(port, 0, max(50, deliveries // 4))
    gc.collect()
    if count:
        import callgrind_marks  # type: ignore[import-not-found] # noqa: PLC0415 - compiled for it

        callgrind_marks.start()
    wall, cpu = time.perf_counter(), time.process_time()
    await _posted(port, 500_000, deliveries)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if count:
        callgrind_marks.stop()
    await stop()
    return {"per_s": deliveries / wall, "cpu_us": cpu / deliveries * 1e6}


async def _posted(port: int, first: int, count: int) -> None:
    arguments = map(str, (port, first, count))
    command = [sys.executable, "-m", "benchmarks.webhooks.posting", *arguments]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


if __name__ == "__main__":
    logging.disable()
    rival, deliveries, count = json.loads(sys.argv[1])
    finish(json.dumps(asyncio.run(measure(rival, deliveries, count=count))))
