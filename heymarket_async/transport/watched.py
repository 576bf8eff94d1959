"""A transport whose answers are seen as they came, with status, headers and body."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any, cast

from heymarket_async.transport.http import Answer, Http
from heymarket_async.transport.send import Transport


class _Watched:
    """Does all that `Http` does, and shows each request before it is sent, and its answer."""

    def __init__(
        self, http: Http, before: Callable[[], object], after: Callable[[Answer], object]
    ) -> None:
        self._http = http
        self._before = before
        self._after = after

    def enter(self) -> asyncio.AbstractEventLoop:
        return self._http.enter()

    def check_open(self) -> None:
        self._http.check_open()

    async def exchange(self, *where: str, **options: Any) -> Answer:
        self._before()
        answer = await self._http.exchange(*where, **options)
        self._after(answer)
        return answer


def watched(
    transport: Transport, before: Callable[[], object], after: Callable[[Answer], object]
) -> Transport:
    """Return a transport that shows its exchanges, and shares everything with another one.

    Args:
        transport: The other one. Close that, not this.
        before: Called before each request is sent, retries included. It may raise, and then
            nothing is sent.
        after: Called with each answer, whatever its status.
    """
    derived = copy.copy(transport)
    derived._http = cast(Http, _Watched(transport._http, before, after))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of one layer
    return derived
