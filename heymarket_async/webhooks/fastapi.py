"""Webhooks in an application of FastAPI, or another one of Starlette."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from heymarket_async.webhooks.receiver import Receiver


def add_webhook(app: Starlette, path: str, receiver: Receiver) -> None:
    """Let a receiver answer the POSTs to a path.

    When the application shuts down, before the end of its own `lifespan`, the receiver is closed.
    So its handlers may use what the lifespan opens.
    """
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[Mapping[str, object] | None]:
        async with inner(app) as state, receiver:
            yield state

    async def answer(request: Request) -> Response:
        return Response(status_code=await receiver.receive(request.stream()))

    app.router.lifespan_context = cast("Lifespan[Starlette]", lifespan)  # of either kind
    app.router.routes.append(Route(path, answer, methods=["POST"], include_in_schema=False))
