"""Webhooks in an application of aiohttp.web."""

from __future__ import annotations

from aiohttp import web

from heymarket_async.webhooks.receiver import Receiver


def add_webhook(app: web.Application, path: str, receiver: Receiver) -> None:
    """Let a receiver answer the POSTs to a path.

    When the application shuts down, before its `on_cleanup` and `cleanup_ctx`, the receiver is
    closed. So its handlers may use what these clean up.
    """

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=await receiver.receive(request.content.iter_any()))

    async def close(_: web.Application) -> None:
        await receiver.aclose()

    app.router.add_post(path, answer)
    app.on_shutdown.append(close)
