"""primp: a client in Rust, which can pass for a browser. With msgspec, by hand.

Does: one client with its defaults, cookies among them. Does not: retry, pace, sign, check what it
sends, name errors, or guard the walk. It cannot limit its connections.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from primp import AsyncClient

from benchmarks.rivals import KEY, TIMEOUT_S
from benchmarks.rivals.by_hand import ByHand

_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


class Primp(ByHand):
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._client = AsyncClient(headers=_HEADERS, timeout=TIMEOUT_S)
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(exc_type, exc, traceback)

    async def _post(self, path: str, content: bytes) -> bytes:
        response = await self._client.post(self._url + path, content=content)
        response.raise_for_status()
        return response.content
