"""wreq: a client in Rust with BoringSSL, which can pass for a browser. With msgspec, by hand.

Does: one client with its defaults, and an answer that is read without a copy. Does not: retry,
pace, sign, check what it sends, name errors, or guard the walk. It keeps no cookies.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from wreq import Client

from benchmarks.rivals import CONNECTIONS, KEY
from benchmarks.rivals.by_hand import ByHand

_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


class Wreq(ByHand):
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._client = Client(headers=_HEADERS, pool_max_idle_per_host=CONNECTIONS)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    async def _post(self, path: str, content: bytes) -> memoryview:
        response = await self._client.post(self._url + path, body=content)
        response.raise_for_status()
        return await response.bytes()
