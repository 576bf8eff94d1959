"""pyreqwest: Rust's reqwest for Python. With msgspec, by hand.

Does: one client with its defaults, and an answer that is read without a copy. Does not: retry,
pace, sign, check what it sends, name errors, or guard the walk. It keeps no cookies.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from pyreqwest.client import ClientBuilder

from benchmarks.rivals import CONNECTIONS, KEY
from benchmarks.rivals.by_hand import ByHand

_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


class Pyreqwest(ByHand):
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        options = ClientBuilder().default_headers(_HEADERS).max_connections(CONNECTIONS)
        self._client = options.error_for_status().build()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def _post(self, path: str, content: bytes) -> memoryview:
        request = self._client.post(self._url + path).body_bytes(content).build()
        return memoryview(await (await request.send()).bytes())
